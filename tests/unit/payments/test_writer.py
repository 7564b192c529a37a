"""Group commit: many writes share a transaction, and an error reaches only whose it is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from sqlalchemy.engine import Connection

from settle.adapters import Request, Response, commits
from settle.payments import InlineWriter, ThreadWriter
from settle.payments.exchanges import StoreRecorder, before_resend, histories
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
groups: list[int] = []


def double(connection: Connection, items: Sequence[int]) -> Sequence[int]:
    groups.append(len(items))
    if 13 in items:
        raise ValueError("13")
    return [2 * item for item in items]


async def test_writes_share_commits_and_each_gets_its_own_answer(store: Store) -> None:
    """A hundred writes need far fewer than a hundred transactions."""
    groups.clear()
    async with ThreadWriter(store) as writer:
        results = await asyncio.gather(*(writer.write(double, n) for n in range(14, 114)))
    assert [2 * n for n in range(14, 114)] == results
    assert len(groups) < 50


async def test_one_failing_write_fails_alone(store: Store) -> None:
    """The others of its group are committed all the same."""
    async with ThreadWriter(store) as writer:
        wanted = [writer.write(double, n) for n in (12, 13, 14)]
        results = await asyncio.gather(*wanted, return_exceptions=True)
    assert (results[0], results[2]) == (24, 28)
    assert isinstance(results[1], ValueError)


async def test_exchanges_are_kept_by_turn_and_replayed_by_the_last(store: Store) -> None:
    """A re-sending keeps what the first was answered, and replays only what came before it."""
    writer = InlineWriter(store)
    pay = commits(Request(method="POST", path="/pay", headers={"X": "1"}, content=b"body"))
    for turn, status in enumerate((503, 200)):
        recorder = StoreRecorder(writer=writer, clock=lambda: NOW, turn=turn)
        await recorder.intent("c", 0, pay)
        answer = Response(status=status, headers={"set-cookie": "s", "date": "d"}, content=b"ok")
        await recorder.answer("c", 0, answer)
        with store.reading() as connection:
            (entry,) = histories(connection, ["c"])["c"]
        assert entry.response == Response(status=status, headers={"date": "d"}, content=b"ok")
        (unanswered,) = before_resend([entry])
        assert (unanswered.response, unanswered.sent) == (None, True)


async def test_a_silence_keeps_whether_anything_left(store: Store) -> None:
    """A later intent for the same step takes its place."""
    recorder = StoreRecorder(writer=InlineWriter(store), clock=lambda: NOW)
    pay = commits(Request(method="POST", path="/pay"))
    await recorder.intent("c", 0, pay)
    await recorder.silence("c", 0, "refused", sent=False)
    with store.reading() as connection:
        (entry,) = histories(connection, ["c"])["c"]
    assert (entry.response, entry.sent) == (None, False)
    await recorder.intent("c", 0, pay)
    with store.reading() as connection:
        (entry,) = histories(connection, ["c"])["c"]
    assert entry.sent


def test_the_inline_writer_is_as_durable(store: Store) -> None:
    """It commits each write before it answers, in the caller's own thread."""
    with pytest.raises(ValueError, match="13"):
        asyncio.run(InlineWriter(store).write(double, 13))
    assert asyncio.run(InlineWriter(store).write(double, 5)) == 10
