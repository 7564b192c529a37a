"""Matching hands out evidence until it is confirmed, posts what is its own, and counts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from settle.adapters import Adapter, Fact, Source, StatementDocument
from settle.engine import Engine
from settle.errors import BadInput
from settle.ledger import balances
from settle.reconciliation import (
    BreakKind,
    MatchRate,
    PassRate,
    ReceiptRule,
    all_breaks,
    confirm,
    keep,
    match,
    open_breaks,
    pass_rates,
    rates,
    refresh,
    unconfirmed,
)
from settle.store import Store

AT = datetime(2024, 12, 19, 16, 30, tzinfo=UTC)
DAY = date(2024, 12, 19)
Documents = Callable[..., StatementDocument]
Payments = Callable[..., pa.Table]


def test_evidence_is_handed_out_until_it_is_confirmed(
    store: Store, engine: Engine, document: Documents, payments: Payments, paper: Adapter[Any]
) -> None:
    """After a crash between match and record the next run hands out the same, and then no more."""
    keep(store, document(("L1", -100, "E-P1")), adapter=paper, received_at=AT)
    sent = payments(("P1", 100))
    first = match(store, engine, payments=sent, day=DAY, as_of=AT)
    second = match(store, engine, payments=sent, day=DAY, as_of=AT + timedelta(hours=1))
    assert first.evidence == second.evidence
    names = [evidence.evidence_id for evidence in second.evidence]
    marked = [confirm(store, names, at=AT), confirm(store, names, at=AT)]
    assert [1, 0] == marked
    with store.reading() as connection:
        assert not unconfirmed(connection)


def test_evidence_says_what_was_booked_and_where(
    store: Store, engine: Engine, document: Documents, payments: Payments, paper: Adapter[Any]
) -> None:
    """A booking names payment, account and positive amount; a rail's report is called so."""
    keep(store, document(("L1", -100, "E-P1")), adapter=paper, received_at=AT)
    found = match(store, engine, payments=payments(("P1", 100)), day=DAY, as_of=AT)
    (evidence,) = found.evidence
    assert (Fact.BOOKED, Source.REPORT) == (evidence.fact, evidence.source)
    assert ("P1", "ACC", 100, "EUR") == (
        evidence.reference, evidence.account, evidence.amount_minor, evidence.currency,
    )  # fmt: skip
    assert {"exact_reference": 1} == found.by_pass


def test_a_line_goes_to_suspense_once_and_comes_back_when_explained(
    store: Store, engine: Engine, document: Documents, payments: Payments, paper: Adapter[Any]
) -> None:
    """A payment that becomes known later takes its line out of suspense."""
    keep(store, document(("L1", -100, "E-P1")), adapter=paper, received_at=AT)
    for _ in range(2):
        match(store, engine, payments=payments(), day=DAY, as_of=AT)
    assert 100 == suspense(store)  # expected before actual
    match(store, engine, payments=payments(("P1", 100)), day=DAY, as_of=AT)
    assert 0 == suspense(store)  # as above


def test_a_receipt_rule_is_data(
    store: Store, engine: Engine, document: Documents, payments: Payments, paper: Adapter[Any]
) -> None:
    """Another prefix and account are one more row, and no more code."""
    keep(store, document(("L1", 100, "TOPUP X-9")), adapter=paper, received_at=AT)
    rule = ReceiptRule(prefix="TOPUP", account="deposit/{id}")
    match(store, engine, payments=payments(), day=DAY, as_of=AT, rules=[rule])
    with store.reading() as connection:
        found = {b.account: b.balance_minor for b in balances(connection)}
    assert {"deposit/X-9": -100, "nostro/paper/ACC": 100} == found


def test_payments_without_a_column_are_refused_by_its_name(
    store: Store, engine: Engine, payments: Payments
) -> None:
    """The caller's table is checked before anything is matched."""
    incomplete = payments(("P1", 100)).drop_columns(["uetr"])
    with pytest.raises(BadInput, match="uetr"):
        match(store, engine, payments=incomplete, day=DAY, as_of=AT)


def test_rates_count_each_line_on_the_day_it_was_first_judged(
    store: Store, engine: Engine, document: Documents, payments: Payments, paper: Adapter[Any]
) -> None:
    """In- and outflows are added, never netted, and later evidence does not change the day."""
    lines = (("L1", -100, "E-P1"), ("L2", 40, None), ("L3", -7, "E-P2"))
    keep(store, document(*lines), adapter=paper, received_at=AT)
    match(store, engine, payments=payments(("P1", 100)), day=DAY, as_of=AT)
    expected = [MatchRate(currency="EUR", lines=3, matched=1, value_minor=147, matched_minor=100)]
    explained = [PassRate(pass_name="exact_reference", currency="EUR", lines=1, value_minor=100)]
    with store.reading() as connection:
        assert expected == rates(connection, DAY)
        assert explained == pass_rates(connection, DAY)
    next_day = DAY + timedelta(days=1)
    match(store, engine, payments=payments(("P1", 100), ("P2", 7)), day=next_day, as_of=AT)
    with store.reading() as connection:
        assert expected == rates(connection, DAY)
        assert not rates(connection, next_day)


def test_a_break_ages_until_it_is_cured(
    store: Store, engine: Engine, document: Documents, payments: Payments, paper: Adapter[Any]
) -> None:
    """Age is counted from the day it was opened, and the direction is that of its money."""
    keep(store, document(("L1", -100, "E-P1")), adapter=paper, received_at=AT)
    match(store, engine, payments=payments(), day=DAY, as_of=AT)
    refresh(store, day=DAY, as_of=AT, payments=payments())
    refresh(store, day=DAY + timedelta(days=1), as_of=AT, payments=payments())
    with store.reading() as connection:
        (found,) = open_breaks(connection)
    assert (BreakKind.UNEXPECTED, "out", 100) == (found.kind, found.direction, found.amount_minor)
    assert [0, 3] == [found.age_days(DAY), found.age_days(DAY + timedelta(days=3))]
    assert "L1" in found.evidence


def test_a_cured_break_says_what_explained_it(
    store: Store, engine: Engine, document: Documents, payments: Payments, paper: Adapter[Any]
) -> None:
    """The break stays with both its dates and the reason of the match."""
    keep(store, document(("L1", -100, "E-P1")), adapter=paper, received_at=AT)
    for day, sent in ((DAY, payments()), (DAY + timedelta(days=1), payments(("P1", 100)))):
        match(store, engine, payments=sent, day=day, as_of=AT)
        refresh(store, day=day, as_of=AT, payments=sent)
    with store.reading() as connection:
        found = next(b for b in all_breaks(connection) if b.kind is BreakKind.UNEXPECTED)
    assert (DAY, DAY + timedelta(days=1)) == (found.opened_on, found.cured_on)
    assert "are equal" in str(found.cured_by)


def suspense(store: Store) -> int:
    """What stands on suspense, debits less credits."""
    with store.reading() as connection:
        return sum(b.balance_minor for b in balances(connection, prefix="suspense"))
