"""What a converted bucket is made of, in the settlement currency: parts that sum to the whole."""

from __future__ import annotations

from collections.abc import Mapping

from settle.money import Rate, Rounding, convert


def converted(
    parts: Mapping[str, int], rate: Rate, *, rounding: Rounding, total_minor: int
) -> dict[str, int]:
    """Each part at the rate of its bucket, so that all sum to `total_minor` exactly.

    A bucket is converted once, as a whole; its parts, converted by themselves, may miss that by
    a few minor units. The largest part (the first of several) takes what they miss.
    """
    shown = {name: convert(amount, rate, rounding=rounding) for name, amount in parts.items()}
    rest = total_minor - sum(shown.values())
    if rest:
        largest = max(shown, key=lambda name: abs(shown[name]))
        shown[largest] += rest
    return shown
