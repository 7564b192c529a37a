"""Absence closes an Unknown where the rail and its statements both say so, at every edge of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa

from settle.adapters import Evidence, Fact, Source
from settle.hub import Hub
from settle.hub.absent import close_absent
from settle.payments import Event, EventKind, open_totals, record
from settle.payments.absence import note_absent
from settle.payments.events import append
from settle.payments.tables import payments
from settle.reconciliation.tables import statement_lines, statements
from settle.store import Store

HORIZON = timedelta(days=2)
FIRST, LAST = date(2024, 12, 17), date(2024, 12, 21)
"""From the day before the sending to the day after its horizon."""

States = Callable[[], dict[str, int]]


@dataclass
class Known:
    """What is known of one payment of 1.00 EUR that was sent on 18 December at 16:30.

    `asked_after`: when after its sending the rail said that it does not know it; none: never.
    """

    asked_after: timedelta | None = HORIZON
    late_execution_impossible: bool = True
    days: frozenset[date] = frozenset(date(2024, 12, 17 + n) for n in range(4))
    account: str = "acc"
    currency: str = "EUR"
    rail: str = "single"
    day: Mapping[str, Any] = field(default_factory=dict)
    line_minor: int = 0
    sent_again_after: timedelta | None = None
    known_as: str = "end_to_end_id"


@pytest.fixture
def close(desk: Any, store: Store) -> Callable[[Known], int]:
    """Send it, lose its answer, ask, keep statements, and close what is proved absent."""

    def run(known: Known) -> int:
        desk.ready(desk.due)
        desk.claim()
        name = "P-00001"
        _append(store, name, EventKind.UNKNOWN, "unknown/1.0", desk.now)
        with store.transaction() as connection:
            connection.execute(sa.update(payments).values(worker=None, lease_until=None))
        adapter = _Declared(
            desk.rails["single"],
            finality_horizon=HORIZON,
            late_execution_impossible=known.late_execution_impossible,
        )
        _ask(store, adapter, known, sent_at=desk.now)
        _keep(store, known)
        if known.sent_again_after is not None:
            again = desk.now + known.sent_again_after
            _append(store, name, EventKind.RESENT, "resent/1.1", again)
            _append(store, name, EventKind.UNKNOWN, "unknown/1.1", again)
            with store.transaction() as connection:
                connection.execute(sa.update(payments).values(resends=1))
        epoch = SimpleNamespace(was_restored=lambda: False, last_restored_at=lambda: None)
        hub = SimpleNamespace(
            store=store, adapters={"single": adapter}, epoch=epoch,
            now=lambda _: desk.now + timedelta(days=9),
        )  # fmt: skip
        return close_absent(cast("Hub", hub), LAST)

    return run


class _Declared:
    """A rail that declares something else of itself."""

    def __init__(self, adapter: Any, **changes: Any) -> None:
        self.profile = replace(adapter.profile, **changes)


def _append(store: Store, name: str, kind: EventKind, event_id: str, at: datetime) -> None:
    event = Event(payment_id=name, event_id=event_id, kind=kind, occurred_at=at, ordinal=1)
    with store.transaction() as connection:
        append(connection, [event], recorded_at=at)


def _ask(store: Store, adapter: _Declared, known: Known, *, sent_at: datetime) -> None:
    if known.asked_after is None:
        return
    with store.reading() as connection:
        row = dict(connection.execute(sa.select(payments)).mappings().one())
    name = row.get(known.known_as, known.known_as)
    at = sent_at + known.asked_after
    note_absent(store, [row], {name: at}, profile=adapter.profile, at=at)


def _keep(store: Store, known: Known) -> None:
    rows = [
        {
            "document_id": f"d{day}", "place": 0, "rail": known.rail, "account": known.account,
            "currency": known.currency, "day": day, "statement_ref": f"s{day}", "edition": nth,
            "opening_minor": 0, "closing_minor": 0, "difference_minor": 0, "complete": True,
            **(known.day if day == date(2024, 12, 19) else {}),
        }
        for nth, day in enumerate(sorted(known.days))
    ]  # fmt: skip
    line = {
        "line_id": "l", "document_id": "d", "source": "statement", "rail": "single",
        "account": "acc", "day": date(2024, 12, 19), "line_ref": "l", "currency": "EUR",
        "amount_minor": known.line_minor, "booked_on": date(2024, 12, 19), "batch_count": 1,
        "value_on": date(2024, 12, 19), "kind": "transfer", "charges_minor": 0,
        "counterparty": "", "remittance_information": "", "reference_names": "{}",
    }  # fmt: skip
    with store.transaction() as connection:
        if rows:
            connection.execute(sa.insert(statements), rows)
        if known.line_minor:
            connection.execute(sa.insert(statement_lines), line)


WEEK = Known().days
EDGES = {
    "nobody asked the rail": Known(asked_after=None),
    "asked a second before the horizon": Known(asked_after=HORIZON - timedelta(seconds=1)),
    "the rail may execute late": Known(late_execution_impossible=False),
    "the rail answered about another payment": Known(known_as="E-of-another"),
    "sent again since, and not asked since": Known(sent_again_after=timedelta(days=3)),
    "sent again before, by another worker's clock": Known(sent_again_after=timedelta(hours=1)),
    "no statement at all": Known(days=frozenset()),
    "no statement of the day before": Known(days=WEEK - {FIRST}),
    "a gap in the middle": Known(days=WEEK - {date(2024, 12, 19)}),
    "statements end before the horizon": Known(days=WEEK - {date(2024, 12, 20)}),
    "an interim statement": Known(day={"complete": False}),
    "a statement that does not add up": Known(day={"difference_minor": 1}),
    "a statement that does not go on": Known(day={"opening_minor": 5, "closing_minor": 5}),
    "statements of another account": Known(account="other"),
    "statements of another currency": Known(currency="USD"),
    "statements of another rail": Known(rail="batched"),
    "money left, and nobody knows for what": Known(line_minor=-100),
}


def test_absence_from_both_is_proof(
    close: Callable[[Known], int], store: Store, states: States
) -> None:
    """Its money and its obligation are free, on the horizon's very second; a credit is no debit."""
    assert 1 == close(Known(line_minor=100))
    assert {"cancelled": 1} == states()
    with store.reading() as connection:
        assert {} == open_totals(connection)
        assert not connection.scalar(sa.select(payments.c.live))


@pytest.mark.parametrize("edge", EDGES)
def test_less_than_both_proves_nothing(
    close: Callable[[Known], int], store: Store, states: States, edge: str
) -> None:
    """Its money stays reserved and its obligation its own, until two people decide."""
    assert 0 == close(EDGES[edge])
    assert {"unknown": 1} == states()
    with store.reading() as connection:
        assert {("in_transit/single", "EUR"): 100} == open_totals(connection)


def test_a_stale_find_is_outdone_by_the_statement(
    close: Callable[[Known], int], desk: Any, store: Store, states: States
) -> None:
    """Closed as absent, and on the next statement after all: it is booked, and that is shown."""
    close(Known())
    proof = Evidence(
        evidence_id="line/1", source=Source.STATEMENT, fact=Fact.BOOKED, reference="P-00001",
        occurred_at=desk.now + timedelta(days=5), rail="single", amount_minor=100, currency="EUR",
    )  # fmt: skip
    shown = record(store, [proof], recorded_at=desk.now + timedelta(days=9)).contradictions
    assert {"booked": 1} == states()
    assert ["said to be rejected or cancelled, and proved to be executed"] == [
        each.why for each in shown
    ]
