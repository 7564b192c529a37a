"""Nothing leaves that was not approved as it stands, and covered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from settle.errors import BadInput
from settle.payments import (
    approve_one,
    attention,
    fund,
    in_transit,
    open_totals,
    overview,
    roll,
    story,
)
from settle.payments.tables import payments
from settle.store import Store


def test_policy_approves_up_to_its_limit_and_the_rest_waits_for_a_person(desk: Any) -> None:
    """What waits is listed, and a person's approval lets it go."""
    desk.plan(desk.due, replace(desk.due, obligation_id="O-2", amount_minor=101))
    approved = desk.approve(100)
    assert (approved.approved, approved.waiting) == (1, ["P-00002"])
    approve_one(desk.store, "P-00002", actor="ann", now=desk.now)
    assert desk.fund().funded == 2
    with pytest.raises(BadInput, match="P-00002 is approved, and does not wait"):
        approve_one(desk.store, "P-00002", actor="ann", now=desk.now)


@pytest.mark.parametrize(
    "change",
    [
        {"beneficiary_account": "DE00"},
        {"amount_minor": 101},
        {"value_date": date(2024, 12, 18)},
        {"value_date": date(2024, 12, 18), "not_before": date(2024, 12, 18)},
        {"not_before": date(2024, 12, 18)},
    ],
)
def test_a_row_changed_after_its_approval_is_not_sent(
    desk: Any, store: Store, change: dict[str, Any]
) -> None:
    """The claim compares what it would send with what was signed; so it does an earlier date."""
    desk.ready(desk.due)
    with store.transaction() as connection:
        connection.execute(sa.update(payments).values(change))
    assert desk.claim() == []
    with store.reading() as connection:
        assert [a.why for a in attention(connection)] == ["instruction: changed after its approval"]


def test_what_a_person_approved_stays_approved_when_its_value_date_rolls(
    desk: Any, store: Store
) -> None:
    """An approval says not before: night after night the date moves on, and the payment goes."""
    desk.plan(desk.due)
    assert desk.approve(99).waiting == ["P-00001"]
    approve_one(store, "P-00001", actor="ann", now=desk.now)
    assert desk.fund(0).scheduled == 1
    for day in (20, 20, 21):
        roll(store, value_dates={"EUR": date(2024, 12, day)}, now=desk.now)
        assert desk.approve(99).waiting == []
    assert desk.fund().funded == 1
    assert [s.payments[0].value_date for s in desk.claim()] == [date(2024, 12, 21)]
    with store.reading() as connection:
        told = [line.what for line in story(connection, "P-00001").lines]
    assert (1, 2) == (told.count("approved (engine)"), told.count("rolled (engine)"))


def test_a_value_date_never_rolls_back(desk: Any, store: Store) -> None:
    """A payment due later keeps its date, and rolling again moves nothing."""
    desk.plan(desk.due)
    assert roll(store, value_dates={"EUR": date(2024, 12, 18)}, now=desk.now) == 0
    later = {"EUR": date(2024, 12, 20)}
    assert [roll(store, value_dates=later, now=desk.now) for _ in range(2)] == [1, 0]


def test_payments_are_funded_in_order_and_the_rest_is_scheduled(desk: Any, states: Any) -> None:
    """What fits is covered, oldest value date first; what does not comes back next night."""
    dues = desk.dues(3)
    desk.plan(*dues[:2], replace(dues[2], value_date=date(2024, 12, 18)))
    desk.approve()
    funded = desk.fund(250)
    assert (funded.funded, funded.scheduled) == (2, 1)
    assert states() == {"approved": 2, "scheduled": 1}
    assert sorted(s.rows[0]["obligation_id"] for s in desk.claim()) == ["O-1", "O-3"]
    assert desk.fund(50).funded == 0
    assert desk.fund(100).funded == 1


def test_funding_taken_away_before_release_stays_away(desk: Any) -> None:
    """The last word on cover counts, even at the same instant."""
    desk.ready(desk.due)
    assert desk.fund(99).scheduled == 1
    assert desk.claim() == []


def test_a_payment_whose_account_is_no_longer_ours_says_so_while_it_waits(
    desk: Any, store: Store
) -> None:
    """It is said once, and no more when the account is ours again and only holds too little."""
    told = []
    desk.plan(desk.due)
    desk.approve()
    for balances in ({}, {}, {("single", "acc", "EUR"): 99}, {("single", "acc", "EUR"): 99}):
        assert 1 == fund(store, balances=balances, now=desk.now).scheduled
        with store.reading() as connection:
            told += [each.why for each in attention(connection)]
            steps = [line.what for line in story(connection, "P-00001").lines]
    assert [
        *["account acc is not ours at single"] * 2,
        *["the account does not hold enough"] * 2,
    ] == told
    assert 2 == steps.count("scheduled (engine)")
    assert 1 == desk.fund().funded


def test_a_batch_is_made_of_like_payments_and_named_by_them(desk: Any, store: Store) -> None:
    """Its id is stored before it is sent, so that a crash replays the identical message."""
    dues = desk.dues(3, currency="NOK")
    desk.ready(*dues, replace(dues[0], obligation_id="O-9", value_date=date(2024, 12, 20)))
    batches = [sending.batch for sending in desk.claim("batched")]
    assert sorted(len(batch) for batch in batches) == [1, 1, 2]
    assert all(len(batch.batch_id) <= 35 for batch in batches)
    with store.reading() as connection:
        stored = set(connection.execute(sa.select(payments.c.batch_id)).scalars())
        assert stored == {batch.batch_id for batch in batches}
        assert open_totals(connection) == {("in_transit/batched", "NOK"): 400}
    assert desk.claim("batched") == []


def test_totals_of_payments_are_exact_beyond_64_bits(desk: Any, store: Store) -> None:
    """Two payments of the largest amount there is are told together, on each database."""
    desk.plan(*desk.dues(2, currency="NOK", amount_minor=2**63 - 1))
    with store.reading() as connection:
        (tally,) = overview(connection)
    assert 2 * (2**63 - 1) == tally.amount_minor
    with store.transaction() as connection:
        connection.execute(sa.update(payments).values(in_transit=True))
    with store.reading() as connection:
        totals, leaving = open_totals(connection), in_transit(connection)
    assert {("in_transit/batched", "NOK"): 2 * (2**63 - 1)} == totals
    assert {("batched", "n", "NOK"): 2 * (2**63 - 1)} == leaving
