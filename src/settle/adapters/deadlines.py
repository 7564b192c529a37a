"""How long one request may take, as a whole and phase by phase."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from settle.adapters.answer import Silence
from settle.adapters.auth import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds for a request on its connection. None: that phase has only the whole's."""

    whole_s: float
    write_s: float | None = None
    first_byte_s: float | None = None
    body_s: float | None = None


def deadlines_of(endpoint: Endpoint) -> Deadlines:
    """Those of a rail's endpoint."""
    return Deadlines(
        whole_s=endpoint.timeout_s,
        write_s=endpoint.write_timeout_s,
        first_byte_s=endpoint.first_byte_timeout_s,
        body_s=endpoint.body_timeout_s,
    )


class Watch:
    """The deadlines of one request under way. `late` is called once one of them has passed.

    `blind`: TLS takes the whole request at once, and nobody here sees when it has left; then
    writing and waiting for the answer are one phase.
    """

    def __init__(
        self, deadlines: Deadlines, late: Callable[[Silence], None], *, blind: bool
    ) -> None:
        first_byte_s = deadlines.first_byte_s
        if blind and first_byte_s is not None:
            first_byte_s += deadlines.write_s or 0.0
        self._deadlines = replace(deadlines, first_byte_s=first_byte_s)
        self._late = late
        self._whole = self._after(deadlines.whole_s, "TimeoutError")
        self._phase = self._of_phase(deadlines.write_s, "while writing")
        self._answering = False

    def written(self) -> None:
        """The request has left us, and the answer is waited for."""
        if not self._answering:
            self._go_on(self._deadlines.first_byte_s, "waiting for an answer")

    def answering(self) -> None:
        """A byte of the answer has come."""
        if not self._answering:
            self._answering = True
            self._go_on(self._deadlines.body_s, "while hearing the answer")

    def stop(self) -> None:
        """The request has ended."""
        self._whole.cancel()
        if self._phase is not None:
            self._phase.cancel()

    def _go_on(self, seconds: float | None, doing: str) -> None:
        if self._phase is not None:
            self._phase.cancel()
        self._phase = self._of_phase(seconds, doing)

    def _of_phase(self, seconds: float | None, doing: str) -> asyncio.TimerHandle | None:
        return None if seconds is None else self._after(seconds, f"TimeoutError: {doing}")

    def _after(self, seconds: float, reason: str) -> asyncio.TimerHandle:
        silence = Silence(reason=reason, sent=True)
        return asyncio.get_running_loop().call_later(seconds, self._late, silence)
