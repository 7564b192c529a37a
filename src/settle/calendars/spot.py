"""Spot value dates: two business days, or one, with the rule of the USD holiday.

Source of the rules: https://support.mexem.com/faq/what-is-the-settlement-cycle-for-fx and
brokers' pages. The foreign-exchange market rests on Saturdays and Sundays everywhere: a
weekend on which banks work does not count.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from settle.calendars.answers import SpotDate, Step
from settle.calendars.certainty import Certainty
from settle.calendars.closing_days import refuse_uncovered, why_closed, why_open
from settle.calendars.packs import RulePack, rules
from settle.calendars.rows import ANY, SpotLag, TradeDay
from settle.errors import BadInput

_DAY = timedelta(days=1)
_DAYS_MAX = 366
_SATURDAY = 5
_USD = "USD"


def spot_date(
    base: str, quote: str, traded: datetime | date, *, lag: int | None = None,
    provider: str = "", pack: RulePack | None = None,
) -> SpotDate:  # fmt: skip
    """The spot value date of a pair, and the rules that decided it.

    A USD holiday between trade and spot does not count for pairs with USD; one of the other
    currency does. A cross settles on the later spot date of its two currencies against USD,
    and not on a USD holiday. This is the same for both directions of a pair.

    Args:
        base: one currency.
        quote: the other.
        traded: the instant, or the trade date itself.
        lag: business days to spot, instead of the pack's.
        provider: whose lag counts, if the pack has one of theirs.
        pack: the rules; ours if not given.

    Raises:
        UnknownCurrency: no calendar is known for a currency.
        BadInput: the currencies are the same, the instant has no zone, the lag is negative, or
            the year has no calendar.
    """
    pack = pack or rules()
    if base == quote or (lag is not None and lag < 0):
        raise BadInput(f"{base}/{quote} with a lag of {lag} has no spot date", field="quote")
    day, steps = _trade_date(base, quote, traded, pack=pack)
    row = _lag_row(base, quote, day, lag=lag, provider=provider, pack=pack)
    steps.append(_lag_step(base, quote, row))
    value_date = day
    for leg in _legs(base, quote):
        own = row if _is_own(row) else _lag_row(leg, _USD, day, provider=provider, pack=pack)
        value_date = max(value_date, _leg_date(leg, day, row=own, steps=steps, pack=pack))
    value_date = _open_in_all(value_date, {base, quote, _USD}, steps=steps, pack=pack)
    for currency in (base, quote, _USD):
        refuse_uncovered(currency, value_date.year, pack=pack)
    return SpotDate(
        base=base, quote=quote, trade_date=day, lag=row.days, value_date=value_date,
        steps=(*steps, *_open_steps(value_date, base, quote, pack=pack)),
        decided_by=steps[-1], pack=pack.version,
    )  # fmt: skip


def trade_date(base: str, quote: str, at: datetime, *, pack: RulePack | None = None) -> date:
    """The trade date of an instant: it rolls at 17:00 in New York, for NZD at 07:00 in Auckland.

    Raises:
        BadInput: the instant has no zone, or the pack no trade day.
    """
    return _trade_date(base, quote, at, pack=pack or rules())[0]


def _trade_date(
    base: str, quote: str, traded: datetime | date, *, pack: RulePack
) -> tuple[date, list[Step]]:
    steps = []
    day = traded
    if isinstance(traded, datetime):
        if traded.tzinfo is None:
            raise BadInput(f"{traded} has no zone", field="traded", why="has no zone")
        row = _trade_day_row(base, quote, traded.date(), pack=pack)
        local = traded.astimezone(ZoneInfo(row.zone))
        begun = local.date() if local.time() >= row.time else local.date() - _DAY
        day = begun + _DAY * row.days_before
        text = f"trade date {day}: it begins {row.time:%H:%M} {row.zone}"
        steps.append(Step(text=text, rule="trade day", source=row.source, certainty=row.certainty))
    monday = next(day for day in _days_from(day) if day.weekday() < _SATURDAY)
    if monday != day:
        text = f"{day} is a {day:%A}: trade date {monday}"
        steps.append(
            Step(text=text, rule="weekend", source="the week", certainty=Certainty.SOURCED)
        )
    return monday, steps


def _trade_day_row(base: str, quote: str, day: date, *, pack: RulePack) -> TradeDay:
    for currency in (base, quote, ANY):
        row = pack.in_force(TradeDay, day, where=lambda row, own=currency: row.currency == own)  # type: ignore[misc]
        if row is not None:
            return row
    raise BadInput(f"the rules have no trade day on {day}", field="trade_day")


def _lag_row(
    base: str, quote: str, day: date, *, provider: str, pack: RulePack, lag: int | None = None
) -> SpotLag:
    """The lag of a pair: the provider's before the market's, the pair's before any pair's."""
    if lag is not None:
        return SpotLag(
            currency=base, other=quote, days=lag, effective_from=day,
            source="the caller", certainty=Certainty.SOURCED,
        )  # fmt: skip
    for whose in dict.fromkeys((provider, "")):
        found = [
            row
            for one, two in ((base, quote), (quote, base), (ANY, ANY))
            if (row := _exact(one, two, day, provider=whose, pack=pack)) is not None
        ]
        if found:
            return found[0]
    raise BadInput(f"the rules have no spot lag of {base}/{quote} on {day}", field="spot_lag")


def _exact(one: str, two: str, day: date, *, provider: str, pack: RulePack) -> SpotLag | None:
    key = one, two, provider
    return pack.in_force(
        SpotLag, day, where=lambda row: (row.currency, row.other, row.provider) == key
    )


def _is_own(row: SpotLag) -> bool:
    """Whether the lag is this pair's own. A cross without one takes its currencies' lags."""
    return row.currency != ANY


def _legs(base: str, quote: str) -> list[str]:
    """The currencies that are counted, each against USD."""
    return sorted({base, quote} - {_USD})


def _leg_date(currency: str, day: date, *, row: SpotLag, steps: list[Step], pack: RulePack) -> date:
    """`row.days` business days of one currency against USD."""
    counted = {currency, _USD} if row.usd_holidays_count else {currency}
    for _ in range(row.days - 1):
        day = _open_in_all(day + _DAY, counted, steps=steps, pack=pack)
        if (usd := why_closed(day, _USD, pack=pack)) is not None:
            text = f"{day} counts: closed in USD only ({usd.name})"
            _note(steps, text, rule="the USD holiday", source=usd.source, certainty=usd.certainty)
    first = day + _DAY if row.days else day
    return _open_in_all(first, {currency, _USD}, steps=steps, pack=pack)


def _open_in_all(first: date, currencies: set[str], *, steps: list[Step], pack: RulePack) -> date:
    for day in _days_from(first):
        if day.weekday() >= _SATURDAY:
            continue
        closed = {
            currency: fact
            for currency in sorted(currencies)
            if (fact := why_closed(day, currency, pack=pack)) is not None
        }
        if not closed:
            return day
        for currency, fact in closed.items():
            text = f"{day} is closed in {currency}: {fact.name}"
            _note(steps, text, rule=fact.name, source=fact.source, certainty=fact.certainty)
    raise BadInput(f"{sorted(currencies)} have no common business day", field="currency")


def _note(steps: list[Step], text: str, *, rule: str, source: str, certainty: Certainty) -> None:
    """Add a step that both legs may come to, once."""
    step = Step(text=text, rule=rule, source=source, certainty=certainty)
    if step not in steps:
        steps.append(step)


def _lag_step(base: str, quote: str, row: SpotLag) -> Step:
    whose = f" of {row.provider}" if row.provider else ""
    return Step(
        text=f"spot of {base}/{quote}{whose} is T+{row.days}", rule="spot lag",
        source=row.source, certainty=row.certainty,
    )  # fmt: skip


def _open_steps(day: date, base: str, quote: str, *, pack: RulePack) -> Iterator[Step]:
    for currency in (base, quote):
        fact = why_open(day, currency, pack=pack)
        yield Step(
            text=f"{day} is a {fact.name} of {currency}", rule=f"calendar of {currency}",
            source=fact.source, certainty=fact.certainty,
        )  # fmt: skip


def _days_from(day: date) -> Iterator[date]:
    return (day + _DAY * count for count in range(_DAYS_MAX))
