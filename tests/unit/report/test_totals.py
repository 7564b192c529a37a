"""Totals of exceptions and breaks count what is not listed, too."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settle.report import (
    Breaks,
    Direction,
    ExceptionKind,
    OpenBreak,
    PaymentException,
    Payments,
    age_bucket,
)

CODES = st.sampled_from(["EUR", "JPY", "NOK"])


@st.composite
def exceptions(draw: st.DrawFn) -> PaymentException:
    return PaymentException(
        kind=draw(st.sampled_from(ExceptionKind)), payment_id=str(draw(st.uuids())),
        agreement_id="A", beneficiary="B", rail="r", currency=draw(CODES), state="planned",
        amount_minor=draw(st.integers(1, 10**9)),
    )  # fmt: skip


@st.composite
def breaks(draw: st.DrawFn) -> OpenBreak:
    return OpenBreak(
        break_id=str(draw(st.uuids())), kind=draw(st.sampled_from(["fee", "amount"])),
        opened_on=date(2024, 12, 1), age_days=draw(st.integers(0, 60)), currency=draw(CODES),
        amount_minor=draw(st.integers(1, 10**9)), direction=draw(st.sampled_from(Direction)),
    )  # fmt: skip


@given(st.lists(exceptions()))
def test_totals_of_exceptions_count_every_payment(rows: list[PaymentException]) -> None:
    """However few are listed, the totals hold all of them, by kind and currency."""
    shown = Payments.of((), rows, shown_max=2)

    assert len(rows) == sum(total.count for total in shown.totals)
    assert sum(row.amount_minor for row in rows) == sum(row.amount_minor for row in shown.totals)
    for kind in ExceptionKind:
        of_kind = sum(row.kind is kind for row in rows)
        assert of_kind == shown.total(kind)
        assert min(2, of_kind) == sum(row.kind is kind for row in shown.exceptions)


@given(st.lists(breaks()), st.randoms())
def test_breaks_do_not_depend_on_the_order_they_come_in(
    rows: list[OpenBreak], chance: random.Random
) -> None:
    """Breaks are listed oldest first and totalled the same, whatever order found them."""
    shuffled = list(rows)
    chance.shuffle(shuffled)

    assert Breaks.of(rows, (), listed_max=3) == Breaks.of(shuffled, (), listed_max=3)
    assert len(rows) == Breaks.of(rows, (), listed_max=3).open


@pytest.mark.parametrize(
    ("bucket", "days"),
    [
        ("today", 0), ("1 day", 1), ("2–3 days", 2), ("2–3 days", 3), ("4–7 days", 4),
        ("4–7 days", 7), ("8–30 days", 8), ("8–30 days", 30), ("over 30 days", 31),
    ],
)  # fmt: skip
def test_an_age_falls_in_its_bucket(bucket: str, days: int) -> None:
    """Each bucket holds its first and its last day."""
    assert bucket == age_bucket(days)
