"""Where one HTTP/1.1 message ends: the bytes are kept as they came, h11 only finds the end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import lru_cache

import h11

READ_BYTES = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class RawMessage:
    """One message, byte for byte. `keep_alive` says whether its connection goes on after it."""

    head: h11.Request | h11.Response
    content: bytes
    raw: bytes
    keep_alive: bool


class MessageReader:
    """Whole messages off one connection. This keeps what came beyond the end for the next."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._beyond = b""

    async def request(self) -> RawMessage | None:
        """The next request. None: the client closed in peace."""
        return await self._message(h11.Connection(h11.SERVER))

    async def response(self, to: h11.Request) -> RawMessage:
        """The response to `to`; interim ones stay in front of it in the raw bytes.

        Raises:
            ConnectionResetError: the rail closed without an answer.
            h11.RemoteProtocolError: it closed inside one, or does not speak HTTP.
        """
        connection = h11.Connection(h11.CLIENT)
        connection.send(_standing_for(bytes(to.method)))
        connection.send(h11.EndOfMessage())
        message = await self._message(connection)
        if message is None:
            raise ConnectionResetError("the rail closed without an answer")
        return message

    async def _message(self, connection: h11.Connection) -> RawMessage | None:
        raw, content = bytearray(self._beyond), bytearray()
        head: h11.Request | h11.Response | None = None
        if raw:
            connection.receive_data(bytes(raw))
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                if not await self._more(connection, raw):
                    return None
            elif isinstance(event, (h11.Request, h11.Response)):
                head = event
            elif isinstance(event, h11.Data):
                content += event.data
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                break
        if head is None:
            return None
        self._beyond = connection.trailing_data[0]
        whole = bytes(raw[: len(raw) - len(self._beyond)])
        keep_alive = connection.their_state is h11.DONE
        return RawMessage(head=head, content=bytes(content), raw=whole, keep_alive=keep_alive)

    async def _more(self, connection: h11.Connection, raw: bytearray) -> bool:
        data = await self._reader.read(READ_BYTES)
        if not data and not raw:
            return False
        raw += data
        connection.receive_data(data)
        return True


@lru_cache
def _standing_for(method: bytes) -> h11.Request:
    # Only the method decides how a response is framed; the real request was sent as raw bytes.
    return h11.Request(method=method, target=b"/", headers=[(b"host", b"rail")])
