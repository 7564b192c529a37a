"""The exact gates between `Money` at the edge and integer minor units inside.

py-moneyed truncates 1.999 USD, takes 0.5 JPY, floats and NaN. These gates do not: what does
not fit the currency's minor unit is refused, never rounded.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from moneyed import Money

from settle.errors import MoneyError
from settle.money.currency import exponent

MINOR_MAX = 2**63 - 1
"""Amounts travel in 64-bit columns; one amount beyond this is refused (sums are wider)."""


def to_minor(value: Money | Decimal | int | str, currency: str | None = None) -> int:
    """An amount in major units as an exact integer of minor units. This is the gate in.

    `value` is a `Money`, or a `Decimal`, `int` or plain decimal string with `currency` beside it.

    Raises:
        MoneyError: a float, NaN, infinity, more decimals than the currency has, or too large.
        UnknownCurrency: the currency is not in the table.
    """
    if isinstance(value, Money):
        code = str(value.currency.code)
        if currency not in (None, code):
            raise MoneyError(f"{code} given where {currency} is due")
        return to_minor(value.amount, code)
    if currency is None:
        raise MoneyError(f"{value!r} has no currency")
    amount = _decimal(value, currency)
    scaled = amount.scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise MoneyError(
            f"{amount} {currency} has more than {exponent(currency)} decimals",
            currency=currency,
        )
    return in_range(int(scaled), currency)


def from_minor(amount_minor: int, currency: str) -> Money:
    """Integer minor units as `Money`. This is the gate out."""
    return Money(Decimal(_whole(amount_minor)).scaleb(-exponent(currency)), currency)


def plain(amount_minor: int, currency: str) -> str:
    """The amount as a plain decimal string, `-1234.50`. This is how files carry amounts."""
    decimals = exponent(currency)
    digits = str(abs(_whole(amount_minor))).rjust(decimals + 1, "0")
    sign = "-" if amount_minor < 0 else ""
    if decimals == 0:
        return sign + digits
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"


def in_range(amount_minor: int, currency: str) -> int:
    """The amount itself, if a 64-bit column can hold it. This refuses the rest.

    Raises:
        MoneyError: it cannot.
    """
    if abs(amount_minor) > MINOR_MAX:
        raise MoneyError(f"an amount in {currency} is beyond 64 bits", currency=currency)
    return amount_minor


def ascii_number(value: int | str) -> int | str:
    """The text itself, or one that is no number. This refuses what only Python takes for one.

    `Decimal` reads `1_000` and digits of every script; no bank writes an amount so.
    """
    if isinstance(value, str) and ("_" in value or not value.isascii()):
        return "not plain"
    return value


def _decimal(value: object, currency: str) -> Decimal:
    if isinstance(value, (bool, float)) or not isinstance(value, (Decimal, int, str)):
        raise MoneyError(
            f"{type(value).__name__} holds no money; give a Decimal, an int or a string",
            currency=currency,
        )
    try:
        amount = Decimal(value if isinstance(value, Decimal) else ascii_number(value))
    except InvalidOperation:
        raise MoneyError(f"{value!r} is not an amount in {currency}", currency=currency) from None
    if not amount.is_finite():
        raise MoneyError(f"{amount} is not an amount in {currency}", currency=currency)
    if amount.adjusted() > 20 or len(amount.as_tuple().digits) > 28:
        raise MoneyError(f"an amount in {currency} is beyond 64 bits", currency=currency)
    return amount


def _whole(amount_minor: object) -> int:
    if isinstance(amount_minor, bool) or not isinstance(amount_minor, int):
        raise MoneyError(f"minor units are an int, not {type(amount_minor).__name__}")
    return amount_minor
