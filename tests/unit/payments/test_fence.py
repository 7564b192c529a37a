"""A worker that lost its payments keeps what it heard, and decides nothing by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Accepted, Request, Response, commits, reads
from settle.payments import InlineWriter, State
from settle.payments.ending import End, end
from settle.payments.exchanges import LeaseLost, StoreRecorder, histories
from settle.payments.lane import event_of
from settle.payments.leasing import Lease
from settle.payments.retaking import take_over
from settle.payments.tables import payments
from settle.store import Store

ASK = reads(Request(method="GET", path="/status"))
PAY = commits(Request(method="POST", path="/pay"))


def recorder(desk: Any, store: Store, worker: str | None = None) -> StoreRecorder:
    return StoreRecorder(writer=InlineWriter(store), clock=desk.clock, worker=worker)


def stored(store: Store, conversation_id: str) -> Any:
    with store.reading() as connection:
        (entry,) = histories(connection, [conversation_id])[conversation_id]
    return entry


def taken_over(desk: Any, store: Store) -> None:
    """Another worker takes over what the first one claimed."""
    desk.now += timedelta(hours=1)
    lease = Lease(rail="single", worker="second", now=desk.now, length=timedelta(minutes=5))
    with store.transaction() as connection:
        (sendings,) = take_over(connection, [lease])
    assert len(sendings) == 1


async def test_a_late_answer_is_kept_though_another_has_the_payment(
    desk: Any, store: Store
) -> None:
    """It is evidence, whoever brings it."""
    desk.ready(*desk.dues(1))
    (sending,) = desk.claim(worker="first")
    slow = recorder(desk, store, "first")
    await slow.intent(sending.conversation_id, 0, PAY)
    taken_over(desk, store)
    await slow.answer(sending.conversation_id, 0, Response(status=201, content=b"T1"))
    assert stored(store, sending.conversation_id).response == Response(status=201, content=b"T1")
    with pytest.raises(LeaseLost):
        await slow.intent(sending.conversation_id, 1, ASK)


async def test_a_second_answer_takes_no_others_place(desk: Any, store: Store) -> None:
    """What is stored may have been acted on; who brings another stops."""
    slow, quick = recorder(desk, store), recorder(desk, store)
    await slow.intent("c", 0, ASK)
    await quick.intent("c", 0, ASK)
    desk.now += timedelta(seconds=1)
    await quick.answer("c", 0, Response(status=200, content=b"accepted"))
    desk.now += timedelta(seconds=1)
    with pytest.raises(LeaseLost):
        await slow.answer("c", 0, Response(status=200, content=b"rejected"))
    await slow.silence("c", 0, "timed out", sent=False)
    entry = stored(store, "c")
    assert (entry.response.content, entry.sent) == (b"accepted", True)


async def test_an_answer_whose_commit_was_not_heard_of_is_simply_written_again(
    desk: Any, store: Store
) -> None:
    """The database did it and its word was lost: the same answer once more is no other one."""
    one = recorder(desk, store)
    await one.intent("c", 0, PAY)
    for _ in range(2):
        await one.answer("c", 0, Response(status=200, content=b"ok"))
    assert stored(store, "c").response.content == b"ok"


@pytest.mark.parametrize("kept", [True, False], ids=["holds it", "lost it"])
def test_only_who_holds_a_payment_ends_its_sending(
    desk: Any,
    store: Store,
    states: Callable[[], dict[str, int]],
    kept: bool,  # noqa: FBT001  # pytest gives it by name
) -> None:
    """An ending by anybody else posts nothing and frees nobody's payment."""
    desk.ready(*desk.dues(1))
    (sending,) = desk.claim(worker="first")
    if not kept:
        taken_over(desk, store)
    event = event_of(sending.rows[0], Accepted(), desk.now)
    with store.transaction() as connection:
        late = End(events=[event], worker="first", recorded_at=desk.now)
        (counting,) = end(connection, [late])
        holder = connection.execute(sa.select(payments.c.worker)).scalar_one()
    assert ([event] if kept else []) == list(counting)
    assert (None if kept else "second") == holder
    assert {(State.ACCEPTED if kept else State.SENDING).value: 1} == states()


def test_an_ending_of_a_former_release_decides_nothing(
    desk: Any, store: Store, states: Callable[[], dict[str, int]]
) -> None:
    """The same worker may hold the payment again, for another sending."""
    desk.ready(*desk.dues(1))
    (sending,) = desk.claim(worker="first")
    row = {**sending.rows[0], "releases": 0}
    late = End(events=[event_of(row, Accepted(), desk.now)], worker="first", recorded_at=desk.now)
    with store.transaction() as connection:
        assert [[]] == [list(each) for each in end(connection, [late])]
    assert {"sending": 1} == states()
