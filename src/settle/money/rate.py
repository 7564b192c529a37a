"""Rates and conversion: the quoted amounts as one fraction, rounded once on the amount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from settle.errors import MoneyError
from settle.money.currency import exponent
from settle.money.gate import ascii_number
from settle.money.rounding import Rounding, divide

RATE_DECIMALS = 8
"""Rates in settlement files carry eight decimals."""

PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Units of `quote` for one unit of `base`, on a day. This converts `base` into `quote`.

    `value_e8` is the figure that is told. Of a rate that was quoted for the pair (`via` is blank)
    it is also what converts. A derived one keeps what it is derived from, and that converts: one
    unit of `via` is `leg_in_e8` of `base` and `leg_out_e8` of `quote`, less `markup_ppm`.
    """

    base: str
    quote: str
    value_e8: int
    as_of: date
    source: str
    via: str = ""
    leg_in_e8: int = 10**RATE_DECIMALS
    leg_out_e8: int = 10**RATE_DECIMALS
    markup_ppm: int = 0

    def __post_init__(self) -> None:
        if min(self.value_e8, self.leg_in_e8, self.leg_out_e8) <= 0:
            raise MoneyError(f"the rate {self.base}/{self.quote} is not positive")
        if not 0 <= self.markup_ppm < PPM:
            raise MoneyError(f"the markup on {self.base}/{self.quote} is not within 0 and {PPM}")

    @property
    def value(self) -> Decimal:
        """The rate as a `Decimal` of eight decimals."""
        return Decimal(self.value_e8).scaleb(-RATE_DECIMALS)

    @property
    def legs(self) -> tuple[int, int]:
        """Amounts of `base` and of `quote` that are worth the same, both in units of 10⁻⁸."""
        if self.via:
            return self.leg_in_e8, self.leg_out_e8
        return 10**RATE_DECIMALS, self.value_e8

    @property
    def factor(self) -> tuple[int, int]:
        """Numerator and denominator that take minor units of `base` to minor units of `quote`.

        This is exact, the markup in it, and in lowest terms.
        """
        leg_in, leg_out = self.legs
        shift = exponent(self.quote) - exponent(self.base)
        exact = Fraction(
            leg_out * (PPM - self.markup_ppm) * int(10 ** max(shift, 0)),
            leg_in * PPM * int(10 ** max(-shift, 0)),
        )
        return exact.numerator, exact.denominator

    def less(self, markup_ppm: int) -> Rate:
        """The rate that a client gets. This rounds the figure that is told, and not what converts.

        Raises:
            MoneyError: the markup is all of it, or leaves nothing in eight decimals.
        """
        assert not self.markup_ppm, "a markup is taken off once"
        told_e8 = divide(self.value_e8 * (PPM - markup_ppm), PPM, rounding=Rounding.HALF_EVEN)
        leg_in, leg_out = self.legs
        # What was quoted for the pair is, from here on, derived by way of its own base.
        return replace(
            self, value_e8=told_e8, via=self.via or self.base, leg_in_e8=leg_in,
            leg_out_e8=leg_out, markup_ppm=markup_ppm,
        )  # fmt: skip


def convert(amount_minor: int, rate: Rate, *, rounding: Rounding) -> int:
    """Minor units of `rate.base` as minor units of `rate.quote`. This rounds once, the amount."""
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
    """The rate between two currencies through a third.

    `per_via_e8` holds units of each currency for one unit of `via`. This is the only place where
    a rate is derived from two others. Both stay with it and convert: no amount is ever rounded in
    `via`, nor multiplied by the figure of eight decimals, half-even, that is told of them.

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
