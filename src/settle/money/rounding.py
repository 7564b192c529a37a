"""Integer division that says how it rounds, and splitting that loses nothing."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from settle.errors import MoneyError


class Rounding(StrEnum):
    """How a quotient becomes an integer. This is named at every call that rounds."""

    HALF_EVEN = "half_even"
    HALF_UP = "half_up"  # half away from zero, as contracts mean it
    DOWN = "down"  # toward zero


def divide(numerator: int, denominator: int, *, rounding: Rounding) -> int:
    """The quotient of two integers, rounded as named. This is exact: no float is involved.

    Raises:
        MoneyError: the denominator is not positive.
    """
    if denominator <= 0:
        raise MoneyError(f"a denominator is positive, not {denominator}")
    quotient, rest = divmod(abs(numerator), denominator)
    if rounding is not Rounding.DOWN:
        twice = 2 * rest
        tie_goes_up = rounding is Rounding.HALF_UP or quotient % 2 == 1
        if twice > denominator or (twice == denominator and tie_goes_up):
            quotient += 1
    return quotient if numerator >= 0 else -quotient


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` in proportion to `weights`; the parts sum to it. This is largest remainder.

    Ties go to the earlier weight. A negative total is split as its absolute value.

    Raises:
        MoneyError: a weight is negative, or none is positive.
    """
    whole = sum(weights)
    if whole <= 0 or min(weights) < 0:
        raise MoneyError("weights are zero or more, and one at least is positive")
    size, sign = abs(total), (1 if total >= 0 else -1)
    parts = [size * weight // whole for weight in weights]
    remainders = sorted(range(len(weights)), key=lambda i: (-(size * weights[i] % whole), i))
    for i in remainders[: size - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]
