"""Two sources that show our account: what they say counts the same, whichever was heard first."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tests.unit.payments.test_repaying import again, books, line

from settle.adapters import Evidence, Fact, Source
from settle.ledger import balances
from settle.payments import Bearer, ReturnPolicy, attention, record, returned
from settle.store import Store

NAME = "P-00001"
PAYEE_BEARS = ReturnPolicy(charges=Bearer.BEN)


def back(minor: int, source: Source, day: int, **more: Any) -> Evidence:
    at = datetime(2024, 12, day, tzinfo=UTC)
    of = f"{source.value}/{day}"
    return line(
        NAME, Fact.RETURNED, minor, source=source, occurred_at=at, evidence_id=of,
        account="acc", **more,
    )  # fmt: skip


def take(desk: Any, evidence: Iterable[Evidence]) -> None:
    for each in evidence:
        record(desk.store, [each], recorded_at=desk.now, returns=PAYEE_BEARS)


def orders(*evidence: Evidence) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("told", list(itertools.permutations(evidence)))


def owed(store: Store) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [
            (x.amount_minor, x.back_minor, x.charges_minor, x.borne_minor, x.returned_on)
            for x in returned(connection)
        ]


@orders(back(90, Source.REPORT, 21), back(100, Source.STATEMENT, 20), line(NAME, Fact.BOOKED))
def test_what_came_back_by_two_sources_is_posted_once_and_shown(
    desk: Any, store: Store, told: tuple[Evidence, ...]
) -> None:
    """The earlier counts: all of it is back, nobody bears anything; that they differ is seen."""
    desk.ready(desk.due)
    desk.claim()
    take(desk, told)
    assert {"returned/A-1": -100, "payable/A-1": 100} == books(store)
    assert [(100, 100, 0, 0, date(2024, 12, 20))] == owed(store)
    with store.reading() as connection:
        (seen,) = attention(connection)
        of_the_20th = balances(connection, prefix="nostro", as_of=date(2024, 12, 20))
    assert "returned differently by report and statement" in seen.why
    assert [0] == [each.balance_minor for each in of_the_20th]


@orders(back(100, Source.REPORT, 21), back(95, Source.STATEMENT, 20))
def test_who_bears_what_is_of_the_return_that_counts(
    desk: Any, store: Store, told: tuple[Evidence, ...]
) -> None:
    """It came short by the one that counts, and the payee bears that."""
    desk.ready(desk.due)
    desk.claim()
    take(desk, [line(NAME, Fact.BOOKED), *told, *told])
    assert {"returned/A-1": -95, "payable/A-1": 100, "nostro/single/acc": -5} == books(store)
    assert [(95, 95, 0, 5, date(2024, 12, 20))] == owed(store)


ELSEWHERE = line(NAME, Fact.BOOKED, account="other", source=Source.REPORT, evidence_id="a report")


@orders(line(NAME, Fact.BOOKED, account="acc"), ELSEWHERE)
def test_a_booking_on_two_accounts_is_posted_on_one(
    desk: Any, store: Store, told: tuple[Evidence, ...]
) -> None:
    """The same one in any order, and somebody is to look."""
    desk.ready(desk.due)
    desk.claim()
    take(desk, told)
    assert {"payable/A-1": 100, "nostro/single/other": -100} == books(store)
    with store.reading() as connection:
        assert any("booked differently" in x.contradiction for x in attention(connection))


def test_what_was_paid_again_is_not_changed_by_another_source(desk: Any, store: Store) -> None:
    """The journal says what is known; the payable that was repaid stays, and it is shown."""
    desk.ready(desk.due)
    desk.claim()
    take(desk, [line(NAME, Fact.BOOKED), back(90, Source.REPORT, 21)])
    before = owed(store)
    again(desk)
    take(desk, [replace(back(100, Source.STATEMENT, 20), code="AC04")])
    assert before == owed(store)
    with store.reading() as connection:
        assert any("returned differently" in x.contradiction for x in attention(connection))
