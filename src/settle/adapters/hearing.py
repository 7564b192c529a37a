"""Hearing one answer: bytes in as they come, and at the end a whole response or silence."""

from __future__ import annotations

from functools import cache

import h11

from settle.adapters.answer import Answer, Silence
from settle.adapters.coding import Inflating, Spoiled, coding_of
from settle.adapters.exchange import Response

HEAD_BYTES_MAX = 64 * 1024
"""Bounds the head, with whatever interim answers (1xx) come before it."""

_DROPPED = ("set-cookie", "set-cookie2")  # a cookie is a credential, and none is ever sent back
_VERSIONS = (b"1.0", b"1.1")


class Hearing:
    """One answer being heard. This does no I/O, and how the bytes are cut up makes no difference.

    An answer says itself where it ends, by its length or in chunks: one that only ends with its
    connection cannot be told from one that was cut off, and is none.
    """

    def __init__(self, method: str, *, response_bytes_max: int) -> None:
        self._connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES_MAX)
        self._method = method
        self._bytes_max = response_bytes_max
        self._came = 0
        self._is_whole = False
        self._head: h11.Response | None = None
        self._headers: dict[str, str] = {}
        self._coding: Inflating | None = None
        self._content = bytearray()
        # h11 reads an answer as that to a request; ours went out by itself, byte for byte.
        self._connection.send(_standing_for(method))
        self._connection.send(h11.EndOfMessage())

    @property
    def goes_on(self) -> bool:
        """Whether the connection may carry another request: the answer is whole, nothing after."""
        extra, _ = self._connection.trailing_data
        return self._is_whole and self._connection.their_state is h11.DONE and not extra

    def hear(self, data: bytes) -> Answer | None:
        """The answer, once `data` ends or spoils it; None while more is to come."""
        self._came += len(data)
        try:
            self._connection.receive_data(data)
            return self._next()
        except h11.RemoteProtocolError:
            return _silence("the answer is not HTTP")
        except Spoiled as error:
            return _silence(str(error))

    def cut_off(self) -> Silence:
        """What the end of the connection makes of an answer that was still to come."""
        return _silence("the answer breaks off" if self._came else "hung up without an answer")

    def _next(self) -> Answer | None:
        while True:
            event = self._connection.next_event()
            if isinstance(event, h11.Data):
                self._take(event.data)
            elif isinstance(event, h11.Response):
                self._begin(event)
            elif isinstance(event, h11.EndOfMessage):
                return self._whole()
            elif not isinstance(event, h11.InformationalResponse):
                break
        if self._head is None and self._came > HEAD_BYTES_MAX:
            raise Spoiled(f"the head of the answer is larger than {HEAD_BYTES_MAX} bytes")
        return None

    def _begin(self, head: h11.Response) -> None:
        self._head, self._headers = head, _merged(head)
        if head.http_version not in _VERSIONS:
            raise Spoiled("the answer is of another version of HTTP")
        if self._method == "HEAD" or head.status_code in (204, 304):
            return
        self._coding = coding_of(self._headers.get("content-encoding", ""))
        length = self._headers.get("content-length")
        chunked = "transfer-encoding" in self._headers
        if chunked and length is not None:
            raise Spoiled("the answer says twice where it ends")
        if not chunked and length is None:
            raise Spoiled("the answer does not say where it ends")
        if length is not None and int(length) > self._bytes_max:
            raise Spoiled(self._too_large)

    def _take(self, data: bytes | bytearray) -> None:
        if self._coding is not None:
            room = self._bytes_max - len(self._content)
            data = self._coding.decode(bytes(data), bytes_max=room + 1)
        self._content += data
        if len(self._content) > self._bytes_max:
            raise Spoiled(self._too_large)

    def _whole(self) -> Response:
        assert self._head is not None
        if self._coding is not None:
            self._coding.finish()
        self._is_whole = True
        return Response(
            status=self._head.status_code, headers=self._headers, content=bytes(self._content)
        )

    @property
    def _too_large(self) -> str:
        return f"the answer is larger than {self._bytes_max} bytes"


def _silence(reason: str) -> Silence:
    return Silence(reason=reason, sent=True)


def _merged(head: h11.Response) -> dict[str, str]:
    """Headers by lower-case name; what came several times as one list (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in head.headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    for name in _DROPPED:
        headers.pop(name, None)
    return headers


@cache
def _standing_for(method: str) -> h11.Request:
    """A request by whose method h11 knows how the answer is framed."""
    return h11.Request(method=method, target="/", headers=[("host", "rail")])
