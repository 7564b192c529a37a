"""Conversion multiplies in the quoted direction and rounds once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from settle.errors import MoneyError
from settle.money import Rate, Rounding, convert, cross, parse_rate

DAY = date(2024, 12, 18)


def rate(base: str, quote: str, value: str) -> Rate:
    return Rate(base=base, quote=quote, value_e8=parse_rate(value), as_of=DAY, source="test")


@pytest.mark.parametrize(
    ("amount_minor", "pair", "value", "converted"),
    [
        (36930, ("AUD", "CNY"), "5.41940000", 200138),
        (-36930, ("AUD", "CNY"), "5.41940000", -200138),
        (100, ("USD", "JPY"), "153.50", 154),  # a tie: 153.5 goes to the even 154
        (100, ("USD", "JPY"), "152.50", 152),  # and 152.5 to the even 152
        (1, ("JPY", "USD"), "0.00650000", 1),  # 0.65 of a cent
        (1000, ("KRW", "JPY"), "0.10700000", 107),
        (0, ("EUR", "USD"), "1.0500", 0),
    ],
)
def test_a_line_converts(
    amount_minor: int, pair: tuple[str, str], value: str, converted: int
) -> None:
    """Lines as settlement files carry them, decimals of both currencies respected."""
    assert converted == convert(amount_minor, rate(*pair, value), rounding=Rounding.HALF_EVEN)


def test_rounding_is_named() -> None:
    """The same tie goes three ways, as it is told."""
    quoted = rate("USD", "JPY", "152.50")
    expected = {Rounding.HALF_EVEN: 152, Rounding.HALF_UP: 153, Rounding.DOWN: 152}
    assert expected == {how: convert(100, quoted, rounding=how) for how in Rounding}


@pytest.mark.parametrize(
    "text",
    [
        *("0", "-1", "NaN", "Infinity", "", "1,5", "1.123456789", "1_0", "1E+40"),
        "1.00000000" + "0" * 20 + "1",
        1.5,
        True,
        None,
    ],
)
def test_what_is_no_rate_is_refused(text: Any) -> None:
    """Zero, less, a float, a ninth decimal (however far out) or no number at all."""
    with pytest.raises(MoneyError):
        parse_rate(text)


@pytest.mark.parametrize(
    ("text", "value_e8"),
    [("5.41940000", 541940000), ("0.00000001", 1), (7, 700000000), ("1.1230000000", 112300000)],
)
def test_a_rate_has_eight_decimals(text: str | int, value_e8: int) -> None:
    """A rate is an integer of 10⁻⁸, and zeros beyond the eighth decimal do no harm."""
    assert value_e8 == parse_rate(text)


def test_a_rate_shows_its_value() -> None:
    """The decimal of a rate is the one it was read from."""
    assert Decimal("5.41940000") == rate("AUD", "CNY", "5.4194").value


def test_a_rate_is_positive() -> None:
    """Nothing is worth nothing or less."""
    with pytest.raises(MoneyError, match="AUD/CNY is not positive"):
        Rate(base="AUD", quote="CNY", value_e8=0, as_of=DAY, source="test")


def test_a_cross_rate_goes_through_the_euro() -> None:
    """Two quotations of the ECB make a rate; the euro quotes itself; none is made up."""
    per_euro = {"AUD": parse_rate("1.6563"), "CNY": parse_rate("7.6486")}

    def crossed(base: str, quote: str) -> Decimal:
        return cross(base, quote, per_euro_e8=per_euro, as_of=DAY, source="ECB").value

    assert Decimal("4.61788323") == crossed("AUD", "CNY")
    assert Decimal("1.65630000") == crossed("EUR", "AUD")
    assert Decimal("0.13074288") == crossed("CNY", "EUR")
    with pytest.raises(MoneyError, match="ECB of 2024-12-18 has no rate for NOK"):
        crossed("NOK", "CNY")


ECB = {"KRW": parse_rate("1509.48"), "AUD": parse_rate("1.6563"), "CNY": parse_rate("7.6486")}


def mid(base: str, quote: str) -> Rate:
    return cross(base, quote, per_euro_e8=ECB, as_of=DAY, source="ECB")


@pytest.mark.parametrize(
    ("amount_minor", "pair", "markup_ppm", "converted"),
    [
        (10**10, ("KRW", "EUR"), 0, 6_624_797_94),  # by 0.00066248 they would be 6,624,800.00
        (10**10, ("KRW", "EUR"), 6_100, 6_584_386_68),
        (10**10, ("KRW", "AUD"), 0, 10_972_652_83),
        (6_624_797_94, ("EUR", "KRW"), 0, 9_999_999_994),  # a cent is 15 won
        (-(10**10), ("KRW", "EUR"), 0, -6_624_797_94),
    ],
)
def test_what_is_derived_converts_as_it_was_quoted(
    amount_minor: int, pair: tuple[str, str], markup_ppm: int, converted: int
) -> None:
    """Won are divided by won for a euro: the eight decimals of a rate below one round nothing."""
    rate = mid(*pair).less(markup_ppm)
    assert converted == convert(amount_minor, rate, rounding=Rounding.HALF_EVEN)


def test_what_is_told_of_a_rate_has_eight_decimals() -> None:
    """The figure and the client's less the markup are half-even, and both legs stay beside them."""
    client = mid("KRW", "EUR").less(6_100)
    assert (66_248, 65_844) == (mid("KRW", "EUR").value_e8, client.value_e8)
    assert (parse_rate("1509.48"), 10**8) == client.legs
    assert (10**8, 541_940_000) == rate("AUD", "CNY", "5.4194").legs


def test_a_quoted_rate_is_the_fraction_itself_less_a_markup() -> None:
    """Without legs the quotation converts: 369.30 AUD less 1 % at 5.4194 are 1981.37 CNY."""
    client = rate("AUD", "CNY", "5.41940000").less(10_000)
    assert 1981_37 == convert(369_30, client, rounding=Rounding.HALF_UP)
    assert 536_520_600 == client.value_e8


@pytest.mark.parametrize("markup_ppm", [-1, 1_000_000, 2_000_000])
def test_a_markup_leaves_something(markup_ppm: int) -> None:
    """Less than nothing, and all of it, is no markup."""
    with pytest.raises(MoneyError, match="AUD/CNY"):
        rate("AUD", "CNY", "5.4194").less(markup_ppm)


@pytest.mark.parametrize("legs", [(0, 1), (1, 0), (-1, 1)])
def test_a_leg_is_positive(legs: tuple[int, int]) -> None:
    """A unit of the currency between is worth something in both."""
    with pytest.raises(MoneyError, match="AUD/CNY is not positive"):
        Rate(
            base="AUD", quote="CNY", value_e8=1, as_of=DAY, source="test", via="EUR",
            leg_in_e8=legs[0], leg_out_e8=legs[1],
        )  # fmt: skip
