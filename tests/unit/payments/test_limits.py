"""Velocity: what a party or a rail may get in a day, counted over what was released."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.errors import BadInput
from settle.payments import (
    Controls,
    DayLimit,
    Event,
    EventKind,
    Scope,
    approve_one,
    attention,
    fund,
)
from settle.payments.claiming import Claim, claim
from settle.payments.ending import End, end
from settle.payments.leasing import Lease
from settle.payments.tables import payments
from settle.store import Store

MONDAY, TUESDAY = date(2024, 12, 16), date(2024, 12, 17)
PARTY = (Scope.PARTY,)


def limited(per: tuple[Scope, ...] = PARTY, **limit: Any) -> Controls:
    return Controls(limits=(DayLimit(per=per, **limit),))


def test_what_is_over_a_partys_amount_waits_and_goes_the_next_day(desk: Any) -> None:
    """It is held by name and not refused, and a smaller one of the party goes meanwhile."""
    small = replace(desk.due, obligation_id="O-4", amount_minor=50)
    controls = limited(amount_minor={"EUR": 250})
    assert ["O-1", "O-2", "O-4"] == desk.release(
        *desk.dues(3), small, controls=controls, day=MONDAY
    )
    assert {"O-3": ("velocity limit", "EUR 2.50 a day for A-1")} == desk.held()
    assert [] == desk.release(controls=controls, day=MONDAY)
    assert ["O-3"] == desk.release(controls=controls, day=TUESDAY)


def test_a_count_is_a_limit_of_its_own(desk: Any) -> None:
    """Many small payments are stopped as one large one is."""
    controls = limited(count={"EUR": 2})
    assert ["O-1", "O-2"] == desk.release(*desk.dues(3), controls=controls, day=MONDAY)
    assert {"O-3": ("velocity limit", "2 payments in EUR a day for A-1")} == desk.held()


@pytest.mark.parametrize(
    ("per", "left"),
    [
        ((), ["O-1"]),
        ((Scope.RAIL,), ["O-1", "O-3"]),
        ((Scope.PARTY,), ["O-1", "O-2"]),
        ((Scope.PARTY, Scope.RAIL), ["O-1", "O-2", "O-3"]),
    ],
)
def test_a_limit_counts_by_what_it_says(desk: Any, per: tuple[Scope, ...], left: list[str]) -> None:
    """Per party, per rail, both or neither; the fourth is one too many for any of them."""
    dues = [
        desk.due,
        replace(desk.due, obligation_id="O-2", agreement_id="A-2"),
        replace(desk.due, obligation_id="O-3", rail="batched"),
        replace(desk.due, obligation_id="O-4"),
    ]
    assert left == desk.release(*dues, controls=limited(per, count={"EUR": 1}), day=MONDAY)


def test_a_limit_binds_whom_it_names_and_the_currencies_that_it_names(desk: Any) -> None:
    """Another party, and another currency, go as if there were none."""
    dues = [
        desk.due,
        replace(desk.due, obligation_id="O-2", agreement_id="A-2"),
        replace(desk.due, obligation_id="O-3", currency="NOK"),
    ]
    controls = limited(amount_minor={"EUR": 0}, only=frozenset({"A-1"}))
    assert ["O-2", "O-3"] == desk.release(*dues, controls=controls, day=MONDAY)


def test_a_person_lets_one_through_its_limit_and_it_still_counts(desk: Any, store: Store) -> None:
    """It goes the same day; what was within the limit before it is counted, and so is it."""
    controls = limited(amount_minor={"EUR": 150})
    desk.release(*desk.dues(3), controls=controls, day=MONDAY)
    done = approve_one(store, "P-00002", actor="ann", now=desk.now)
    assert "velocity limit" == done.cleared
    assert ["O-2"] == desk.release(controls=controls, day=MONDAY)
    assert {"O-3"} == desk.held().keys()
    with pytest.raises(BadInput, match="P-00002 is accepted, and does not wait"):
        approve_one(store, "P-00002", actor="bob", now=desk.now)


def test_what_is_more_than_the_limit_by_itself_says_so(desk: Any) -> None:
    """No next day helps it; a person has to."""
    desk.release(desk.due, controls=limited(amount_minor={"EUR": 99}), day=MONDAY)
    (hold,) = desk.held().values()
    assert ("velocity limit", "EUR 0.99 a day for A-1; it is more than that by itself") == hold


@pytest.mark.parametrize("day", [MONDAY, MONDAY - timedelta(days=1)])
def test_what_did_not_leave_counts_no_more_and_what_may_have_left_does(
    desk: Any, day: date
) -> None:
    """Proof at the socket gives the room back; what is being sent keeps it, on any day."""
    controls = limited(count={"EUR": 1})
    desk.plan(*desk.dues(2))
    desk.approve()
    desk.fund(controls=controls, day=MONDAY)
    (sending,) = desk.claim(day=day)
    assert 0 == desk.fund(controls=controls, day=MONDAY).funded
    back = Event(
        payment_id=sending.rows[0]["payment_id"], event_id="not_moved/1.0",
        kind=EventKind.NOT_MOVED, occurred_at=desk.now, ordinal=1,
    )  # fmt: skip
    with desk.store.transaction() as connection:
        end(connection, [End(events=[back], worker="w", recorded_at=desk.now)])
    assert 1 == desk.fund(controls=controls, day=MONDAY).funded


def test_deciding_again_changes_nothing_and_says_nothing_twice(desk: Any, store: Store) -> None:
    """Once decided, a payment stands as it does until something else is true."""
    controls = limited(count={"EUR": 1})
    desk.plan(*desk.dues(3))
    desk.approve()
    first = desk.fund(controls=controls, day=MONDAY)
    before = steps(store)
    assert first == desk.fund(controls=controls, day=MONDAY)
    assert before == steps(store)


def steps(store: Store) -> list[int]:
    with store.reading() as connection:
        return list(connection.scalars(sa.select(payments.c.steps).order_by(payments.c.payment_id)))


def test_it_is_shown_to_a_person_while_it_waits(desk: Any, store: Store) -> None:
    """The list of what must be seen names the control."""
    desk.release(desk.due, controls=limited(count={"EUR": 0}), day=MONDAY)
    with store.reading() as connection:
        (seen,) = attention(connection)
    assert "velocity limit 0 payments in EUR a day for A-1" == seen.why


def test_workers_at_once_never_let_go_more_than_the_limit(desk: Any, store: Store) -> None:
    """Two decide and two take, again and again at the same time: the day's total stays within."""
    desk.plan(*desk.dues(40))
    desk.approve()
    controls, taken = limited(amount_minor={"EUR": 700}), list[int]()
    balances = {("single", "acc", "EUR"): 10**9}
    failed: list[BaseException] = []

    def decide() -> None:
        for _ in range(4):
            fund(store, balances=balances, now=desk.now, day=MONDAY, controls=controls)

    def take(worker: str) -> None:
        lease = Lease(rail="single", worker=worker, now=desk.now, length=timedelta(minutes=5))
        wish = Claim(lease=lease, count_max=2, batch_size_max=None, day=MONDAY)
        for _ in range(8):
            with store.transaction() as connection:
                (sendings,) = claim(connection, [wish])
            taken.extend(row["amount_minor"] for sending in sendings for row in sending.rows)

    def watched(work: Any, *args: str) -> None:
        try:
            work(*args)
        except BaseException as error:  # noqa: BLE001  # it is raised below
            failed.append(error)

    threads = [threading.Thread(target=watched, args=(decide,)) for _ in range(2)]
    threads += [threading.Thread(target=watched, args=(take, name)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == failed
    decide()
    take("c")
    assert 700 == sum(taken)
