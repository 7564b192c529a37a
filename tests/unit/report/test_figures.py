"""Figures as people read them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settle.money import MINOR_MAX, currencies, to_minor
from settle.report.figures import MINUS, amount, day, money, plural, share


@given(st.integers(-MINOR_MAX, MINOR_MAX), st.sampled_from(sorted(currencies())))
def test_an_amount_as_shown_is_the_amount(amount_minor: int, currency: str) -> None:
    """Taking the separators away gives back exactly the minor units that went in."""
    shown = amount(amount_minor, currency).replace(",", "").replace(MINUS, "-")

    assert amount_minor == to_minor(shown, currency)


@given(st.integers(0, 10**18), st.integers(1, 10**18))
def test_a_share_is_full_only_when_everything_is_in_it(part: int, whole: int) -> None:
    """One line of a million that is not matched keeps the rate below 100 %."""
    part = min(part, whole)

    assert (part == whole) == (share(part, whole) == "100.00\u00a0%")


@pytest.mark.parametrize(
    ("expected", "shown"),
    [
        ("JPY\u00a01,234,567", money(1_234_567, "JPY")),
        ("EUR\u00a0−0.05", money(-5, "EUR")),
        ("–", share(0, 0)),
        ("1 day", plural(1, "day")),
        ("1,000 days", plural(1000, "day")),
        ("Thursday 2024-12-19", day(date(2024, 12, 19))),
    ],
)
def test_figures_read_as_a_person_writes_them(expected: str, shown: str) -> None:
    """Separators, decimals, minus, plural and weekday are as on paper."""
    assert expected == shown
