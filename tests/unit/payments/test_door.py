"""The one door: thousands at once, twice without effect, and nothing let in that does not fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from settle.adapters import Charge, Evidence, Fact, Source
from settle.payments import Bearer, ReturnPolicy, attention, open_totals, record, returned, story
from settle.payments.events import events_of
from settle.store import Store


def evidence(reference: str, fact: Fact = Fact.BOOKED, **changes: Any) -> Evidence:
    from datetime import UTC, datetime

    made = Evidence(
        evidence_id=f"line/{reference}", source=Source.STATEMENT, fact=fact, reference=reference,
        occurred_at=datetime(2024, 12, 19, tzinfo=UTC), rail="single",
        amount_minor=100, currency="EUR",
    )  # fmt: skip
    return replace(made, **changes)


def test_a_thousand_bookings_are_let_in_once(desk: Any, store: Store, states: Any) -> None:
    """Any of our references finds its payment; the second delivery changes nothing."""
    desk.ready(*desk.dues(1000))
    sent = [sending.payments[0] for sending in desk.claim()]
    names = ("payment_id", "end_to_end_id", "uetr", "idempotency_key")
    items = [evidence(getattr(p, names[n % 4])) for n, p in enumerate(sent)]
    first = record(store, items, recorded_at=desk.now)
    assert first.counts == {Fact.BOOKED: 1000}
    again = record(store, items, recorded_at=desk.now)
    assert (again.counts, again.already) == ({}, 1000)
    assert states() == {"booked": 1000}
    with store.reading() as connection:
        assert open_totals(connection) == {}


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"amount_minor": 99}, "with 99, instructed 100"),
        ({"currency": "USD"}, "in USD, instructed in EUR"),
        ({"fact": Fact.RETURNED, "amount_minor": 101}, "with 101, instructed 100"),
        ({"fact": Fact.RETURNED, "amount_minor": 0}, "with 0, instructed 100"),
        ({"fact": Fact.ACCEPTED, "amount_minor": 99}, "with 99, instructed 100"),
        ({"fact": Fact.ACCEPTED, "currency": "USD"}, "in USD, instructed in EUR"),
        ({"fact": Fact.CREDITED, "amount_minor": 99}, "with 99, instructed 100"),
        ({"fact": Fact.CREDITED, "currency": "USD"}, "in USD, instructed in EUR"),
        (
            {"fact": Fact.REJECTED, "source": Source.FIND, "amount_minor": 99},
            "with 99, instructed 100",
        ),
    ],
)
def test_what_does_not_fit_is_listed_and_books_nothing(
    desk: Any, store: Store, states: Any, changes: dict[str, Any], part: str
) -> None:
    """The contradiction stays with the payment for a person to see."""
    desk.ready(desk.due)
    desk.claim()
    for _ in range(2):
        recorded = record(store, [evidence("P-00001", **changes)], recorded_at=desk.now)
        assert [part in c.why for c in recorded.contradictions] == [True]
        assert recorded.settled == frozenset()
    assert states() == {"sending": 1}
    with store.reading() as connection:
        (seen,) = attention(connection)
    assert part in seen.contradiction
    assert (seen.agreement_id, seen.beneficiary_name) == ("A-1", "Mo")


def test_only_evidence_that_counts_is_settled(desk: Any, store: Store) -> None:
    """Whoever gave it may forget it: it stands, now or from before. The rest is given again."""
    desk.ready(*desk.dues(4))
    desk.claim()
    fits = evidence("P-00001")
    twice = evidence("P-00001", evidence_id="line/twice")
    wrong = evidence("P-00002", amount_minor=99)
    asks = evidence("P-00003", fact=Fact.REJECTED)
    items = [fits, twice, wrong, asks, evidence("nobody")]
    for _ in range(2):
        assert {fits.evidence_id} == record(store, items, recorded_at=desk.now).settled


def test_a_batch_reference_names_no_payment(desk: Any, store: Store, states: Any) -> None:
    """What a batch line is for is found out before this door: one item for each payment."""
    desk.ready(*desk.dues(2, currency="NOK"))
    (sending,) = desk.claim("batched")
    line = evidence(sending.batch.batch_id, rail="batched", currency="NOK", amount_minor=200)
    assert [line] == record(store, [line], recorded_at=desk.now).unmatched
    assert {"sending": 2} == states()


@pytest.mark.parametrize("executed", [Fact.ACCEPTED, Fact.BOOKED, Fact.CREDITED])
@pytest.mark.parametrize("rejected_first", [False, True])
def test_a_final_rejection_beside_an_execution_stays_flagged(
    desk: Any,
    store: Store,
    executed: Fact,
    rejected_first: bool,  # noqa: FBT001  # pytest gives it by name
) -> None:
    """Whichever came first, executed counts, and a person sees that the rail said both."""
    desk.ready(desk.due)
    desk.claim()
    items = [
        evidence("P-00001", fact=executed),
        evidence("P-00001", fact=Fact.REJECTED, source=Source.FIND, evidence_id="find/1"),
    ]
    for item in reversed(items) if rejected_first else items:
        record(store, [item], recorded_at=desk.now)
    with store.reading() as connection:
        (seen,) = attention(connection)
    assert seen.why == "said to be rejected or cancelled, and proved to be executed"
    assert seen.state.value == executed.value


def test_evidence_of_no_payment_is_given_back(desk: Any, store: Store) -> None:
    """So is evidence of another rail under our reference."""
    desk.ready(desk.due)
    strange = [evidence("nobody"), evidence("P-00001", rail="batched")]
    assert record(store, strange, recorded_at=desk.now).unmatched == strange


def test_what_only_asks_for_find_is_ignored_with_its_reason(desk: Any, store: Store) -> None:
    """A notification of failure is never proof that nothing was executed."""
    desk.ready(desk.due)
    desk.claim()
    failed = evidence("P-00001", fact=Fact.FAILED, source=Source.NOTIFICATION)
    (ignored,) = record(store, [failed], recorded_at=desk.now).ignored
    assert ignored.why == "a notification of failure only asks for find"


def test_a_second_booking_by_the_same_source_is_flagged_and_posted_once(
    desk: Any, store: Store
) -> None:
    """The bank booked twice: the money of one payment moves once, and somebody must look."""
    desk.ready(desk.due)
    desk.claim()
    lines = [evidence("P-00001"), evidence("P-00001", evidence_id="line/2")]
    (found,) = record(store, lines, recorded_at=desk.now).contradictions
    assert found.why == "booked twice by statement"


def test_what_came_back_is_owed_again_and_the_story_tells_it(desk: Any, store: Store) -> None:
    """The hub bears the charges, and the payable waits for a corrected beneficiary."""
    desk.ready(desk.due)
    desk.claim()
    back = evidence(
        "P-00001", fact=Fact.RETURNED, amount_minor=88, charges_minor=12, code="AC04",
        evidence_id="line/back",
    )  # fmt: skip
    record(store, [evidence("P-00001"), back], recorded_at=desk.now)
    with store.reading() as connection:
        (owed,) = returned(connection)
        told = [line.what for line in story(connection, "P-00001").lines]
    assert (owed.amount_minor, owed.back_minor, owed.charges_minor) == (100, 88, 12)
    assert owed.status == "waiting_for_beneficiary"
    assert "returned (statement)" in told
    assert "posted return_charges" in told
    assert desk.plan(desk.due).already == 1


SHARED = ReturnPolicy(charges=Bearer.SHA)


def kept_by(agent: str, amount_minor: int) -> tuple[Charge]:
    return (Charge(amount_minor=amount_minor, currency="EUR", agent=agent),)


def owed(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        return {each.payment_id: each.amount_minor for each in returned(connection)}


def test_one_item_about_two_payments_shares_out_what_each_came_short_of(
    desk: Any, store: Store
) -> None:
    """A source may name a batch of returns once; each has its own charges."""
    desk.release(*desk.dues(2))
    said = [
        evidence(
            name, Fact.RETURNED, evidence_id="heap", amount_minor=100 - kept,
            charges=kept_by("XXXXDEFF", kept),
        )
        for name, kept in (("P-00001", 40), ("P-00002", 10))
    ]  # fmt: skip
    record(store, said, recorded_at=desk.now, returns=SHARED)
    assert owed(store) == {"P-00001": 60, "P-00002": 90}


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("first_minor", [95, 500])
def test_what_is_told_under_a_name_that_is_taken_bears_nothing(
    desk: Any, store: Store, *, first_minor: int, at_once: bool
) -> None:
    """The first of that name counts, or contradicts; no part of the second is anybody's."""
    desk.release(desk.due)
    said = [
        evidence("P-00001", Fact.RETURNED, amount_minor=first_minor),
        evidence("P-00001", Fact.RETURNED, amount_minor=60, charges=kept_by("XXXXDEFF", 30)),
    ]
    for heap in [said] if at_once else [[each] for each in said]:
        record(store, heap, recorded_at=desk.now, returns=SHARED)
    with store.reading() as connection:
        events = events_of(connection, ["P-00001"])["P-00001"]
    assert [e.detail for e in events if e.kind == "borne" and "XXXX" in e.detail] == []
    assert owed(store) == ({"P-00001": 100} if first_minor == 95 else {})


def test_a_return_that_states_no_currency_is_in_that_of_its_payment(
    desk: Any, store: Store
) -> None:
    """It keeps nothing else out of the door."""
    desk.release(desk.due)
    said = evidence("P-00001", Fact.RETURNED, amount_minor=60, currency=None)
    record(store, [said], recorded_at=desk.now)
    assert owed(store) == {"P-00001": 100}
