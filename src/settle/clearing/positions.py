"""Positions as they are told: what each is, and the exact decomposition of its net."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.kinds import COMPONENTS
from settle.clearing.lake import Lake
from settle.errors import BadInput
from settle.store import derived

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What one window moves for one agreement in one currency, in its minor units.

    Amounts are signed towards the participant: fees, tax and what is withheld are negative.
    """

    position_id: str
    window_id: str
    agreement_id: str
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

    @property
    def due_minor(self) -> int:
        """The net and what earlier windows left unpaid. This is what an obligation is cut from."""
        return self.net_minor + self.carried_in_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One amount of a decomposition. `note` says how it came about."""

    component: str
    currency: str
    amount_minor: int
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The records of a position in one currency: lines that sum to `net_minor`, converted once."""

    currency: str
    records: int
    lines: tuple[Line, ...]
    net_minor: int
    rate_id: str
    mid_e8: int
    client_e8: int
    rounding: str
    converted_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A position taken apart. `lines` sum to its net exactly, `buckets` to the converted ones."""

    position: Position
    buckets: tuple[Bucket, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """In the settlement currency: one line a converted bucket, then fees and reserve."""
        position = self.position
        own = (
            ("fees_fixed", position.fees_fixed_minor),
            ("tax_fixed", position.tax_fixed_minor),
            ("reserve_withheld", position.reserve_withheld_minor),
            ("reserve_released", position.reserve_released_minor),
        )
        converted = [
            Line(
                component=f"converted_{bucket.currency}", currency=position.currency,
                amount_minor=bucket.converted_minor,
                note=f"{bucket.rate_id} mid {bucket.mid_e8}e-8 client {bucket.client_e8}e-8",
            )
            for bucket in self.buckets
        ]  # fmt: skip
        rest = [
            Line(component=name, currency=position.currency, amount_minor=amount)
            for name, amount in own
            if amount
        ]
        return (*converted, *rest)

    @property
    def adds_up(self) -> bool:
        """Whether every sum is exact: lines to net, components to each bucket's net."""
        whole = sum(line.amount_minor for line in self.lines) == self.position.net_minor
        parts = all(
            sum(line.amount_minor for line in bucket.lines) == bucket.net_minor
            for bucket in self.buckets
        )
        return whole and parts


def position_id(*, agreement_id: str, currency: str, window_id: str) -> str:
    """The position's name, derived from what it is of."""
    return derived("position", agreement_id, currency, window_id)


_FIELDS = tuple(field.name for field in fields(Position))


def position_of(row: Mapping[Any, Any]) -> Position:
    """A position from a row of the store or of the engine."""
    return Position(**{name: row[name] for name in _FIELDS})


def positions(connection: Connection, window_id: str) -> Sequence[Position]:
    """The positions of a closed window, by agreement. This is empty for one not closed."""
    query = sa.select(tables.positions).where(tables.positions.c.window_id == window_id)
    found = [position_of(row) for row in connection.execute(query).mappings()]
    # Here and not in the database, whose order is its locale's.
    return sorted(found, key=lambda position: (position.agreement_id, position.currency))


def explain(connection: Connection, *, position_id: str) -> Explanation:
    """The exact decomposition of a position. See `Explanation.adds_up`.

    Raises:
        BadInput: there is no such position.
    """
    query = sa.select(tables.positions).where(tables.positions.c.position_id == position_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise BadInput(f"no position is called {position_id!r}", position_id=position_id)
    lines = connection.execute(
        sa.select(tables.position_lines)
        .where(tables.position_lines.c.position_id == position_id)
        .order_by(tables.position_lines.c.currency)
    ).mappings()
    return Explanation(position=position_of(row), buckets=tuple(bucket_of(line) for line in lines))


def bucket_of(row: Mapping[Any, Any]) -> Bucket:
    """A bucket from a row of the store or of the engine."""
    names = ("currency", "records", "net_minor", "rate_id", "mid_e8", "client_e8", "rounding",
             "converted_minor")  # fmt: skip
    lines = tuple(
        Line(component=name, currency=row["currency"], amount_minor=row[f"{name}_minor"])
        for name in COMPONENTS
        if row[f"{name}_minor"]
    )
    return Bucket(lines=lines, **{name: row[name] for name in names})


def records_under(position: Position, *, lake: Path) -> pa.Table:
    """The records a closed position is made of, from the lake, by record id."""
    from pyarrow import parquet

    path = Lake(lake).settled(position.window_id)
    if not position.records:  # as in a currency the agreement settled in before
        return parquet.read_schema(path).empty_table()
    return parquet.read_table(path, filters=[("agreement_id", "=", position.agreement_id)])
