"""What all conversations of a rail share: its wire, token, pace, breaker and policy of reading."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from settle.adapters.answer import Answer, Silence
from settle.adapters.breaker import Breaker
from settle.adapters.budget import Budget
from settle.adapters.composition import Composed
from settle.adapters.exchange import Effect, Exchange, Request, Response
from settle.adapters.grant import NoToken, Token
from settle.adapters.leaving import TOO_LATE, Permit, leaving, may_leave
from settle.adapters.login import Login
from settle.adapters.pace import Pace
from settle.adapters.retry import ReadPolicy, Sleep, repeat_read
from settle.adapters.wire import Wire
from settle.errors import SettleError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A request that may leave, and the token that it carries."""

    composed: Composed
    token: Token | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """One rail as its conversations have it. This repeats what only reads, and nothing else."""

    wire: Wire
    login: Login | None
    reads: ReadPolicy
    repeats: Budget
    breaker: Breaker
    pace: Pace
    sleep: Sleep
    permit: Callable[[], Permit]

    async def ready(self, exchange: Exchange) -> Ready | NoToken:
        """The request as it will leave, after its turn and with a token that lives.

        Raises:
            SettleError: it cannot be composed, or a credential cannot be found.
        """
        token = None if self.login is None else await self.login.tokens.token(self._grant)
        if isinstance(token, NoToken):
            return token
        if exchange.effect is not Effect.READS:
            # Whoever keeps the intent judges cut-off and lease: from there nothing may wait.
            await self.pace.turn()
        return Ready(composed=self.wire.compose(exchange.request, token), token=token)

    async def exchange(self, exchange: Exchange, ready: Ready, permit: Permit | None) -> Answer:
        """What the rail says to it. A 401 costs the token; only what reads is asked once more."""
        if exchange.effect is not Effect.READS:  # it had its turn before its intent was kept
            answer = await self._sent(ready.composed, permit)
            self._is_spoiled(ready, answer)
            return answer
        self.repeats.ask()
        answer = await self._read(exchange.request, ready)
        if self._is_spoiled(ready, answer):
            answer = await self._again(exchange)
        return answer

    async def aclose(self) -> None:
        """Close the connections, and ask for no more tokens."""
        if self.login is not None:
            await self.login.tokens.aclose()
            if self.login.elsewhere is not None:
                await self.login.elsewhere.aclose()
        await self.wire.aclose()

    def _is_spoiled(self, ready: Ready, answer: Answer) -> bool:
        """Whether the rail took the request's token for none."""
        if self.login is None or ready.token is None:
            return False
        if not isinstance(answer, Response) or answer.status != 401:
            return False
        self.login.tokens.spoil(ready.token)
        return True

    async def _again(self, exchange: Exchange) -> Answer:
        try:
            ready = await self.ready(exchange)
        except SettleError as error:
            return Silence(reason=str(error), sent=True)
        if isinstance(ready, NoToken):
            return Silence(reason=ready.reason, sent=True, retry_after_s=ready.retry_after_s)
        answer = await self._read(exchange.request, ready)
        self._is_spoiled(ready, answer)
        return answer

    async def _read(self, request: Request, ready: Ready) -> Answer:
        attempts = itertools.count()

        async def once() -> Answer:
            attempt = next(attempts)
            await self.pace.turn(rested=attempt > 0)
            try:  # composed anew each time: a signature may tell the time
                again = self.wire.compose(request, ready.token) if attempt else ready.composed
            except SettleError as error:
                return Silence(reason=str(error), sent=True)
            return await self._sent(again, None)

        return await self._repeated(once)

    async def _sent(self, composed: Composed, permit: Permit | None) -> Answer:
        with leaving(permit):
            if not may_leave():
                return Silence(reason=TOO_LATE, sent=False)
            answer = await self.wire.send(composed)
        self._note(answer)
        return answer

    async def _grant(self) -> Answer:
        """The answer to a request for a token, which is repeated as reads are."""
        assert self.login is not None
        composed = self.login.composed(self.wire)
        wire = self.login.elsewhere or self.wire
        attempts = itertools.count()

        async def once() -> Answer:
            await self.pace.turn(rested=next(attempts) > 0)
            answer = await wire.send(composed)
            if isinstance(answer, Silence) or answer.status == 429 or answer.is_server_error:
                self._note(answer)
            return answer

        self.repeats.ask()
        with leaving(None):
            return await self._repeated(once)

    async def _repeated(self, once: Callable[[], Awaitable[Answer]]) -> Answer:
        return await repeat_read(once, self.reads, sleep=self.sleep, may_repeat=self.repeats.repeat)

    def _note(self, answer: Answer) -> None:
        self.breaker.note(failed=isinstance(answer, Silence) or answer.is_server_error)
        if isinstance(answer, Response) and (answer.status == 429 or answer.is_server_error):
            self.pace.rest(self.reads.rest_s(answer))
