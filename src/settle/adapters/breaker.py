"""A breaker: a rail that keeps failing is left alone for a while."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerPolicy:
    """When a rail counts as down, and for how long. This is per rail, over all exchanges."""

    failures_max: int = 20
    cooling_s: float = 5.0


class Breaker:
    """Failures in a row of one rail. This opens at the policy's number and cools by itself.

    After the cooling period exchanges go through again; the first failure opens it anew, the
    first success forgets all failures. `monotonic` gives seconds that never run backwards.
    """

    def __init__(self, policy: BreakerPolicy, *, monotonic: Callable[[], float]) -> None:
        self._policy = policy
        self._monotonic = monotonic
        self._failures = 0
        self._failed_at = 0.0

    @property
    def cooling_s(self) -> float:
        """Seconds until the rail may be asked again. Zero: it may be asked now."""
        if self._failures < self._policy.failures_max:
            return 0.0
        return max(0.0, self._failed_at + self._policy.cooling_s - self._monotonic())

    def note(self, *, failed: bool) -> None:
        """Count how one exchange went."""
        self._failures = self._failures + 1 if failed else 0
        if failed:
            self._failed_at = self._monotonic()
