"""Exact money: integers of minor units inside, `Money` at the edge."""

from settle.money.currency import SETTLEMENT_CURRENCIES, currencies, exponent, register
from settle.money.gate import MINOR_MAX, from_minor, in_range, plain, to_minor
from settle.money.rate import PPM, RATE_DECIMALS, Rate, convert, cross, parse_rate, triangulate
from settle.money.rounding import Rounding, allocate, divide

__all__ = [
    "MINOR_MAX",
    "PPM",
    "RATE_DECIMALS",
    "SETTLEMENT_CURRENCIES",
    "Rate",
    "Rounding",
    "allocate",
    "convert",
    "cross",
    "currencies",
    "divide",
    "exponent",
    "from_minor",
    "in_range",
    "parse_rate",
    "plain",
    "register",
    "to_minor",
    "triangulate",
]
