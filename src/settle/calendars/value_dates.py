"""Earliest value date and latest safe submission: each the other's inverse.

Three clocks are looked at: the rail's close, the bank's cut-off, and how long we ourselves
need (`lead_time`). The earliest governs, each in its own zone.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from settle.calendars.answers import SafeSubmission, Step, ValueDate
from settle.calendars.certainty import Certainty
from settle.calendars.closing_days import DayFact, refuse_uncovered, why_closed, why_open
from settle.calendars.deadlines import Deadline, Order, cutoff_on, deadlines, rail_on
from settle.calendars.packs import RulePack, rules
from settle.calendars.rows import BankCutoff
from settle.errors import BadInput

_DAY = timedelta(days=1)
_DAYS_MAX = 366
_NO_TIME = timedelta()


def earliest_value_date(
    currency: str, at: datetime, *, provider: str = "", channel: str = "",
    cutoff: BankCutoff | None = None, lead_time: timedelta = _NO_TIME,
    pack: RulePack | None = None,
) -> ValueDate:  # fmt: skip
    """The earliest day on which an order given at `at` has value, and the rule that decided it.

    Args:
        currency: what is paid.
        at: when the order is given, with a zone.
        provider: whose cut-off counts; blank for the pack's default of the currency.
        channel: which of the provider's, such as `SWIFT`.
        cutoff: the adapter's own cut-off, instead of the pack's.
        lead_time: what we need from giving the order until the bank has it.
        pack: the rules; ours if not given.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
        BadInput: `at` has no zone, the provider no such cut-off, or the year no calendar.
    """
    pack = pack or rules()
    _check(currency, lead_time=lead_time, cutoff=cutoff)
    if at.tzinfo is None:
        raise BadInput(f"{at} has no zone", field="at", why="has no zone")
    order = Order(currency=currency, provider=provider, channel=channel, cutoff=cutoff)
    with_bank = at.astimezone(UTC) + lead_time
    steps = []
    first = _first_day(order, with_bank, pack=pack)
    for day in (first + _DAY * count for count in range(_DAYS_MAX)):
        if (closed := _why_closed(day, currency, pack=pack)) is not None:
            steps.append(_closed_step(day, closed))
            continue
        deadline = deadlines(order, day, pack=pack)[0]
        if with_bank > deadline.at:
            steps.append(_passed_step(deadline, with_bank, day=day))
            continue
        met = _met_step(deadline, with_bank, day=day)
        return ValueDate(
            currency=currency, at=at, lead_time=lead_time, value_date=day, deadline=deadline,
            decided_by=steps[-1] if steps else met, pack=pack.version,
            steps=(*_lead_steps(lead_time), *steps, _open_step(day, currency, pack=pack), met),
        )  # fmt: skip
    raise BadInput(f"{currency} has no business day within a year of {first}", field="currency")


def latest_safe_submission(
    currency: str, value_date: date, *, provider: str = "", channel: str = "",
    cutoff: BankCutoff | None = None, lead_time: timedelta = _NO_TIME,
    pack: RulePack | None = None,
) -> SafeSubmission:  # fmt: skip
    """The last instant at which an order still has value on `value_date`, and what governs it.

    The arguments are those of `earliest_value_date`. This instant is in time; the next
    microsecond is not.

    Raises:
        UnknownCurrency: no calendar is known for the currency.
        BadInput: the currency is closed on the value date (says why), the provider has no
            such cut-off, or the year no calendar.
    """
    order = Order(currency=currency, provider=provider, channel=channel, cutoff=cutoff)
    return _latest(order, value_date, lead_time=lead_time, pack=pack or rules())


def latest_safe_conversion(
    *, sell: str, buy: str, value_date: date, provider: str = "", channel: str = "",
    lead_time: timedelta = _NO_TIME, pack: RulePack | None = None,
) -> SafeSubmission:  # fmt: skip
    """The last instant to convert `sell` into `buy` for a value date.

    This is governed by the currency whose deadline is earlier. Without a provider the default
    payment cut-offs count.

    Raises:
        UnknownCurrency: no calendar is known for one of the currencies.
        BadInput: one of them is closed on the value date, or has no such cut-off.
    """
    pack = pack or rules()
    first, second = sorted(
        (
            _latest(
                Order(currency=currency, provider=provider, channel=channel, use="conversion"),
                value_date, lead_time=lead_time, pack=pack,
            )
            for currency in (sell, buy)
        ),
        key=lambda answer: answer.at,
    )  # fmt: skip
    later = Step(
        text=f"{first.currency} governs: {second.currency} is possible until {second.deadline}",
        rule="the earlier cut-off of a pair governs", certainty=Certainty.SOURCED,
        source="Cornerstone and Avinode on cut-offs for conversion",
    )  # fmt: skip
    return SafeSubmission(
        currency=first.currency, value_date=value_date, lead_time=lead_time, at=first.at,
        deadline=first.deadline, steps=(*first.steps, later, second.steps[-1]),
        decided_by=first.decided_by, pack=first.pack,
    )  # fmt: skip


def _latest(
    order: Order, value_date: date, *, lead_time: timedelta, pack: RulePack
) -> SafeSubmission:
    _check(order.currency, lead_time=lead_time, cutoff=order.cutoff)
    if (closed := _why_closed(value_date, order.currency, pack=pack)) is not None:
        raise BadInput(
            f"{order.currency} is closed on {value_date}: {closed.name}",
            field="value_date", value_date=value_date, currency=order.currency, why=closed.name,
        )  # fmt: skip
    governing, *others = deadlines(order, value_date, pack=pack)
    governs = _step(f"{governing} governs", governing)
    return SafeSubmission(
        currency=order.currency, value_date=value_date, lead_time=lead_time,
        at=governing.at - lead_time, deadline=governing, decided_by=governs, pack=pack.version,
        steps=(
            _open_step(value_date, order.currency, pack=pack),
            *(_step(f"{other} is later", other) for other in others),
            governs,
            *_lead_steps(lead_time),
        ),
    )  # fmt: skip


def _check(currency: str, *, lead_time: timedelta, cutoff: BankCutoff | None) -> None:
    if lead_time < _NO_TIME:
        raise BadInput(f"a lead time of {lead_time} is negative", field="lead_time")
    if cutoff is not None and cutoff.currency != currency:
        raise BadInput(f"the cut-off is of {cutoff.currency}, not {currency}", field="cutoff")


def _first_day(order: Order, with_bank: datetime, *, pack: RulePack) -> date:
    """The first day that could still have value: where the rail is, it is not over yet."""
    rail = rail_on(order.currency, with_bank.astimezone(UTC).date(), pack=pack)
    if rail is not None:
        local = with_bank.astimezone(ZoneInfo(rail.zone)).date()
        return local - _DAY * rail.closes_days
    row = cutoff_on(order, with_bank.date(), pack=pack)
    return with_bank.astimezone(ZoneInfo(row.zone) if row else UTC).date()


def _why_closed(day: date, currency: str, *, pack: RulePack) -> DayFact | None:
    refuse_uncovered(currency, day.year, pack=pack)
    return why_closed(day, currency, pack=pack)


def _open_step(day: date, currency: str, *, pack: RulePack) -> Step:
    fact = why_open(day, currency, pack=pack)
    forecast = ", by forecast" if fact.is_forecast else ""
    return Step(
        text=f"{day} is a {fact.name} of {currency}{forecast}", rule=f"calendar of {currency}",
        source=fact.source, certainty=fact.certainty,
    )  # fmt: skip


def _closed_step(day: date, fact: DayFact) -> Step:
    forecast = ", by forecast" if fact.is_forecast else ""
    return Step(
        text=f"{day} is closed: {fact.name}{forecast}", rule=fact.name,
        source=fact.source, certainty=fact.certainty,
    )  # fmt: skip


def _passed_step(deadline: Deadline, with_bank: datetime, *, day: date) -> Step:
    return _step(
        f"value {day} missed: {deadline} passed at {_local(with_bank, deadline)}", deadline
    )


def _met_step(deadline: Deadline, with_bank: datetime, *, day: date) -> Step:
    return _step(f"value {day}: {deadline} met at {_local(with_bank, deadline)}", deadline)


def _lead_steps(lead_time: timedelta) -> tuple[Step, ...]:
    if not lead_time:
        return ()
    text = f"the order is with the bank {lead_time} after it is given"
    step = Step(text=text, rule="lead time", source="the caller", certainty=Certainty.SOURCED)
    return (step,)


def _step(text: str, deadline: Deadline) -> Step:
    return Step(text=text, rule=deadline.name, source=deadline.source, certainty=deadline.certainty)


def _local(at: datetime, deadline: Deadline) -> str:
    local = at.astimezone(ZoneInfo(deadline.zone))
    clock = local.time().isoformat("minutes" if not (at.second or at.microsecond) else "auto")
    return clock if local.date() == deadline.on else f"{clock} on {local.date()}"
