"""On which days a currency cannot be paid, and why, from a rule pack."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from settle.calendars.certainty import Certainty, weakest
from settle.calendars.holiday_source import listed_year
from settle.calendars.packs import RulePack, rules
from settle.calendars.rows import Closing, HolidayList, Opening
from settle.errors import BadInput, UnknownCurrency

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFact:
    """Why a day is closed or open. This carries the rule's source and certainty.

    `is_forecast`: the authority has not published that year, or the date is an estimate.
    """

    name: str
    source: str
    certainty: Certainty
    is_forecast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarYear:
    """One year of a currency. This is computed once and shared.

    `closed`: by day, weekends aside. `opened`: weekend days and holidays that are worked.
    `open_days`: sorted. `is_covered`: false beyond what the source knows; then only weekends
    and the pack's own rows are in it.
    """

    closed: Mapping[date, DayFact]
    opened: Mapping[date, DayFact]
    open_days: tuple[date, ...]
    open_set: frozenset[date]
    is_covered: bool


def closing_days(currency: str, year: int, *, pack: RulePack | None = None) -> frozenset[date]:
    """The days of `year` on which `currency` cannot be paid, weekends aside.

    This is read from the calendar's source once a year and currency.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
    """
    return frozenset(calendar_year(currency, year, pack=pack or rules()).closed)


def working_weekends(currency: str, year: int, *, pack: RulePack | None = None) -> frozenset[date]:
    """The days of `year` that are worked against the weekend or a list, as in China.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
    """
    return frozenset(calendar_year(currency, year, pack=pack or rules()).opened)


def read_calendars(year: int, *, pack: RulePack | None = None) -> None:
    """Read a year of every currency's calendar now, and not when one is first asked for.

    That takes some tenths of a second in a new process, most of it to load the source's lists.
    """
    pack = pack or rules()
    for currency in pack.currencies():
        calendar_year(currency, year, pack=pack)


def why_closed(day: date, currency: str, *, pack: RulePack | None = None) -> DayFact | None:
    """Why `currency` cannot be paid on `day`. This is none for a business day.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
    """
    found = calendar_year(currency, day.year, pack=pack or rules())
    if day in found.open_set:
        return None
    if (listed := found.closed.get(day)) is not None:
        return listed
    return DayFact(name=f"{day:%A}", source="the week", certainty=Certainty.SOURCED)


def why_open(day: date, currency: str, *, pack: RulePack | None = None) -> DayFact:
    """On whose word a business day is one. This names the list that does not close it.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
    """
    pack = pack or rules()
    if (worked := calendar_year(currency, day.year, pack=pack).opened.get(day)) is not None:
        return worked
    row = _list_on(day, currency, pack=pack)
    return _listed("business day", day, row=row)


def refuse_uncovered(currency: str, year: int, *, pack: RulePack) -> None:
    """Refuse a year of which no list knows anything. This keeps weekends from passing for one.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
        BadInput: the list of the currency does not go that far.
    """
    if not calendar_year(currency, year, pack=pack).is_covered:
        raise BadInput(
            f"no closing days of {currency} are known for {year}",
            field="value_date", currency=currency, year=year,
        )  # fmt: skip


@lru_cache(maxsize=8192)
def calendar_year(currency: str, year: int, *, pack: RulePack) -> CalendarYear:
    """One year of a currency's calendar, by the rules in force on each of its days."""
    closed: dict[date, DayFact] = {}
    opened: dict[date, DayFact] = {}
    weekend: set[date] = set()
    is_covered = True
    for row, first, last in _segments(currency, year, pack=pack):
        listed = listed_year(row, year)
        is_covered = is_covered and listed.is_covered
        closed |= {
            day: _listed(name, day, row=row)
            for day, name in listed.names.items()
            if first <= day <= last
        }
        opened |= {
            day: _listed("make-up working day", day, row=row)
            for day in listed.working_weekends
            if first <= day <= last
        }
        weekend |= {day for day in _days(first, last) if day.isoweekday() in row.weekend}
    _apply_own_rows(closed, opened, currency=currency, year=year, pack=pack)
    days = [
        day
        for day in _days(date(year, 1, 1), date(year, 12, 31))
        if day in opened or (day not in closed and day not in weekend)
    ]
    return CalendarYear(
        closed=closed, opened=opened, open_days=tuple(days), open_set=frozenset(days),
        is_covered=is_covered,
    )  # fmt: skip


def _apply_own_rows(
    closed: dict[date, DayFact], opened: dict[date, DayFact], *,
    currency: str, year: int, pack: RulePack,
) -> None:  # fmt: skip
    """Add closings and openings, the older layer first: what a newer one says, stands."""
    for layer in reversed(pack.layers):
        for closing in layer.of(Closing):
            if (day := _day_of(closing, currency=currency, year=year)) is not None:
                closed[day] = _own(closing)
                opened.pop(day, None)
        for opening in layer.of(Opening):
            if (day := _day_of(opening, currency=currency, year=year)) is not None:
                opened[day] = _own(opening)
                closed.pop(day, None)


def _day_of(row: Closing | Opening, *, currency: str, year: int) -> date | None:
    day = row.day.day_in(year) if row.currency == currency else None
    return day if day is not None and row.is_in_force(day) else None


def _own(row: Closing | Opening) -> DayFact:
    return DayFact(name=row.name, source=row.source, certainty=row.certainty)


def _segments(currency: str, year: int, *, pack: RulePack) -> list[tuple[HolidayList, date, date]]:
    """The lists in force in a year, each with its first and last day."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    borders = {first}
    for row in pack.all_of(HolidayList, currency):
        borders.add(row.effective_from)
        if row.effective_until is not None and row.effective_until < last:
            borders.add(row.effective_until + _DAY)
    starts = sorted(day for day in borders if first <= day <= last)
    ends = [*(start - _DAY for start in starts[1:]), last]
    return [
        (_list_on(start, currency, pack=pack), start, end)
        for start, end in zip(starts, ends, strict=True)
    ]


def _list_on(day: date, currency: str, *, pack: RulePack) -> HolidayList:
    row = pack.in_force(HolidayList, day, where=lambda row: row.currency == currency)
    if row is None:
        raise UnknownCurrency(
            f"no calendar is known for {currency!r} on {day}; known are "
            f"{', '.join(pack.currencies())}",
            currency=currency,
        )
    return row


def _listed(name: str, day: date, *, row: HolidayList) -> DayFact:
    """What a list says of a day. Of a year not yet published it says a forecast at best."""
    published_until = row.published_until or day.year
    is_forecast = "estimated" in name or day.year > published_until
    certainty = weakest([row.certainty, Certainty.INFERRED]) if is_forecast else row.certainty
    return DayFact(name=name, source=row.source, certainty=certainty, is_forecast=is_forecast)


def _days(first: date, last: date) -> list[date]:
    return [first + _DAY * count for count in range((last - first).days + 1)]
