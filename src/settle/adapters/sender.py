"""The sender: runs a conversation against its rail, and says how it ended.

Order, always: the intent is durable, then the request leaves; the answer is durable, then the
conversation hears it. A crash at any point is replayed on what was stored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import TracebackType
from typing import Generic, NoReturn, Self, TypeVar

from settle.adapters.auth import Endpoint
from settle.adapters.breaker import Breaker, BreakerPolicy
from settle.adapters.budget import Budget
from settle.adapters.ending import Ending, Finished, NotMoved, Open
from settle.adapters.exchange import Conversation, Effect, Exchange, Response
from settle.adapters.grant import NoToken
from settle.adapters.leaving import LEAVES_WITHIN, Permit
from settle.adapters.login import login_of
from settle.adapters.pace import Pace
from settle.adapters.rail import Rail
from settle.adapters.recorder import NOT_RECORDED, Recorded, Recorder, redacted
from settle.adapters.retry import ReadPolicy, Sleep
from settle.adapters.wire import RESPONSE_BYTES_MAX, Wire
from settle.errors import ConfigError, ReplayMismatch, SettleError

T = TypeVar("T")

_OF_DATA = (SettleError, ValueError, LookupError, ArithmeticError)
"""What reading an answer raises when the answer is odd; anything else is a bug of ours."""


class Sender:
    """One rail's connections, read policy, pace and breaker. This runs its conversations.

    `connections` is how many requests may be under way at once, `requests_per_second` how many
    may begin; both are the profile's `Limits`. Waits go through `sleep` and
    the breaker's time through `monotonic`, both given in tests. A `commits` leaves within
    `leaves_within` of its intent, by `monotonic` and by `wall`, or not at all.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        connections: int = 8,
        requests_per_second: int | None = None,
        reads: ReadPolicy | None = None,
        breaker: BreakerPolicy | None = None,
        response_bytes_max: int = RESPONSE_BYTES_MAX,
        sleep: Sleep = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        leaves_within: timedelta = LEAVES_WITHIN,
    ) -> None:
        policy = reads or ReadPolicy()
        self._rail = Rail(
            wire=Wire(
                endpoint,
                connections=connections,
                response_bytes_max=response_bytes_max,
                wall=wall,
            ),
            login=login_of(endpoint, monotonic=monotonic),
            reads=policy,
            repeats=Budget(percent=policy.repeats_percent, at_least=policy.repeats_min),
            breaker=Breaker(breaker or BreakerPolicy(), monotonic=monotonic),
            pace=Pace(requests_per_second, monotonic=monotonic, sleep=sleep),
            sleep=sleep,
            permit=lambda: Permit(within=leaves_within, monotonic=monotonic, wall=wall),
        )

    @property
    def down(self) -> bool:
        """Whether the rail is being left alone after too many failures in a row."""
        return self._rail.breaker.cooling_s > 0

    async def run(
        self,
        conversation: Conversation[T],
        *,
        conversation_id: str,
        recorder: Recorder = NOT_RECORDED,
        resend: bool = False,
    ) -> Ending[T]:
        """Run a conversation to its end, replaying what is stored of it. This never sends twice.

        `resend` allows one more sending of a `commits` that has no stored answer; pass it only
        where the profile says that the rail deduplicates within the key's life.

        Raises:
            ReplayMismatch: a stored step differs from what the conversation asks now.
            ConfigError: a credential cannot be found, and nothing that commits has left.
            AssertionError: the conversation asked for a second `commits`; it was not sent.
        """
        history = await recorder.history(conversation_id)
        running = _Running(
            rail=self._rail,
            conversation=conversation,
            conversation_id=conversation_id,
            recorder=recorder,
            resend=resend,
            stored={entry.step: entry for entry in history},
            moved=_may_have_moved(history),
        )
        return await running.to_end()

    async def aclose(self) -> None:
        """Close the connections, and ask for no more tokens."""
        await self._rail.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()


@dataclass(slots=True, kw_only=True)
class _Running(Generic[T]):
    """One conversation under way. `moved`: a `commits` left this machine, or may have."""

    rail: Rail
    conversation: Conversation[T]
    conversation_id: str
    recorder: Recorder
    resend: bool
    stored: dict[int, Recorded]
    moved: bool
    step: int = 0
    committing: bool = field(default=False, init=False)

    async def to_end(self) -> Ending[T]:
        heard: Response | None = None
        try:
            while True:
                said = self._speak(heard)
                if not isinstance(said, Exchange):
                    return said
                answer = await self._answer(said)
                if not isinstance(answer, Response):
                    return answer
                heard = answer
                self.step += 1
        finally:
            with suppress(Exception):  # its clean-up must not hide how it ended
                self.conversation.close()

    def _speak(self, heard: Response | None) -> Exchange | Ending[T]:
        try:
            return next(self.conversation) if heard is None else self.conversation.send(heard)
        except StopIteration as end:
            value: T = end.value
            return Finished(value)
        except Exception as error:  # noqa: BLE001  # after a commits every error is Open
            return self._broken(error)

    async def _answer(self, exchange: Exchange) -> Response | NotMoved | Open:
        self._one_commits_only(exchange)
        stored = self.stored.get(self.step)
        if stored is not None:
            _same(exchange, stored)
            if stored.response is not None:
                return stored.response
            if exchange.effect is Effect.COMMITS and stored.sent and not self.resend:
                return Open(reason="sent before, and no answer is stored")
        return await self._ask(exchange)

    async def _ask(self, exchange: Exchange) -> Response | NotMoved | Open:
        at = (self.conversation_id, self.step)
        cooling_s = self.rail.breaker.cooling_s
        if cooling_s > 0:
            return self._silent("the rail is down", cooling_s)
        try:
            ready = await self.rail.ready(exchange)
        except Exception as error:  # noqa: BLE001  # after a commits every error is Open
            return self._broken(error)
        if isinstance(ready, NoToken):
            return self._silent(ready.reason, ready.retry_after_s)
        commits = exchange.effect is Effect.COMMITS
        permit = self.rail.permit() if commits else None
        await self.recorder.intent(*at, replace(exchange, request=redacted(exchange.request)))
        answer = await self.rail.exchange(exchange, ready, permit)
        if isinstance(answer, Response):
            self.moved = self.moved or commits
            await self.recorder.answer(*at, answer)
            return answer
        self.moved = self.moved or (commits and answer.sent)
        # A commits sent before and refused now is still one that may have been sent.
        sent = self.moved if commits else answer.sent
        await self.recorder.silence(*at, answer.reason, sent=sent)
        return self._silent(answer.reason, answer.retry_after_s)

    def _one_commits_only(self, exchange: Exchange) -> None:
        if exchange.effect is Effect.COMMITS:
            if self.committing:  # not an assert statement: this one holds under -O too
                raise AssertionError(f"{self.conversation_id} asked for a second commits")
            self.committing = True

    def _silent(self, reason: str, retry_after_s: float | None) -> NotMoved | Open:
        if self.moved:
            return Open(reason=reason)
        return NotMoved(reason=reason, retry_after_s=retry_after_s)

    def _broken(self, error: Exception) -> NotMoved | Open:
        """The ending for an error. Only our own messages are kept: others quote bodies."""
        reason = str(error) if isinstance(error, SettleError) else type(error).__name__
        if self.moved:
            return Open(reason=reason)
        if isinstance(error, ConfigError) or not isinstance(error, _OF_DATA):
            _raise(error)
        return NotMoved(reason=reason)


def _may_have_moved(history: Sequence[Recorded]) -> bool:
    return any(entry.effect is Effect.COMMITS and entry.sent for entry in history)


def _same(exchange: Exchange, stored: Recorded) -> None:
    asked = (exchange.effect, exchange.request.fingerprint)
    if asked != (stored.effect, stored.fingerprint):
        raise ReplayMismatch(
            f"step {stored.step} asks for another {exchange.effect.value} than the one stored",
            step=stored.step,
        )


def _raise(error: Exception) -> NoReturn:
    raise error
