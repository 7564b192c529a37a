"""The question as a mixed-integer program, in exact numbers.

Nothing here is a float: coefficients are integers and fractions, so that the program can be asked
around any point (`around`) without losing a unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

Number = int | Fraction


class Key(NamedTuple):
    """A variable: `kind` says what of, `of` and `at` which one."""

    kind: str
    of: str
    at: str = ""


SOLD, BOUGHT, CHARGED, SPREAD, SHORT = "sold", "bought", "charged", "spread", "short"
TAKEN, PAYS = "taken", "pays"
CHOICES = frozenset({TAKEN, PAYS})
"""Kinds that are yes or no; all others are amounts in minor units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A variable's bounds, and what a unit of it costs."""

    upper: int
    lower: int = 0
    cost: Number = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A sum that is at least `least`. `amounts`: whether it is one of minor units."""

    terms: Mapping[Key, Number]
    least: Number
    amounts: bool = True

    def reach(self, columns: Mapping[Key, Column]) -> Number:
        """The least that the sum can be within the bounds."""
        low: Number = 0
        for key, by in self.terms.items():
            column = columns[key]
            low += by * (column.lower if by > 0 else column.upper)
        return low


@dataclass(slots=True)
class Program:
    """Variables and rows; the cost is minimised. Choices are whole, amounts if `whole` is asked."""

    columns: dict[Key, Column] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)

    def at_least(self, terms: Mapping[Key, Number], least: Number, *, amounts: bool = True) -> None:
        """Ask a sum to be no less."""
        self.rows.append(Row(terms=dict(terms), least=least, amounts=amounts))

    def exactly(self, terms: Mapping[Key, Number], value: Number) -> None:
        """Ask a sum of choices to be just this."""
        self.at_least(terms, value, amounts=False)
        self.at_least({key: -by for key, by in terms.items()}, -value, amounts=False)

    @property
    def largest(self) -> int:
        """The largest amount that a variable can take."""
        amounts = (c.upper for key, c in self.columns.items() if key.kind not in CHOICES)
        return max(amounts, default=0)

    def around(self, point: Mapping[Key, int], *, within: int) -> Program:
        """The same program in differences from a point, each amount moving by `within` at most.

        Choices stay as they are at the point, and what is zero there because its choice is no
        stays zero. All numbers of the result are small, however large the amounts are: that is
        what makes a float solver exact on it.
        """
        moved = Program()
        for key, column in self.columns.items():
            if key.kind in CHOICES or not _is_open(key, point):
                continue
            moved.columns[key] = Column(
                lower=max(column.lower - point[key], -within),
                upper=min(column.upper - point[key], within),
                cost=column.cost,
            )
        for row in self.rows:
            fixed = sum((by * point[key] for key, by in row.terms.items()), start=Fraction(0))
            terms = {key: by for key, by in row.terms.items() if key in moved.columns}
            rest = Row(terms=terms, least=row.least - fixed)
            if rest.reach(moved.columns) < rest.least:
                moved.rows.append(rest)
        return moved


def _is_open(key: Key, point: Mapping[Key, int]) -> bool:
    if key.kind == SHORT:
        return True
    return point[Key(SOLD, key.of, key.at)] > 0
