"""What views multiply by: lowest terms, each rate once, and how far 64 bits go."""

from __future__ import annotations

from fractions import Fraction
from math import gcd

from hypothesis import given
from hypothesis import strategies as st
from tests.properties.netting_world import DAY, RATES

from settle.clearing.quotations import FAST_MAX, FRACTION_MAX, quotations, reach
from settle.money import Rounding, divide

SIZES = st.one_of(st.integers(1, 10**4), st.integers(1, 10**12), st.integers(1, FRACTION_MAX))


def asked(base: str, quote: str, markup_ppm: int, *, on: str = "2024-12-18") -> dict[str, object]:
    return {
        "currency": base, "settlement_currency": quote, "is_next_day": False,
        "quoted_on": "" if base == quote else on, "fx_markup_ppm": markup_ppm,
    }  # fmt: skip


def test_each_rate_stands_once_however_often_it_is_asked_for() -> None:
    """A pair is one of its day and its currencies, and a markup is one of a pair."""
    wanted = [
        asked("USD", "EUR", 0), asked("USD", "EUR", 6_100), asked("EUR", "EUR", 6_100),
        asked("USD", "EUR", 0, on="2024-12-17"),
    ]  # fmt: skip
    found = quotations(wanted, rates=RATES, day=DAY)
    assert [0, 1, 2] == found.pairs.column("pair").to_pylist()
    ids = ["ECB:2024-12-18:USD/EUR", "EUR/EUR", "ECB:2024-12-17:USD/EUR"]
    assert ids == found.mids.column("rate_id").to_pylist()
    keys = [(row["pair"], row["fx_markup_ppm"]) for row in found.markups.to_pylist()]
    assert [(0, 0), (0, 6_100), (1, 6_100), (2, 0)] == keys


def test_the_divisor_takes_what_is_written_to_lowest_terms() -> None:
    """Both legs, the markup and the decimals of both currencies, by one common divisor."""
    found = quotations([asked("KRW", "USD", 6_100)], rates=RATES, day=DAY)
    (mid,), (markup,) = found.mids.to_pylist(), found.markups.to_pylist()
    numerator = mid["leg_out_e8"] * (10**6 - 6_100) * mid["up"]
    denominator = mid["leg_in_e8"] * 10**6 * mid["down"]
    assert gcd(numerator, denominator) == markup["divisor"]
    exact = Fraction(10_496, 10_000) / Fraction(150_948, 100) * Fraction(9_939, 10_000) * 100
    assert exact == Fraction(numerator, denominator)


@given(fraction=st.builds(Fraction, SIZES, SIZES), off=st.integers(0, 3))
def test_below_its_limits_an_amount_meets_no_tie_and_fits(fraction: Fraction, off: int) -> None:
    """Below the first limit every rounding is the same; below the second twice the product fits."""
    numerator, denominator = fraction.numerator, fraction.denominator
    untied, fits = reach(numerator, denominator)
    assert untied <= fits <= 10**18
    amount = max(untied - 1 - off, 0)
    up, even = (
        divide(amount * numerator, denominator, rounding=rounding)
        for rounding in (Rounding.HALF_UP, Rounding.HALF_EVEN)
    )
    assert up == even
    assert fits == 0 or 2 * (fits - 1) * numerator + denominator + 1 < 2**63
    assert fits == 0 or 2 * denominator < 2**63
    assert fits * max(numerator, denominator) <= FAST_MAX
