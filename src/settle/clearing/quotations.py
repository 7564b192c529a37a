"""The rates that views join: what was quoted, and the fraction that amounts are converted by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from settle.clearing.rates import Rates
from settle.errors import MoneyError
from settle.money import MINOR_MAX, PPM, RATE_DECIMALS, Rate, exponent

if TYPE_CHECKING:
    import pyarrow as pa

FRACTION_MAX = 5 * 10**18
"""Up to this, what an amount of 64 bits is multiplied to is twice within 38 digits."""

FAST_MAX = 4 * 10**18
"""Up to this a product and its rounding are sure to stay within 64 bits."""

SMALL_MAX = 10**18
"""Up to this an amount passes through a decimal of 18 digits, which is the fast way in."""

ONE_E8: int = 10**RATE_DECIMALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotations:
    """Tables that views join.

    `pairs`: base, quote, quoted_on, is_next_day, pair. `mids`, each rate once, by pair: base,
    quote, rate_id, via, the legs of the mid rate and of the one of the window's day (`day_`),
    `up` and `down`, powers of ten from the minor units of one to those of the other, and
    `mid_e8`, the figure that is told. `markups`, by pair and fx_markup_ppm: what `quoted` divides
    its fraction by to have lowest terms, and how far amounts go in 64 bits: see `reach`.
    """

    pairs: pa.Table
    mids: pa.Table
    markups: pa.Table


@dataclass(frozen=True, slots=True)
class _Quoted:
    """A rate that is asked for, and the one of the window's day for the same pair."""

    pair: int
    rate_id: str
    mid: Rate
    day_mid: Rate


def quotations(wanted: Sequence[Mapping[str, Any]], *, rates: Rates, day: date) -> Quotations:
    """The rates of one window.

    `wanted`: currency, settlement_currency, quoted_on (ISO, blank where nothing is converted),
    is_next_day, fx_markup_ppm.

    Raises:
        MoneyError: one of the currencies has no quotation, or a rate cannot be held exactly.
        BadInput: rates of a day are missing, too old or expired.
    """
    asked_before: dict[tuple[Any, ...], _Quoted] = {}
    known: dict[str, _Quoted] = {}
    markups: dict[tuple[int, int], _Quoted] = {}
    for asked in wanted:
        key = tuple(asked[name] for name in _ASKED)
        if key not in asked_before:
            found = _quoted(asked, rates=rates, day=day, pair=len(known))
            asked_before[key] = known.setdefault(found.rate_id, found)
        quoted = asked_before[key]
        markups[quoted.pair, int(asked["fx_markup_ppm"])] = quoted
    pairs = [{**dict(zip(_PAIRS, key, strict=False)), "pair": quoted.pair}
             for key, quoted in asked_before.items()]  # fmt: skip
    return Quotations(
        pairs=_table(pairs, _PAIRS),
        mids=_table([_mid_row(quoted) for quoted in known.values()], _MIDS),
        markups=_table(
            [_markup_row(quoted, markup_ppm) for (_, markup_ppm), quoted in markups.items()],
            _MARKUPS,
        ),
    )


_ASKED = ("currency", "settlement_currency", "quoted_on", "is_next_day")


def _quoted(asked: Mapping[str, Any], *, rates: Rates, day: date, pair: int) -> _Quoted:
    base, quote = asked["currency"], asked["settlement_currency"]
    if base == quote:
        one = Rate(base=base, quote=quote, value_e8=ONE_E8, as_of=day, source="")
        return _Quoted(pair, f"{base}/{quote}", one, one)
    own_day = date.fromisoformat(asked["quoted_on"])
    known = rates.after(own_day) if asked["is_next_day"] else rates.on(own_day)
    mid = known.mid(base, quote)
    rate_id = f"{mid.source}:{mid.as_of}:{base}/{quote}"
    return _Quoted(pair, rate_id, mid, rates.on(day).mid(base, quote))


def _mid_row(quoted: _Quoted) -> dict[str, object]:
    mid, day_mid = quoted.mid, quoted.day_mid
    for rate in (mid, day_mid):
        if max(*rate.legs, rate.value_e8) > MINOR_MAX:
            raise _too_long(rate)
    shift = exponent(mid.quote) - exponent(mid.base)
    row = {
        "pair": quoted.pair, "base": mid.base, "quote": mid.quote, "rate_id": quoted.rate_id,
        "mid_e8": mid.value_e8, "via": mid.via, "leg_in_e8": mid.legs[0],
        "leg_out_e8": mid.legs[1], "day_leg_in_e8": day_mid.legs[0],
        "day_leg_out_e8": day_mid.legs[1], "up": 10 ** max(shift, 0), "down": 10 ** max(-shift, 0),
    }  # fmt: skip
    return row | {f"day_{name}": value for name, value in _lowest(day_mid).items()}


def _markup_row(quoted: _Quoted, markup_ppm: int) -> dict[str, object]:
    mid = quoted.mid
    charged = mid if mid.base == mid.quote else mid.less(markup_ppm)
    return {"pair": quoted.pair, "fx_markup_ppm": markup_ppm, **_lowest(charged)}


def _lowest(rate: Rate) -> dict[str, object]:
    """What the fraction of a rate, as `quoted` writes it, is divided by; and its `reach`."""
    numerator, denominator = rate.factor
    if max(numerator, denominator) > FRACTION_MAX:
        raise _too_long(rate)
    written = rate.legs[0] * PPM * int(10 ** max(exponent(rate.base) - exponent(rate.quote), 0))
    untied, fits = reach(numerator, denominator)
    return {
        "divisor": Decimal(written // denominator), "untied_minor": untied, "fits_minor": fits,
    }  # fmt: skip


def reach(numerator: int, denominator: int) -> tuple[int, int]:
    """Amounts below the first number never meet a tie; those below the second fit in 64 bits.

    Of a fraction in lowest terms: an amount times it lies halfway between two integers only if
    the denominator is even and the amount is an odd multiple of its half.
    """
    largest = max(numerator, denominator)
    fits = min(FAST_MAX // largest, SMALL_MAX) if largest <= FAST_MAX // 4 else 0
    return (fits if denominator % 2 else min(fits, denominator // 2)), fits


def _too_long(rate: Rate) -> MoneyError:
    leg_in, leg_out = (Decimal(leg).scaleb(-RATE_DECIMALS).normalize() for leg in rate.legs)
    return MoneyError(
        f"the rate {rate.base}/{rate.quote} of {rate.as_of} ({leg_out:f} for {leg_in:f}, less "
        f"{rate.markup_ppm} ppm) has more digits than amounts can be multiplied by exactly",
        base=rate.base, quote=rate.quote, day=rate.as_of,
    )  # fmt: skip


_PAIRS = {"base": "text", "quote": "text", "quoted_on": "text", "is_next_day": "flag",
          "pair": "small"}  # fmt: skip
_LOWEST = {"divisor": "wide", "untied_minor": "whole", "fits_minor": "whole"}
_MIDS = {
    "pair": "small", "base": "text", "quote": "text", "rate_id": "text", "mid_e8": "whole",
    "via": "text", "leg_in_e8": "whole", "leg_out_e8": "whole", "day_leg_in_e8": "whole",
    "day_leg_out_e8": "whole", "up": "whole", "down": "whole",
    **{f"day_{name}": kind for name, kind in _LOWEST.items()},
}  # fmt: skip
_MARKUPS = {"pair": "small", "fx_markup_ppm": "whole", **_LOWEST}


def _table(rows: list[dict[str, object]], columns: Mapping[str, str]) -> pa.Table:
    import pyarrow as pa

    types = {
        "text": pa.string(), "whole": pa.int64(), "small": pa.int32(), "flag": pa.bool_(),
        "wide": pa.decimal128(38, 0),
    }  # fmt: skip
    schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
    return pa.Table.from_pylist(rows, schema=schema)
