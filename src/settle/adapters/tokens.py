"""The token of a rail: kept in memory only, asked for once however many conversations need it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from settle.adapters.answer import Answer
from settle.adapters.auth import LoginToken, TokenAuth
from settle.adapters.exchange import Response
from settle.adapters.grant import NoToken, Token, granted

REFUSED_S = 30.0
"""How long a refusal stands: many banks lock a login that is refused again and again."""

Ask = Callable[[], Awaitable[Answer]]


class Tokens:
    """The token of one rail, replaced before it ends. One request for it is under way at most.

    `monotonic` gives seconds that never run backwards.
    """

    def __init__(self, auth: TokenAuth, *, monotonic: Callable[[], float]) -> None:
        self._auth = auth
        self._monotonic = monotonic
        self._token: Token | None = None
        self._refusal: tuple[float, NoToken] | None = None
        self._under_way: asyncio.Task[Token | NoToken] | None = None

    async def token(self, ask: Ask) -> Token | NoToken:
        """A token that lives, the one at hand or a new one. `ask` posts for it.

        While a new one is not to be had, the one at hand serves until its very end.

        Raises:
            SettleError: what `ask` raised, to everybody who waits for it.
        """
        if self._lives(early_s=self._auth.early_s):
            return self._used()
        refused = self._still_refused()
        given = refused if refused is not None else await self._new(ask)
        if isinstance(given, NoToken) and self._lives(early_s=0.0):
            return self._used()
        return given

    def spoil(self, token: Token) -> None:
        """The rail knows this token no more; the next conversation gets another."""
        if self._token is not None and self._token.value == token.value:
            self._token = None

    async def aclose(self) -> None:
        """Ask for nothing more."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait([self._under_way])

    async def _new(self, ask: Ask) -> Token | NoToken:
        # A task of its own: whoever needed it first may be cancelled, and the others still wait.
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._asked(ask))
            self._under_way.add_done_callback(self._done)
        return await asyncio.shield(self._under_way)

    async def _asked(self, ask: Ask) -> Token | NoToken:
        asked_at_s = self._monotonic()
        answer = await ask()
        if not isinstance(answer, Response):
            why = f"no token was given: {answer.reason}"
            return NoToken(reason=why, refused=False, retry_after_s=answer.retry_after_s)
        return granted(self._auth, answer, asked_at_s=asked_at_s)

    def _done(self, task: asyncio.Task[Token | NoToken]) -> None:
        self._under_way = None
        if task.cancelled() or task.exception() is not None:
            return
        given = task.result()
        if isinstance(given, Token):
            self._token, self._refusal = given, None
        elif given.refused or self._left_s() > 0:
            rest_s = REFUSED_S if given.refused else min(REFUSED_S, self._left_s())
            self._refusal = (self._monotonic() + rest_s, given)

    def _still_refused(self) -> NoToken | None:
        if self._refusal is None:
            return None
        until_s, given = self._refusal
        left_s = until_s - self._monotonic()
        return replace(given, retry_after_s=left_s) if left_s > 0 else None

    def _lives(self, *, early_s: float) -> bool:
        return self._token is not None and self._left_s() > min(early_s, self._token.lives_s / 2)

    def _left_s(self) -> float:
        token = self._token
        return 0.0 if token is None else token.since_s + token.lives_s - self._monotonic()

    def _used(self) -> Token:
        assert self._token is not None
        if isinstance(self._auth, LoginToken):
            self._token = replace(self._token, since_s=self._monotonic())
        return self._token
