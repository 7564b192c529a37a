"""A budget of repeats: a rail in trouble is not asked several times as much as a healthy one."""

from __future__ import annotations


class Budget:
    """Repeats that one rail may be asked to bear, over all that is asked of it.

    `percent` of what is asked the first time, and `at_least` so many, for a short run.
    """

    def __init__(self, *, percent: int, at_least: int) -> None:
        self._percent = percent
        self._at_least = at_least
        self._asked = 0
        self._repeated = 0

    def ask(self) -> None:
        """Count something that is asked for the first time."""
        self._asked += 1

    def repeat(self) -> bool:
        """Whether something may be asked once more; if so, that is counted."""
        allowed = self._repeated < self._at_least + self._asked * self._percent // 100
        self._repeated += allowed
        return allowed
