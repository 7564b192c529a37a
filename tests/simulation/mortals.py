"""What runs in processes of its own here: workers that are killed, and the rail that counts."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any
from zlib import crc32

import sqlalchemy as sa

from settle.adapters import Limits, Profile, Response, Sender
from settle.errors import ConfigError
from settle.payments import LookPolicy, PayPolicy, Rail, look_up, pay
from settle.simulation.serve import serving
from settle.simulation.trial.bank import Bank
from settle.simulation.trial.rails import SINGLE, Lark, SimulatedSettings
from settle.store import Store, uuid7

DAY = date(2024, 12, 18)
ACCOUNT = "our-SGD"
LEASE = timedelta(seconds=4)
LOST_DATABASE = 75
"""The exit code of a worker whose database went away (EX_TEMPFAIL)."""

DELAY_S = 0.02
"""The rail thinks up to so long before it does something, and again before it says so."""


class WideLark(Lark):
    """The rail with single calls, eight at once."""

    @property
    def profile(self) -> Profile:
        """The same, but for its limits."""
        same = super().profile
        return Profile(
            rail=same.rail, currencies=same.currencies, kinds=same.kinds, verbs=same.verbs,
            key=same.key, limits=Limits(concurrency_max=8), finality_horizon=same.finality_horizon,
        )  # fmt: skip


def spoken(rail_url: str) -> WideLark:
    """The adapter that speaks to a rail at this URL."""
    return WideLark(SimulatedSettings(base_url=rail_url, accounts={"SGD": ACCOUNT}))


class CountingRail:
    """The bank behind real HTTP. It counts what it is sent and what it executed.

    A few payments are answered 503: some before the bank has done them, some after.
    """

    def __init__(self) -> None:
        self.bank = Bank(clock=lambda: datetime.now(UTC))
        self.posts: Counter[str] = Counter()
        self.chance = random.Random(1)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        content, more = b"", True
        while more:
            part = await receive()
            content, more = content + part.get("body", b""), part.get("more_body", False)
        if scope["path"] == "/truth":
            return await _say(send, Response(status=200, content=self.truth()))
        await asyncio.sleep(self.chance.random() * DELAY_S)
        answer = self.does(scope["method"], scope["path"], content)
        await asyncio.sleep(self.chance.random() * DELAY_S)
        return await _say(send, answer)

    def does(self, method: str, path: str, content: bytes) -> Response:
        """Do what is asked, and at times say something else."""
        if (method, path) != ("POST", "/payments"):
            return self.bank.answer(method, path, content)
        key = json.loads(content)["key"]
        self.posts[key] += 1
        odd = crc32(key.encode()) % 40 if self.posts[key] == 1 else None
        if odd == 0:
            return Response(status=503)
        answer = self.bank.answer(method, path, content)
        return Response(status=503) if odd == 1 else answer

    def truth(self) -> bytes:
        """What was executed, by reference, and how often each key was sent."""
        executed = Counter(each.reference for each in self.bank.executed)
        return json.dumps({"executed": executed, "posts": self.posts}).encode()


async def _say(send: Any, answer: Response) -> None:
    length = (b"content-length", b"%d" % len(answer.content))
    await send({"type": "http.response.start", "status": answer.status, "headers": [length]})
    await send({"type": "http.response.body", "body": answer.content})


def serve(told: Connection) -> None:
    """Be the rail until the other end of the pipe says something or is closed."""

    async def serve_until_told() -> None:
        async with serving(CountingRail()) as (host, port):
            told.send(f"http://{host}:{port}")
            await asyncio.to_thread(told.poll, None)

    asyncio.run(serve_until_told())


def work(store_url: str, rail_url: str, name: str, *, goes_on: bool, stop: Path) -> None:
    """Pay and find out until there is a file `stop`.

    A worker that loses its database tries again in the same process where it `goes_on`, and ends
    otherwise.
    """
    while not _is_there(stop):
        try:
            asyncio.run(_sessions(store_url, rail_url, name, stop))
        except (sa.exc.DBAPIError, ConfigError):
            if not goes_on:
                sys.exit(LOST_DATABASE)


def _is_there(stop: Path) -> bool:
    return stop.exists()


async def _sessions(store_url: str, rail_url: str, name: str, stop: Path) -> None:
    store = Store.open(store_url)
    adapter = spoken(rail_url)
    limits = adapter.profile.limits
    try:
        async with Sender(adapter.endpoint, connections=limits.concurrency_max) as sender:
            rails = {SINGLE: Rail(adapter, sender)}
            while not _is_there(stop):
                await look_up(
                    store, rails, clock=lambda: datetime.now(UTC), worker=name, ids=uuid7,
                    policy=LookPolicy(lease=LEASE, polls_accepted=False),
                )  # fmt: skip
                await pay(
                    store, rails, clock=lambda: datetime.now(UTC), worker=name, day=DAY,
                    policy=PayPolicy(lease=LEASE, round_size=24, wait_s=0.02),
                )  # fmt: skip
                await asyncio.sleep(0.02)
    finally:
        store.close()
