"""What the report shows of reconciliation: match rates, statements, breaks by kind and age."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

AGE_BUCKETS: tuple[tuple[str, int], ...] = (
    ("today", 0),
    ("1 day", 1),
    ("2–3 days", 3),
    ("4–7 days", 7),
    ("8–30 days", 30),
)
"""Names of ages, each with the last day that belongs to it."""

OLDER = "over 30 days"
AGES: tuple[str, ...] = (*(name for name, _ in AGE_BUCKETS), OLDER)


def age_bucket(age_days: int) -> str:
    """The name of an age."""
    return next((name for name, last in AGE_BUCKETS if age_days <= last), OLDER)


class Direction(StrEnum):
    """Whether the money of a line or a break comes to us or leaves us."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRate:
    """Statement lines of one currency: all of them, and those that are explained."""

    currency: str
    lines: int
    lines_matched: int
    value_minor: int
    value_matched_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassCount:
    """What one pass of matching explained in one currency."""

    name: str
    currency: str
    lines: int
    value_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementKept:
    """One account's statement of one day, and whether opening plus lines gives closing."""

    rail: str
    account: str
    currency: str
    day: date
    opening_minor: int
    lines: int
    closing_minor: int
    sound: bool
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """How the banks' statements were explained, line by line."""

    rates: tuple[MatchRate, ...] = ()
    passes: tuple[PassCount, ...] = ()
    statements: tuple[StatementKept, ...] = ()

    @property
    def lines(self) -> int:
        """All statement lines."""
        return sum(rate.lines for rate in self.rates)

    @property
    def lines_matched(self) -> int:
        """The lines that are explained."""
        return sum(rate.lines_matched for rate in self.rates)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBreak:
    """One difference that nobody has explained yet, and what is to be done about it."""

    break_id: str
    kind: str
    opened_on: date
    age_days: int
    currency: str
    amount_minor: int
    direction: Direction
    account: str = ""
    evidence: str = ""
    owner: str = ""
    next_action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CuredBreak:
    """One difference that later evidence explained this night."""

    break_id: str
    kind: str
    opened_on: date
    currency: str
    amount_minor: int
    how: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakTotal:
    """All open breaks of one kind, age, currency and direction, listed or not."""

    kind: str
    age: str
    currency: str
    direction: Direction
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaks:
    """What is open, oldest first, and what was cured. `listed` may be fewer than `totals`."""

    totals: tuple[BreakTotal, ...] = ()
    listed: tuple[OpenBreak, ...] = ()
    cured: tuple[CuredBreak, ...] = ()

    @classmethod
    def of(
        cls, open_breaks: Iterable[OpenBreak], cured: Iterable[CuredBreak], *, listed_max: int = 200
    ) -> Breaks:
        """Sorted, totalled, and at most `listed_max` by themselves. This is how to build it."""
        rows = sorted(open_breaks, key=lambda row: (-row.age_days, row.kind, row.break_id))
        return cls(
            totals=tuple(_totals(rows)),
            listed=tuple(rows[:listed_max]),
            cured=tuple(sorted(cured, key=lambda row: (row.kind, row.break_id))),
        )

    @property
    def open(self) -> int:
        """How many breaks are open."""
        return sum(total.count for total in self.totals)


def _totals(rows: Iterable[OpenBreak]) -> Iterable[BreakTotal]:
    groups: dict[tuple[str, int, str, Direction], list[int]] = defaultdict(list)
    for row in rows:
        age = AGES.index(age_bucket(row.age_days))
        groups[row.kind, age, row.currency, row.direction].append(row.amount_minor)
    for (kind, age, currency, direction), amounts in sorted(groups.items()):
        yield BreakTotal(
            kind=kind,
            age=AGES[age],
            currency=currency,
            direction=direction,
            count=len(amounts),
            amount_minor=sum(amounts),
        )
