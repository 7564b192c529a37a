"""What does not fit a currency exactly is refused at the gate, never rounded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from moneyed import Money

from settle.errors import BadInput, MoneyError, UnknownCurrency
from settle.money import MINOR_MAX, from_minor, in_range, plain, to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("1.99", "USD", 199),
        ("-0.01", "EUR", -1),
        (Decimal("1.990"), "USD", 199),
        (Decimal("1E+3"), "JPY", 1000),
        (1, "JPY", 1),
        (1, "USD", 100),
        ("0", "KRW", 0),
        (Decimal(MINOR_MAX), "JPY", MINOR_MAX),
        ("92233720368547758.07", "USD", MINOR_MAX),
    ],
)
def test_what_fits_goes_in(amount: Any, currency: str, minor: int) -> None:
    """An exact amount becomes its minor units."""
    assert minor == to_minor(amount, currency)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1.999", "USD"),
        ("0.5", "JPY"),
        (Decimal("0.1"), "KRW"),
        (1.5, "USD"),
        (1.0, "USD"),
        (True, "USD"),
        (float("nan"), "USD"),
        ("NaN", "USD"),
        ("sNaN", "USD"),
        (Decimal("NaN"), "USD"),
        ("Infinity", "USD"),
        ("-inf", "EUR"),
        ("", "USD"),
        ("1,000.00", "USD"),
        ("1 000", "USD"),
        ("1_000", "USD"),
        ("12 USD", "USD"),
        (b"1", "USD"),
        (None, "USD"),
        ("1E+30", "USD"),
        ("92233720368547758.08", "USD"),
        (MINOR_MAX + 1, "JPY"),
        ("1E-400", "USD"),
        ("0." + "0" * 30 + "1", "USD"),
        ("9" * 40, "JPY"),
    ],
)
def test_what_does_not_fit_is_refused(amount: Any, currency: str) -> None:
    """A float, NaN, a third decimal, half a yen or what no column holds is refused by name."""
    with pytest.raises(MoneyError):
        to_minor(amount, currency)


def test_money_goes_in_with_its_own_currency() -> None:
    """`Money` brings its currency, and another one beside it is refused."""
    assert to_minor(Money("12.34", "EUR")) == 1234
    assert to_minor(Money("12.34", "EUR"), "EUR") == 1234
    with pytest.raises(MoneyError, match="EUR given where USD is due"):
        to_minor(Money("12.34", "EUR"), "USD")


@pytest.mark.parametrize(
    "money",
    [Money("1.999", "USD"), Money("0.5", "JPY"), Money(Decimal("NaN"), "USD")],
)
def test_what_py_moneyed_takes_the_gate_does_not(money: Money) -> None:
    """py-moneyed holds a third of a cent, half a yen and NaN; they stop here."""
    with pytest.raises(MoneyError):
        to_minor(money)


def test_an_amount_without_a_currency_is_refused() -> None:
    """A bare number is no money."""
    with pytest.raises(MoneyError, match="no currency"):
        to_minor("1.00")


@pytest.mark.parametrize("currency", ["XXX", "usd", "", "EURO"])
def test_a_currency_outside_the_table_is_refused(currency: str) -> None:
    """An unknown code is an error that lists the known ones, and is bad input."""
    with pytest.raises(UnknownCurrency, match="known are AUD, CAD"):
        to_minor("1.00", currency)
    assert issubclass(UnknownCurrency, BadInput)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (0, "USD", "0.00"),
        (5, "USD", "0.05"),
        (-5, "USD", "-0.05"),
        (123450, "EUR", "1234.50"),
        (-1234, "JPY", "-1234"),
        (MINOR_MAX, "USD", "92233720368547758.07"),
    ],
)
def test_plain_text_is_what_files_carry(minor: int, currency: str, text: str) -> None:
    """Minor units are written with exactly the currency's decimals."""
    assert text == plain(minor, currency)


def test_the_gate_out_gives_money() -> None:
    """Minor units come out as `Money` of the same value, with no currency's decimals lost."""
    assert Money("-0.05", "USD") == from_minor(-5, "USD")
    assert Money("1234", "JPY") == from_minor(1234, "JPY")


@pytest.mark.parametrize("minor", [1.0, True, "1", Decimal(1), None])
def test_minor_units_are_whole(minor: Any) -> None:
    """Nothing but an int goes out."""
    with pytest.raises(MoneyError, match="minor units are an int"):
        from_minor(minor, "USD")
    with pytest.raises(MoneyError):
        plain(minor, "USD")


def test_what_no_column_holds_is_refused() -> None:
    """The bounds themselves fit, and one beyond does not."""
    assert in_range(MINOR_MAX, "USD") == MINOR_MAX
    assert in_range(-MINOR_MAX, "USD") == -MINOR_MAX
    for beyond in (MINOR_MAX + 1, -MINOR_MAX - 1):
        with pytest.raises(MoneyError, match="64 bits"):
            in_range(beyond, "USD")
