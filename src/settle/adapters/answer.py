"""What a request comes to on the wire: a whole answer, or silence."""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass

from settle.adapters.exchange import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """No whole answer came. `sent` is False only if no byte of the request left this machine."""

    reason: str
    sent: bool
    retry_after_s: float | None = None


Answer = Response | Silence


class ProxyRefused(OSError):
    """The proxy did not connect us to the rail. Its text is our own."""


def why(error: BaseException) -> str:
    """The error by type and the system's own words; its message may quote what was sent."""
    name = type(error).__name__
    if isinstance(error, ProxyRefused):
        return f"{name}: {error}"
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"{name}: {error.reason}"
    if isinstance(error, socket.gaierror) and error.strerror:
        return f"{name}: {error.strerror}"
    if isinstance(error, OSError) and error.errno:
        return f"{name}: {os.strerror(error.errno)}"
    return name
