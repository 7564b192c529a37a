"""Rates and conversion: one multiplication in the quoted direction, rounded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from settle.errors import MoneyError
from settle.money.currency import exponent
from settle.money.gate import ascii_number
from settle.money.rounding import Rounding, divide

RATE_DECIMALS = 8
"""Rates in settlement files carry eight decimals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Units of `quote` for one unit of `base`, on a day. This converts `base` into `quote`.

    A rate that was derived keeps what it is derived from: one unit of `via` is `leg_in_e8` of
    `base` and `leg_out_e8` of `quote`.
    """

    base: str
    quote: str
    value_e8: int
    as_of: date
    source: str
    via: str = ""
    leg_in_e8: int = 10**RATE_DECIMALS
    leg_out_e8: int = 10**RATE_DECIMALS

    def __post_init__(self) -> None:
        if self.value_e8 <= 0:
            raise MoneyError(f"the rate {self.base}/{self.quote} is not positive")

    @property
    def value(self) -> Decimal:
        """The rate as a `Decimal` of eight decimals."""
        return Decimal(self.value_e8).scaleb(-RATE_DECIMALS)

    @property
    def factor(self) -> tuple[int, int]:
        """Numerator and denominator that take minor units of `base` to minor units of `quote`."""
        shift = exponent(self.quote) - exponent(self.base)
        scale: int = 10**RATE_DECIMALS
        if shift >= 0:
            return self.value_e8 * int(10**shift), scale
        return self.value_e8, scale * int(10**-shift)


def convert(amount_minor: int, rate: Rate, *, rounding: Rounding) -> int:
    """Minor units of `rate.base` as minor units of `rate.quote`. This rounds once."""
    numerator, denominator = rate.factor
    return divide(amount_minor * numerator, denominator, rounding=rounding)


def parse_rate(text: str | Decimal | int) -> int:
    """A positive decimal as an integer of 10⁻⁸. This refuses what has more decimals.

    Raises:
        MoneyError: not a positive number of at most eight decimals, or a float.
    """
    if isinstance(text, (bool, float)) or not isinstance(text, (str, Decimal, int)):
        raise MoneyError(f"a rate is a decimal, not {type(text).__name__}")
    try:
        value = Decimal(text if isinstance(text, Decimal) else ascii_number(text))
        scaled = value.scaleb(RATE_DECIMALS)
    except ArithmeticError:
        raise MoneyError(f"{text!r} is not a rate") from None
    # Beyond the context's 28 digits `scaleb` itself would round.
    exact = value.is_finite() and len(value.as_tuple().digits) <= 28 and value.adjusted() < 18
    if not exact or value <= 0 or scaled != scaled.to_integral_value():
        raise MoneyError(f"{text!r} is not a positive rate of at most {RATE_DECIMALS} decimals")
    return int(scaled)


def cross(base: str, quote: str, *, per_euro_e8: dict[str, int], as_of: date, source: str) -> Rate:
    """The rate between two currencies through the euro, as the ECB quotes them.

    `per_euro_e8` holds units of each currency for one euro. This is `triangulate` via EUR.

    Raises:
        MoneyError: one of the currencies has no quotation.
    """
    return triangulate(base, quote, per_via_e8=per_euro_e8, via="EUR", as_of=as_of, source=source)


def triangulate(
    base: str, quote: str, *, per_via_e8: Mapping[str, int], via: str, as_of: date, source: str
) -> Rate:
    """The rate between two currencies through a third, rounded half-even to eight decimals.

    `per_via_e8` holds units of each currency for one unit of `via`. This is the only place where
    a rate is derived from two others; both stay with it, and no amount is ever rounded in `via`.

    Raises:
        MoneyError: one of the currencies has no quotation.
    """
    quotes = {via: 10**RATE_DECIMALS, **per_via_e8}
    for currency in (base, quote):
        if currency not in quotes:
            raise MoneyError(f"{source} of {as_of} has no rate for {currency}", currency=currency)
    value_e8 = divide(
        quotes[quote] * int(10**RATE_DECIMALS), quotes[base], rounding=Rounding.HALF_EVEN
    )
    return Rate(
        base=base, quote=quote, value_e8=value_e8, as_of=as_of, source=source, via=via,
        leg_in_e8=quotes[base], leg_out_e8=quotes[quote],
    )  # fmt: skip
