"""Silence of statements: it proves something only where nothing is missing and all is explained."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import AccountRef
from settle.reconciliation import Silence
from settle.reconciliation.tables import line_outcomes, statement_lines, statements
from settle.store import Store

MINE = AccountRef(rail="lark", account="acc", currency="EUR")
MONDAY = date(2024, 12, 16)
FRIDAY = MONDAY + timedelta(days=4)


def day_of(nth: int, **changes: Any) -> dict[str, Any]:
    """A statement of the nth day, on which nothing moved."""
    made: dict[str, Any] = {
        "document_id": f"d{nth}", "place": 0, "rail": "lark", "account": "acc", "currency": "EUR",
        "day": MONDAY + timedelta(days=nth), "statement_ref": f"s{nth}", "opening_minor": 0,
        "closing_minor": 0, "difference_minor": 0, "complete": True, "edition": nth,
    }  # fmt: skip
    return made | changes


def line(amount_minor: int) -> dict[str, Any]:
    return {
        "line_id": "l", "document_id": "d1", "source": "statement", "rail": "lark",
        "account": "acc", "day": MONDAY + timedelta(days=1), "line_ref": "l",
        "amount_minor": amount_minor, "currency": "EUR", "booked_on": MONDAY, "value_on": MONDAY,
        "kind": "transfer", "batch_count": 1, "charges_minor": 0, "counterparty": "",
        "remittance_information": "", "reference_names": "{}",
    }  # fmt: skip


def outcome(matched_on: date | None) -> dict[str, Any]:
    return {
        "line_id": "l", "judged_on": MONDAY, "matched_on": matched_on, "difference_minor": 0,
        "why": "",
    }  # fmt: skip


def broken(store: Store, days: list[dict[str, Any]], *, last: date = FRIDAY) -> str | None:
    with store.transaction() as connection:
        connection.execute(sa.insert(statements), days)
    with store.reading() as connection:
        return Silence(connection).broken_by(MINE, first=MONDAY, last=last)


def test_a_week_of_sound_statements_is_silent(store: Store) -> None:
    """Days on which the bank is closed need none."""
    assert broken(store, [day_of(n) for n in range(5)], last=FRIDAY + timedelta(days=2)) is None


@pytest.mark.parametrize("gone", range(5))
def test_a_missing_day_breaks_the_silence(store: Store, gone: int) -> None:
    """Money may have left and come back on it, and no balance would tell."""
    why = broken(store, [day_of(n) for n in range(5) if n != gone])
    assert why == f"no statement of {MONDAY + timedelta(days=gone)} is kept"


@pytest.mark.parametrize(
    "wrong",
    [{"complete": False}, {"difference_minor": 1, "closing_minor": 1}, {"opening_minor": 5}],
)
def test_a_statement_that_is_not_sound_breaks_it(store: Store, wrong: dict[str, Any]) -> None:
    """An interim one, one whose lines do not explain it, one that does not go on."""
    days = [day_of(n, **(wrong if n == 2 else {})) for n in range(5)]
    why = broken(store, days)
    assert why is not None
    assert "is not complete, or does not add up" in why


@pytest.mark.parametrize(
    ("amount_minor", "matched", "silent"),
    [(-100, None, False), (-100, MONDAY, True), (100, None, True)],
)
def test_a_line_that_nothing_explains_may_be_the_payment(
    store: Store, amount_minor: int, matched: date | None, *, silent: bool
) -> None:
    """Only money that left and was not explained speaks against the absence."""
    with store.transaction() as connection:
        connection.execute(sa.insert(statement_lines), line(amount_minor))
        connection.execute(sa.insert(line_outcomes), outcome(matched))
    assert silent == (broken(store, [day_of(n) for n in range(5)]) is None)
