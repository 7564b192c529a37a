"""The journal keeps what was posted, once, and its proofs can fail."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection
from tests.size import examples

from settle.ledger import (
    AccountBalance,
    Posting,
    balances,
    client_money_covered,
    in_transit_against_payments,
    nostro_against_statements,
    post,
    signed,
    trial_balance,
)
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
DAY = date(2024, 12, 18)


def posting(
    row: str, *, debit: str, credit: str, amount_minor: int, currency: str = "EUR"
) -> Posting:
    return Posting(
        event="test", subject="s", row=row, posted_on=DAY, debit=debit, credit=credit,
        currency=currency, amount_minor=amount_minor,
    )  # fmt: skip


def balance(account: str, minor: int, currency: str = "EUR") -> AccountBalance:
    return AccountBalance(account=account, currency=currency, balance_minor=minor)


def test_a_posting_made_twice_stands_once(store: Store) -> None:
    """A crash between posting and its acknowledgement costs nothing when the step runs again."""
    rows = [posting(str(i), debit="nostro/r/a", credit="deposit/p", amount_minor=5) for i in (1, 2)]
    with store.transaction() as connection:
        assert post(connection, rows, recorded_at=NOW) == 2
    with store.transaction() as connection:
        assert post(connection, rows, recorded_at=NOW) == 0
    with store.reading() as connection:
        assert balances(connection) == [balance("deposit/p", -10), balance("nostro/r/a", 10)]


def test_balances_are_exact_beyond_64_bits(store: Store) -> None:
    """Many large amounts on one account are a balance like any other, on either side of zero."""
    most = 2**63 - 1
    rows = [posting(str(n), debit="a", credit="b", amount_minor=most - n) for n in range(5)]
    with store.transaction() as connection:
        post(connection, [*rows, posting("x", debit="b", credit="a", amount_minor=7)],
             recorded_at=NOW)  # fmt: skip
    with store.reading() as connection:
        whole = 5 * most - 10 - 7
        assert [balance("a", whole), balance("b", -whole)] == balances(connection)


def test_a_prefix_is_taken_letter_for_letter(store: Store) -> None:
    """Case counts, `%` and `_` stand for themselves, and the order is the same everywhere."""
    names = ["suspense", "Suspense", "suspense/a_b", "suspense/aXb", "sus%", "SUSPENSE/a_b"]
    rows = [posting(name, debit=name, credit="own_funds", amount_minor=1) for name in names]
    with store.transaction() as connection:
        post(connection, rows, recorded_at=NOW)
    with store.reading() as connection:
        for prefix in ("suspense", "Suspense", "suspense/a_", "sus%", "_", "own"):
            found = [x.account for x in balances(connection, prefix=prefix)]
            assert found == sorted(x for x in [*names, "own_funds"] if x.startswith(prefix))


moments = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 9))


@pytest.mark.soak
@settings(
    max_examples=examples(10, full=200), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(written=st.lists(moments, max_size=12))
def test_a_balance_of_any_day_is_what_was_known_of_it_at_any_time(
    store: Store, written: list[tuple[int, int, int]]
) -> None:
    """Posted by then and recorded by then, held against a loop, for each day and each instant."""
    with rolled_back(store) as connection:
        for n, (posted, recorded, minor) in enumerate(written):
            row = replace(posting(str(n), debit="a", credit="b", amount_minor=minor),
                          posted_on=DAY + timedelta(days=posted))  # fmt: skip
            post(connection, [row], recorded_at=NOW + timedelta(hours=recorded))
        for day, hour in itertools.product([*range(4), None], repeat=2):
            of = [
                minor
                for posted, recorded, minor in written
                if (day is None or posted <= day) and (hour is None or recorded <= hour)
            ]
            expected = [balance("a", sum(of)), balance("b", -sum(of))] if of else []
            assert expected == balances(
                connection,
                as_of=None if day is None else DAY + timedelta(days=day),
                known_at=None if hour is None else NOW + timedelta(hours=hour),
            )


@contextmanager
def rolled_back(store: Store) -> Iterator[Connection]:
    """A transaction of which nothing stays, so that examples may share a store."""
    with store.engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


def test_an_amount_is_positive_and_moves_between_two_accounts(store: Store) -> None:
    """The database itself refuses a row that moves nothing or to where it came from."""
    for bad in (
        posting("zero", debit="a", credit="b", amount_minor=0),
        posting("same", debit="a", credit="a", amount_minor=1),
    ):
        with pytest.raises(Exception, match=r"(?i)constraint"), store.transaction() as connection:
            post(connection, [bad], recorded_at=NOW)


def test_a_transaction_that_fails_posts_nothing(store: Store) -> None:
    """Rows are written with their event or not at all."""
    rows = [posting(str(amount), debit="a", credit="b", amount_minor=amount) for amount in (1, -1)]
    with pytest.raises(Exception, match=r"(?i)constraint"), store.transaction() as connection:
        post(connection, rows, recorded_at=NOW)
    with store.reading() as connection:
        assert balances(connection) == []


def test_a_signed_amount_turns_round_and_zero_posts_nothing() -> None:
    """Legs may be negative, journal rows never are."""
    common = {"event": "e", "subject": "s", "row": "r", "posted_on": DAY, "currency": "EUR"}
    (negative,) = signed(**common, frm="a", to="b", amount_minor=-3)  # type: ignore[arg-type]
    assert (negative.debit, negative.credit, negative.amount_minor) == ("b", "a", 3)
    assert signed(**common, frm="a", to="b", amount_minor=0) == []  # type: ignore[arg-type]


def test_a_reversal_undoes_its_row_and_is_another_entry() -> None:
    """Corrections are by reversal only."""
    row = posting("1", debit="a", credit="b", amount_minor=3)
    undone = row.reversed(event="reversal", posted_on=DAY)
    assert (undone.debit, undone.credit) == ("b", "a")
    assert undone.entry_id != row.entry_id


def test_each_nightly_proof_can_fail() -> None:
    """A proof that always holds would prove nothing."""
    assert not trial_balance([balance("a", 1)])[0].holds
    held = [balance("nostro/r/a", 100), balance("payable/A", -100)]
    assert client_money_covered(held)[0].holds
    short = [balance("nostro/r/a", 99), balance("payable/A", -100)]
    assert not client_money_covered(short)[0].holds
    assert nostro_against_statements(held, {("nostro/r/a", "EUR"): 100})[0].holds
    assert not nostro_against_statements(held, {("nostro/r/a", "EUR"): 101})[0].holds
    transit = [balance("in_transit/r", -7)]
    assert in_transit_against_payments(transit, {("in_transit/r", "EUR"): 7})[0].holds
    assert not in_transit_against_payments(transit, {})[0].holds


def test_one_clients_debt_never_covers_what_another_is_owed() -> None:
    """A merchant with a negative balance does not lower what must be held for the others."""
    owed = [balance("payable/A", -100), balance("payable/B", 40), balance("nostro/r/a", 60)]
    assert not client_money_covered(owed)[0].holds
