"""From a program to whole amounts: solve it roughly, then exactly around what was found.

Floats hold some fifteen digits and a solver keeps its rows to nine, so amounts of ten digits and
more are not found to the unit in one go. Small programs are solved in whole units at once. Others
are solved in larger units first; then the same program, written around that point in exact
numbers, is solved for the differences, which are small and whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from settle.clearing.funding.arcs import Trade
from settle.clearing.funding.building import Builder, key_of
from settle.clearing.funding.drawing import move_of
from settle.clearing.funding.program import (
    BOUGHT,
    CHARGED,
    PAYS,
    SHORT,
    SOLD,
    SPREAD,
    TAKEN,
    Key,
    Program,
)
from settle.clearing.funding.question import Funding
from settle.clearing.funding.sendings import Sending
from settle.clearing.funding.solver import LOOSE, TOLERANCE, Solved, SolverTime, solve

WHOLE_MAX = 10**6
SENDINGS_MAX = 40
"""Up to these a program is solved in whole units at once, to the last unit."""

UNITS_MAX = 10**5
"""The largest amount of a rough program, in its units."""

CUSHION = 10**5
"""A second rough point has a unit over this to spare on every need."""

WITHIN = 10**5
"""How far amounts may move around a rough point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The search for an answer, in what `time` is left. This asks HiGHS once or a few times.

    With `short` it is for the least that is missing.
    """

    funding: Funding
    sendings: Sequence[Sending]
    time: SolverTime
    short: bool = False

    def best(self) -> Solved:
        """The best point in whole amounts. This is still to be verified."""
        program = self._program()
        largest = program.largest
        if largest <= WHOLE_MAX and len(self.sendings) <= SENDINGS_MAX:
            return self._solve(program, unit=1, whole=True, slack=0.999)
        unit = 1
        while largest > UNITS_MAX * unit:
            unit *= 10
        rough = self._rough(program, unit=unit)
        found = self._sharpened(program, rough)
        if rough.point is None or found is not None:
            return replace(rough, point=found)
        # A rough plan that fails by a hair: one with something to spare may hold.
        easier = self._program(cushion=10 + unit // CUSHION)
        spared = self._rough(easier, unit=unit)
        found = self._sharpened(program, spared)
        return replace(rough, point=found, is_impossible=found is None)

    def _program(self, *, cushion: int = 0) -> Program:
        return Builder(
            funding=self.funding, sendings=self.sendings, short=self.short, cushion=cushion
        ).build()

    def _rough(self, program: Program, *, unit: int) -> Solved:
        rough = self._solve(program, unit=unit, whole=False, slack=1.0)
        if self.short and rough.is_impossible:
            # To leave everything out is always possible: HiGHS got lost in its own rounding.
            return self._solve(program, unit=unit, whole=False, slack=1.0, tolerance=LOOSE)
        return rough

    def _solve(
        self,
        program: Program,
        *,
        unit: int,
        whole: bool,
        slack: float,
        tolerance: float = TOLERANCE,
    ) -> Solved:
        return solve(
            program, unit=unit, whole=whole, slack=slack, time=self.time, tolerance=tolerance
        )

    def _sharpened(self, program: Program, rough: Solved) -> Mapping[Key, int] | None:
        """The best whole point around a rough one, if there is one.

        To a float solver a choice of a thousand-millionth is a no, and on a wide way that lets a
        few units through for nothing. They are taken away first, and kept if that leads nowhere.
        """
        if rough.point is None:
            return None
        for keeps in (False, True):
            point = self._snapped(program, rough.point, keeps=keeps)
            around = program.around(point, within=WITHIN)
            # Optimal but for a unit an amount: no tree is grown for less.
            solved = self._solve(around, unit=1, whole=True, slack=float(len(around.columns)))
            if solved.point is not None:
                return {key: at + solved.point.get(key, 0) for key, at in point.items()}
        return None

    def _snapped(
        self, program: Program, rough: Mapping[Key, int], *, keeps: bool
    ) -> dict[Key, int]:
        """The nearest point whose other amounts follow exactly from what is sold."""
        point = dict.fromkeys(program.columns, 0)
        point |= {key: at for key, at in rough.items() if key.kind in (PAYS, SHORT)}
        for sending in self.sendings:
            amount = min(rough[key_of(SOLD, sending)], sending.most_minor)
            if amount > 0 and (keeps or rough.get(key_of(TAKEN, sending), 1)):
                amounts = self._amounts(sending, max(amount, sending.arc.minimum_minor))
                point |= {key: at for key, at in amounts.items() if key in program.columns}
        return point

    def _amounts(self, sending: Sending, sold_minor: int) -> dict[Key, int]:
        move = move_of(sending, sold_minor, funding=self.funding)
        amounts = {
            SOLD: sold_minor,
            CHARGED: move.charged_minor - sending.arc.fixed_minor,
            TAKEN: 1,
        }
        if isinstance(sending.arc, Trade):
            amounts |= {BOUGHT: move.bought_minor, SPREAD: move.spread_minor}
        return {key_of(kind, sending): amount for kind, amount in amounts.items()}
