"""A request as the bytes that will stand on the wire, or the reason why it cannot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from settle.adapters.exchange import Request
from settle.adapters.origin import Origin
from settle.errors import BadInput

REQUEST_BYTES_MAX = 64 * 1024 * 1024
"""A batch of a busy day is some tens of megabytes; more than this is a mistake of ours."""

_METHOD = re.compile(r"(?!CONNECT\Z)[A-Z]+\Z")
_TARGET = re.compile(r"/[\x21\x22\x24-\x7e]*\Z")  # no fragment: it is the reader's, not the rail's
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")  # a token, RFC 9110, 5.6.2
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?\Z|\Z")
_DEFAULTS = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "settle"}
_OF_THE_WIRE = frozenset({
    "connection", "content-length", "expect", "host", "keep-alive", "proxy-connection", "te",
    "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
_WITH_LENGTH = frozenset({"PATCH", "POST", "PUT"})  # RFC 9110, 8.6: also where there is no content


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A request, and its head as it will stand on the wire, credentials included.

    `target` is the request's with the path of the rail's base URL before it.
    """

    request: Request
    target: str
    headers: Mapping[str, str] = field(repr=False)
    head: bytes = field(repr=False)

    @property
    def path(self) -> str:
        """The path as the rail's application sees it, decoded."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> str:
        """What stands behind the question mark, as it is."""
        return self.target.partition("?")[2]

    @property
    def wire(self) -> bytes:
        """Every byte that leaves, in order."""
        return self.head + self.request.content


def compose(request: Request, origin: Origin, credentials: Mapping[str, str]) -> Composed:
    """The request as it will stand on the wire. This decides every byte, and sends none.

    The order is host, our defaults, the request's own headers, credentials, length; each name
    once, in lower case, the later value in the earlier place.

    Raises:
        BadInput: the method or path cannot stand on the wire, a header is not the request's, or
            its content is too large.
    """
    if not _METHOD.match(request.method):
        raise BadInput("a request's method is a word of capital letters")
    if not _TARGET.match(request.target):
        raise BadInput("a request's path begins with / and is ASCII, percent-encoded")
    if len(request.content) > REQUEST_BYTES_MAX:
        raise BadInput(f"a request's content is {REQUEST_BYTES_MAX} bytes at most")
    headers = {"host": origin.authority, **_DEFAULTS}
    for name, value in (*request.headers.items(), *credentials.items()):
        headers[_name(name)] = _value(name, value)
    if request.content or request.method in _WITH_LENGTH:
        headers["content-length"] = str(len(request.content))
    target = origin.path + request.target
    lines = (f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"{request.method} {target} HTTP/1.1\r\n{''.join(lines)}\r\n"
    return Composed(request=request, target=target, headers=headers, head=head.encode("ascii"))


def _name(name: str) -> str:
    lower = name.lower()
    if not _HEADER_NAME.match(name):
        raise BadInput(f"{name!r} cannot be a header's name")
    if lower in _OF_THE_WIRE:
        raise BadInput(f"the header {name!r} is for the wire to say")
    return lower


def _value(name: str, value: str) -> str:
    if not _HEADER_VALUE.match(value):
        raise BadInput(f"the value of header {name!r} cannot be sent as it is")
    return value
