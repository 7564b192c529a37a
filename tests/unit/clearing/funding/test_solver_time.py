"""The solver's time is for the whole plan."""

from __future__ import annotations

from settle.clearing.funding.program import SOLD, Column, Key, Program
from settle.clearing.funding.solver import SolverTime, solve


def test_no_call_leaves_nothing_to_those_after_it() -> None:
    """Calls that take all they may never take more than there was, nor the last of it."""
    time = SolverTime(left_s=16.0)
    shares = []
    for _ in range(4):
        shares.append(time.share_s)
        time.spend(time.share_s)
    assert ([8.0, 4.0, 2.0, 1.0], 1.0) == (shares, time.left_s)


def test_time_that_is_overdrawn_is_none() -> None:
    """HiGHS stops a little after its limit, and nothing is the least that is left."""
    time = SolverTime(left_s=1.0)
    time.spend(1.5)
    assert 0.0 == time.share_s


def test_a_call_takes_its_time_off_what_is_left() -> None:
    """What HiGHS took is measured by HiGHS."""
    program, time = Program(), SolverTime(left_s=60.0)
    program.columns[Key(SOLD, "way")] = Column(upper=9, cost=1)
    program.at_least({Key(SOLD, "way"): 2}, 7)
    solved = solve(program, unit=1, whole=True, slack=0.999, time=time)
    assert {Key(SOLD, "way"): 4} == solved.point
    assert 0 < time.left_s < 60
