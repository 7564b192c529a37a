"""An answer that is stored when nobody can act on it is marked, and heard before anything else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.unit.payments.test_seams import again, give_up, lose, row_of

from settle.adapters import LEAVES_WITHIN, Accepted, Finished, Open, Request, Response, commits
from settle.errors import BadInput
from settle.payments import InlineWriter, Statement, Verdict, close_absent, decide
from settle.payments.absence import Missing
from settle.payments.ending import End, end
from settle.payments.exchanges import StoreRecorder
from settle.payments.lane import Lane, Run, event_of
from settle.payments.leasing import Lease
from settle.payments.permits import Refusal, Wish, refusals
from settle.payments.retaking import take_over
from settle.payments.sending import Sending
from settle.payments.tables import payments
from settle.payments.unheard import marked, unmark
from settle.store import Store

PAY = commits(Request(method="POST", path="/pay"))
YES = Response(status=201, content=b"T1")


def sent(desk: Any, sending: Sending, *, worker: str, turn: int = 0) -> StoreRecorder:
    """A worker whose request has left, and whose answer is on the way."""
    recorder = StoreRecorder(
        writer=InlineWriter(desk.store), clock=desk.clock, worker=worker, turn=turn
    )
    asyncio.run(recorder.intent(sending.conversation_id, 0, PAY))
    return recorder


def answered(recorder: StoreRecorder, sending: Sending) -> None:
    asyncio.run(recorder.answer(sending.conversation_id, 0, YES))


def given_up(desk: Any) -> tuple[StoreRecorder, Sending]:
    """A worker hangs; another finds its payment open, and two people decide that it never was."""
    desk.ready(desk.due)
    (sending,) = desk.claim(worker="slow")
    recorder = sent(desk, sending, worker="slow")
    desk.now += timedelta(hours=1)
    lease = Lease(rail="single", worker="second", now=desk.now, length=timedelta(minutes=5))
    with desk.store.transaction() as connection:
        take_over(connection, [lease])
    run = Run(clock=desk.clock, worker="second", lease_length=timedelta(minutes=5))
    lane = Lane(run=run, name="single", rail=desk.rails["single"], writer=InlineWriter(desk.store))
    asyncio.run(lane.close(sending, Open(reason="the worker died")))
    return recorder, sending


def unheard(store: Store) -> list[tuple[str, int]]:
    with store.reading() as connection:
        return marked(connection)


def test_the_next_payment_does_not_leave_while_an_answer_about_the_last_is_unheard(
    desk: Any, store: Store
) -> None:
    """It may be the acceptance of what was given up."""
    recorder, sending = given_up(desk)
    give_up(desk, "P-00001")
    answered(recorder, sending)
    assert [(sending.conversation_id, 0)] == unheard(store)
    desk.ready(desk.due)
    assert [] == desk.claim()
    with store.transaction() as connection:
        unmark(connection, unheard(store))
    assert ["P-00002"] == [row["payment_id"] for each in desk.claim() for row in each.rows]


def test_what_was_taken_before_the_answer_came_does_not_leave_either(
    desk: Any, store: Store
) -> None:
    """The next payment waits for its turn when the answer about the last one is stored."""
    recorder, sending = given_up(desk)
    give_up(desk, "P-00001")
    desk.ready(desk.due)
    (following,) = desk.claim(worker="w")
    answered(recorder, sending)
    wish = Wish(
        conversation_id=following.conversation_id, turn=0, moves=True, worker="w", at=desk.now
    )
    with store.transaction() as connection:
        assert [Refusal.STOPPED] == refusals(connection, [wish], fenced=set())
        unmark(connection, unheard(store))
        assert [None] == refusals(connection, [wish], fenced=set())


def test_nobody_decides_while_an_answer_is_unheard(desk: Any, store: Store) -> None:
    """It is heard first; then they may."""
    recorder, sending = given_up(desk)
    answered(recorder, sending)
    said = Statement(
        payment_id="P-00001", verdict=Verdict.NOT_EXECUTED, actor="alice", why="the bank says so",
        at=desk.now,
    )  # fmt: skip
    with pytest.raises(BadInput, match="nobody has heard"):
        decide(store, said)
    with store.transaction() as connection:
        unmark(connection, unheard(store))
    assert not decide(store, said).closed


@pytest.mark.parametrize("heard", [False, True], ids=["unheard", "heard"])
def test_absence_closes_nothing_that_was_answered_and_not_heard(
    desk: Any,
    store: Store,
    heard: bool,  # noqa: FBT001  # pytest gives it by name
) -> None:
    """What find and statements do not know may stand in our own table."""
    recorder, sending = given_up(desk)
    answered(recorder, sending)
    if heard:
        with store.transaction() as connection:
            unmark(connection, unheard(store))
    today = desk.now.date()
    proved = Missing(
        payment_id="P-00001", rail="single", account="acc", currency="EUR", first=today,
        last=today, sending=(1, 0), asked_at=desk.now,
    )  # fmt: skip
    closed = close_absent(store, [proved], shown_by="statements", at=desk.now)
    assert (["P-00001"] if heard else []) == list(closed)


def test_who_is_answered_while_it_sends_acts_on_it_and_marks_nothing(
    desk: Any, store: Store
) -> None:
    """That is nearly always so."""
    desk.ready(desk.due)
    (sending,) = desk.claim(worker="w")
    answered(sent(desk, sending, worker="w"), sending)
    assert [] == unheard(store)


def test_the_answer_to_a_re_sending_is_marked_until_its_worker_has_acted_on_it(
    desk: Any, store: Store
) -> None:
    """Killed in between, it leaves a payment that is unknown as before, and may be decided."""
    desk.ready(desk.due)
    lose(desk)
    (sending,) = again(desk, "P-00001")
    answered(sent(desk, sending, worker="v", turn=1), sending)
    assert [(sending.conversation_id, 1)] == unheard(store)
    event = event_of(sending.rows[0], Accepted(), desk.now)
    with store.transaction() as connection:
        end(connection, [End(events=[event], worker="v", recorded_at=desk.now)])
    assert [] == unheard(store)
    assert "accepted" == row_of(store, "P-00001")["state"]


def test_who_gives_up_without_the_answer_has_not_heard_it(desk: Any, store: Store) -> None:
    """It took over and read what is stored; then find closed the payment, and the answer came."""
    desk.ready(desk.due)
    (sending,) = desk.claim(worker="slow")
    recorder = sent(desk, sending, worker="slow")
    desk.now += timedelta(hours=1)
    lease = Lease(rail="single", worker="second", now=desk.now, length=timedelta(minutes=5))
    with desk.store.transaction() as connection:
        take_over(connection, [lease])
        connection.execute(sa.update(payments).values(state="rejected", live=False))
    answered(recorder, sending)
    run = Run(clock=desk.clock, worker="second", lease_length=timedelta(minutes=5))
    lane = Lane(run=run, name="single", rail=desk.rails["single"], writer=InlineWriter(desk.store))
    assert asyncio.run(lane.close(sending, Open(reason="the worker died")))
    assert [(sending.conversation_id, 0)] == unheard(store)


@pytest.mark.parametrize(("ending", "left"), [(Open(reason="?"), 1), (Finished(Accepted()), 0)])
def test_an_answer_that_tells_nothing_about_what_was_closed_is_left_to_the_next_look(
    desk: Any, store: Store, ending: Any, left: int
) -> None:
    """That one asks the rail; an acceptance is proof at once."""
    desk.ready(desk.due)
    (sending,) = desk.claim(worker="w")
    recorder = sent(desk, sending, worker="w")
    with store.transaction() as connection:
        connection.execute(sa.update(payments).values(state="rejected", live=False))
    answered(recorder, sending)
    run = Run(clock=desk.clock, worker="w", lease_length=timedelta(minutes=5))
    lane = Lane(run=run, name="single", rail=desk.rails["single"], writer=InlineWriter(desk.store))
    assert asyncio.run(lane.close(sending, ending, heard=True))
    assert left == len(unheard(store))


def test_what_has_an_unheard_answer_is_not_sent_again(desk: Any, store: Store) -> None:
    """It is heard before."""
    recorder, sending = given_up(desk)
    answered(recorder, sending)
    assert [] == again(desk, "P-00001")
    with store.transaction() as connection:
        unmark(connection, unheard(store))
    assert 1 == len(again(desk, "P-00001"))


def test_an_answer_that_comes_as_the_payment_is_closed_by_find_is_marked(
    desk: Any, store: Store
) -> None:
    """Its worker holds it still, and may be killed before it acts on that."""
    desk.ready(desk.due)
    (sending,) = desk.claim(worker="w")
    recorder = sent(desk, sending, worker="w")
    with store.transaction() as connection:
        connection.execute(sa.update(payments).values(state="rejected", live=False))
    answered(recorder, sending)
    assert [(sending.conversation_id, 0)] == unheard(store)


def test_the_next_payment_waits_while_a_request_of_the_last_may_be_about_to_leave(
    desk: Any, store: Store
) -> None:
    """The rail said truly that it had rejected it; what was under way came after that."""
    desk.ready(desk.due)
    (sending,) = desk.claim(worker="w")
    sent(desk, sending, worker="w")
    with store.transaction() as connection:
        connection.execute(sa.update(payments).values(state="rejected", live=False))
    desk.ready(replace(desk.due, beneficiary=replace(desk.due.beneficiary, name="Mo Again")))
    desk.now += LEAVES_WITHIN - timedelta(seconds=1)
    assert [] == desk.claim(worker="next")
    desk.now += timedelta(seconds=1)
    assert 1 == len(desk.claim(worker="next"))
