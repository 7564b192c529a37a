"""Rules that name days: once, each year, around Easter, or the n-th weekday of a month."""

from __future__ import annotations

import re
from calendar import day_name, month_name, monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

_YEARLY = re.compile(r"(\d\d)-(\d\d)")
_EASTER = re.compile(r"easter(?:([+-])(\d{1,3}))?")
_NTH = re.compile(r"(first|second|third|fourth|last) (\w+) of (\w+)")
_COUNTS = {"first": 0, "second": 1, "third": 2, "fourth": 3}
_FORMS = '"2024-12-24", "12-24", "easter-3" or "first monday of august"'


@dataclass(frozen=True, slots=True)
class DayRule:
    """A rule of a pack, as written there. This knows which days of a year it names."""

    text: str

    def __post_init__(self) -> None:
        _reading(self.text)

    def day_in(self, year: int) -> date | None:
        """The day that the rule names in `year`; none for another year's, or 29 February."""
        return _reading(self.text)(year)


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by Butcher's computation. This needs no table."""
    golden, (century, rest) = year % 19, divmod(year, 100)
    leaps, of_century = divmod(century, 4)
    quads, of_quad = divmod(rest, 4)
    epact = (19 * golden + century - leaps - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * of_century + 2 * quads - epact - of_quad) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _reading(text: str) -> Callable[[int], date | None]:
    lower = text.strip().lower()
    if (found := _YEARLY.fullmatch(lower)) is not None:
        return _yearly(int(found[1]), int(found[2]))
    if (found := _EASTER.fullmatch(lower)) is not None:
        offset = timedelta(days=int(f"{found[1] or '+'}{found[2] or 0}"))
        return lambda year: easter(year) + offset
    if (found := _NTH.fullmatch(lower)) is not None:
        return _nth(found[1], weekday=found[2], month=found[3])
    return _once(lower)


def _once(text: str) -> Callable[[int], date | None]:
    try:
        once = date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"is not a day rule such as {_FORMS}") from None
    return lambda year: once if once.year == year else None


def _yearly(month: int, day: int) -> Callable[[int], date | None]:
    date(2024, month, day)  # a leap year: 29 February is a day

    def named(year: int) -> date | None:
        return date(year, month, day) if day <= monthrange(year, month)[1] else None

    return named


def _nth(count: str, *, weekday: str, month: str) -> Callable[[int], date | None]:
    weekdays = [name.lower() for name in day_name]
    months = [name.lower() for name in month_name]
    if weekday not in weekdays or month not in months[1:]:
        raise ValueError(f"is not a day rule such as {_FORMS}")
    wanted, number = weekdays.index(weekday), months.index(month)

    def named(year: int) -> date:
        first_weekday, length = monthrange(year, number)
        first = 1 + (wanted - first_weekday) % 7
        last = first + (length - first) // 7 * 7
        return date(year, number, last if count == "last" else first + 7 * _COUNTS[count])

    return named
