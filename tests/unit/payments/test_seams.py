"""Where parts of payments meet: an obligation is paid once, whoever had the last word."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Beneficiary, Evidence, Fact, Open, Source
from settle.errors import BadInput
from settle.payments import (
    Explanation,
    Statement,
    Verdict,
    attention,
    decide,
    explain,
    horizon,
    record,
    repay,
    reroutable,
    unapproved,
)
from settle.payments.instruction import fingerprint_of
from settle.payments.lane import Lane, Run
from settle.payments.leasing import Lease
from settle.payments.retaking import resend
from settle.payments.sending import Sending
from settle.payments.tables import payment_events, payments
from settle.payments.withholding import CHANGED
from settle.payments.writer import InlineWriter
from settle.store import Store


def lose(desk: Any) -> str:
    """Send what is ready, and hear nothing."""
    (sending,) = desk.claim()
    run = Run(clock=lambda: desk.now, worker="w", lease_length=timedelta(minutes=5))
    lane = Lane(run=run, name="single", rail=desk.rails["single"], writer=InlineWriter(desk.store))
    asyncio.run(lane.close(sending, Open(reason="the answer was lost")))
    return str(sending.payments[0].payment_id)


def give_up(desk: Any, name: str) -> None:
    for actor in ("alice", "bob"):
        said = Statement(
            payment_id=name, verdict=Verdict.NOT_EXECUTED, actor=actor, why="the bank says so",
            at=desk.now,
        )  # fmt: skip
        decide(desk.store, said)


def line(name: str, fact: Fact, source: Source = Source.STATEMENT) -> Evidence:
    return Evidence(
        evidence_id=f"{fact.value}/{name}", source=source, fact=fact, reference=name, rail="single",
        occurred_at=datetime(2024, 12, 19, tzinfo=UTC), amount_minor=100, currency="EUR",
    )  # fmt: skip


def row_of(store: Store, name: str) -> Any:
    with store.reading() as connection:
        query = sa.select(payments).where(payments.c.payment_id == name)
        return connection.execute(query).mappings().one()


def again(desk: Any, name: str) -> list[Sending]:
    lease = Lease(rail="single", worker="v", now=desk.now, length=timedelta(minutes=5))
    with desk.store.transaction() as connection:
        (sendings,) = resend(connection, [(lease, [row_of(desk.store, name)["conversation_id"]])])
    return list(sendings)


def swap(desk: Any) -> None:
    """Another payee, and both digests beside it: what somebody with the database can do."""
    with desk.store.transaction() as connection:
        (row,) = connection.execute(sa.select(payments)).mappings()
        new = {"beneficiary_name": "Mallory", "beneficiary_account": "DE75512108001245126199"}
        signed = fingerprint_of({**row, **new})
        new |= {"fingerprint": signed, "approved_fingerprint": signed}
        connection.execute(payments.update().values(new))


def test_a_row_whose_payee_and_digests_were_changed_does_not_leave(desk: Any, store: Store) -> None:
    """The approval is what its sealed event says, not what stands beside the payee."""
    desk.ready(desk.due)
    swap(desk)
    assert [] == desk.claim()
    row = row_of(store, "P-00001")
    assert ("planned", CHANGED) == (row["state"], row["hold_reason"])


def test_a_row_whose_payee_and_digests_were_changed_is_not_sent_once_more(
    desk: Any, store: Store
) -> None:
    """An old key never carries another instruction."""
    desk.ready(desk.due)
    name = lose(desk)
    swap(desk)
    assert [] == again(desk, name)
    assert "changed after it was sent" in row_of(store, name)["contradiction"]


def test_an_audit_names_each_payment_that_is_not_what_was_approved(desk: Any, store: Store) -> None:
    """Whether it has left or not; one that waits for an approval has none yet."""
    desk.plan(*desk.dues(2))
    assert [] == told(store)
    desk.approve()
    desk.fund()
    sent = desk.claim()
    assert [] == told(store)
    with store.transaction() as connection:
        mine = payments.c.payment_id == sent[0].payments[0].payment_id
        connection.execute(payments.update().where(mine).values(amount_minor=101))
        other = payment_events.c.payment_id == sent[1].payments[0].payment_id
        approved = payment_events.c.kind == "approved"
        connection.execute(payment_events.delete().where(other, approved))
    assert [
        ("P-00001", "the instruction is not the one that was approved"),
        ("P-00002", "no approval of it is kept"),
    ] == told(store)


def told(store: Store) -> list[tuple[str, str]]:
    with store.reading() as connection:
        return [(each.payment_id, each.why) for each in unapproved(connection)]


def second_lost(desk: Any) -> tuple[str, str]:
    """The first payment of an obligation was given up; the second was sent, and nobody knows."""
    desk.ready(desk.due)
    first = lose(desk)
    give_up(desk, first)
    desk.ready(desk.due)
    return first, lose(desk)


def test_what_was_paid_after_all_keeps_the_next_from_being_sent_once_more(
    desk: Any, store: Store
) -> None:
    """A statement books the payment that two people gave up, while the next one is unknown."""
    first, second = second_lost(desk)
    record(store, [line(first, Fact.BOOKED)], recorded_at=desk.now)
    assert [] == again(desk, second)
    assert "unknown" == row_of(store, second)["state"]


def test_without_that_the_next_may_be_sent_once_more(desk: Any) -> None:
    """The same, but for the statement."""
    _, second = second_lost(desk)
    assert [second] == [row["payment_id"] for each in again(desk, second) for row in each.rows]


def test_an_obligation_paid_twice_is_shown_though_one_of_the_payments_was_explained(
    desk: Any, store: Store
) -> None:
    """People accounted for the first before anybody knew what became of the second."""
    first, second = second_lost(desk)
    record(store, [line(first, Fact.BOOKED)], recorded_at=desk.now)
    account_for(desk, first)
    assert "" == row_of(store, first)["contradiction"]
    done = record(store, [line(second, Fact.BOOKED)], recorded_at=desk.now)
    why = f"obligation: payment {first} of it is out as well"
    assert why == row_of(store, second)["contradiction"]
    assert [why] == [each.why for each in done.contradictions]
    with store.reading() as connection:
        assert [(second, why)] == [(x.payment_id, x.why) for x in attention(connection)]
    account_for(desk, second)
    assert "" == row_of(store, second)["contradiction"]
    record(store, [line(second, Fact.BOOKED, Source.REPORT)], recorded_at=desk.now)
    assert "" == row_of(store, second)["contradiction"], "it was explained, and is no news"


def account_for(desk: Any, name: str) -> None:
    for actor in ("alice", "bob"):
        said = Explanation(payment_id=name, actor=actor, why="as the bank wrote", at=desk.now)
        with desk.store.transaction() as connection:
            explain(connection, said)


def test_what_failed_after_it_was_given_up_is_out_until_the_contrary_is_proved(
    desk: Any, store: Store
) -> None:
    """It was accepted after all: a failure afterwards does not let the next one go."""
    desk.ready(desk.due)
    first = lose(desk)
    give_up(desk, first)
    desk.ready(desk.due)
    said = [line(first, fact, Source.FIND) for fact in (Fact.ACCEPTED, Fact.FAILED)]
    record(store, said, recorded_at=desk.now)
    assert [] == desk.claim()
    with store.transaction() as connection:
        connection.execute(payments.update().values(hold_reason=""))
    assert [] == desk.claim()


def back_by_hearsay(name: str, source: Source) -> Evidence:
    said = line(name, Fact.RETURNED, source)
    return replace(said, evidence_id=f"{source.value}/{name}", amount_minor=None, currency=None)


@pytest.mark.parametrize("source", [Source.NOTIFICATION, Source.FIND])
def test_what_is_said_to_have_come_back_is_out_until_our_account_shows_it(
    desk: Any, store: Store, source: Source
) -> None:
    """It was given up, and the rail says that it came back: so it had left."""
    desk.ready(desk.due)
    first = lose(desk)
    give_up(desk, first)
    desk.ready(desk.due)
    record(store, [back_by_hearsay(first, source)], recorded_at=desk.now)
    assert ("returned", []) == (row_of(store, first)["state"], desk.claim())
    assert first in row_of(store, "P-00002")["hold_reason"]
    with store.transaction() as connection:
        connection.execute(payments.update().values(hold_reason=""))
    assert [] == desk.claim()
    record(store, [line(first, Fact.RETURNED)], recorded_at=desk.now)
    assert ["P-00002"] == [row["payment_id"] for each in desk.claim() for row in each.rows]


def test_nothing_is_paid_again_while_another_payment_is_back_by_hearsay_only(
    desk: Any, store: Store
) -> None:
    """The second came back to our account; the first, given up, is only said to be back."""
    first, second = second_lost(desk)
    said = [line(second, Fact.RETURNED), back_by_hearsay(first, Source.NOTIFICATION)]
    record(store, said, recorded_at=desk.now)
    again: dict[str, Any] = {
        "beneficiary": None, "actor": "ada", "reason": "the account is open again",
        "value_date": date(2024, 12, 20), "rails": desk.rails, "at": desk.now,
    }  # fmt: skip
    with store.transaction() as connection, pytest.raises(BadInput, match=f"payment {first}"):
        repay(connection, second, ids=lambda: "P-again", **again)
    record(store, [line(first, Fact.RETURNED)], recorded_at=desk.now)
    with store.transaction() as connection:
        assert not repay(connection, second, ids=lambda: "P-again", **again).already


def test_the_horizon_begins_with_the_last_sending(desk: Any, store: Store) -> None:
    """A rail that may execute late may do so after a re-sending, too."""
    desk.ready(desk.due)
    name = lose(desk)
    profile = desk.rails["single"].profile
    with store.reading() as connection:
        _, before = horizon(connection, row_of(store, name), profile)
    desk.now += timedelta(days=3)
    assert 1 == len(again(desk, name))
    with store.reading() as connection:
        _, after = horizon(connection, row_of(store, name), profile)
    assert timedelta(days=2) == after - before


def test_a_worker_that_wakes_up_after_the_decision_holds_nothing(desk: Any, store: Store) -> None:
    """Its lease had run out when two people decided; no intent of it is kept any more."""
    desk.ready(desk.due)
    name = lose(desk)
    again(desk, name)
    desk.now += timedelta(hours=1)
    give_up(desk, name)
    row = row_of(store, name)
    assert ("cancelled", None) == (row["state"], row["worker"])


def test_no_plan_changes_to_whom_somebody_said_to_pay_again(desk: Any, store: Store) -> None:
    """The corrected payee is one that no rail takes: it waits, and the old one is not planned."""
    desk.ready(desk.due)
    desk.claim()
    lines = [line("P-00001", Fact.BOOKED), line("P-00001", Fact.RETURNED)]
    record(store, lines, recorded_at=desk.now)
    nobody = Beneficiary(
        name="Nobody", country="DE", town="Berlin", account="DE75512108001245126199"
    )
    with store.transaction() as connection:
        made = repay(
            connection, "P-00001", beneficiary=nobody, actor="ada", reason="new account",
            value_date=date(2024, 12, 20), rails=desk.rails, at=desk.now, ids=lambda: "P-again",
        )  # fmt: skip
    assert made.hold_reason
    with store.reading() as connection:
        assert [] == reroutable(connection, desk.rails, tenant="t")
    done = desk.plan(desk.due)
    assert (0, 1, []) == (done.planned, done.already, list(done.refused))
    assert "planned" == row_of(store, "P-again")["state"]


@pytest.mark.parametrize("recall", ["asked", "pending"])
def test_what_somebody_wants_back_does_not_leave_though_nothing_of_it_had_left(
    desk: Any, store: Store, recall: str
) -> None:
    """It is held by name instead, and can be cancelled."""
    desk.ready(desk.due)
    with store.transaction() as connection:
        connection.execute(payments.update().values(recall=recall))
    assert [] == desk.claim()
    row = row_of(store, "P-00001")
    assert ("planned", True) == (row["state"], row["hold_reason"].startswith("recall: "))


def test_what_is_held_takes_nobodys_money(desk: Any, store: Store) -> None:
    """Two wait for the money of one: the elder is held meanwhile, and the other one leaves."""
    desk.plan(*desk.dues(2))
    desk.approve()
    desk.fund(available_minor=100)
    held = payments.update().where(payments.c.payment_id == "P-00001")
    with store.transaction() as connection:
        connection.execute(held.values(hold_reason="search: nobody could ask"))
    desk.fund(available_minor=100)
    assert ["P-00002"] == [row["payment_id"] for each in desk.claim() for row in each.rows]
    assert ("local check", "search: nobody could ask") == desk.held()["O-1"]


def test_what_is_held_no_longer_waits_for_money_again(desk: Any, store: Store) -> None:
    """The other one has it by now."""
    desk.plan(*desk.dues(2))
    desk.approve()
    desk.fund(available_minor=100)
    held = payments.update().where(payments.c.payment_id == "P-00001")
    with store.transaction() as connection:
        connection.execute(held.values(hold_reason="search: nobody could ask"))
    desk.fund(available_minor=100)
    with store.transaction() as connection:
        connection.execute(held.values(hold_reason=""))
    assert ["P-00002"] == [row["payment_id"] for each in desk.claim() for row in each.rows]
    desk.fund(available_minor=100)
    assert ["P-00001"] == [row["payment_id"] for each in desk.claim() for row in each.rows]
