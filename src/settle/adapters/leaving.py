"""A permit to leave: what may move money leaves soon after its intent is stored, or never.

A process that is stopped between its intent and its first byte (SIGSTOP, a machine suspended)
does not know of it when it goes on. Meanwhile its payment may have been looked for, proved
absent, and made by another rail. So a permit ends by itself, and whoever proves absence waits
for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta

LEAVES_WITHIN = timedelta(minutes=15)
"""How long after its intent a request may leave. As long as a lease: later, nobody waits for it."""

TOO_LATE = "its intent is too old for it to leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """Leave to send one request, from now on, for `within`.

    Both clocks count, in seconds: the monotonic one stands still while a machine is suspended,
    and the wall's may be set back.
    """

    within: timedelta
    monotonic: Callable[[], float]
    wall: Callable[[], float]
    _since: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_since", (self.monotonic(), self.wall()))

    @property
    def holds(self) -> bool:
        """Whether the request may still leave."""
        passed = max(self.monotonic() - self._since[0], self.wall() - self._since[1])
        return passed < self.within.total_seconds()


_PERMIT: ContextVar[Permit | None] = ContextVar("permit", default=None)


@contextmanager
def leaving(permit: Permit | None) -> Iterator[None]:
    """What is sent in this context needs the permit; None: it moves nothing and needs none."""
    token = _PERMIT.set(permit)
    try:
        yield
    finally:
        _PERMIT.reset(token)


def may_leave() -> bool:
    """Whether what is being sent may leave. The wire asks with its first byte in its hand."""
    permit = _PERMIT.get()
    return permit is None or permit.holds
