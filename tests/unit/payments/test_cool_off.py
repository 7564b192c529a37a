"""A payee account that is new to its party waits, for its days or for another person."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from settle.adapters import PaymentKind
from settle.errors import BadInput
from settle.payments import Controls, CoolOff, Due, Event, EventKind, approve_one
from settle.payments.events import append

PAYOUT = PaymentKind.PAYOUT
CHANGED = Controls(cool_off=CoolOff(changed={PAYOUT: 3}))
FIRST = Controls(cool_off=CoolOff(first={PAYOUT: 2}))
OTHER = "DE02120300000000202051"


def due(desk: Any, number: int, account: str = "", **changes: Any) -> Due:
    """One of a party's obligations; blank: to the account of the others."""
    payee = desk.due.beneficiary
    beneficiary = replace(payee, account=account or payee.account)
    plain: Due = desk.due
    return replace(plain, obligation_id=f"O-{number}", beneficiary=beneficiary, **changes)


def test_a_changed_account_waits_its_days_and_then_goes(desk: Any) -> None:
    """Its days count from when it was first planned for; another payment does not renew them."""
    assert ["O-1"] == desk.release(due(desk, 1), controls=CHANGED)
    assert [] == desk.release(due(desk, 2, OTHER), controls=CHANGED)
    why = "payee account changed since the last payment of party A-1; until 2024-12-21 16:30 UTC"
    assert {"O-2": ("cool-off", why)} == desk.held()
    desk.now += timedelta(days=2)
    assert [] == desk.release(due(desk, 3, OTHER), controls=CHANGED)
    desk.now += timedelta(days=1)
    assert ["O-2", "O-3"] == desk.release(controls=CHANGED)


def test_once_it_was_paid_an_account_is_known_and_the_former_is_not(desk: Any) -> None:
    """Whoever changes back is asked too: the last one paid is what counts."""
    desk.release(due(desk, 1), controls=CHANGED)
    desk.release(due(desk, 2, OTHER))
    desk.now += timedelta(hours=1)
    assert ["O-3"] == desk.release(due(desk, 3, OTHER), controls=CHANGED)
    assert [] == desk.release(due(desk, 4), controls=CHANGED)


def test_the_first_payment_of_a_party_waits_by_its_own_days(desk: Any) -> None:
    """Another party that is known goes; where nothing is said of first ones, they go at once."""
    assert [] == desk.release(due(desk, 1), controls=FIRST)
    why = "first payment of party A-1; until 2024-12-20 16:30 UTC"
    assert {"O-1": ("cool-off", why)} == desk.held()
    assert ["O-1"] == desk.release(controls=CHANGED)
    assert ["O-2"] == desk.release(due(desk, 2), controls=FIRST)


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"kind": PaymentKind.TAX_REFUND}, ["O-2"]),
        ({"agreement_id": "A-2"}, ["O-2"]),
        ({"currency": "NOK"}, ["O-2"]),
        ({}, []),
    ],
)
def test_it_is_by_kind_and_by_party_and_currency(
    desk: Any, change: dict[str, Any], left: list[str]
) -> None:
    """A tourist is always paid for the first time; a party may have an account a currency."""
    desk.release(due(desk, 1))
    assert left == desk.release(due(desk, 2, OTHER, **change), controls=CHANGED)


@pytest.mark.parametrize("written", ["de89 3704 0044 0532 0130 00", "DE89370400440532013000"])
def test_an_account_written_otherwise_is_the_same(desk: Any, written: str) -> None:
    """Spaces and case make nobody wait."""
    desk.release(due(desk, 1))
    payee = replace(desk.due.beneficiary, account=written.upper())
    again = replace(desk.due, obligation_id="O-2", beneficiary=payee)
    assert ["O-2"] == desk.release(again, controls=CHANGED)


def test_another_bank_is_another_account(desk: Any) -> None:
    """The same number elsewhere belongs to somebody else."""
    desk.release(due(desk, 1))
    payee = replace(desk.due.beneficiary, bic="DEUTDEFF")
    other = replace(desk.due, obligation_id="O-2", beneficiary=payee)
    assert [] == desk.release(other, controls=CHANGED)


def test_an_account_whose_payment_came_back_is_not_known(desk: Any) -> None:
    """It never was paid there: the next one waits, unless the one before it was the same."""
    desk.release(due(desk, 1))
    desk.release(due(desk, 2, OTHER))
    back = Event(
        payment_id="P-00002", event_id="back", kind=EventKind.RETURNED, occurred_at=desk.now,
        source="statement", amount_minor=100,
    )  # fmt: skip
    with desk.store.transaction() as connection:
        append(connection, [back], recorded_at=desk.now)
    desk.now += timedelta(hours=1)
    third = "DE75512108001245126199"
    assert [] == desk.release(due(desk, 3, third), controls=CHANGED)
    assert ["O-4"] == desk.release(due(desk, 4), controls=CHANGED)


def test_another_person_ends_it_and_the_only_approver_may_not(desk: Any) -> None:
    """Where ann approved, ann does not clear; where policy did, one person does."""
    desk.release(due(desk, 1))
    desk.plan(due(desk, 2, OTHER))
    desk.approve(99)
    approve_one(desk.store, "P-00002", actor="ann", now=desk.now)
    desk.fund(controls=CHANGED)
    with pytest.raises(BadInput, match="approved by Ann alone; another person has to clear"):
        approve_one(desk.store, "P-00002", actor="Ann ", now=desk.now)
    assert [] == desk.release(controls=CHANGED)
    done = approve_one(desk.store, "P-00002", actor="bob", now=desk.now)
    assert "cool-off" == done.cleared
    assert ["O-2"] == desk.release(controls=CHANGED)
    desk.release(due(desk, 3, "DE75512108001245126199"), controls=CHANGED)
    assert "cool-off" == approve_one(desk.store, "P-00003", actor="ann", now=desk.now).cleared
    assert ["O-3"] == desk.release(controls=CHANGED)
