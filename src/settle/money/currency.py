"""The currency table: which currencies exist here, and how many decimals each has.

Source: ISO 4217, list of 2026-01-01 (minor units column). The set is data: `register` adds
to it, and nothing else in the library knows a currency by name.
"""

from __future__ import annotations

from collections.abc import Iterator

from settle.errors import UnknownCurrency

EXPONENTS: dict[str, int] = {
    "USD": 2, "EUR": 2, "GBP": 2, "JPY": 0, "HKD": 2, "AUD": 2, "CAD": 2,
    "CHF": 2, "SGD": 2, "SEK": 2, "DKK": 2, "NOK": 2, "NZD": 2, "KRW": 0,
    "CNY": 2, "THB": 2,
}  # fmt: skip

SETTLEMENT_CURRENCIES: tuple[str, ...] = (
    "USD", "EUR", "GBP", "JPY", "HKD", "AUD", "CAD",
    "CHF", "SGD", "SEK", "DKK", "NOK", "NZD", "KRW",
)  # fmt: skip


def exponent(currency: str) -> int:
    """The number of decimals of `currency`. This is the only place that knows it.

    Raises:
        UnknownCurrency: the table has no such code.
    """
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        known = ", ".join(sorted(EXPONENTS))
        raise UnknownCurrency(
            f"currency {currency!r} is not in the table; known are {known}", currency=currency
        ) from None


def register(currency: str, *, decimals: int) -> None:
    """Add a currency to the table. This is how THB's neighbours join without a release."""
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        raise UnknownCurrency(f"{currency!r} is not an ISO 4217 code", currency=currency)
    if EXPONENTS.setdefault(currency, decimals) != decimals:
        raise UnknownCurrency(
            f"{currency} has {EXPONENTS[currency]} decimals, not {decimals}", currency=currency
        )


def currencies() -> Iterator[str]:
    """Every currency of the table, sorted. This feeds columns and checks."""
    return iter(sorted(EXPONENTS))
