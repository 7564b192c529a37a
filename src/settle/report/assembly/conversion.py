"""What a converted bucket is made of, in the settlement currency: parts that sum to the whole."""

from __future__ import annotations

from collections.abc import Mapping

from settle.money import Rate, allocate


def converted(parts: Mapping[str, int], rate: Rate, *, total_minor: int) -> dict[str, int]:
    """Each part at the rate of its bucket, so that all sum to `total_minor` exactly.

    What the rounding of the whole put in or left out is each part's in proportion to its size;
    the shares so found are exact, and become integers by largest remainder, ties by name. For
    parts of no negative sign this is `settle.money.allocate`, which takes no others: here
    refunds and fees stand against sales, so it is given what rounding down leaves of each.
    A part of nothing stays nothing.
    """
    numerator, denominator = rate.factor
    sizes = {name: abs(amount) for name, amount in parts.items()}
    if not any(sizes.values()):
        sizes = dict.fromkeys(parts, 1)
    whole = sum(sizes.values())
    rest = total_minor * denominator - sum(parts.values()) * numerator
    unit = denominator * whole
    shares = {
        name: amount * numerator * whole + rest * sizes[name] for name, amount in parts.items()
    }
    shown = {name: share // unit for name, share in shares.items()}
    if left := total_minor - sum(shown.values()):
        names = sorted(shares)
        # Each is below a whole unit, and so none is given more than one.
        remainders = [shares[name] % unit for name in names]
        for name, more in zip(names, allocate(left, remainders), strict=True):
            shown[name] += more
    return shown
