"""Repeats are a share of what is asked, over all of a rail."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from settle.adapters import ReadPolicy, Response
from settle.adapters.budget import Budget
from settle.adapters.retry import repeat_read


@given(asked=st.lists(st.booleans(), max_size=300), percent=st.integers(0, 100))
def test_repeats_never_exceed_their_share(asked: list[bool], percent: int) -> None:
    """At every moment: at most so many, and the share of what was asked the first time."""
    budget = Budget(percent=percent, at_least=5)
    first = repeated = 0
    for is_first in asked:
        if is_first:
            budget.ask()
            first += 1
        else:
            repeated += budget.repeat()
        assert repeated <= 5 + first * percent // 100


async def test_a_read_is_not_repeated_once_the_budget_is_spent() -> None:
    """It ends as silence, which says how often it was asked."""
    budget, asked = Budget(percent=0, at_least=1), []

    async def read() -> Response:
        asked.append(1)
        return Response(status=503)

    async def sleep(_: float) -> None:
        return

    for attempts in (2, 1):
        last = await repeat_read(read, ReadPolicy(), sleep=sleep, may_repeat=budget.repeat)
        assert f"still status 503 at attempt {attempts}" == getattr(last, "reason", "")
    assert len(asked) == 3
