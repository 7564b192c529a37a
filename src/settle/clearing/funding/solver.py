"""HiGHS: the one place where amounts are floats, and only on the way through the solver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from settle.clearing.funding.program import CHOICES, Key, Program

SEED = 20240229
TOLERANCE = 1e-9
"""Of every row, in scaled units. HiGHS takes no less than 1e-10."""

LOOSE = 1e-7
"""Where at the tighter one HiGHS finds nothing although there is something."""


@dataclass(slots=True)
class SolverTime:
    """The time that the solver has for one answer. This is spent call by call.

    HiGHS measures it. A call gets half of what is left, so that those after it have some as well.
    """

    left_s: float

    @property
    def share_s(self) -> float:
        """What the next call may take."""
        return self.left_s / 2

    def spend(self, seconds: float) -> None:
        """Take off what a call has taken; HiGHS looks at its limit now and then only."""
        self.left_s = max(self.left_s - seconds, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """The best point that was found, if any, and the least that any point can cost.

    `is_impossible` is the solver's word that there is none, not merely that it found none.
    """

    point: Mapping[Key, int] | None
    bound: float
    is_impossible: bool


def solve(
    program: Program,
    *,
    unit: int,
    whole: bool,
    slack: float,
    time: SolverTime,
    tolerance: float = TOLERANCE,
) -> Solved:
    """Minimise a program with HiGHS: one thread, one seed, the same answer every time.

    Amounts are counted in `unit`s and come back rounded to minor units; `whole` asks for integer
    amounts (with a `unit` of one). `slack` is how much cheaper a plan may be and not be looked for.
    """
    import highspy

    if not program.columns:
        met = all(row.least <= 0 for row in program.rows)
        return Solved(point={} if met else None, bound=0.0, is_impossible=not met)
    highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]  # so is its constructor
    options = {
        "output_flag": False, "threads": 1, "random_seed": SEED, "time_limit": time.share_s,
        "mip_rel_gap": 0.0, "mip_abs_gap": slack / unit,
        "mip_feasibility_tolerance": tolerance, "primal_feasibility_tolerance": tolerance,
    }  # fmt: skip
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.passModel(_model(program, unit=unit, whole=whole))
    highs.run()
    time.spend(highs.getRunTime())
    return _answer(highs, program, unit=unit)


def _answer(highs: Any, program: Program, *, unit: int) -> Solved:
    import highspy

    status, info = highs.getModelStatus(), highs.getInfo()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        # Every variable is bounded, so no program of ours is unbounded.
        none = highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible
        return Solved(point=None, bound=0.0, is_impossible=status in none)
    units = (_unit(key, unit) for key in program.columns)
    values = highs.getSolution().col_value
    point = {
        key: round(value * size)
        for key, value, size in zip(program.columns, values, units, strict=True)
    }
    choices = any(key.kind in CHOICES for key in program.columns)
    bound = info.mip_dual_bound if choices else info.objective_function_value
    # No cost is below zero; without a bound of its own the solver says minus infinity.
    return Solved(point=point, bound=max(bound, 0.0) * unit, is_impossible=False)


def _unit(key: Key, unit: int) -> int:
    return 1 if key.kind in CHOICES else unit


def _model(program: Program, *, unit: int, whole: bool) -> Any:
    """The program as HiGHS takes it: rows in compressed form, money and costs in units."""
    import highspy
    import numpy as np

    keys = list(program.columns)
    place = {key: index for index, key in enumerate(keys)}
    starts, indices, values, lowers = [0], [], [], []
    for row in program.rows:
        size = unit if row.amounts else 1
        for key, by in row.terms.items():
            indices.append(place[key])
            values.append(float(by * _unit(key, unit) / size))
        starts.append(len(indices))
        lowers.append(float(row.least / size))
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(keys), len(program.rows)
    columns = program.columns
    model.col_cost_ = np.array([float(columns[k].cost * _unit(k, unit) / unit) for k in keys])
    model.col_lower_ = np.array([columns[k].lower / _unit(k, unit) for k in keys])
    model.col_upper_ = np.array([columns[k].upper / _unit(k, unit) for k in keys])
    model.row_lower_ = np.array(lowers, dtype=float)
    model.row_upper_ = np.full(len(program.rows), highspy.kHighsInf)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.array(starts, dtype=np.int32)
    model.a_matrix_.index_ = np.array(indices, dtype=np.int32)
    model.a_matrix_.value_ = np.array(values, dtype=float)
    integer, real = highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous
    model.integrality_ = [integer if whole or k.kind in CHOICES else real for k in keys]
    return model
