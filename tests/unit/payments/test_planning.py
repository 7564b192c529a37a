"""Each obligation gets one payment, checked before anything is sent, refused by name and field."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Rejected
from settle.payments import Refusal, attention, roll
from settle.payments.ending import End, end
from settle.payments.identity import identity
from settle.payments.lane import event_of
from settle.payments.tables import payments
from settle.store import Store


def test_an_obligation_gets_one_payment_however_often_it_is_planned(desk: Any) -> None:
    """A night run again plans nothing anew."""
    dues = desk.dues(3)
    assert desk.plan(*dues).planned == 3
    again = desk.plan(*dues, desk.due)
    assert (again.planned, again.already) == (0, 3)


def test_references_are_derived_from_what_the_payment_is_for(desk: Any, store: Store) -> None:
    """A second store mints the same key, EndToEndId and UETR, and another tenant another."""
    desk.plan(desk.due)
    desk.plan(desk.due, tenant="other")
    with store.reading() as connection:
        query = sa.select(payments.c.end_to_end_id, payments.c.uetr).order_by(payments.c.payment_id)
        (ours, uetr), (theirs, _) = connection.execute(query).all()
    assert identity("t", "O-1", attempt=1).end_to_end_id == ours
    assert identity("t", "O-1", attempt=1).uetr == uetr
    assert uetr[14] == "4"
    assert ours != theirs


@pytest.mark.parametrize(
    ("beneficiary", "field"),
    [
        ({"account": "DE89370400440532013001"}, "beneficiary.account: the IBAN does not verify"),
        ({"account": "12345"}, "beneficiary.account: not an IBAN, which DE has"),
        ({"bic": "NOBIC"}, "beneficiary.bic"),
        ({"country": ""}, "beneficiary.country: missing"),
        ({"country": "Germany"}, "beneficiary.country"),
        ({"name": "Nobody"}, "beneficiary.name: not here"),
    ],
)
def test_a_beneficiary_that_cannot_be_paid_is_held_by_field(
    desk: Any, beneficiary: dict[str, str], field: str
) -> None:
    """The payment is kept and shown, never approved, and nothing of it is sent."""
    due = replace(desk.due, beneficiary=replace(desk.due.beneficiary, **beneficiary))
    (held,) = desk.plan(due).held
    assert field in held.reason
    assert desk.approve().approved == 0
    desk.fund()
    assert desk.claim() == []


def test_a_held_payment_is_replaced_when_its_data_is_corrected(
    desk: Any, store: Store, states: Any
) -> None:
    """The corrected instruction is another attempt with another key."""
    wrong = replace(desk.due, beneficiary=replace(desk.due.beneficiary, country=""))
    desk.plan(wrong)
    with store.reading() as connection:
        (item,) = attention(connection)
    assert item.why == "beneficiary.country: missing"
    assert desk.plan(desk.due).planned == 1
    assert states() == {"cancelled": 1, "planned": 1}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": -5}, "amount_minor"),
        ({"amount_minor": 2**63}, "amount_minor"),
        ({"amount_minor": 1.5}, "amount_minor"),
        ({"currency": "ZZZ"}, "currency"),
    ],
)
def test_an_amount_that_is_none_is_refused_and_the_rest_goes_on(
    desk: Any, change: dict[str, Any], field: str
) -> None:
    """Bad input is a finding with its field, not an exception."""
    planned = desk.plan(replace(desk.due, **change), replace(desk.due, obligation_id="O-2"))
    assert [(r.obligation_id, r.field) for r in planned.refused] == [("O-1", field)]
    assert planned.planned == 1


@pytest.mark.parametrize("change", [{"currency": "JPY"}, {"currency": "NOK", "amount_minor": 1}])
def test_routing_takes_the_first_rail_that_can_and_says_why(
    desk: Any, store: Store, change: dict[str, Any]
) -> None:
    """What no rail takes is held, with what each of them lacks."""
    planned = desk.plan(replace(desk.due, **change))
    with store.reading() as connection:
        rail, reason = connection.execute(
            sa.select(payments.c.rail, payments.c.routing_reason)
        ).one()
    if change["currency"] == "NOK":
        assert (rail, reason) == ("batched", "single: no NOK; batched: first that takes it")
    else:
        assert planned.held[0].reason == "rail: single: no JPY; batched: no JPY"


def test_an_amount_over_the_rails_limit_goes_to_no_rail(desk: Any) -> None:
    """The profile's limit holds before anything is stored as sent."""
    (held,) = desk.plan(replace(desk.due, amount_minor=10_001)).held
    assert "more than its limit in EUR" in held.reason


def test_a_changed_instruction_under_an_old_key_is_refused_by_field(desk: Any) -> None:
    """The payment that stands is not touched."""
    desk.plan(desk.due)
    planned = desk.plan(replace(desk.due, amount_minor=101))
    why = "differs from the instruction of payment P-00001"
    assert planned.refused == [Refusal(obligation_id="O-1", field="amount_minor", why=why)]


OTHERS: list[tuple[dict[str, Any], str]] = [
    ({"agreement_id": "A-2"}, "agreement_id"),
    ({"reference": "another invoice"}, "reference"),
    ({"rail": "batched"}, "rail"),
    ({"account": "e"}, "account"),
    ({"value_date": date(2025, 3, 1)}, "value_date"),
    ({"value_date": date(2024, 12, 18)}, "value_date"),
]


@pytest.mark.parametrize(("change", "field"), OTHERS)
@pytest.mark.parametrize("is_sent", [False, True], ids=["planned", "sent"])
def test_an_old_obligation_with_another_content_is_refused_in_a_later_call(
    desk: Any,
    store: Store,
    change: dict[str, Any],
    field: str,
    is_sent: bool,  # noqa: FBT001
) -> None:
    """By name and field; the payment that stands is not touched, and nothing is taken for it."""
    desk.ready(desk.due)
    if is_sent:
        desk.accept(desk.claim())
    planned = desk.plan(replace(desk.due, **change))
    why = "differs from the instruction of payment P-00001"
    assert planned.refused == [Refusal(obligation_id="O-1", field=field, why=why)]
    assert (planned.planned, planned.already) == (0, 0)
    assert [] == (desk.claim() if is_sent else [])
    with store.reading() as connection:
        (row,) = connection.execute(sa.select(payments)).mappings()
    assert ("A-1", "single", "acc") == (row["agreement_id"], row["rail"], row["account"])


def test_an_obligation_that_names_what_its_payment_has_is_the_same(desk: Any) -> None:
    """Its rail and account were found by routing, or are told; its value date has rolled."""
    desk.plan(desk.due)
    value_dates = {"EUR": date(2024, 12, 23)}
    assert 1 == roll(desk.store, value_dates=value_dates, now=desk.now)
    for changes in (
        {}, {"rail": "single"}, {"account": "acc"}, {"value_date": date(2024, 12, 20)},
        {"value_date": date(2024, 12, 23)},
    ):  # fmt: skip
        assert 1 == desk.plan(replace(desk.due, **changes)).already
    late = desk.plan(replace(desk.due, value_date=date(2024, 12, 24)))
    assert ["value_date"] == [refusal.field for refusal in late.refused]


@pytest.mark.parametrize("is_held", [False, True], ids=["dead", "held"])
def test_no_correction_gives_an_obligation_to_another_agreement(
    desk: Any,
    is_held: bool,  # noqa: FBT001
) -> None:
    """Neither while a local check holds its payment, nor once it is dead: whose money pays?"""
    if is_held:
        desk.plan(replace(desk.due, beneficiary=replace(desk.due.beneficiary, country="")))
    else:
        desk.ready(desk.due)
        (sending,) = desk.claim()
        rejected = event_of(sending.rows[0], Rejected(code="AC04", reason="closed"), desk.now)
        with desk.store.transaction() as connection:
            end(connection, [End(events=[rejected], worker="w", recorded_at=desk.now)])
    other = replace(
        desk.due, agreement_id="A-2",
        beneficiary=replace(desk.due.beneficiary, account="DE75512108001245126199"),
    )  # fmt: skip
    planned = desk.plan(other)
    assert ["agreement_id"] == [refusal.field for refusal in planned.refused]
    assert 1 == desk.plan(replace(other, agreement_id=desk.due.agreement_id)).planned


def test_a_rejected_payment_waits_for_another_beneficiary(
    desk: Any, store: Store, states: Any
) -> None:
    """The nightly loop never sends to the same dead account again."""
    desk.ready(desk.due)
    ((sending),) = desk.claim()
    rejected = event_of(sending.rows[0], Rejected(code="AC04", reason="closed"), desk.now)
    with store.transaction() as connection:
        end(connection, [End(events=[rejected], worker="w", recorded_at=desk.now)])
    (refusal,) = desk.plan(desk.due).refused
    assert (refusal.field, refusal.why.split(";")[0]) == ("beneficiary", "rejected before")
    (held,) = desk.plan(replace(desk.due, obligation_id="O-2")).held
    assert "this account was rejected; waits for a corrected beneficiary" in held.reason
    other = replace(desk.due.beneficiary, account="DE02120300000000202051")
    assert desk.plan(replace(desk.due, beneficiary=other)).planned == 1
    assert states() == {"planned": 2, "rejected": 1}


def test_the_last_ended_payment_of_an_account_is_the_same_on_each_database(
    desk: Any, store: Store
) -> None:
    """One booked after a restored backup was never released here, and so comes first."""
    from settle.adapters import Evidence, Fact, Source
    from settle.payments import record

    desk.ready(desk.due)
    (sending,) = desk.claim()
    rejected = event_of(sending.rows[0], Rejected(code="AC04", reason="closed"), desk.now)
    with store.transaction() as connection:
        end(connection, [End(events=[rejected], worker="w", recorded_at=desk.now)])
    other = replace(desk.due.beneficiary, account="DE02120300000000202051")
    desk.plan(replace(desk.due, obligation_id="O-2", beneficiary=other))
    with store.transaction() as connection:
        at = payments.c.payment_id == "P-00002"
        same = desk.due.beneficiary.account
        connection.execute(sa.update(payments).where(at).values(beneficiary_account=same))
    booked = Evidence(
        evidence_id="line/1", source=Source.STATEMENT, fact=Fact.BOOKED, reference="P-00002",
        occurred_at=desk.now, rail="single", amount_minor=100, currency="EUR",
    )  # fmt: skip
    record(store, [booked], recorded_at=desk.now)
    (held,) = desk.plan(replace(desk.due, obligation_id="O-3")).held
    assert "payment P-00001 to this account was rejected" in held.reason
