"""What a summary tells of a conversion, worked out again from both legs and the markup."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from settle.errors import MoneyError
from settle.money import RATE_DECIMALS, Rate, Rounding, convert, divide


def is_converted(row: Mapping[str, Any]) -> bool:
    """Whether the rate that is told is the one of the legs, and the amount is converted by them.

    One currency is not converted into itself.
    """
    try:
        rate = _mid(row).less(row["markup_e8"] // 100)
        converted = convert(row["amount_minor"], rate, rounding=Rounding(row["rounding"]))
    except (MoneyError, ValueError, TypeError):  # what no rate, no rounding or no number is
        return False
    by_record = row["convert_per"] == "record" and rate.base != rate.quote
    told = (rate.value_e8, rate.markup_ppm * 100) == (row["rate_e8"], row["markup_e8"])
    if rate.base == rate.quote and rate.factor != (1, 1):
        return False
    return told and (by_record or converted == row["settled_minor"])


def _mid(row: Mapping[str, Any]) -> Rate:
    """The mid rate that a row is of.

    Raises:
        MoneyError: its legs do not come to the figure that is told of it.
    """
    base, quote, via = row["currency"], row["settlement_currency"], row["via"] or row["currency"]
    told_e8 = divide(row["leg_out_e8"] * 10**RATE_DECIMALS, row["leg_in_e8"],
                     rounding=Rounding.HALF_EVEN)  # fmt: skip
    if told_e8 != row["mid_e8"]:
        raise MoneyError(f"{base}/{quote} is {told_e8}, not {row['mid_e8']}")
    return Rate(
        base=base, quote=quote, value_e8=told_e8, as_of=date.fromisoformat(row["window_id"]),
        source="", via=via, leg_in_e8=row["leg_in_e8"], leg_out_e8=row["leg_out_e8"],
    )  # fmt: skip
