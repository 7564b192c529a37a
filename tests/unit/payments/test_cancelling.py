"""Cancelling before submission: by name, once, and never beside a release."""

from __future__ import annotations

import threading
from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Evidence, Fact, Source
from settle.errors import BadInput
from settle.payments import Cancelled, attention, cancel, record, story
from settle.payments.claiming import Claim, claim
from settle.payments.leasing import Lease
from settle.payments.tables import payment_events
from settle.store import Store

ASKED = {"actor": "ada", "reason": "the merchant asks"}


def cancelled(desk: Any, payment_id: str, *, frees: bool) -> Cancelled:
    with desk.store.transaction() as connection:
        return cancel(connection, payment_id, frees=frees, at=desk.now, **ASKED)


def test_a_freed_obligation_gets_another_payment_with_other_keys(
    desk: Any, store: Store, states: Any
) -> None:
    """The new one is another attempt: the rail can tell the two apart."""
    desk.plan(desk.due)
    assert not cancelled(desk, "P-00001", frees=True).already
    assert cancelled(desk, "P-00001", frees=True).already
    assert desk.plan(desk.due).planned == 1
    desk.approve()
    desk.fund()
    (sending,) = desk.claim()
    assert sending.rows[0]["attempt"] == 2
    assert states() == {"cancelled": 1, "sending": 1}
    with store.reading() as connection:
        told = [line.detail for line in story(connection, "P-00001").lines]
    assert any("by ada: the merchant asks" in line for line in told)


def test_what_is_cancelled_for_good_stays_so_until_it_is_freed_by_name(
    desk: Any, states: Any
) -> None:
    """No night plans another payment for it, however often it is planned."""
    desk.ready(desk.due)
    cancelled(desk, "P-00001", frees=False)
    for _ in range(2):
        assert (0, 1) == (desk.plan(desk.due).planned, desk.plan(desk.due).already)
    assert not cancelled(desk, "P-00001", frees=True).already
    assert desk.plan(desk.due).planned == 1
    with pytest.raises(BadInput, match="its obligation is free"):
        cancelled(desk, "P-00001", frees=False)
    assert states() == {"cancelled": 1, "planned": 1}


def test_what_left_is_not_cancelled(desk: Any, states: Any) -> None:
    """It may be executed: the message says how to ask for it back."""
    desk.ready(desk.due)
    desk.claim()
    with pytest.raises(BadInput, match="settle payments recall P-00001"):
        cancelled(desk, "P-00001", frees=True)
    with pytest.raises(BadInput, match="there is no payment nobody"):
        cancelled(desk, "nobody", frees=True)
    assert states() == {"sending": 1}


def test_a_cancelled_payment_that_was_executed_stops_the_one_after_it(
    desk: Any, store: Store
) -> None:
    """A restored backup learns what it paid: the contradiction is shown, nothing is paid twice."""
    desk.plan(desk.due)
    cancelled(desk, "P-00001", frees=True)
    desk.ready(desk.due)
    booked = Evidence(
        evidence_id="line/1", source=Source.STATEMENT, fact=Fact.BOOKED, reference="P-00001",
        occurred_at=desk.now, rail="single", amount_minor=100, currency="EUR",
    )  # fmt: skip
    record(store, [booked], recorded_at=desk.now)
    assert desk.claim() == []
    with store.reading() as connection:
        assert ["P-00001"] == [x.payment_id for x in attention(connection) if x.contradiction]


def test_of_a_cancellation_and_a_release_at_once_only_one_happens(desk: Any, store: Store) -> None:
    """Threads with connections of their own race for each of sixty payments, on both databases."""
    desk.ready(*desk.dues(60))
    names = [f"P-{n:05d}" for n in range(1, 61)]
    lease = Lease(rail="single", worker="w", now=desk.now, length=timedelta(minutes=5))
    wish = Claim(lease=lease, count_max=3, batch_size_max=None, day=desk.now.date())
    begun, won, released = threading.Barrier(3), set[str](), list[str]()

    def cancels(mine: list[str]) -> None:
        begun.wait()
        for name in mine:
            try:
                with store.transaction() as connection:
                    cancel(connection, name, frees=True, at=desk.now, **ASKED)
            except BadInput:
                continue
            won.add(name)

    def releases() -> None:
        begun.wait()
        idle = 0
        while idle < 3:
            with store.transaction() as connection:
                ((*sendings,),) = claim(connection, [wish])
            released.extend(sending.rows[0]["payment_id"] for sending in sendings)
            idle = 0 if sendings else idle + 1

    halves = (names[::-2], names[::2])
    threads = [threading.Thread(target=cancels, args=(list(half),)) for half in halves]
    threads.append(threading.Thread(target=releases))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    kinds = defaultdict(set)
    with store.reading() as connection:
        for name, kind in connection.execute(
            sa.select(payment_events.c.payment_id, payment_events.c.kind)
        ):
            kinds[name].add(kind)
    assert {n for n in names if "released" in kinds[n]} == set(released)
    assert {n for n in names if "cancelled" in kinds[n]} == won
    assert won.isdisjoint(released)
    assert won | set(released) == set(names)
