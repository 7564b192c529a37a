"""What a participant would be owed if its window closed now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.agreements import Agreements
from settle.clearing.explanation import Bucket, Explanation, Taken, bucket_of
from settle.clearing.fees import Fees
from settle.clearing.lake import Lake
from settle.clearing.netting import Netted, net
from settle.clearing.position import Position, position_id, position_of
from settle.clearing.rates import Rates
from settle.clearing.sifting import place
from settle.clearing.standing import Standing
from settle.clearing.unsettled import Unsettled
from settle.clearing.usage import usage_of
from settle.clearing.windows import Cutoff, window_of
from settle.engine import Engine
from settle.errors import BadInput

if TYPE_CHECKING:
    from settle.store import Store

Key = tuple[str, str, str]


def explain_open(
    *,
    as_of: datetime,
    store: Store,
    engine: Engine,
    lake: Path,
    agreements: Agreements,
    rates: Rates,
    cutoff: Cutoff,
    fees: Fees | None = None,
    participant_id: str | None = None,
    agreement_id: str | None = None,
) -> Sequence[Explanation]:
    """Open positions taken apart, netted by the views that close a window.

    What counts is accepted, in no closed window yet, and occurred before the cut-off of the
    window that is open at `as_of`; the rates are the last published by its day.

    Raises:
        BadInput: neither or both are given, the name is not among the agreements, or a rate is
            missing.
    """
    owner = _owner(agreements, participant_id=participant_id, agreement_id=agreement_id)
    # All of the participant's, for one agreement may be set off against another.
    wanted = list(agreements.of_participant(owner))
    day = window_of(as_of, cutoff)
    secured = any("collateral" in agreements[name]["recovery"] for name in wanted)
    with store.reading() as connection:
        unsettled = Unsettled.of(connection, Lake(lake))
        standing = Standing.of(connection, takes_collateral=secured).of_agreements(wanted)
        usage = usage_of(connection) if fees is not None else None
    with engine.scratch() as scratch:
        place(
            scratch, unsettled, day=day, cutoff=cutoff, agreements=agreements,
            agreement_ids=wanted,
        )  # fmt: skip
        netted = net(
            scratch, day=day, agreements=agreements, rates=rates, standing=standing, fees=fees,
            usage=usage, posting=False,
        )  # fmt: skip
    found = explanations(netted, day=day)
    return [each for each in found if agreement_id in (None, each.position.agreement_id)]


def _owner(agreements: Agreements, *, participant_id: str | None, agreement_id: str | None) -> str:
    if (participant_id is None) == (agreement_id is None):
        raise BadInput("open positions are of one participant_id or of one agreement_id")
    if agreement_id is not None and agreement_id in agreements:
        return str(agreements[agreement_id]["participant_id"])
    if participant_id is not None and agreements.of_participant(participant_id):
        return participant_id
    name = participant_id or agreement_id
    raise BadInput(f"{name!r} has no agreement", name=name)


def explanation(netted: Netted, *, day: date, position_id: str) -> Explanation | None:
    """One position of a window as it was netted, taken apart; None: there is none of that id.

    Of many positions only those of its agreement are looked at.
    """
    window_id = day.isoformat()
    columns = (netted.obliged.column(name).to_pylist() for name in _KEY)
    keys = (key for key in zip(*columns, strict=True) if _name(key, window_id) == position_id)
    for agreement_id, _, _ in keys:
        found = explanations(_of_agreement(netted, agreement_id), day=day)
        return next(each for each in found if each.position.position_id == position_id)
    return None


def _of_agreement(netted: Netted, agreement_id: str) -> Netted:
    import pyarrow.compute as pc

    own = pc.field("agreement_id") == agreement_id
    sides = [pc.field(side) == agreement_id for side in _SIDES]
    return replace(
        netted,
        obliged=netted.obliged.filter(own),
        buckets=netted.buckets.filter(own),
        recovered=netted.recovered.filter(own),
        set_off=netted.set_off.filter(sides[0] | sides[1]),
    )


def explanations(netted: Netted, *, day: date) -> list[Explanation]:
    """Every position of a window as it was netted, taken apart. This reads no store."""
    window_id = day.isoformat()
    buckets: dict[Key, list[Bucket]] = defaultdict(list)
    for row in netted.buckets.to_pylist():
        buckets[_key(row, currency="settlement_currency")].append(bucket_of(row))
    taken = _taken(netted, window_id)
    found = []
    for row in netted.obliged.to_pylist():
        name = _name(_key(row), window_id)
        position = position_of({**row, "position_id": name, "window_id": window_id})
        own = tuple(buckets[_key(row)])
        found.append(_told(position, buckets=own, taken=tuple(taken[name])))
    return found


def _told(
    position: Position, *, buckets: tuple[Bucket, ...], taken: tuple[Taken, ...]
) -> Explanation:
    """A position of what was netted taken apart. Asked again it says the same."""

    def by(_: str) -> Explanation:
        return _told(position, buckets=buckets, taken=taken)

    return Explanation(position=position.explained_by(by), buckets=buckets, taken=taken)


def _taken(netted: Netted, window_id: str) -> dict[str, list[Taken]]:
    """What each position got from elsewhere, by its id."""
    taken: dict[str, list[Taken]] = defaultdict(list)
    for row in netted.recovered.to_pylist():
        own = Taken(
            source=row["source"],
            source_id=row["source_id"],
            amount_minor=row["amount_minor"],
            nth=row["nth"],
        )
        taken[_name(_key(row), window_id)].append(own)
    for row in netted.set_off.to_pylist():
        amount = row["amount_minor"]
        giver, taker = (_name((row[n], "", row["currency"]), window_id) for n in _SIDES)
        taken[taker].append(Taken(source="set_off", source_id=giver, amount_minor=amount))
        taken[giver].append(Taken(source="set_off", source_id=taker, amount_minor=-amount))
    return taken


_SIDES = ("giver", "taker")
_KEY = ("agreement_id", "part", "currency")


def _key(row: Mapping[str, Any], *, currency: str = "currency") -> Key:
    return row["agreement_id"], row["part"], row[currency]


def _name(key: Key, window_id: str) -> str:
    agreement_id, part, currency = key
    return position_id(agreement_id=agreement_id, part=part, currency=currency, window_id=window_id)
