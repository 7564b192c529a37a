"""Laws of money: what goes in comes out, parts sum to the whole, quotients are exact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settle.errors import MoneyError
from settle.money import (
    MINOR_MAX,
    Rate,
    Rounding,
    allocate,
    convert,
    currencies,
    divide,
    exponent,
    from_minor,
    parse_rate,
    plain,
    to_minor,
)

CURRENCIES = st.sampled_from(list(currencies()))
AMOUNTS = st.integers(-MINOR_MAX, MINOR_MAX)
WIDE = st.integers(-(10**40), 10**40)
WEIGHTS = st.lists(st.integers(0, 10**18), min_size=1, max_size=30).filter(any)


@given(amount_minor=AMOUNTS, currency=CURRENCIES)
def test_what_goes_out_comes_in_again(amount_minor: int, currency: str) -> None:
    """`Money` and plain text both carry every amount without loss."""
    assert amount_minor == to_minor(from_minor(amount_minor, currency))
    assert amount_minor == to_minor(plain(amount_minor, currency), currency)


@given(amount=st.decimals(allow_nan=True, allow_infinity=True), currency=CURRENCIES)
def test_a_decimal_is_taken_exactly_or_refused(amount: Decimal, currency: str) -> None:
    """There is no third way through the gate."""
    try:
        minor = to_minor(amount, currency)
    except MoneyError:
        fits = amount.is_finite() and _fits(amount, currency)
        assert not fits
    else:
        assert Fraction(amount) == Fraction(minor, 10 ** exponent(currency))


def _fits(amount: Decimal, currency: str) -> bool:
    if amount.adjusted() > 20 or len(amount.as_tuple().digits) > 28:
        return False  # the gate's own bound, before it computes anything
    scaled = Fraction(amount) * 10 ** exponent(currency)
    return bool(scaled.denominator == 1 and abs(scaled) <= MINOR_MAX)


@given(amount=st.floats(), currency=CURRENCIES)
def test_no_float_is_money(amount: float, currency: str) -> None:
    """A float is refused even where its value would fit."""
    with pytest.raises(MoneyError):
        to_minor(amount, currency)  # type: ignore[arg-type]  # that is the point


@given(total=WIDE, weights=WEIGHTS)
def test_parts_sum_to_the_whole_and_are_fair(total: int, weights: list[int]) -> None:
    """No part is a whole unit away from its exact share, and a weight of zero gets nothing."""
    parts = allocate(total, weights)
    assert total == sum(parts)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1
        assert weight or not part
    assert [-part for part in parts] == allocate(-total, weights)


@given(total=st.integers(0, 10**6), count=st.integers(1, 40))
def test_equal_weights_favour_the_earlier(total: int, count: int) -> None:
    """The tie-break is fixed: parts of equal weights never rise."""
    parts = allocate(total, [1] * count)
    assert sorted(parts, reverse=True) == parts


@pytest.mark.parametrize("weights", [[], [0], [1, -1], [2, -1]])
def test_weights_that_divide_nothing_are_refused(weights: list[int]) -> None:
    """Without a positive whole, or with a negative part of it, there is no share."""
    with pytest.raises(MoneyError):
        allocate(100, weights)


@given(numerator=WIDE, denominator=st.integers(1, 10**30))
def test_a_quotient_is_the_exact_one_rounded(numerator: int, denominator: int) -> None:
    """Half-even agrees with Python's fractions, and each rounding with its definition."""
    exact = Fraction(numerator, denominator)
    assert round(exact) == divide(numerator, denominator, rounding=Rounding.HALF_EVEN)
    assert int(exact) == divide(numerator, denominator, rounding=Rounding.DOWN)
    away = int(abs(exact) + Fraction(1, 2))
    half_up = divide(numerator, denominator, rounding=Rounding.HALF_UP)
    assert (away if numerator >= 0 else -away) == half_up


@given(halves=st.integers(-(10**20), 10**20))
def test_ties_go_where_they_are_told(halves: int) -> None:
    """Exact halves are where the roundings differ: to even, or away from zero."""
    tie = 2 * halves + 1
    even = divide(tie, 2, rounding=Rounding.HALF_EVEN)
    assert even % 2 == 0
    assert 2 * abs(divide(tie, 2, rounding=Rounding.HALF_UP)) == abs(tie) + 1


@pytest.mark.parametrize("denominator", [0, -1])
@pytest.mark.parametrize("rounding", list(Rounding))
def test_a_denominator_is_positive(denominator: int, rounding: Rounding) -> None:
    """Nothing is divided by nothing."""
    with pytest.raises(MoneyError):
        divide(1, denominator, rounding=rounding)


@given(
    amount_minor=AMOUNTS,
    base=CURRENCIES,
    quote=CURRENCIES,
    value_e8=st.integers(1, 10**14),
    rounding=st.sampled_from(Rounding),
)
def test_a_conversion_is_less_than_one_unit_off(
    amount_minor: int, base: str, quote: str, value_e8: int, rounding: Rounding
) -> None:
    """In major units, the result is the exact product to within one minor unit."""
    rate = Rate(base=base, quote=quote, value_e8=value_e8, as_of=DAY, source="test")
    major = Fraction(amount_minor, 10 ** exponent(base)) * Fraction(rate.value)
    off = abs(convert(amount_minor, rate, rounding=rounding) - major * 10 ** exponent(quote))
    assert off < 1 if rounding is Rounding.DOWN else off <= Fraction(1, 2)


DAY = date(2024, 12, 18)
LEGS = st.one_of(
    st.integers(1, 10**13), st.sampled_from([10**8, 150_948_000_000, 16_152_000_000, 104_960_000])
)
MARKUPS = st.one_of(st.integers(0, 999_999), st.sampled_from([0, 3_000, 6_100, 10_000]))
ROUND: dict[Rounding, Callable[[Fraction], int]] = {
    Rounding.HALF_EVEN: round,
    Rounding.HALF_UP: lambda x: int(abs(x) + Fraction(1, 2)) * (1 if x >= 0 else -1),
    Rounding.DOWN: int,
}
"""The oracle: what Python's own fractions come to."""


def derived(base: str, quote: str, legs: tuple[int, int], markup_ppm: int = 0) -> Rate:
    """The rate that two quotations make, its figure told as it is, less a markup."""
    leg_in, leg_out = legs
    told_e8 = max(round(Fraction(leg_out * 10**8, leg_in)), 10**6)  # none is told as nothing
    mid = Rate(
        base=base, quote=quote, value_e8=told_e8, as_of=DAY, source="test", via="EUR",
        leg_in_e8=leg_in, leg_out_e8=leg_out,
    )  # fmt: skip
    return mid.less(markup_ppm)


@given(
    amount_minor=AMOUNTS, pair=st.tuples(CURRENCIES, CURRENCIES), legs=st.tuples(LEGS, LEGS),
    markup_ppm=MARKUPS, rounding=st.sampled_from(Rounding),
)  # fmt: skip
def test_an_amount_is_converted_by_both_legs_and_rounded_once(
    amount_minor: int, pair: tuple[str, str], legs: tuple[int, int], markup_ppm: int,
    rounding: Rounding,
) -> None:  # fmt: skip
    """Whatever pair, markup and rounding: the exact fraction, and only the amount is rounded."""
    base, quote = pair
    rate = derived(base, quote, legs, markup_ppm)
    major = Fraction(amount_minor, 10 ** exponent(base)) * Fraction(legs[1], legs[0])
    exact = major * (1 - Fraction(markup_ppm, 10**6)) * 10 ** exponent(quote)
    assert ROUND[rounding](exact) == convert(amount_minor, rate, rounding=rounding)
    assert gcd(*rate.factor) == 1


@given(amount_minor=AMOUNTS, base=CURRENCIES, quote=CURRENCIES, legs=st.tuples(LEGS, LEGS))
def test_there_and_back_is_no_further_off_than_two_roundings(
    amount_minor: int, base: str, quote: str, legs: tuple[int, int]
) -> None:
    """Half a unit there is worth so much here, and half a unit here: nothing else is lost."""
    there, back = derived(base, quote, legs), derived(quote, base, legs[::-1])
    assert Fraction(*there.factor) * Fraction(*back.factor) == 1
    abroad = convert(amount_minor, there, rounding=Rounding.HALF_EVEN)
    again = convert(abroad, back, rounding=Rounding.HALF_EVEN)
    assert abs(again - amount_minor) <= (Fraction(*back.factor) + 1) / 2


@given(value=st.decimals(min_value=0, max_value=10**9, allow_nan=False))
def test_a_rate_is_taken_exactly_or_refused(value: Decimal) -> None:
    """A rate never loses a decimal on the way in."""
    try:
        value_e8 = parse_rate(value)
    except MoneyError:
        too_long = len(value.as_tuple().digits) > 28
        assert value <= 0 or too_long or (Fraction(value) * 10**8).denominator != 1
    else:
        assert Fraction(value) == Fraction(value_e8, 10**8)
