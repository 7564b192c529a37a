"""The fold of payment events: any order, any repetition, the same state and the same money."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st

from settle.adapters import Source
from settle.payments import Event, EventKind, State, state_of
from settle.payments.postings import Subject, rows
from settle.payments.state import DEAD, ENGINE, surplus

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
SUBJECT = Subject(
    payment_id="P", agreement_id="A", rail="r", account="acc", currency="EUR", amount_minor=100
)
SOURCES = [ENGINE, *(source.value for source in Source)]
MOVEMENTS = (EventKind.BOOKED, EventKind.RETURNED)
EXECUTED = (EventKind.ACCEPTED, EventKind.BOOKED, EventKind.CREDITED, EventKind.RETURNED)


def event(kind: EventKind, ordinal: int = 0, source: str = ENGINE, at: int = 0) -> Event:
    amount = 100 if kind is EventKind.BOOKED else 90 if kind is EventKind.RETURNED else None
    return Event(
        payment_id="P", event_id=f"{kind.value}/{ordinal}/{source}/{at}", kind=kind,
        occurred_at=NOW + timedelta(minutes=at), source=source, ordinal=ordinal,
        amount_minor=amount,
    )  # fmt: skip


some_event = st.builds(
    event,
    st.sampled_from(EventKind),
    st.integers(1, 2),
    st.sampled_from(SOURCES),
    st.integers(0, 5),
)
histories = st.lists(some_event, max_size=12)


@given(histories, st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(events: list[Event], chance: Random) -> None:
    """Evidence comes in any order and more than once; the state is the same."""
    shuffled = [*events, *chance.sample(events, len(events) // 2)]
    chance.shuffle(shuffled)
    assert state_of(events) == state_of(shuffled)
    assert rows(SUBJECT, events) == rows(SUBJECT, shuffled)


@given(histories)
def test_what_is_in_transit_is_what_the_journal_says(events: list[Event]) -> None:
    """The ledger can never part from the state: both follow from the same events."""
    # A claim takes only what has no open release, so that there are never two of them.
    assume(len(state_of(events).open_releases) <= 1)
    balance: dict[str, int] = defaultdict(int)
    for row in rows(SUBJECT, events):
        balance[row.debit] += row.amount_minor
        balance[row.credit] -= row.amount_minor
    proved = state_of(events)
    assert balance["in_transit/r"] == (-100 if proved.in_transit else 0)
    assert sum(balance.values()) == 0
    names = [row.entry_id for row in rows(SUBJECT, events)]
    assert len(set(names)) == len(names)


@given(histories, some_event)
def test_executed_is_never_undone(events: list[Event], late: Event) -> None:
    """Once proved to be executed, a payment is never dead or unknown again."""
    proof = event(EventKind.ACCEPTED, 1, Source.FIND)
    before = state_of([*events, proof]).state
    after = state_of([*events, proof, late]).state
    assert {before, after}.isdisjoint(DEAD | {State.UNKNOWN, State.SENDING, State.APPROVED})


@given(histories)
def test_a_late_failure_does_not_undo_what_is_booked(events: list[Event]) -> None:
    """A failure beside a booking is a contradiction to be looked at, not a new state."""
    paid = [*events, event(EventKind.BOOKED, source=Source.STATEMENT)]
    failed = [*paid, event(EventKind.FAILED, source=Source.FIND)]
    assert state_of(paid).state == state_of(failed).state
    assert any("failed" in why for why in state_of(failed).contradictions)


@given(histories)
def test_a_return_regresses_whatever_was_paid(events: list[Event]) -> None:
    """Money that came back came back, whenever it is heard of."""
    returned = event(EventKind.RETURNED, source=Source.STATEMENT)
    assert state_of([*events, returned]).state is State.RETURNED


@given(histories)
def test_only_movements_on_our_own_account_move_nostro(events: list[Event]) -> None:
    """What a rail or a notification says proves much, and books nothing."""
    told = [e for e in events if e.source not in {Source.STATEMENT, Source.REPORT}]
    touched = {account for row in rows(SUBJECT, told) for account in (row.debit, row.credit)}
    assert not any(account.startswith("nostro/") for account in touched)


def test_a_rejected_re_sending_leaves_the_payment_unknown() -> None:
    """The first sending may have worked: only a documented answer of find ends it."""
    sent = [event(EventKind.RELEASED, 1), event(EventKind.UNKNOWN, 1), event(EventKind.RESENT, 1)]
    refused = event(EventKind.REJECTED, 1, Source.SUBMIT)
    assert state_of([*sent, refused]).state is State.UNKNOWN
    assert state_of([*sent, replace(refused, ordinal=0)]).state is State.UNKNOWN
    assert state_of([*sent, replace(refused, source=Source.FIND)]).state is State.REJECTED


@given(histories)
def test_one_movement_of_each_source_counts_and_the_rest_is_flagged(events: list[Event]) -> None:
    """Whatever a source shows twice is surplus but for the first, and a person sees it."""
    extra = surplus(events)
    moved = {(e.kind, e.source) for e in set(events) - extra if e.kind in MOVEMENTS}
    assert moved == {(e.kind, e.source) for e in events if e.kind in MOVEMENTS}
    flagged = [why for why in state_of(events).contradictions if " twice by " in why]
    assert len(flagged) == len({(e.kind, e.source) for e in extra})
    assert surplus(set(events) - extra) == frozenset()


def test_a_rejection_and_a_booking_is_executed_and_flagged() -> None:
    """Executed evidence beats rejected, and the money stands where it really is."""
    events = [
        event(EventKind.RELEASED, 1),
        event(EventKind.REJECTED, 1, Source.SUBMIT),
        event(EventKind.BOOKED, source=Source.STATEMENT, at=5),
    ]
    proved = state_of(events)
    assert proved.state is State.BOOKED
    assert proved.contradictions == ("said to be rejected or cancelled, and proved to be executed",)
    assert [row.event for row in rows(SUBJECT, events)] == [
        "release/1", "reversal/1", "release/proved", "booking",
    ]  # fmt: skip
