"""Positions: what one window moves for one agreement, part and currency, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from settle.clearing.kinds import DIRECTIONS
from settle.clearing.lake import Lake, outcome_name
from settle.engine import Engine
from settle.errors import BadInput
from settle.store import derived

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

    from settle.clearing.explanation import Explanation


class _Explained:
    """Who can explain a position. That is no part of it: not compared, copied or pickled."""

    __slots__ = ("_by",)
    _by: Callable[[str], Explanation]


@dataclass(frozen=True, slots=True, kw_only=True)
class Position(_Explained):
    """What one window moves for one agreement in one currency, in its minor units.

    `part` is blank for all of it; under gross settlement it is credit or debit, under bilateral
    the counterparty. Amounts are signed towards the participant: fees, tax and what is withheld
    are negative; `reserve_recovered_minor` and `collateral_used_minor` come back to it.
    `outcome`: which one of its window it is of; the first, if that was never unwound.
    """

    position_id: str
    window_id: str
    agreement_id: str
    part: str
    participant_id: str
    currency: str
    records: int
    converted_minor: int
    fees_fixed_minor: int
    tax_fixed_minor: int
    reserve_withheld_minor: int
    reserve_released_minor: int
    net_minor: int
    carried_in_minor: int
    set_off_minor: int
    reserve_recovered_minor: int
    collateral_used_minor: int
    claimed_minor: int
    paid_minor: int
    carried_out_minor: int
    outcome: int = field(default=1, compare=False)

    @property
    def outcome_name(self) -> str:
        """What the files of its window's outcome are called in the lake."""
        return outcome_name(self.window_id, self.outcome)

    @property
    def due_minor(self) -> int:
        """The net and what earlier windows left unpaid."""
        return self.net_minor + self.carried_in_minor

    @property
    def rest_minor(self) -> int:
        """What is due after set-off and recovery. All of it is paid, carried on or claimed."""
        taken = self.set_off_minor + self.reserve_recovered_minor + self.collateral_used_minor
        return self.due_minor + taken

    def explain(self) -> Explanation:
        """The exact decomposition, and the proof that it adds up: see `Explanation.holds`.

        It is made where the position came from: a hub, which prices the records again, a store's
        connection while that is open, or what was netted.

        Raises:
            BadInput: the position is a copy that came from none of them.
        """
        by = getattr(self, "_by", None)
        if by is None:
            raise BadInput(
                f"position {self.position_id} is figures alone: take it from a hub, a store or a "
                "calculation, which can explain it", position_id=self.position_id,
            )  # fmt: skip
        told: Explanation = by(self.position_id)
        return told

    def explained_by(self, by: Callable[[str], Explanation]) -> Self:
        """The same position, explained by a function of its id."""
        bound = replace(self)
        object.__setattr__(bound, "_by", by)  # frozen, and this is none of its figures
        return bound


def position_id(*, agreement_id: str, currency: str, window_id: str, part: str = "") -> str:
    """The position's name, derived from what it is of."""
    return derived("position", agreement_id, currency, window_id, *([part] if part else []))


def claim_id(*, agreement_id: str, currency: str, window_id: str, part: str = "") -> str:
    """The name of what a participant owes us of a position, derived from what it is of."""
    return derived("claim", agreement_id, currency, window_id, *([part] if part else []))


_FIELDS = tuple(each.name for each in fields(Position) if each.name != "outcome")


def position_of(row: Mapping[Any, Any], *, outcome: int = 1) -> Position:
    """A position from a row of the store or of the engine."""
    return Position(**{name: row[name] for name in _FIELDS}, outcome=outcome)


def stored_positions() -> sa.Select[Any]:
    """The positions of the store, each with the `outcome` of its window that stands."""
    import sqlalchemy as sa

    from settle.clearing import tables

    table, windows = tables.positions, tables.windows
    return sa.select(table, windows.c.outcome).join(
        windows, windows.c.window_id == table.c.window_id
    )


def stored_buckets(window_id: str) -> sa.Select[Any]:
    """The buckets of a window that is closed, each with whose it is."""
    import sqlalchemy as sa

    from settle.clearing import tables

    lines, own = tables.position_lines, tables.positions.c
    return (
        sa.select(lines, own.agreement_id, own.part, own.currency.label("settlement_currency"))
        .join(tables.positions, own.position_id == lines.c.position_id)
        .where(own.window_id == window_id)
        .order_by(lines.c.position_id, lines.c.currency, lines.c.rate_id)
    )


def positions(connection: Connection, window_id: str) -> Sequence[Position]:
    """The positions of a closed window, by agreement. This is empty for one not closed.

    Each can `explain()` itself while the connection is open.
    """
    from settle.clearing import tables
    from settle.clearing.explanation import explain  # which stands on positions

    def by(position_id: str) -> Explanation:
        return explain(connection, position_id=position_id)

    query = stored_positions().where(tables.positions.c.window_id == window_id)
    rows = connection.execute(query).mappings()
    found = [position_of(row, outcome=row["outcome"]).explained_by(by) for row in rows]
    # Here and not in the database, whose order is its locale's.
    return sorted(found, key=lambda each: (each.agreement_id, each.part, each.currency))


def records_under(position: Position, *, lake: Path) -> pa.Table:
    """The records a closed position is made of, from the lake, by record id."""
    import pyarrow.compute as pc

    from settle.clearing.settled import settled_records

    with closing(Engine()) as engine:
        found = settled_records(
            Lake(lake), position.outcome_name, engine=engine, agreement_id=position.agreement_id
        )
    if not position.records:  # as in a currency the agreement settled in before
        return found.slice(0, 0)
    found = found.filter(_in_part(found, position.part)) if position.part else found
    if found.num_rows > position.records:  # not converted: a position a currency
        found = found.filter(pc.equal(found.column("currency"), position.currency))
    return found


def _in_part(records: pa.Table, part: str) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if part in ("credit", "debit"):
        kinds = [str(kind) for kind, to in DIRECTIONS.items() if to.way == part]
        return pc.is_in(records.column("kind"), value_set=pa.array(kinds, pa.string()))
    # Adjustments and fees that name no counterparty are between us and the participant.
    return pc.equal(pc.fill_null(records.column("counterparty_id"), "hub"), part)
