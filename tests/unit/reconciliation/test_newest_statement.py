"""The statement kept last is the newest word on its day, whatever the clock said meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from settle.adapters import AccountRef, Adapter, StatementDocument
from settle.ledger import accounts
from settle.reconciliation import AccountDay, account_days, closings, keep, last_days
from settle.store import Store

AT = datetime(2024, 12, 20, 16, 30, tzinfo=UTC)
SET_BACK = AT - timedelta(hours=6)
DAY = date(2024, 12, 19)
ACCOUNT = AccountRef(rail="paper", account="ACC", currency="EUR")
NOSTRO = (accounts.nostro("paper", "ACC"), "EUR")
Documents = Callable[..., StatementDocument]


def days(store: Store) -> list[AccountDay]:
    with store.reading() as connection:
        return account_days(connection)


def closing_minor(store: Store) -> int:
    with store.reading() as connection:
        return closings(connection)[NOSTRO]


@pytest.mark.parametrize("complete", [False, True])
def test_the_one_kept_last_counts_although_the_clock_was_set_back(
    store: Store, document: Documents, paper: Adapter[Any], *, complete: bool
) -> None:
    """More lines and another closing, received six hours earlier by the clock, are the newest."""
    first = document(("L1", 100, None), complete=complete)
    second = document(("L1", 100, None), ("L2", -30, None), complete=complete)
    keep(store, first, adapter=paper, received_at=AT)
    assert 100 == closing_minor(store)  # expected before actual
    keep(store, second, adapter=paper, received_at=SET_BACK)
    assert 70 == closing_minor(store)
    assert [(70, 2)] == [(found.closing_minor, found.lines) for found in days(store)]


def test_the_same_bytes_once_more_bring_nothing_new_and_hide_nothing(
    store: Store, document: Documents, paper: Adapter[Any]
) -> None:
    """An old statement that a rail sends again does not take the place of the one after it."""
    first = document(("L1", 100, None))
    second = document(("L1", 100, None), ("L2", -30, None))
    for found, at in ((first, AT), (second, SET_BACK), (first, AT)):
        keep(store, found, adapter=paper, received_at=at)
    assert 70 == closing_minor(store)


def test_a_complete_statement_stands_before_an_interim_one_kept_after_it(
    store: Store, document: Documents, paper: Adapter[Any]
) -> None:
    """What is still being added to a day says less of it than its final statement."""
    whole = document(("L1", 100, None), ("L2", -30, None))
    part = document(("L1", 100, None), complete=False)
    keep(store, whole, adapter=paper, received_at=AT)
    keep(store, part, adapter=paper, received_at=SET_BACK)
    assert 70 == closing_minor(store)
    with store.reading() as connection:
        assert {ACCOUNT: DAY} == last_days(connection)


def test_the_same_bytes_that_are_complete_now_are_the_newest_word(
    store: Store, document: Documents, paper: Adapter[Any]
) -> None:
    """The word "complete" counts from when it is said, also by a clock set back."""
    keep(store, document(("L1", 100, None), complete=False), adapter=paper, received_at=AT)
    assert [False] == [found.complete for found in days(store)]
    keep(store, document(("L1", 100, None)), adapter=paper, received_at=SET_BACK)
    assert [(True, 100)] == [(found.complete, found.closing_minor) for found in days(store)]
