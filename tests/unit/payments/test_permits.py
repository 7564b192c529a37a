"""What was taken to be sent leaves only while every payment of it still may."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.unit.payments.test_seams import again, give_up, line, lose, row_of, second_lost

from settle.adapters import Fact, Open, Request, Source, commits, reads
from settle.payments import InlineWriter, Scope, pause, record, resume
from settle.payments.exchanges import LeaseLost, Stopped, StoreRecorder
from settle.payments.lane import Lane, Run
from settle.payments.leasing import Lease
from settle.payments.retaking import resend
from settle.payments.sending import Sending
from settle.payments.tables import exchanges, payments
from settle.store import Store

PAY = commits(Request(method="POST", path="/pay"))
ASK = reads(Request(method="GET", path="/status"))


def leave(desk: Any, conversation_id: str, *, worker: str = "v", turn: int = 1) -> None:
    """Store the intent of a sending that was taken before."""
    recorder = StoreRecorder(
        writer=InlineWriter(desk.store), clock=desk.clock, worker=worker, turn=turn
    )
    asyncio.run(recorder.intent(conversation_id, 0, PAY))


def stored(store: Store) -> int:
    with store.reading() as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(exchanges)) or 0)


def switch_off(desk: Any, _: str) -> None:
    pause(desk.store, Scope.RAIL, name="single", actor="ada", reason="a call", now=desk.now)


def book(desk: Any, name: str) -> None:
    record(desk.store, [line(name, Fact.BOOKED)], recorded_at=desk.now)


def reject(desk: Any, name: str) -> None:
    record(desk.store, [line(name, Fact.REJECTED, Source.FIND)], recorded_at=desk.now)


def change(**values: Any) -> Callable[[Any, str], None]:
    def stop(desk: Any, name: str) -> None:
        with desk.store.transaction() as connection:
            here = payments.c.payment_id == name
            connection.execute(payments.update().where(here).values(**values))

    return stop


def sleep(desk: Any, _: str) -> None:
    desk.now += timedelta(minutes=5, seconds=1)


STOPS = {
    "rejected by find": reject,
    "booked by a statement": book,
    "asked back": change(recall="asked"),
    "held": change(hold_reason="obligation: paid by another"),
    "paused": switch_off,
    "lease over": sleep,
    "sent again since": change(resends=7),
}


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_what_was_stopped_since_it_was_taken_to_be_sent_again_does_not_leave(
    desk: Any, store: Store, stop: Callable[[Any, str], None]
) -> None:
    """All re-sendings of a rail are taken at once, and wait for their turn."""
    desk.ready(desk.due)
    name = lose(desk)
    (sending,) = again(desk, name)
    stop(desk, name)
    with pytest.raises(Stopped):
        leave(desk, sending.conversation_id)
    assert 0 == stored(store)


def test_what_nothing_stopped_leaves(desk: Any, store: Store) -> None:
    """A lease lasts until its last moment; a switch that is on again stops nothing."""
    desk.ready(desk.due)
    (sending,) = again(desk, lose(desk))
    switch_off(desk, "single")
    resume(store, Scope.RAIL, name="single", actor="ada", reason="it is well", now=desk.now)
    desk.now += timedelta(minutes=5)
    leave(desk, sending.conversation_id)
    assert 1 == stored(store)


@pytest.mark.parametrize("name", ["paused", "held", "lease over"])
def test_what_was_stopped_before_it_left_the_first_time_is_given_back(
    desk: Any, store: Store, name: str
) -> None:
    """Its worker gives it back at once: nothing left, and the next claim decides anew."""
    desk.ready(desk.due)
    (sending,) = desk.claim()
    run = Run(clock=desk.clock, worker="w", lease_length=timedelta(minutes=5))
    lane = Lane(run=run, name="single", rail=desk.rails["single"], writer=InlineWriter(store))
    STOPS[name](desk, "P-00001")
    with pytest.raises(Stopped) as stopped:
        leave(desk, sending.conversation_id, worker="w", turn=0)
    asyncio.run(lane.close(sending, lane.stopped(stopped.value, committing=False)))
    row = row_of(store, "P-00001")
    assert ("approved", None) == (row["state"], row["worker"])


def lost_batch(desk: Any) -> Sending:
    """A batch of two was sent, and nothing was heard."""
    desk.ready(*desk.dues(2, currency="NOK"))
    (sending,) = desk.claim("batched")
    run = Run(clock=desk.clock, worker="w", lease_length=timedelta(minutes=5))
    lane = Lane(
        run=run, name="batched", rail=desk.rails["batched"], writer=InlineWriter(desk.store)
    )
    asyncio.run(lane.close(sending, Open(reason="the answer was lost")))
    return sending  # type: ignore[no-any-return]


def batch_again(desk: Any, conversation_id: str, worker: str = "v") -> list[Sending]:
    lease = Lease(rail="batched", worker=worker, now=desk.now, length=timedelta(days=1))
    with desk.store.transaction() as connection:
        (sendings,) = resend(connection, [(lease, [conversation_id])])
    return list(sendings)


def test_a_batch_does_not_leave_once_one_of_its_payments_was_given_up(
    desk: Any, store: Store
) -> None:
    """That one is planned anew by now: the late batch would pay it a second time."""
    sending = lost_batch(desk)
    assert 1 == len(batch_again(desk, sending.conversation_id))
    with store.transaction() as connection:
        over = desk.now - timedelta(seconds=1)
        here = payments.c.payment_id == sending.rows[0]["payment_id"]
        connection.execute(payments.update().where(here).values(lease_until=over))
    give_up(desk, sending.rows[0]["payment_id"])
    desk.ready(*desk.dues(1, currency="NOK"))
    assert 1 == len(desk.claim("batched", worker="z"))
    with pytest.raises(Stopped):
        leave(desk, sending.conversation_id)
    assert 0 == stored(store)


def test_what_is_left_of_a_batch_is_not_taken_to_be_sent_again(desk: Any) -> None:
    """It would be another request under the old key."""
    sending = lost_batch(desk)
    give_up(desk, sending.rows[0]["payment_id"])
    assert [] == batch_again(desk, sending.conversation_id)


def test_what_another_paid_since_does_not_leave(desk: Any) -> None:
    """The payment that was given up proves to be executed while the next one waits for its turn."""
    first, second = second_lost(desk)
    (sending,) = again(desk, second)
    book(desk, first)
    with pytest.raises(Stopped):
        leave(desk, sending.conversation_id)


def test_a_switch_of_the_store_stops_what_would_be_sent_again(desk: Any) -> None:
    """Also one that was turned since the rail was asked."""
    desk.ready(desk.due)
    name = lose(desk)
    switch_off(desk, name)
    assert [] == again(desk, name)
    resume(desk.store, Scope.RAIL, name="single", actor="ada", reason="well", now=desk.now)
    assert 1 == len(again(desk, name))


def test_each_of_a_group_is_judged_by_itself(desk: Any, store: Store) -> None:
    """One that is stopped keeps no other that is stored with it from leaving."""
    from settle.payments.exchanges import keep_intents

    desk.ready(*[replace(x, agreement_id=x.obligation_id) for x in desk.dues(3)])
    sendings = desk.claim()
    pause(store, Scope.PARTY, name="O-2", actor="ada", reason="a call", now=desk.now)
    rows = []
    for sending in sendings:
        request = PAY.request
        rows.append(
            {
                "subject": None, "conversation_id": sending.conversation_id, "step": 0, "turn": 0,
                "effect": "commits", "method": "POST", "target": "/pay",
                "fingerprint": request.fingerprint, "headers": "{}", "content": b"",
                "intent_at": desk.now, "sent": True,
            }
        )  # fmt: skip
    with store.transaction() as connection:
        told = keep_intents(connection, [(row, "w") for row in rows])
    left = {s.rows[0]["obligation_id"] for s, x in zip(sendings, told, strict=True) if x == 0}
    assert {"O-1", "O-3"} == left
    assert 2 == stored(store)


def test_a_question_may_be_asked_by_whoever_holds_the_payment(desk: Any) -> None:
    """It moves nothing, so a switch does not stop it; a stranger's does not leave all the same."""
    desk.ready(desk.due)
    (sending,) = desk.claim()
    switch_off(desk, "single")
    for worker in ("w", "stranger"):
        recorder = StoreRecorder(writer=InlineWriter(desk.store), clock=desk.clock, worker=worker)
        if worker == "w":
            asyncio.run(recorder.intent(sending.conversation_id, 0, ASK))
            continue
        with pytest.raises(LeaseLost):
            asyncio.run(recorder.intent(sending.conversation_id, 1, ASK))
