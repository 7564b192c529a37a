"""Positions as they are told: the exact decomposition of each, and of what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from settle.clearing.kinds import COMPONENTS
from settle.clearing.position import Position, position_of, stored_positions
from settle.errors import BadInput

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settle.clearing.proof import PositionProof


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One amount of a decomposition. `note` says how it came about."""

    component: str
    currency: str
    amount_minor: int
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """The line as plain values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The records of a position in one currency at one rate: lines that sum to `net_minor`.

    They are converted once, or a record at a time, as `convert_per` says: times `leg_out_e8`, by
    `leg_in_e8`, less `markup_ppm` of it, and rounded. `via`: the currency between the two legs of
    the rate, if any. `mid_e8` and `client_e8` are what is told of that in eight decimals.
    """

    currency: str
    records: int
    lines: tuple[Line, ...]
    net_minor: int
    rate_id: str
    mid_e8: int
    client_e8: int
    via: str
    leg_in_e8: int
    leg_out_e8: int
    markup_ppm: int
    rounding: str
    convert_per: str
    converted_minor: int
    fx_party: str
    fx_result_minor: int
    rounding_result_minor: int

    @property
    def note(self) -> str:
        """How it was converted."""
        rate = f"{self.rate_id} mid {self.mid_e8}e-8 client {self.client_e8}e-8"
        if not self.via:
            return rate
        legs = f"through {self.via}: {self.leg_in_e8}e-8, {self.leg_out_e8}e-8"
        return f"{rate} {legs}, less {self.markup_ppm} ppm"

    def as_json(self) -> dict[str, Any]:
        """The bucket as plain values."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**plain, "lines": [line.as_json() for line in self.lines]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a negative due got from elsewhere: `source` set_off, reserve or collateral.

    `source_id`: the position that gave, the reserve slice, or the agreement of the collateral. A
    position that gave has the amount negative, and `source_id` is the position that got it.
    `nth`: in which order.
    """

    source: str
    source_id: str
    amount_minor: int
    nth: int = 0


_STEPS = {"set_off": "set_off", "reserve": "reserve_recovered", "collateral": "collateral_used"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A position taken apart. `lines` sum to its net exactly, `steps` to the rest, `ends` to it.

    `proof`: its records, priced and summed again, where they were at hand.
    """

    position: Position
    buckets: tuple[Bucket, ...]
    taken: tuple[Taken, ...] = ()
    proof: PositionProof | None = None

    @property
    def lines(self) -> tuple[Line, ...]:
        """In the position's currency: one line a converted bucket, then fees and reserve."""
        converted = [
            self._line(f"converted_{bucket.currency}", bucket.converted_minor, bucket.note)
            for bucket in self.buckets
        ]
        own = ("fees_fixed", "tax_fixed", "reserve_withheld", "reserve_released")
        return (*converted, *self._own(own))

    @property
    def steps(self) -> tuple[Line, ...]:
        """From the net to the rest: what was carried in, set off and recovered, one by one."""
        taken = [
            self._line(_STEPS[each.source], each.amount_minor, each.source_id)
            for each in self.taken
        ]
        net = self._line("net", self.position.net_minor, "")
        return (net, *self._own(("carried_in",)), *taken)

    @property
    def ends(self) -> tuple[Line, ...]:
        """What became of the rest: paid, carried on, or claimed (which is negative)."""
        claimed = self.position.claimed_minor
        ends = self._own(("paid", "carried_out"))
        return (*ends, self._line("claimed", -claimed, "")) if claimed else ends

    @property
    def adds_up(self) -> bool:
        """Whether every sum is exact: components to buckets, lines to net, steps to ends."""
        position = self.position
        parts = all(_sum(bucket.lines) == bucket.net_minor for bucket in self.buckets)
        recovered = all(
            sum(each.amount_minor for each in self.taken if _STEPS[each.source] == step)
            == getattr(position, f"{step}_minor")
            for step in _STEPS.values()
        )
        return (
            parts
            and recovered
            and sum(bucket.records for bucket in self.buckets) == position.records
            and _sum(self.lines) == position.net_minor
            and _sum(self.steps) == position.rest_minor == _sum(self.ends)
        )

    @property
    def holds(self) -> bool:
        """Whether it adds up, and its records, where they were at hand, give the same figures."""
        return self.adds_up and (self.proof is None or self.proof.holds)

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values: text, and integers of minor units beside their currency."""
        told = {field.name: getattr(self.position, field.name) for field in fields(Position)}
        stages = {"lines": self.lines, "steps": self.steps, "ends": self.ends}
        return {
            "position": told | {"due_minor": self.position.due_minor,
                                "rest_minor": self.position.rest_minor},
            "buckets": [bucket.as_json() for bucket in self.buckets],
            **{name: [line.as_json() for line in lines] for name, lines in stages.items()},
            "adds_up": self.adds_up,
            **({"proof": self.proof.as_json()} if self.proof else {}),
        }  # fmt: skip

    def _own(self, names: Sequence[str]) -> tuple[Line, ...]:
        amounts = ((name, getattr(self.position, f"{name}_minor")) for name in names)
        return tuple(self._line(name, amount, "") for name, amount in amounts if amount)

    def _line(self, component: str, amount_minor: int, note: str) -> Line:
        return Line(
            component=component, currency=self.position.currency, amount_minor=amount_minor,
            note=note,
        )  # fmt: skip


def _sum(lines: Sequence[Line]) -> int:
    return sum(line.amount_minor for line in lines)


def explain(connection: Connection, *, position_id: str) -> Explanation:
    """The exact decomposition of a position. See `Explanation.adds_up`.

    Raises:
        BadInput: there is no such position.
    """
    import sqlalchemy as sa

    from settle.clearing import tables

    query = stored_positions().where(tables.positions.c.position_id == position_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise BadInput(f"no position is called {position_id!r}", position_id=position_id)
    line = tables.position_lines.c
    lines = connection.execute(
        sa.select(tables.position_lines).where(line.position_id == position_id)
    ).mappings()
    buckets = sorted(map(bucket_of, lines), key=lambda each: (each.currency, each.rate_id))
    taken = sorted(_taken(connection, position_id), key=lambda each: (each.nth, each.source_id))
    position = position_of(row, outcome=row["outcome"]).explained_by(
        lambda name: explain(connection, position_id=name)
    )
    return Explanation(position=position, buckets=tuple(buckets), taken=tuple(taken))


def _taken(connection: Connection, position_id: str) -> Iterator[Taken]:
    import sqlalchemy as sa

    from settle.clearing import tables

    table = tables.recoveries.c
    query = sa.select(table.source, table.source_id, table.amount_minor, table.nth)
    for row in connection.execute(query.where(table.position_id == position_id)):
        yield Taken(
            source=row.source, source_id=row.source_id, amount_minor=row.amount_minor, nth=row.nth
        )
    given = sa.select(table.position_id, table.amount_minor).where(
        table.source == "set_off", table.source_id == position_id
    )
    for gift in connection.execute(given):
        yield Taken(source="set_off", source_id=gift.position_id, amount_minor=-gift.amount_minor)


_BUCKET = tuple(field.name for field in fields(Bucket) if field.name != "lines")


def bucket_of(row: Mapping[Any, Any]) -> Bucket:
    """A bucket from a row of the store or of the engine."""
    lines = tuple(
        Line(component=name, currency=row["currency"], amount_minor=row[f"{name}_minor"])
        for name in COMPONENTS
        if row[f"{name}_minor"]
    )
    return Bucket(lines=lines, **{name: row[name] for name in _BUCKET})
