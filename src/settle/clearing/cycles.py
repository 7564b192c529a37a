"""Cycles: in which window the records of a day settle, N working days after day, week or month."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from settle.calendars import add_business_days, next_business_day
from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

_DAY = timedelta(days=1)
_SUNDAY = 6
_REMEMBERED = 65_536
"""Terms by days: a hundred terms over almost two years."""


class Cycle(NamedTuple):
    """The terms that say when the records of a day settle.

    `currency` is the one they are paid in: its working days count. `conversion` matters where
    the rate is that of the day after.
    """

    cycle: str
    currency: str
    conversion: str


def value_date(day: date, cycle: Cycle) -> date:
    """The working day on which the records of `day` are to be paid.

    This is for T+N the N-th working day after the day, for W+N after the Sunday that ends its
    week, for M+N after the last day of its month.

    Raises:
        BadInput: the cycle is none of these.
        UnknownCurrency: no calendar is known for the currency.
    """
    unit, plus, count = cycle.cycle.partition("+")
    if not plus or not count.isdigit():
        raise BadInput(f"cycle {cycle.cycle!r} is not T+N, W+N or M+N", field="cycle")
    return add_business_days(_period_end(day, unit), int(count), cycle.currency)


def _period_end(day: date, unit: str) -> date:
    match unit:
        case "T":
            return day
        case "W":
            return day + _DAY * (_SUNDAY - day.weekday())
        case "M":
            return day.replace(day=monthrange(day.year, day.month)[1])
        case _:
            raise BadInput(f"a cycle of {unit!r} is not one of T, W and M", field="cycle")


@lru_cache(_REMEMBERED)
def settles_in(day: date, cycle: Cycle) -> date:
    """The window in which the records of `day` settle. This is `day` itself for T+1.

    It is the first window from `day` on whose payments, due the working day after it, are not
    before the value date; under conversion `next_day` it is not `day`, whose rate does not serve.

    Raises:
        BadInput, UnknownCurrency: as `value_date`.
    """
    due = value_date(day, cycle)
    window = day + _DAY if cycle.conversion == "next_day" else day
    while next_business_day(window, cycle.currency) < due:
        window += _DAY
    return window


def cycles_table(cycles: Iterable[Cycle], first: date, last: date) -> pa.Table:
    """The days from `first` to `last` under each of the cycles, with where they settle.

    This is the calendar that views join: `cycle, currency, conversion, occurred_window,
    settles_in`, days as ISO dates.
    """
    import pyarrow as pa

    days = [first + _DAY * n for n in range((last - first).days + 1)]
    rows = [(*cycle, str(day), str(settles_in(day, cycle))) for cycle in cycles for day in days]
    columns = list(zip(*rows, strict=True)) or [()] * len(_COLUMNS)
    return pa.table([pa.array(column, pa.string()) for column in columns], names=list(_COLUMNS))


_COLUMNS = (*Cycle._fields, "occurred_window", "settles_in")
