"""Where a date goes that is no business day, and how months are added to one."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection
from datetime import date, timedelta
from enum import StrEnum
from typing import assert_never

from settle.calendars.business_days import is_business_day
from settle.calendars.packs import RulePack
from settle.errors import BadInput

_DAYS_MAX = 366
"""A calendar without any common day in a year is a mistake in its pack."""


class Convention(StrEnum):
    """Where a date goes that is no business day. This never moves one that is."""

    FOLLOWING = "following"
    MODIFIED_FOLLOWING = "modified_following"
    """Forward, but back if that leaves the month."""
    PRECEDING = "preceding"
    MODIFIED_PRECEDING = "modified_preceding"
    """Back, but forward if that leaves the month."""


def is_joint_business_day(
    day: date, *, currencies: Collection[str], pack: RulePack | None = None
) -> bool:
    """Whether each of the currencies can be paid on `day`. This is their joint calendar.

    Raises:
        UnknownCurrency: no calendar is known for one of them.
    """
    return all(is_business_day(day, currency, pack=pack) for currency in currencies)


def adjust(
    day: date, *, currencies: Collection[str],
    convention: Convention = Convention.FOLLOWING, pack: RulePack | None = None,
) -> date:  # fmt: skip
    """`day`, or what the convention puts in its place. This is a day on which all are open.

    Raises:
        UnknownCurrency: no calendar is known for one of them.
        BadInput: they have no common business day within a year.
    """
    match convention:
        case Convention.FOLLOWING:
            return _toward(day, 1, currencies=currencies, pack=pack)
        case Convention.PRECEDING:
            return _toward(day, -1, currencies=currencies, pack=pack)
        case Convention.MODIFIED_FOLLOWING:
            return _within_month(day, 1, currencies=currencies, pack=pack)
        case Convention.MODIFIED_PRECEDING:
            return _within_month(day, -1, currencies=currencies, pack=pack)
        case _:
            assert_never(convention)


def forward_date(
    spot: date, *, months: int, currencies: Collection[str],
    convention: Convention = Convention.MODIFIED_FOLLOWING, end_to_end: bool = True,
    pack: RulePack | None = None,
) -> date:  # fmt: skip
    """The value date of a forward, `months` after a spot date. This follows modified following.

    Args:
        spot: the spot date the months are counted from.
        months: how many; zero gives spot itself, adjusted.
        currencies: all of them are open on the answer.
        convention: where a closed day goes.
        end_to_end: from the last business day of a month to the last of the other.
        pack: the rules; ours if not given.

    Raises:
        UnknownCurrency: no calendar is known for one of the currencies.
    """
    landed = _add_months(spot, months)
    if end_to_end and spot == _last_of_month(spot, currencies=currencies, pack=pack):
        return _last_of_month(landed, currencies=currencies, pack=pack)
    return adjust(landed, currencies=currencies, convention=convention, pack=pack)


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _last_of_month(day: date, *, currencies: Collection[str], pack: RulePack | None) -> date:
    end = day.replace(day=monthrange(day.year, day.month)[1])
    return _toward(end, -1, currencies=currencies, pack=pack)


def _within_month(
    day: date, step: int, *, currencies: Collection[str], pack: RulePack | None
) -> date:
    found = _toward(day, step, currencies=currencies, pack=pack)
    if (found.year, found.month) == (day.year, day.month):
        return found
    return _toward(day, -step, currencies=currencies, pack=pack)


def _toward(day: date, step: int, *, currencies: Collection[str], pack: RulePack | None) -> date:
    for count in range(_DAYS_MAX):
        found = day + timedelta(days=count * step)
        if is_joint_business_day(found, currencies=currencies, pack=pack):
            return found
    raise BadInput(
        f"{' and '.join(currencies)} have no common business day within a year of {day}",
        field="currencies", currencies=tuple(currencies),
    )  # fmt: skip
