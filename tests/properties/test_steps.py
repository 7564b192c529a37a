"""The short way of a payment's steps against the long one: the same rows, whatever came before."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from settle.adapters import Source
from settle.ledger.tables import journal
from settle.payments import Event, EventKind
from settle.payments import steps as short
from settle.payments.events import append
from settle.payments.state import ENGINE
from settle.payments.steps import advance, begin
from settle.payments.tables import payment_events, payments, returned_payables
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
_numbers = itertools.count(1)


def event(kind: EventKind, ordinal: int = 1, source: str = ENGINE, at: int = 0) -> Event:
    amount = {EventKind.BOOKED: 100, EventKind.RETURNED: 90, EventKind.BORNE: 5}.get(kind)
    return Event(
        payment_id="P", event_id=f"{kind.value}/{ordinal}/{source}", kind=kind, source=source,
        occurred_at=NOW + timedelta(minutes=at), ordinal=ordinal, amount_minor=amount,
    )  # fmt: skip


PREPARED = [event(EventKind.PLANNED, 1), event(EventKind.APPROVED, 2), event(EventKind.FUNDED, 3)]
SENT = [*PREPARED, event(EventKind.RELEASED, 1)]
KINDS = [kind for kind in EventKind if not kind.value.startswith("recall_")]

some_event = st.builds(
    event,
    st.sampled_from(KINDS),
    st.integers(0, 4),
    st.sampled_from([ENGINE, Source.SUBMIT.value, Source.STATEMENT.value]),
    st.integers(0, 5),
)
histories = st.tuples(
    st.sampled_from([PREPARED[:1], PREPARED[:2], PREPARED, SENT]), st.lists(some_event, max_size=3)
).map(lambda parts: [*parts[0], *parts[1]])
nexts = st.builds(
    event,
    st.sampled_from([*sorted(short.PLAIN), *short.ANSWERS]),
    st.integers(1, 5),
    st.sampled_from([ENGINE, Source.SUBMIT.value]),
    st.integers(0, 5),
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('steps') / 'settle.db'}")
    yield store
    store.close()


def row_of(name: str, *, number: int, live: bool) -> dict[str, Any]:
    return {
        "payment_id": name, "tenant": "t", "obligation_id": f"O{number}", "agreement_id": "A",
        "attempt": 1, "kind": "payout", "currency": "EUR", "amount_minor": 100,
        "value_date": date(2024, 12, 19), "not_before": date(2024, 12, 19),
        "beneficiary_name": "N", "beneficiary_country": "DE", "beneficiary_town": "T",
        "beneficiary_account": "X", "remittance_information": "", "purpose": "", "rail": "r",
        "account": "acc", "routing_reason": "", "idempotency_key": name, "end_to_end_id": name,
        "uetr": name, "fingerprint": "f", "state": "planned", "funded": False, "live": live,
        "in_transit": False,
    }  # fmt: skip


def payment(connection: Connection, *, live: bool) -> str:
    """A payment of its own, and one that waits for the same obligation."""
    number = next(_numbers)
    for name, lives in ((f"P{number}", live), (f"Q{number}", not live)):
        row = row_of(name, number=number, live=lives)
        connection.execute(sa.insert(payments).values(row))
    return f"P{number}"


def written(connection: Connection, payment_id: str) -> list[Any]:
    """Everything that the store has of a payment and its other one, under names that are alike."""
    alike = {payment_id: "P", f"Q{payment_id[1:]}": "Q", f"O{payment_id[1:]}": "O"}
    found: list[Any] = []
    for table, column in (
        (payments, payments.c.payment_id), (payment_events, payment_events.c.payment_id),
        (journal, journal.c.subject), (returned_payables, returned_payables.c.payment_id),
    ):  # fmt: skip
        rows = connection.execute(sa.select(table).where(column.in_(list(alike))))
        told = [
            {n: alike.get(v, v) for n, v in row._asdict().items() if n not in ("entry_id", "seq")}
            for row in rows
        ]
        for row in told:
            row["hold_reason"] = str(row.get("hold_reason")).replace(payment_id, "P")
        found.append(sorted(told, key=str))
    return found


def after(store: Store, history: Sequence[Event], new: Sequence[Event], *, live: bool) -> Any:
    """What is written by the long way and by the short one, after the same history.

    The short one is gone twice: what else is written of the row comes after it, and along with it.
    """
    told = []
    held: dict[str, Any] = {"worker": "w", "lease_until": LATER}
    with store.transaction() as connection:
        for way, is_along in ((append, False), (advance, False), (advance, True)):
            name = payment(connection, live=live)
            append(connection, [replace(e, payment_id=name) for e in history], recorded_at=NOW)
            also = {"along": {name: held}} if is_along else {}
            way(connection, [replace(e, payment_id=name) for e in new], recorded_at=LATER, **also)
            if not is_along:
                here = payments.c.payment_id == name
                connection.execute(sa.update(payments).where(here).values(**held))
            told.append(written(connection, name))
    return told


@settings(deadline=None)
@given(history=histories, new=st.lists(nexts, min_size=1, max_size=2), live=st.booleans())
@example(history=PREPARED[:1], new=[event(EventKind.APPROVED, 2)], live=True)
@example(history=PREPARED, new=[event(EventKind.RELEASED, 1)], live=True)
@example(history=SENT, new=[event(EventKind.ACCEPTED, 1, Source.SUBMIT)], live=True)
@example(history=SENT, new=[event(EventKind.UNKNOWN, 1)], live=True)
@example(history=SENT, new=[event(EventKind.ACCEPTED, 1, Source.SUBMIT)], live=False)
@example(
    history=[*PREPARED, event(EventKind.NOT_MOVED, 1)],
    new=[event(EventKind.RELEASED, 1)],
    live=True,
)
@example(
    history=[*PREPARED, event(EventKind.UNKNOWN, 1)], new=[event(EventKind.RELEASED, 1)], live=True
)
@example(
    history=[*SENT, event(EventKind.NOT_DEBITED, 0)], new=[event(EventKind.ACCEPTED, 1)], live=True
)
@example(
    history=[*SENT, event(EventKind.RELEASED, 2)], new=[event(EventKind.ACCEPTED, 1)], live=True
)
@example(
    history=[*PREPARED, event(EventKind.RELEASED, 2)], new=[event(EventKind.UNKNOWN, 1)], live=True
)
@example(history=PREPARED, new=[event(EventKind.FUNDED, 3)], live=True)
@example(history=PREPARED[:2], new=[event(EventKind.FUNDED, 4)], live=True)
def test_the_short_way_writes_what_the_long_one_does(
    kept: Store, *, history: list[Event], new: list[Event], live: bool
) -> None:
    """Whatever came before: the same row, the same events, the same money."""
    long, *quick = after(kept, history, new, live=live)
    assert [long, long] == quick


def test_an_event_that_is_there_already_changes_nothing(kept: Store) -> None:
    """The same event id with another content is no second event, also by the short way."""
    twice = replace(event(EventKind.SCHEDULED, 4), event_id="funded/3/engine")
    long, *quick = after(kept, PREPARED, [twice], live=True)
    assert [long, long] == quick


@pytest.mark.parametrize(
    ("history", "step"),
    [
        (PREPARED[:1], event(EventKind.APPROVED, 2)),
        (PREPARED, event(EventKind.RELEASED, 1)),
        (SENT, event(EventKind.ACCEPTED, 1, Source.SUBMIT)),
        (SENT, event(EventKind.UNKNOWN, 1)),
    ],
)
def test_the_steps_of_nearly_every_payment_go_the_short_way(
    kept: Store, history: list[Event], step: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither is its history read, nor is it folded."""
    taken: list[Event] = []
    monkeypatch.setattr(short, "append", lambda _, events, **__: taken.extend(events))
    with kept.transaction() as connection:
        name = payment(connection, live=True)
        append(connection, [replace(e, payment_id=name) for e in history], recorded_at=NOW)
        advance(connection, [replace(step, payment_id=name)], recorded_at=LATER)
    assert taken == []


@pytest.mark.parametrize("history", [[], PREPARED[:1], PREPARED, SENT])
def test_a_payment_begins_as_its_first_event_leaves_it(kept: Store, history: list[Event]) -> None:
    """A new one is as if it had been stored and then planned; of one that is there nothing moves.

    What of it was stored without its event is folded.
    """
    told = []
    with kept.transaction() as connection:
        for way in (append, begin):
            number = next(_numbers)
            row = row_of(f"P{number}", number=number, live=True)
            planned = replace(event(EventKind.PLANNED, 1), payment_id=f"P{number}")
            if history or way is append:
                connection.execute(sa.insert(payments).values(row))
            known = [replace(e, payment_id=f"P{number}") for e in history]
            append(connection, known, recorded_at=NOW)
            if way is begin:
                begin(connection, [row], [planned], recorded_at=LATER)
            else:
                append(connection, [planned], recorded_at=LATER)
            told.append(written(connection, f"P{number}"))
    assert told[0] == told[1]
