"""A document is kept once, with its lines; what is wrong with it is said, and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from settle.adapters import AccountRef, Adapter, StatementDocument
from settle.ledger import accounts
from settle.reconciliation import BreakKind, account_days, closings, keep, last_days
from settle.reconciliation.tables import statement_documents
from settle.store import Store

AT = datetime(2024, 12, 19, 16, 30, tzinfo=UTC)
LATER = datetime(2024, 12, 19, 17, 30, tzinfo=UTC)
ACCOUNT = AccountRef(rail="paper", account="ACC", currency="EUR")
NOSTRO = (accounts.nostro("paper", "ACC"), "EUR")
Documents = Callable[..., StatementDocument]


def test_the_same_document_twice_changes_nothing(
    store: Store, document: Documents, paper: Adapter[Any]
) -> None:
    """The second time no line is new, and the findings are the same."""
    wrong = document(("L1", 100, None), extra=5)
    first = keep(store, wrong, adapter=paper, received_at=AT)
    second = keep(store, wrong, adapter=paper, received_at=LATER)
    assert (1, 1) == (first.lines_in, first.lines_new)
    assert (1, 0) == (second.lines_in, second.lines_new)
    assert first.findings == second.findings
    assert [BreakKind.STATEMENT_DOES_NOT_BALANCE] == [found.kind for found in first.findings]


def test_a_newer_document_of_the_day_adds_only_its_new_lines(
    store: Store, document: Documents, paper: Adapter[Any]
) -> None:
    """An interim report and the statement after it share their lines, and count them once."""
    early = document(("L1", 100, None), complete=False)
    whole = document(("L1", 100, None), ("L2", -30, None))
    keep(store, early, adapter=paper, received_at=AT)
    with store.reading() as connection:
        assert {NOSTRO: 100} == closings(connection)
        assert not last_days(connection)
    kept = keep(store, whole, adapter=paper, received_at=LATER)
    with store.reading() as connection:
        assert {NOSTRO: 70} == closings(connection)
        assert {ACCOUNT: date(2024, 12, 19)} == last_days(connection)
    assert (2, 1) == (kept.lines_in, kept.lines_new)


def test_the_same_bytes_may_say_later_that_the_day_is_complete(
    store: Store, document: Documents, paper: Adapter[Any]
) -> None:
    """The newest word on completeness counts, and brings no line twice."""
    keep(store, document(("L1", 1, None), complete=False), adapter=paper, received_at=AT)
    kept = keep(store, document(("L1", 1, None)), adapter=paper, received_at=LATER)
    assert 0 == kept.lines_new  # expected before actual
    with store.reading() as connection:
        assert {ACCOUNT: date(2024, 12, 19)} == last_days(connection)


def test_a_line_reference_used_for_another_amount_is_named(
    store: Store, document: Documents, paper: Adapter[Any]
) -> None:
    """The first line stands, and the second is a finding about its reference."""
    keep(store, document(("L1", 100, None)), adapter=paper, received_at=AT)
    changed = keep(store, document(("L1", 90, None)), adapter=paper, received_at=LATER)
    assert [BreakKind.REFERENCE] == [found.kind for found in changed.findings]
    assert "L1" in changed.findings[0].why


def test_an_unreadable_document_is_kept_with_its_bytes(
    store: Store, document: Documents, paper: Adapter[Any]
) -> None:
    """What cannot be read is a finding, and its bytes can still be looked at."""
    garbage = replace(document(), content=b"\xff\x00<")
    kept = keep(store, garbage, adapter=paper, received_at=AT)
    assert [BreakKind.MISSING_FILE] == [found.kind for found in kept.findings]
    with store.reading() as connection:
        content = connection.execute(sa.select(statement_documents.c.content)).scalar_one()
    assert garbage.content == content


def test_a_hostile_camt_053_is_a_finding(
    store: Store, document: Documents, paper: Adapter[Any]
) -> None:
    """An entity bomb is refused by the bank-statement reader, and nothing is raised."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Document><x>&a;</x></Document>'
    hostile = replace(document(), format="camt.053", content=bomb)
    kept = keep(store, hostile, adapter=paper, received_at=AT)
    assert [BreakKind.MISSING_FILE] == [found.kind for found in kept.findings]


def test_days_carry_on_from_each_other_or_say_by_how_much_they_do_not(
    store: Store, document: Documents, paper: Adapter[Any]
) -> None:
    """An opening that is not the closing before it is a gap of that many minor units."""
    first = document(("L1", 100, None), day=date(2024, 12, 18))
    second = document(("L2", 5, None), day=date(2024, 12, 19), opening=107)
    for one in (second, first):
        keep(store, one, adapter=paper, received_at=AT)
    with store.reading() as connection:
        days = account_days(connection)
    assert [(0, True, 1), (7, False, 1)] == [(d.gap_minor, d.is_sound, d.lines) for d in days]
