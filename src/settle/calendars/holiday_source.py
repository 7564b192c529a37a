"""What the `holidays` package says about one year of a currency's list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from settle.calendars.rows import HolidayList


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedYear:
    """One year of a list. This says of itself whether the package covers the year at all."""

    names: Mapping[date, str]
    working_weekends: frozenset[date]
    is_covered: bool


def listed_year(row: HolidayList, year: int) -> ListedYear:
    """The closing days of `year` by name, and the weekend days that are worked.

    This asks for two years: a working weekend of December belongs to January's holiday.
    """
    import holidays  # a heavy table, loaded when a date is first asked for

    years = (year, year + 1)
    if row.market:
        found = [holidays.financial_holidays(row.market, years=years)]
    else:
        spoken = holidays.country_holidays(row.country).supported_languages
        found = [
            holidays.country_holidays(
                row.country, subdiv=region, years=years, categories=row.categories or None,
                language="en_US" if "en_US" in spoken else None,
            )
            for region in row.regions or (None,)
        ]  # fmt: skip
    first = found[0]
    worked = getattr(first, "weekend_workdays", ()) if row.make_up_days else ()
    return ListedYear(
        names={
            day: name
            for day, name in first.items()
            if day.year == year and all(day in region for region in found)
        },
        working_weekends=frozenset(day for day in worked if day.year == year),
        is_covered=first.start_year <= year <= first.end_year,
    )
