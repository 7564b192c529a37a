"""What a participant would be owed if its window closed now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from settle.clearing.agreements import Agreements
from settle.clearing.lake import Lake
from settle.clearing.netting import Netted, Standing, net
from settle.clearing.positions import Explanation, bucket_of, position_id, position_of
from settle.clearing.rates import Rates
from settle.clearing.unsettled import Unsettled, place, standing_of
from settle.clearing.windows import Cutoff, window_of
from settle.engine import Engine
from settle.errors import BadInput
from settle.store import Store


def explain_open(
    *,
    as_of: datetime,
    store: Store,
    engine: Engine,
    lake: Path,
    agreements: Agreements,
    rates: Rates,
    cutoff: Cutoff,
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
    wanted = _wanted(agreements, participant_id=participant_id, agreement_id=agreement_id)
    day = window_of(as_of, cutoff)
    with store.reading() as connection:
        unsettled = Unsettled.of(connection, Lake(lake))
        standing = _of_agreements(standing_of(connection, day=day), wanted)
    with engine.scratch() as scratch:
        unsettled.gather(scratch, agreement_ids=wanted)
        place(scratch, day=day, cutoff=cutoff)
        netted = net(scratch, day=day, agreements=agreements, rates=rates, standing=standing)
    return _explained(netted, day=day)


def _wanted(
    agreements: Agreements, *, participant_id: str | None, agreement_id: str | None
) -> list[str]:
    if (participant_id is None) == (agreement_id is None):
        raise BadInput("open positions are of one participant_id or of one agreement_id")
    if participant_id is not None:
        wanted = list(agreements.of_participant(participant_id))
    else:
        wanted = [agreement_id] if agreement_id and agreement_id in agreements else []
    if not wanted:
        name = participant_id or agreement_id
        raise BadInput(f"{name!r} has no agreement", name=name)
    return wanted


def _of_agreements(standing: Standing, wanted: list[str]) -> Standing:
    import pyarrow as pa
    import pyarrow.compute as pc

    names = pa.array(wanted, pa.string())

    def own(table: pa.Table) -> pa.Table:
        return table.filter(pc.is_in(table.column("agreement_id"), value_set=names))

    return Standing(
        slices=own(standing.slices), carried=own(standing.carried), reserved=own(standing.reserved)
    )


def _explained(netted: Netted, *, day: date) -> list[Explanation]:
    buckets = netted.buckets.to_pylist()
    window_id = day.isoformat()
    found = []
    for row in netted.obliged.to_pylist():
        name = position_id(
            agreement_id=row["agreement_id"], currency=row["currency"], window_id=window_id
        )
        of_row = (row["agreement_id"], row["currency"])
        own = [
            bucket_of(bucket)
            for bucket in buckets
            if (bucket["agreement_id"], bucket["settlement_currency"]) == of_row
        ]
        position = position_of({**row, "position_id": name, "window_id": window_id})
        found.append(Explanation(position=position, buckets=tuple(own)))
    return found
