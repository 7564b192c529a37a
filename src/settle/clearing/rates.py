"""Reference rates by day, and the mid rates they give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from settle.calendars import is_business_day
from settle.clearing.tabular import (
    Column,
    added,
    read_table,
    refuse_missing,
    rows_of,
    texts_to_types,
)
from settle.errors import BadInput, MoneyError
from settle.money import RATE_DECIMALS, Rate, exponent, parse_rate, triangulate

AGE_DAYS_MAX = 5
"""A rate older than this is refused: the longest TARGET closing (Easter) is four days."""

VIAS = {"per_euro": "EUR", "per_usd": "USD"}
"""Column of the figures to the currency that they are for one unit of."""

SOURCES = {"EUR": "ECB", "USD": "USD"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRates:
    """The rates of one day: units of each currency for one unit of `via`, in units of 10⁻⁸.

    `asked_on`: the day for which they are asked; `valid_until`, by currency where given: the last
    day for which a figure may serve.
    """

    as_of: date
    per_via_e8: Mapping[str, int]
    via: str = "EUR"
    asked_on: date | None = None
    valid_until: Mapping[str, date] = field(default_factory=dict)

    def mid(self, base: str, quote: str) -> Rate:
        """The mid rate of a pair through `via`, with both the legs that it converts by.

        Raises:
            MoneyError: one of the currencies has no quotation.
            BadInput: one of the figures has expired.
        """
        rate = triangulate(
            base, quote, per_via_e8=self.per_via_e8, via=self.via, as_of=self.as_of,
            source=SOURCES[self.via],
        )  # fmt: skip
        for currency in (base, quote):
            self._refuse_expired(currency)
        return rate

    def _refuse_expired(self, currency: str) -> None:
        until, asked_on = self.valid_until.get(currency), self.asked_on or self.as_of
        if until is not None and until < asked_on:
            raise BadInput(
                f"the rate {self.via}/{currency} of {self.as_of} expired on {until} and cannot "
                f"serve for {asked_on}",
                currency=currency, day=asked_on,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rates:
    """Reference rates as published, by day: units of each currency for one unit of `via`."""

    by_day: Mapping[date, Mapping[str, int]]
    via: str = "EUR"
    valid_until: Mapping[date, Mapping[str, date]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Rates:
        """Read `as_of, currency, per_euro` (or `per_usd`) from a CSV or Parquet file.

        A column `valid_until`, where it is there, says the last day a figure may serve.

        Raises:
            BadInput: the file cannot be read, or a rate does not fit; names file, row, field.
        """
        table = read_table(path)
        figure = "per_usd" if "per_usd" in table.column_names else "per_euro"
        columns = (
            Column("as_of", "day"), Column("currency", "text"), Column(figure, "text"),
            added("valid_until", "day"),
        )  # fmt: skip
        refuse_missing(table, columns, name=path.name)
        typed = texts_to_types(table, columns, name=path.name)
        known = cls({}, VIAS[figure], {})
        for row, line in zip(rows_of(table), typed.to_pylist(), strict=True):
            try:
                exponent(line["currency"])
                _add(known, line, parse_rate(line[figure]))
            except BadInput as error:
                name = figure if isinstance(error, MoneyError) else "currency"
                raise BadInput(
                    f"{path.name}, row {row}, {name}: {error.message}",
                    file=path.name, row=row, field=name,
                ) from None  # fmt: skip
        return known

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
        return DayRates(
            as_of=published, per_via_e8=self.by_day[published], via=self.via, asked_on=day,
            valid_until=self.valid_until.get(published, {}),
        )  # fmt: skip

    def after(self, day: date) -> DayRates:
        """The rates of the calendar day after `day`; if none are published on it, the last before.

        Rates are published on the business days of the currency they are quoted through.

        Raises:
            BadInput: they are not published yet, or too old.
        """
        wanted = published = day + timedelta(days=1)
        while not (published in self.by_day or is_business_day(published, self.via)):
            published -= timedelta(days=1)
        if published not in self.by_day:
            raise BadInput(
                f"the rates of {published} are not known: what is of {day} is converted at them",
                day=published,
            )
        return self.on(wanted)


def _add(known: Rates, line: Mapping[str, object], figure_e8: int) -> None:
    day, currency, until = line["as_of"], str(line["currency"]), line["valid_until"]
    assert isinstance(day, date), "the reader gives dates"
    quotes: dict[str, int] = known.by_day.setdefault(day, {})  # type: ignore[attr-defined]
    if quotes.setdefault(currency, figure_e8) != figure_e8:
        raise BadInput(f"{currency} has another rate on the same day")
    if currency == known.via and figure_e8 != 10**RATE_DECIMALS:
        name = "euro" if known.via == "EUR" else known.via
        raise MoneyError(f"one {name} is one {name}")
    if until is not None:
        known.valid_until.setdefault(day, {})[currency] = until  # type: ignore[attr-defined]
