"""A breaker opens after failures in a row, and cools by itself."""

from __future__ import annotations

from settle.adapters import BreakerPolicy
from settle.adapters.breaker import Breaker


def test_a_breaker_opens_cools_and_forgets() -> None:
    """Success forgets, the number in a row opens, time closes, one more failure opens anew."""
    now = 0.0
    breaker = Breaker(BreakerPolicy(failures_max=2, cooling_s=5), monotonic=lambda: now)
    for failed in (True, False, True):
        breaker.note(failed=failed)
    assert breaker.cooling_s == 0
    breaker.note(failed=True)
    assert breaker.cooling_s == 5
    now = 4.0
    assert breaker.cooling_s == 1
    now = 5.0
    assert breaker.cooling_s == 0
    breaker.note(failed=True)
    assert breaker.cooling_s == 5
    breaker.note(failed=False)
    assert breaker.cooling_s == 0
