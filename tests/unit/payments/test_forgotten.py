"""What a store that was put back has forgotten shows on statements, and keeps what waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Evidence, Fact, Source
from settle.payments import attention, held_back, let_go, record, suspect, suspected
from settle.payments.ahead import ATTEMPTS_AHEAD
from settle.payments.identity import identity
from settle.payments.tables import payments
from settle.payments.withholding import LIKE_A_DEBIT, PAID_ELSEWHERE
from settle.store import Store


@dataclass(frozen=True, kw_only=True)
class Line:
    """A debit that nothing explains."""

    account: str = "acc"
    currency: str = "EUR"
    amount_minor: int = 100
    charges_minor: int = 0
    references: frozenset[str] = frozenset()


def holds_of(store: Store) -> list[str]:
    with store.reading() as connection:
        query = sa.select(payments.c.hold_reason).order_by(payments.c.payment_id)
        return list(connection.scalars(query))


def left(desk: Any) -> list[str]:
    return [p.payment_id for sending in desk.claim() for p in sending.payments]


@pytest.mark.parametrize(
    ("line", "held"),
    [
        (Line(), LIKE_A_DEBIT),
        (Line(amount_minor=104, charges_minor=4), LIKE_A_DEBIT),
        (Line(amount_minor=99), ""),
        (Line(account="other"), ""),
        (Line(currency="NOK"), ""),
    ],
)
def test_a_debit_that_fits_what_waits_holds_it_until_somebody_looked(
    desk: Any, store: Store, line: Line, held: str
) -> None:
    """Its amount, its currency and its account, with the bank's charges or without."""
    desk.ready(desk.due)
    suspect(store, [line], by_amount=True)
    assert [held] == holds_of(store)
    assert ([] if held else ["P-00001"]) == left(desk)
    with store.transaction() as connection:
        count = int(bool(held))
        assert (count, count) == (suspected(connection), held_back(connection))
        assert count == let_go(connection)
    assert (["P-00001"] if held else []) == left(desk)


@pytest.mark.parametrize(
    ("by_amount", "lines", "held"),
    [(True, [], ""), (True, [Line()], LIKE_A_DEBIT), (False, [], LIKE_A_DEBIT)],
)
def test_a_debit_that_is_explained_since_holds_nothing(
    desk: Any,
    store: Store,
    by_amount: bool,  # noqa: FBT001  # pytest gives it by name
    lines: Sequence[Line],
    held: str,
) -> None:
    """While amounts count, they are looked at anew; afterwards only a person lets go."""
    desk.ready(desk.due)
    suspect(store, [Line()], by_amount=True)
    suspect(store, lines, by_amount=by_amount)
    assert [held] == holds_of(store)


@pytest.mark.parametrize(
    ("ahead", "held"),
    [(0, PAID_ELSEWHERE), (ATTEMPTS_AHEAD, PAID_ELSEWHERE), (ATTEMPTS_AHEAD + 1, "")],
)
@pytest.mark.parametrize("name", ["end_to_end_id", "uetr"])
def test_a_debit_that_names_a_later_attempt_is_the_obligation_paid(
    desk: Any, store: Store, ahead: int, held: str, name: str
) -> None:
    """Whatever its amount and account, and whether amounts count or not."""
    desk.ready(desk.due)
    names = identity("t", "O-1", attempt=1 + ahead)
    line = Line(account="other", amount_minor=7, references=frozenset({getattr(names, name)}))
    suspect(store, [line], by_amount=False)
    assert [held] == holds_of(store)
    assert ([] if held else ["P-00001"]) == left(desk)


def elsewhere(fact: Fact, source: Source = Source.STATEMENT, **changes: Any) -> Evidence:
    """Another rail has our reference."""
    told: dict[str, Any] = {
        "reference": identity("t", "O-1", attempt=1).end_to_end_id, "rail": "batched",
        "amount_minor": 100, "currency": "EUR",
    } | changes  # fmt: skip
    return Evidence(
        evidence_id="line/1", source=source, fact=fact,
        occurred_at=datetime(2024, 12, 19, tzinfo=UTC), **told,
    )  # fmt: skip


@pytest.mark.parametrize("fact", [Fact.ACCEPTED, Fact.BOOKED, Fact.CREDITED, Fact.RETURNED])
def test_what_another_rail_shows_under_our_reference_does_not_leave(
    desk: Any, store: Store, fact: Fact
) -> None:
    """It was routed otherwise before the store was put back, and a person sees both ways."""
    desk.ready(desk.due)
    for _ in range(2):
        recorded = record(store, [elsewhere(fact)], recorded_at=desk.now)
        assert ([], frozenset()) == (recorded.unmatched, recorded.settled)
    assert [PAID_ELSEWHERE] == holds_of(store)
    assert [] == left(desk)
    with store.reading() as connection:
        (seen,) = attention(connection)
    said = f"{fact.value} by statement of batched (line/1); routed by single here"
    assert said in seen.contradiction


@pytest.mark.parametrize(
    "item",
    [
        elsewhere(Fact.NOT_FOUND, Source.FIND),
        elsewhere(Fact.REJECTED, Source.FIND),
        elsewhere(Fact.FAILED, Source.NOTIFICATION),
        elsewhere(Fact.BOOKED, reference="P-00001"),
    ],
)
def test_what_shows_no_execution_elsewhere_holds_nothing(
    desk: Any, store: Store, item: Evidence
) -> None:
    """A rail that does not know it, or refused it; and a row's id, which is nobody's secret."""
    desk.ready(desk.due)
    assert [item] == record(store, [item], recorded_at=desk.now).unmatched
    assert ["P-00001"] == left(desk)
