"""What nobody knows is closed by two people or by proven absence, and by nothing less."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import LEAVES_WITHIN, Evidence, Fact, Open, Request, Source, commits
from settle.errors import BadInput
from settle.payments import (
    Decided,
    Objection,
    Statement,
    Verdict,
    attention,
    close_absent,
    decide,
    missing,
    open_totals,
    record,
    reroutable,
    retract,
    state_of,
)
from settle.payments.absence import note_absent
from settle.payments.events import events_of
from settle.payments.exchanges import StoreRecorder
from settle.payments.lane import Lane, Run
from settle.payments.tables import payments
from settle.payments.writer import InlineWriter
from settle.store import Store

NO, YES = Verdict.NOT_EXECUTED, Verdict.EXECUTED
States = Callable[[], dict[str, int]]


@pytest.fixture
def lost(desk: Any, store: Store) -> str:
    """A payment that was sent, and nobody knows what became of it."""
    desk.ready(desk.due)
    (sending,) = desk.claim()
    run = Run(clock=lambda: desk.now, worker="w", lease_length=timedelta(minutes=5))
    lane = Lane(run=run, name="single", rail=desk.rails["single"], writer=InlineWriter(store))
    asyncio.run(lane.close(sending, Open(reason="the answer was lost")))
    return str(sending.payments[0].payment_id)


def say(
    desk: Any, name: str, verdict: Verdict, actor: str, *, later: timedelta = timedelta()
) -> Decided:
    said = Statement(
        payment_id=name, verdict=verdict, actor=actor, why="the bank says so", at=desk.now + later
    )
    return decide(desk.store, said)


def proof(name: str, **changes: Any) -> Evidence:
    made = Evidence(
        evidence_id="line/1", source=Source.STATEMENT, fact=Fact.BOOKED, reference=name,
        occurred_at=changes.pop("at"), rail="single", amount_minor=100, currency="EUR",
    )  # fmt: skip
    return replace(made, **changes)


def test_one_person_decides_nothing(desk: Any, lost: str, states: States) -> None:
    """Said twice, or under the same name in capitals, it is still one person's word."""
    for actor in ("alice", "alice", " Alice ", "ALICE"):
        assert not say(desk, lost, NO, actor).closed
    assert {"unknown": 1} == states()


def test_two_people_who_say_the_same_free_the_money(
    desk: Any, lost: str, store: Store, states: States
) -> None:
    """Until then it stays reserved; then the payment shows until another stands for it."""
    say(desk, lost, NO, "alice")
    with store.reading() as connection:
        assert {("in_transit/single", "EUR"): 100} == open_totals(connection)
    done = say(desk, lost, NO, "bob", later=timedelta(days=2))
    assert (True, ["alice", "bob"]) == (done.closed, done.by)
    assert {"cancelled": 1} == states()
    with store.reading() as connection:
        assert {} == open_totals(connection)
        (shown,) = attention(connection)
    assert (lost, "not_executed decided by alice and bob") == (shown.payment_id, shown.why)


def test_two_people_may_say_that_it_was_executed(
    desk: Any, lost: str, store: Store, states: States
) -> None:
    """It then waits for its booking like any other, and its money stays reserved."""
    say(desk, lost, YES, "alice")
    assert say(desk, lost, YES, "bob").closed
    assert {"accepted": 1} == states()
    with store.reading() as connection:
        assert {("in_transit/single", "EUR"): 100} == open_totals(connection)


def test_who_disagrees_keeps_it_open_until_they_change_their_mind(desk: Any, lost: str) -> None:
    """The last word of each counts."""
    minute = timedelta(minutes=1)
    say(desk, lost, NO, "alice")
    assert ["alice"] == say(desk, lost, YES, "bob", later=minute).against
    assert not say(desk, lost, YES, "carol", later=2 * minute).closed
    assert say(desk, lost, YES, "alice", later=3 * minute).closed


def test_a_word_does_not_wait_for_ever(desk: Any, lost: str) -> None:
    """After three days the first person is asked again."""
    say(desk, lost, NO, "alice")
    assert not say(desk, lost, NO, "bob", later=timedelta(days=3, seconds=1)).closed


def test_only_what_nobody_knows_is_decided(desk: Any, lost: str, store: Store) -> None:
    """Neither what is proved, nor what a worker is just sending, nor what is not there."""
    held = payments.update().values(worker="w", lease_until=desk.now + timedelta(minutes=1))
    with store.transaction() as connection:
        connection.execute(held)
    with pytest.raises(BadInput, match="held by worker w"):
        say(desk, lost, NO, "alice")
    with store.transaction() as connection:
        connection.execute(payments.update().values(worker=None))
    record(store, [proof(lost, at=desk.now)], recorded_at=desk.now)
    with pytest.raises(BadInput, match="is booked"):
        say(desk, lost, NO, "alice")
    with pytest.raises(BadInput, match="there is no payment"):
        say(desk, "P-none", NO, "alice")


def test_what_two_people_gave_up_is_planned_once_more_with_keys_of_its_own(
    desk: Any, lost: str, store: Store
) -> None:
    """The obligation is free again; planned twice it gets one payment."""
    for actor in ("alice", "bob"):
        with store.reading() as connection:
            assert [] == reroutable(connection, desk.rails, tenant="t")
        say(desk, lost, NO, actor)
    with store.reading() as connection:
        assert [desk.due.obligation_id] == reroutable(connection, desk.rails, tenant="t")
    assert (1, 0) == tuple(desk.plan(desk.due).planned for _ in range(2))
    with store.reading() as connection:
        assert [] == reroutable(connection, desk.rails, tenant="t")
        keys = connection.execute(sa.select(payments.c.idempotency_key)).scalars().all()
    assert 2 == len(set(keys))


def take_back(desk: Any, name: str, evidence_id: str, *, later: timedelta) -> None:
    for actor in ("carol", "dave"):
        said = Objection(
            payment_id=name, evidence_id=evidence_id, actor=actor, why="the bank was wrong",
            at=desk.now + later,
        )  # fmt: skip
        with desk.store.transaction() as connection:
            retract(connection, said)


@pytest.mark.parametrize(("verdict", "state"), [(NO, "cancelled"), (YES, "accepted")])
def test_what_was_decided_and_taken_back_is_decided_anew(
    desk: Any, lost: str, states: States, verdict: Verdict, state: str
) -> None:
    """As often as it takes. Words from before the taking back count no more."""
    for day in (1, 2, 3):
        before, after = timedelta(days=day), timedelta(days=day, hours=1)
        assert not say(desk, lost, verdict, "alice", later=before).closed
        assert say(desk, lost, verdict, "bob", later=before).closed
        assert {state: 1} == states()
        name = "decided/1.0" if day == 1 else f"decided/1.0/{day}"
        take_back(desk, lost, name, later=after)
        assert {"unknown": 1} == states()


def test_until_it_is_closed_no_other_payment_is_made(desk: Any, lost: str) -> None:
    """No new key, no other rail: the obligation has its payment."""
    say(desk, lost, NO, "alice")
    again = desk.plan(desk.due)
    assert (0, 1) == (again.planned, again.already)
    other = desk.plan(replace(desk.due, rail="batched"))
    assert (0, ["rail"]) == (other.planned, [refused.field for refused in other.refused])
    assert [] == desk.claim()
    say(desk, lost, NO, "bob")
    assert 1 == desk.plan(desk.due).planned


def test_paid_after_all_holds_the_next_and_shows(
    desk: Any, lost: str, store: Store, states: States
) -> None:
    """Evidence against what two people said is a contradiction, and the second does not leave."""
    say(desk, lost, NO, "alice")
    say(desk, lost, NO, "bob")
    desk.ready(desk.due)
    assert {"cancelled": 1, "approved": 1} == states()
    done = record(store, [proof(lost, at=desk.now)], recorded_at=desk.now)
    assert [lost] == [each.payment_id for each in done.contradictions]
    assert [] == desk.claim()
    with store.reading() as connection:
        shown = {each.payment_id: each.why for each in attention(connection)}
    assert "proved to be executed" in shown.pop(lost)
    assert [f"obligation: payment {lost} of it was executed after all"] == list(shown.values())


def test_the_words_of_people_fold_in_any_order(desk: Any, lost: str, store: Store) -> None:
    """They are events like any other, and one of them alone changes no state."""
    say(desk, lost, NO, "alice")
    say(desk, lost, NO, "bob")
    with store.reading() as connection:
        events = events_of(connection, [lost])[lost]
    assert state_of(events) == state_of(list(reversed(events)) * 2)
    assert "unknown" == state_of([e for e in events if not e.event_id.startswith("decided")]).state


class _Declared:
    """A rail that says how long it may still execute, and that afterwards it cannot."""

    def __init__(self, adapter: Any, **changes: Any) -> None:
        self.profile = replace(adapter.profile, **changes)


def declared(desk: Any, *, impossible: bool = True) -> Mapping[str, Any]:
    changes = {"finality_horizon": timedelta(days=2), "late_execution_impossible": impossible}
    return {"single": _Declared(desk.rails["single"], **changes)}


def asked(desk: Any, store: Store, rails: Mapping[str, Any], *, after: timedelta) -> list[Any]:
    """The rail says that it does not know it; what is missing then."""
    with store.reading() as connection:
        rows = [dict(row) for row in connection.execute(sa.select(payments)).mappings()]
    at = desk.now + after
    said = {str(row["end_to_end_id"]): at for row in rows}
    late = at + timedelta(days=9)
    note_absent(store, rows, said, profile=rails["single"].profile, at=late)
    with store.reading() as connection:
        return list(missing(connection, rails))


def test_absence_counts_past_the_horizon_of_the_last_sending_only(
    desk: Any, lost: str, store: Store
) -> None:
    """What the rail does not know today it may execute tomorrow."""
    rails = declared(desk)
    assert [] == asked(desk, store, rails, after=timedelta(days=2, seconds=-1))
    (found,) = asked(desk, store, rails, after=timedelta(days=2))
    sent = desk.now.date()
    assert (lost, sent - timedelta(1), sent + timedelta(3)) == (
        found.payment_id, found.first, found.last,
    )  # fmt: skip


def test_absence_counts_only_where_late_execution_is_declared_impossible(
    desk: Any, lost: str, store: Store
) -> None:
    """On any other rail it takes two people."""
    rails = declared(desk, impossible=False)
    assert [] == asked(desk, store, rails, after=timedelta(days=99))
    assert lost


def test_proven_absence_frees_the_money_and_a_sending_since_keeps_it(
    desk: Any, lost: str, store: Store, states: States
) -> None:
    """Between the look and the closing somebody may have sent it again."""
    (found,) = asked(desk, store, declared(desk), after=timedelta(days=2))
    at = desk.now + timedelta(days=4)
    with store.transaction() as connection:
        connection.execute(payments.update().values(resends=1))
    assert [] == close_absent(store, [found], shown_by="no statement", at=at)
    assert {"unknown": 1} == states()
    with store.transaction() as connection:
        connection.execute(payments.update().values(resends=0))
    assert [lost] == close_absent(store, [found], shown_by="no statement", at=at)
    assert {"cancelled": 1} == states()


@pytest.mark.parametrize("evidence_id", ["proved_absent/1.0", "absent/1.0"])
def test_absence_that_was_taken_back_is_not_proved_by_the_same_words(
    desk: Any, lost: str, store: Store, states: States, evidence_id: str
) -> None:
    """It, or what it rested on: from then on two people decide."""
    rails = declared(desk)
    (found,) = asked(desk, store, rails, after=timedelta(days=2))
    if evidence_id.startswith("proved"):
        close_absent(store, [found], shown_by="no statement", at=desk.now + timedelta(days=4))
    take_back(desk, lost, evidence_id, later=timedelta(days=5))
    assert [] == asked(desk, store, rails, after=timedelta(days=6))
    say(desk, lost, NO, "alice", later=timedelta(days=7))
    assert say(desk, lost, NO, "bob", later=timedelta(days=7)).closed
    assert {"cancelled": 1} == states()


@pytest.mark.parametrize("fact", [Fact.FAILED, Fact.REJECTED])
def test_a_notification_of_failure_closes_nothing(
    desk: Any, lost: str, store: Store, states: States, fact: Fact
) -> None:
    """It is a reason to ask the rail, and no more."""
    said = proof(lost, at=desk.now, fact=fact, source=Source.NOTIFICATION)
    assert 1 == len(record(store, [said], recorded_at=desk.now).ignored)
    assert {"unknown": 1} == states()


def about_to_leave(desk: Any, store: Store, *, at: timedelta) -> StoreRecorder:
    """A worker that was slow stores its intent so long after it took the payment."""
    with store.reading() as connection:
        conversation_id = connection.scalar(sa.select(payments.c.conversation_id))
    late = StoreRecorder(writer=InlineWriter(store), clock=lambda: desk.now + at)
    request = Request(method="POST", path="/pay")
    asyncio.run(late.intent(str(conversation_id), 0, commits(request)))
    return late


def test_absence_waits_for_what_may_still_leave(desk: Any, lost: str, store: Store) -> None:
    """The horizon begins when the permit to leave has ended, and statements must reach as far."""
    rails, slow = declared(desk), timedelta(days=1)
    about_to_leave(desk, store, at=slow)
    past = slow + LEAVES_WITHIN + timedelta(days=2)
    assert [] == asked(desk, store, rails, after=past - timedelta(seconds=1))
    (found,) = asked(desk, store, rails, after=past)
    assert (lost, (desk.now + past).date() + timedelta(days=1)) == (found.payment_id, found.last)


def test_nobody_says_that_it_was_not_executed_while_it_may_leave(
    desk: Any, lost: str, store: Store
) -> None:
    """A worker that stands still with its intent may go on; that it was executed, one may say."""
    recorder = about_to_leave(desk, store, at=timedelta())
    soon = LEAVES_WITHIN - timedelta(seconds=1)
    with pytest.raises(BadInput, match=r"may still leave until 2024-12-18 16:45:00 UTC"):
        say(desk, lost, NO, "alice", later=soon)
    assert not say(desk, lost, YES, "alice", later=soon).closed
    assert not say(desk, lost, NO, "alice", later=LEAVES_WITHIN).closed
    with store.reading() as connection:
        conversation_id = str(connection.scalar(sa.select(payments.c.conversation_id)))
    asyncio.run(recorder.silence(conversation_id, 0, "timed out", sent=True))
    assert say(desk, lost, NO, "bob").closed  # it has left: there is its silence
