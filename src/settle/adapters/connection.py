"""One connection to a rail, which carries one request at a time."""

from __future__ import annotations

import asyncio
import select
from dataclasses import replace

from settle.adapters.answer import Answer, Silence, why
from settle.adapters.composition import Composed
from settle.adapters.deadlines import Deadlines, Watch
from settle.adapters.hearing import Hearing
from settle.adapters.leaving import TOO_LATE, may_leave

IDLE_S_MAX = 5.0
"""An older connection may be forgotten on the way, with nobody telling us; it is not used."""


class Connection(asyncio.Protocol):
    """One connection. This writes a request once, and only while the connection is sound.

    It is sound while nothing was lost and nothing came unasked. Whatever ends a request without
    its whole answer closes it.
    """

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._hearing: Hearing | None = None
        self._heard: asyncio.Future[Answer] | None = None
        self._sound = True
        self._fresh = True
        self._idle_since_s = 0.0
        self._watch: Watch | None = None
        self._gone: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands, TLS included."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=0)  # told when all is written, not when little waits
        self._gone = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        """Bytes came: of the answer, or of what nobody asked for."""
        if self._hearing is None:
            self.abort()
            return
        if self._watch is not None:
            self._watch.answering()
        answer = self._hearing.hear(data)
        if answer is not None:
            self._tell(answer)

    def resume_writing(self) -> None:
        """What was to be written is written, as far as this process knows."""
        if self._watch is not None:
            self._watch.written()

    def eof_received(self) -> None:
        """The rail has said all it will say."""
        self._end()

    def connection_lost(self, error: Exception | None) -> None:
        """Nothing more comes or goes."""
        self._end(error)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)

    @property
    def is_open(self) -> bool:
        """Whether nothing is known that would end it."""
        return self._sound and self._transport is not None and not self._transport.is_closing()

    def is_sound(self) -> bool:
        """Whether a request may be written now. This looks at the socket, past the event loop."""
        assert self._transport is not None
        if not self.is_open:
            return False
        if self._fresh:
            # A rail that speaks TLS sends tickets first, and they are not for us.
            return self._transport.get_extra_info("ssl_object") is not None or self._is_quiet()
        idle_s = asyncio.get_running_loop().time() - self._idle_since_s
        return idle_s <= IDLE_S_MAX and self._is_quiet()

    async def ask(
        self, composed: Composed, *, deadlines: Deadlines, response_bytes_max: int
    ) -> Answer:
        """Write a request, once, and hear its answer. However this ends, nothing is repeated."""
        assert self._transport is not None
        assert self._hearing is None
        if not self.is_sound():
            self.abort()
            return Silence(reason="the rail spoke or hung up before it was asked", sent=False)
        if not may_leave():
            return Silence(reason=TOO_LATE, sent=False)
        loop = asyncio.get_running_loop()
        self._fresh = False
        self._hearing = Hearing(composed.request.method, response_bytes_max=response_bytes_max)
        self._heard = loop.create_future()
        blind = self._transport.get_extra_info("ssl_object") is not None
        self._watch = Watch(deadlines, self._tell, blind=blind)
        try:
            self._transport.write(composed.wire)  # from here on a byte may have left
            if self._transport.get_write_buffer_size() == 0:
                self._watch.written()
            return await self._heard
        finally:
            self._watch.stop()
            self._watch = None
            if self._hearing is not None:  # cancelled: nobody waits for the answer any more
                self.abort()

    def abort(self) -> None:
        """Close the connection at once. It carries nothing any more."""
        self._sound = False
        self._hearing = None
        if self._transport is not None:
            self._transport.abort()

    async def aclose(self) -> None:
        """Close the connection, and see it gone."""
        self.abort()
        if self._gone is not None:
            await self._gone

    def _tell(self, answer: Answer) -> None:
        """The request came to its end; only after a whole answer does the connection go on."""
        if self._hearing is None or self._heard is None or self._transport is None:
            return
        # What was answered before it was wholly asked leaves the rest of the question behind.
        goes_on = self._hearing.goes_on and self._transport.get_write_buffer_size() == 0
        self._hearing = None
        self._idle_since_s = asyncio.get_running_loop().time()
        if not self._heard.done():
            self._heard.set_result(answer)
        if not goes_on:
            self.abort()

    def _end(self, error: Exception | None = None) -> None:
        self._sound = False
        if self._hearing is not None:
            cut_off = self._hearing.cut_off()
            self._tell(replace(cut_off, reason=why(error)) if error else cut_off)

    def _is_quiet(self) -> bool:
        """Whether nothing waits to be read: bytes unasked for, or the end."""
        assert self._transport is not None
        return not _is_readable(self._transport.get_extra_info("socket").fileno())


def _is_readable(descriptor: int) -> bool:
    if descriptor < 0:
        return True
    if not hasattr(select, "poll"):  # on Windows
        return bool(select.select([descriptor], [], [], 0)[0])
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))
