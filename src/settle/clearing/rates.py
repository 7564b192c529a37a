"""Reference rates by day, and the mid rates they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from settle.clearing.tabular import Column, read_table, refuse_missing, rows_of, texts_to_types
from settle.errors import BadInput, MoneyError
from settle.money import RATE_DECIMALS, Rate, cross, exponent, parse_rate

if TYPE_CHECKING:
    import pyarrow as pa

AGE_DAYS_MAX = 5
"""A rate older than this is refused: the longest TARGET closing (Easter) is four days."""

SOURCE = "ECB"
COLUMNS = (Column("as_of", "day"), Column("currency", "text"), Column("per_euro", "text"))


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRates:
    """The rates of one day: units of each currency for one euro, in units of 10⁻⁸."""

    as_of: date
    per_euro_e8: Mapping[str, int]

    def mid(self, base: str, quote: str) -> Rate:
        """The mid rate of a pair through the euro, eight decimals, half-even.

        Raises:
            MoneyError: one of the currencies has no quotation.
        """
        return cross(
            base, quote, per_euro_e8=dict(self.per_euro_e8), as_of=self.as_of, source=SOURCE
        )


@dataclass(frozen=True, slots=True)
class Rates:
    """Reference rates as published, by day."""

    by_day: Mapping[date, Mapping[str, int]]

    @classmethod
    def load(cls, path: Path) -> Rates:
        """Read `as_of, currency, per_euro` from a CSV or Parquet file.

        Raises:
            BadInput: the file cannot be read, or a rate does not fit; names file, row, field.
        """
        table = read_table(path)
        refuse_missing(table, COLUMNS, name=path.name)
        typed = texts_to_types(table, COLUMNS, name=path.name)
        by_day: dict[date, dict[str, int]] = {}
        for row, line in zip(rows_of(table), typed.to_pylist(), strict=True):
            quotes = by_day.setdefault(line["as_of"], {})
            try:
                exponent(line["currency"])
                _add(quotes, line["currency"], parse_rate(line["per_euro"]))
            except BadInput as error:
                field = "per_euro" if isinstance(error, MoneyError) else "currency"
                raise BadInput(
                    f"{path.name}, row {row}, {field}: {error.message}",
                    file=path.name, row=row, field=field,
                ) from None  # fmt: skip
        return cls(by_day)

    def on(self, day: date) -> DayRates:
        """The rates last published on or before `day`.

        Raises:
            BadInput: there are none, or they are more than five days old.
        """
        published = max((known for known in self.by_day if known <= day), default=None)
        if published is None:
            raise BadInput(f"no rates are published on or before {day}", day=day)
        if (day - published).days > AGE_DAYS_MAX:
            raise BadInput(
                f"the rates before {day} are of {published}: more than {AGE_DAYS_MAX} days old",
                day=day,
            )
        return DayRates(as_of=published, per_euro_e8=self.by_day[published])


def _add(quotes: dict[str, int], currency: str, per_euro_e8: int) -> None:
    if quotes.setdefault(currency, per_euro_e8) != per_euro_e8:
        raise BadInput(f"{currency} has another rate on the same day")
    if currency == "EUR" and per_euro_e8 != 10**RATE_DECIMALS:
        raise MoneyError("one euro is one euro")


def pairs_table(pairs: list[tuple[str, str]], *, rates: DayRates | None) -> pa.Table:
    """The mid rate of each pair: `base, quote, rate_id, mid_e8, numerator, denominator`.

    A rate of 10⁻⁸ units times `numerator` over `denominator` takes minor units of `base` to
    minor units of `quote`. `rates` may be missing only where every pair is one currency.

    Raises:
        MoneyError: one of the currencies has no quotation.
    """
    import pyarrow as pa

    rows = []
    for base, quote in pairs:
        shift = exponent(quote) - exponent(base)
        same = base == quote
        assert same or rates is not None, "a conversion has rates"
        mid_e8 = 10**8 if same or rates is None else rates.mid(base, quote).value_e8
        as_of = "" if same or rates is None else f"{SOURCE}:{rates.as_of}:"
        rows.append(
            {
                "base": base,
                "quote": quote,
                "rate_id": f"{as_of}{base}/{quote}",
                "mid_e8": mid_e8,
                "numerator": 10 ** max(shift, 0),
                "denominator": 10 ** (8 + max(-shift, 0)),
            }
        )
    whole = pa.int64()
    text = pa.string()
    return pa.Table.from_pylist(
        rows,
        schema=pa.schema(
            {
                "base": text, "quote": text, "rate_id": text, "mid_e8": whole,
                "numerator": whole, "denominator": whole,
            }
        ),
    )  # fmt: skip
