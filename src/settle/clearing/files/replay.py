"""A closed window priced once more, from what was kept of it: its records, terms and volumes.

What comes out is held against the positions as they were committed. So a file is made of the
very figures that were settled, or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.clearing.fees import Fees
from settle.clearing.kept_terms import KeptTerms
from settle.clearing.lake import Lake, outcome_name
from settle.clearing.netting import netting_views
from settle.clearing.position import stored_buckets
from settle.clearing.pricing import price
from settle.clearing.rates import Rates
from settle.clearing.settled import give_settled
from settle.clearing.usage import usage_of
from settle.engine import Scratch, read_views
from settle.errors import BadInput, NotConserved
from settle.store import arrow

if TYPE_CHECKING:
    import pyarrow as pa

VIEWS = ("lanes", "levied_each", "priced_each", "taxed_each", "singled_each", "converted_each",
         "settled_each")  # fmt: skip
"""From a priced window to what each record came to, in the order in which they build."""

KEPT = frozenset(("lanes", "levied_each", "singled_each"))
"""Those that are kept; the others have a row a record and are computed where they are used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedWindow:
    """What the store and the lake kept of a closed window.

    `positions` and `buckets`: as committed, of the agreements asked for.
    """

    day: date
    outcome: int
    manifest_digest: str
    agreements: Agreements
    fees: Fees
    usage: pa.Table
    positions: pa.Table
    buckets: pa.Table

    @property
    def window_id(self) -> str:
        """Its ISO date."""
        return self.day.isoformat()

    @classmethod
    def of(
        cls, connection: Connection, *, day: date, lake: Lake, agreement_ids: Sequence[str] = ()
    ) -> ClosedWindow:
        """The window of `day`, for some agreements or, if none is named, all of them.

        Raises:
            BadInput: it is not closed, its terms were not kept, or an agreement is unknown.
        """
        window = _window(connection, day)
        terms = KeptTerms.of(connection, window_id=day.isoformat(), lake=lake)
        unknown = sorted(name for name in agreement_ids if name not in terms.agreements)
        if unknown:
            raise BadInput(
                f"window {day} was closed without an agreement {unknown[0]!r}",
                agreement_id=unknown[0],
            )
        return cls(
            day=day,
            outcome=window["outcome"],
            manifest_digest=window["manifest_digest"],
            agreements=terms.agreements,
            fees=terms.fees,
            usage=usage_of(connection, before=day.isoformat()),
            positions=_positions(connection, day.isoformat(), agreement_ids),
            buckets=arrow(connection, _of(stored_buckets(day.isoformat()), agreement_ids)),
        )


def _window(connection: Connection, day: date) -> Any:
    table = tables.windows
    query = sa.select(table).where(table.c.window_id == day.isoformat())
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise BadInput(f"window {day} is not closed: it has no files yet", day=day)
    return row


def _positions(connection: Connection, window_id: str, agreement_ids: Sequence[str]) -> pa.Table:
    table = tables.positions
    query = sa.select(table).where(table.c.window_id == window_id)
    return arrow(connection, _of(query, agreement_ids).order_by(table.c.position_id))


def _of(query: sa.Select[Any], agreement_ids: Sequence[str]) -> sa.Select[Any]:
    if not agreement_ids:
        return query
    return query.where(tables.positions.c.agreement_id.in_(agreement_ids))


def replay(
    scratch: Scratch, window: ClosedWindow, *, lake: Lake, rates: Rates,
    agreement_ids: Sequence[str] = (),
) -> None:  # fmt: skip
    """Make known what each record of a closed window came to, as `settled_each`.

    The committed positions and buckets become known as `positions` and `buckets`.

    Raises:
        BadInput: a file of the lake is missing, or a rate is.
        NotConserved: what the records come to is not what was committed.
    """
    name = outcome_name(window.window_id, window.outcome)
    give_settled(scratch, lake, name, agreement_ids=agreement_ids)
    price(
        scratch, day=window.day, agreements=window.agreements, fees=window.fees, rates=rates,
        usage=window.usage, views=netting_views(),
    )  # fmt: skip
    scratch.give("positions", window.positions)
    scratch.give("buckets", window.buckets)
    _prove(scratch, window)
    views = read_views(Path(__file__).parent / "views", VIEWS)
    scratch.steps(views, lazy=set(views) - KEPT)


def _prove(scratch: Scratch, window: ClosedWindow) -> None:
    """Every bucket came to the very figures that were committed, and there is no other."""
    figures = ("records", "net_minor", "client_e8", "tax_minor", "converted_minor")
    key = ("agreement_id", "part", "settlement_currency", "currency", "rate_id")
    same = " and ".join(f"c.{name} = v.{name}" for name in key)
    differs = " or ".join(f"c.{name} is distinct from v.{name}" for name in figures)
    found = scratch.rows(
        f"""select
            coalesce(c.agreement_id, v.agreement_id) as agreement_id,
            coalesce(c.currency, v.currency) as currency
        from buckets as c full join converted as v on {same}
        where {differs}
        order by 1, 2 limit 1"""  # noqa: S608  # names of ours
    ).to_pylist()
    if found:
        name, currency = found[0]["agreement_id"], found[0]["currency"]
        raise NotConserved(
            f"window {window.window_id}, agreement {name!r}: its records in {currency} do not "
            "come to what was settled; are the rates those it was closed with?",
            agreement_id=name, currency=currency, window_id=window.window_id,
        )  # fmt: skip
