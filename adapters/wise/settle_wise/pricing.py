"""What the simulated rail charges, and at which rates it converts. Integers, rounded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from settle.money import exponent, to_minor

FEE_PPM = 4_100
RATES: Mapping[str, int] = {
    "AUD": 64, "CAD": 70, "CHF": 113, "CNY": 14, "DKK": 14, "EUR": 105, "GBP": 125, "HKD": 13,
    "JPY": 1, "KRW": 1, "NOK": 9, "NZD": 58, "SEK": 9, "SGD": 74, "THB": 3, "USD": 100,
}  # fmt: skip
"""Cents of a dollar for one unit. They are nobody's rates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A quote's price. `source_minor` holds the fee."""

    source: str
    target: str
    source_minor: int
    fee_minor: int
    target_minor: int
    given: str

    @property
    def net_minor(self) -> int:
        """What is converted."""
        return self.source_minor - self.fee_minor

    @property
    def rate(self) -> Decimal:
        """What one unit of the source is worth."""
        ratio = Fraction(RATES[self.source], RATES[self.target])
        return Decimal(ratio.numerator * 10**6 // ratio.denominator) / 10**6


def priced(asked: Mapping[str, Any]) -> Price:
    """The price of a quote that asks for one of its two amounts.

    Raises:
        MoneyError: the amount does not fit its currency.
    """
    source, target = asked["sourceCurrency"], asked["targetCurrency"]
    ratio = Fraction(RATES[source], RATES[target]) * Fraction(10) ** (
        exponent(target) - exponent(source)
    )
    if asked.get("sourceAmount") is not None:
        source_minor = to_minor(asked["sourceAmount"], source)
        fee_minor = source_minor * FEE_PPM // 10**6
        target_minor = int((source_minor - fee_minor) * ratio)
        given = "SOURCE"
    else:
        target_minor = to_minor(asked["targetAmount"], target)
        net_minor = -int(-target_minor / ratio // 1)
        fee_minor = net_minor * FEE_PPM // 10**6
        source_minor, given = net_minor + fee_minor, "TARGET"
    return Price(
        source=source,
        target=target,
        source_minor=source_minor,
        fee_minor=fee_minor,
        target_minor=target_minor,
        given=given,
    )
