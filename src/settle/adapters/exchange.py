"""One HTTP request and what it may do; one response. This is all that crosses the border."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import urlencode

from settle.errors import DocumentError

T = TypeVar("T")


class Effect(StrEnum):
    """What a request may do at the rail. This decides whether the engine may repeat it."""

    READS = "reads"  # free to repeat
    PREPARES = "prepares"  # leaves something behind, moves nothing
    COMMITS = "commits"  # may move money: intent and key are stored first, never simply re-sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request relative to the rail's base URL; credentials are added by the sender."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def target(self) -> str:
        """Path and query as they stand on the wire."""
        return self.path + ("?" + urlencode(self.query) if self.query else "")

    @property
    def fingerprint(self) -> str:
        """SHA-256 over method, target and body: equal exactly when the request asks the same."""
        digest = hashlib.sha256(f"{self.method} {self.target}\n".encode())
        digest.update(self.content)
        return digest.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer that arrived whole. Header names are lower-case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def is_server_error(self) -> bool:
        """Whether the status is 5xx, which decides nothing about money."""
        return self.status >= 500

    def json(self) -> Any:
        """The body as JSON, numbers with a fraction as `Decimal`. This never yields a float.

        Raises:
            DocumentError: the body is not JSON.
        """
        try:
            return json.loads(self.content, parse_float=Decimal, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise DocumentError(
                f"the answer with status {self.status} is not JSON", status=self.status
            ) from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What a conversation yields: a request, and what it may do."""

    request: Request
    effect: Effect


Conversation = Generator[Exchange, Response, T]
"""A generator that yields exchanges, is sent responses, and returns a `T`. It does no I/O."""


def reads(request: Request) -> Exchange:
    """A request that is free to repeat."""
    return Exchange(request=request, effect=Effect.READS)


def prepares(request: Request) -> Exchange:
    """A request that leaves something behind and moves nothing."""
    return Exchange(request=request, effect=Effect.PREPARES)


def commits(request: Request) -> Exchange:
    """A request that may move money. A conversation has at most one."""
    return Exchange(request=request, effect=Effect.COMMITS)
