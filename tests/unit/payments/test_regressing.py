"""Success may regress, within a rail's horizon and beyond; a late failure undoes no payment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Evidence, Fact, Source
from settle.ledger import balances, in_transit_against_payments, trial_balance
from settle.payments import attention, open_totals, record, returned
from settle.payments.tables import payment_events
from settle.store import Store

HORIZON = timedelta(days=1)
WITHIN, EDGE, BEYOND = HORIZON / 2, HORIZON, 200 * HORIZON
States = Callable[[], dict[str, int]]


def said(desk: Any, fact: Fact, source: Source, after: timedelta, **changes: Any) -> Evidence:
    given = {"amount_minor": 100, "evidence_id": f"{fact.value}/{source.value}", **changes}
    return Evidence(
        source=source, fact=fact, reference="P-00001", occurred_at=desk.now + after, rail="single",
        currency="EUR", **given,
    )  # fmt: skip


def ledger(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        found = balances(connection)
        checks = [
            *trial_balance(found),
            *in_transit_against_payments(found, open_totals(connection)),
        ]
    assert all(check.holds for check in checks)
    return {each.account: each.balance_minor for each in found if each.balance_minor}


@pytest.mark.parametrize("after", [WITHIN, BEYOND], ids=["within", "beyond"])
@pytest.mark.parametrize("back_minor", [100, 93])
def test_what_was_paid_comes_back_whenever_that_is(
    desk: Any, store: Store, states: States, after: timedelta, back_minor: int
) -> None:
    """Dated by the day it came back, short of charges too, and owed again; nothing contradicts."""
    desk.release(desk.due)
    paid = said(desk, Fact.BOOKED, Source.STATEMENT, timedelta())
    back = said(desk, Fact.RETURNED, Source.STATEMENT, after, amount_minor=back_minor)
    record(store, [paid], recorded_at=desk.now)
    assert {"booked": 1} == states()
    assert () == tuple(record(store, [back], recorded_at=desk.now + after).contradictions)
    assert {"returned": 1} == states()
    with store.reading() as connection:
        (owed,) = returned(connection)
    assert (back_minor, 100 - back_minor) == (owed.back_minor, owed.charges_minor)
    assert (desk.now + after).date() == owed.returned_on
    assert back_minor - 100 == ledger(store).get("nostro/single/acc", 0)


@pytest.mark.parametrize("after", [WITHIN, BEYOND], ids=["within", "beyond"])
@pytest.mark.parametrize("source", [Source.FIND, Source.STATEMENT, Source.NOTIFICATION])
def test_what_was_only_sent_bounces(
    desk: Any, states: States, store: Store, after: timedelta, source: Source
) -> None:
    """Accepted and never booked: the bounce is news; only our account's own word moves money."""
    desk.release(desk.due)
    bounced = said(desk, Fact.RETURNED, source, after)
    record(store, [bounced], recorded_at=desk.now + after)
    assert {"returned": 1} == states()
    with store.reading() as connection:
        owed = returned(connection)
    assert (source is Source.STATEMENT) == bool(owed)
    ledger(store)


@pytest.mark.parametrize("after", [WITHIN, BEYOND], ids=["within", "beyond"])
@pytest.mark.parametrize("source", [Source.FIND, Source.REPORT, Source.STATEMENT])
def test_a_late_failure_undoes_no_proven_payment(
    desk: Any, states: States, store: Store, after: timedelta, source: Source
) -> None:
    """It is kept and shown as a contradiction; the money stays where the statement has it."""
    desk.release(desk.due)
    paid = said(desk, Fact.BOOKED, Source.STATEMENT, timedelta())
    record(store, [paid], recorded_at=desk.now)
    before = ledger(store)
    late = said(desk, Fact.FAILED, source, after, amount_minor=None)
    record(store, [late], recorded_at=desk.now + after)
    assert ({"booked": 1}, before) == (states(), ledger(store))
    with store.reading() as connection:
        (shown,) = attention(connection)
        kept = sa.select(sa.func.count()).where(payment_events.c.kind == "failed")
        assert 1 == connection.scalar(kept)
    assert "said to have failed, and proved to be paid" == shown.why


def test_a_failure_undoes_an_acceptance_and_frees_nothing(
    desk: Any, states: States, store: Store
) -> None:
    """What was accepted may have been debited: it stays reserved until that is proved."""
    desk.release(desk.due)
    record(store, [said(desk, Fact.FAILED, Source.FIND, BEYOND)], recorded_at=desk.now)
    assert {"failed": 1} == states()
    assert -100 == ledger(store)["in_transit/single"]


def test_whatever_order_it_is_told_in_it_is_back(desk: Any, store: Store, states: States) -> None:
    """Paid, credited, failed and returned: each order ends in the same state and ledger."""
    told = [
        said(desk, Fact.BOOKED, Source.STATEMENT, timedelta()),
        said(desk, Fact.CREDITED, Source.NOTIFICATION, WITHIN),
        said(desk, Fact.FAILED, Source.FIND, EDGE, amount_minor=None),
        said(desk, Fact.RETURNED, Source.STATEMENT, BEYOND, amount_minor=90),
    ]
    desk.release(*desk.dues(24))
    for nth, order in enumerate(permutations(told), start=1):
        name = f"P-{nth:05d}"
        for each in order:
            about = {"reference": name, "evidence_id": f"{name}/{each.evidence_id}"}
            one = Evidence(**{**_fields(each), **about})
            record(store, [one], recorded_at=desk.now)
    assert {"returned": 24} == states()
    assert {"charges/returns": 240, "nostro/single/acc": -240} == {
        account: minor for account, minor in ledger(store).items()
        if account.startswith(("charges", "nostro"))
    }  # fmt: skip


def _fields(evidence: Evidence) -> dict[str, Any]:
    return {name: getattr(evidence, name) for name in Evidence.__dataclass_fields__}
