"""What the sender writes down before it sends, and after it has heard."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from settle.adapters.exchange import Effect, Exchange, Request, Response

_SECRET = re.compile(
    r"api[-_]?key|assertion|auth|cookie|credential|pass(?:phrase|w(?:or)?d)|secret|session|token",
    re.IGNORECASE,
)
_IN_QUERY = re.compile(rf"((?<=[?&])[^=&]*(?:{_SECRET.pattern})[^=&]*)=[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One step of a conversation as it was stored. This is what a replay is answered from.

    `sent` is False only where the socket proved that no byte of the step's last intent left
    this machine; an intent about which nothing more is known was sent.
    """

    step: int
    effect: Effect
    fingerprint: str
    response: Response | None = None
    sent: bool = True


class Recorder(Protocol):
    """Where exchanges are kept under (conversation, step). This is implemented on the store.

    Each method's work is durable when it returns. What it raises stops the conversation and
    reaches whoever runs it, for without a record nothing may be sent.
    """

    async def history(self, conversation_id: str) -> Sequence[Recorded]:
        """What is stored of this conversation, at most one entry a step."""
        ...

    async def intent(self, conversation_id: str, step: int, exchange: Exchange) -> None:
        """The exchange is about to be sent. This replaces a silence stored for the step."""
        ...

    async def answer(self, conversation_id: str, step: int, response: Response) -> None:
        """The step was answered. This returns before the conversation hears it."""
        ...

    async def silence(self, conversation_id: str, step: int, reason: str, *, sent: bool) -> None:
        """The step has no answer. `sent` is False only if it certainly never left."""
        ...


class NotRecorded:
    """A recorder that keeps nothing, for conversations that only read."""

    async def history(self, conversation_id: str) -> Sequence[Recorded]:  # noqa: ARG002
        """Nothing."""
        return ()

    async def intent(self, conversation_id: str, step: int, exchange: Exchange) -> None:
        """Forgotten at once."""

    async def answer(self, conversation_id: str, step: int, response: Response) -> None:
        """Forgotten at once."""

    async def silence(self, conversation_id: str, step: int, reason: str, *, sent: bool) -> None:
        """Forgotten at once."""


NOT_RECORDED = NotRecorded()


def redacted(request: Request) -> Request:
    """The request without headers that look like a credential. This is what may be stored.

    The sender adds its own credentials later still; this drops what an adapter itself put.
    """
    return replace(request, headers=without_secrets(request.headers))


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers without those that look like a credential, of a request or of its answer."""
    return {name: value for name, value in headers.items() if not _SECRET.search(name)}


def place_of(request: Request) -> str:
    """The request's target, with the values of what looks like a credential left out."""
    return _IN_QUERY.sub(r"\1=…", request.target)
