"""A pace: no more requests a second than the rail allows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable


class Pace:
    """Spaces the requests to one rail evenly. This lets the first through at once.

    `requests_per_second` None is no limit. `monotonic` gives seconds that never run backwards.
    """

    def __init__(
        self,
        requests_per_second: int | None,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._interval_s = 0.0 if requests_per_second is None else 1.0 / requests_per_second
        self._monotonic = monotonic
        self._sleep = sleep
        self._free_at = float("-inf")
        self._rests_until = float("-inf")

    def rest(self, seconds: float) -> None:
        """Let no other request begin for so long: the rail asked to be left alone."""
        self._rests_until = max(self._rests_until, self._monotonic() + seconds)

    async def turn(self, *, rested: bool = False) -> None:
        """Wait for this request's turn. One that has `rested` has waited by itself already."""
        now = self._monotonic()
        at = max(now, self._free_at, now if rested else self._rests_until)
        self._free_at = at + self._interval_s
        if at > now:
            await self._sleep(at - now)
