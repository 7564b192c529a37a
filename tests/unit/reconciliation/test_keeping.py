"""A document is kept once, with its lines; what is wrong with it is said, and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import AccountRef, Adapter, Statement, StatementDocument, StatementLine
from settle.ledger import accounts
from settle.reconciliation import BreakKind, account_days, closings, keep, last_days
from settle.reconciliation.tables import statement_documents
from settle.store import Store

AT = datetime(2024, 12, 20, 16, 30, tzinfo=UTC)
LATER = datetime(2024, 12, 20, 17, 30, tzinfo=UTC)
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


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"amount_minor": 90}, "another amount;"),
        ({"booked_on": date(2024, 12, 18)}, "another booking date;"),
        ({"value_on": date(2024, 12, 21)}, "another value date;"),
        ({"end_to_end_id": "E-2"}, "another reference;"),
        ({"uetr": None, "end_to_end_id": None}, "another reference;"),
        ({"amount_minor": 90, "value_on": date(2024, 12, 21)},
         "another amount and another value date;"),
        ({"batch_id": "B-1"}, None),
        ({"remittance_information": "more text"}, None),
    ],
)  # fmt: skip
def test_a_line_that_says_otherwise_than_it_did_is_named(
    store: Store, document: Documents, changes: dict[str, Any], what: str | None
) -> None:
    """Amount, dates and references stay as they were; a reference it had not is only news."""
    line = StatementLine(
        line_ref="L1", amount_minor=100, currency="EUR", booked_on=date(2024, 12, 19),
        value_on=date(2024, 12, 19), end_to_end_id="E-1", uetr="U-1",
    )  # fmt: skip
    keep(store, document(), adapter=Fixed(line), received_at=AT)
    second = replace(document(), content=b"another")
    kept = keep(store, second, adapter=Fixed(replace(line, **changes)), received_at=LATER)
    found = [each.why for each in kept.findings if each.kind is BreakKind.REFERENCE]
    assert [what is not None] * len(found) == [what is not None and what in why for why in found]
    assert (what is not None) == bool(found)


class Fixed(Adapter[Any]):
    """A rail whose report is one line, whatever its bytes."""

    def __init__(self, line: StatementLine) -> None:
        super().__init__(None)
        self.line = line

    def read_report(self, document: StatementDocument) -> Statement:
        """A statement of that line."""
        return Statement(
            rail=document.rail, account=document.account, currency=document.currency,
            day=document.day, statement_ref="S", opening_minor=0,
            closing_minor=self.line.amount_minor, lines=(self.line,),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("at", "complete"),
    [
        (datetime(2024, 12, 19, 23, 59, tzinfo=UTC), False),
        (datetime(2024, 12, 20, tzinfo=UTC), True),
        (datetime(2024, 12, 20, 0, 30, tzinfo=timezone(timedelta(hours=1))), False),
    ],
)
def test_a_rails_own_report_is_interim_until_its_utc_day_is_over(
    store: Store, document: Documents, paper: Adapter[Any], at: datetime, *, complete: bool
) -> None:
    """A list may grow while its day runs; asked again on the next day it is the day's last word."""
    for _ in range(2):
        keep(store, document(("L1", 100, None)), adapter=paper, received_at=at)
    with store.reading() as connection:
        assert [complete] == [found.complete for found in account_days(connection)]
        assert ({ACCOUNT: date(2024, 12, 19)} if complete else {}) == last_days(connection)
    keep(store, document(("L1", 100, None)), adapter=paper, received_at=LATER)
    with store.reading() as connection:
        assert [True] == [found.complete for found in account_days(connection)]


def test_a_banks_statement_is_complete_when_the_bank_says_so(
    store: Store, document: Documents, paper: Adapter[Any]
) -> None:
    """A camt.053 of a day that still runs elsewhere is kept as it came."""
    at = datetime(2024, 12, 19, 16, 30, tzinfo=UTC)
    for complete in (True, False):
        whole = replace(document(complete=complete), format="camt.053", content=b"<a/>")
        keep(store, whole, adapter=paper, received_at=at)
        with store.reading() as connection:
            stored = connection.execute(sa.select(statement_documents.c.complete)).scalar_one()
        assert complete == stored


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
