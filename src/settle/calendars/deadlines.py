"""Until when an order must be with the bank, and with the rail, for a value date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from settle.calendars.business_days import subtract_business_days
from settle.calendars.certainty import Certainty, weakest
from settle.calendars.packs import RulePack
from settle.calendars.rows import BankCutoff, HalfDay, Rtgs
from settle.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One instant that an order must not pass. This names the row that it comes from.

    `at`: the last instant that still counts, in UTC. `on`, `clock`, `zone`: as the row has it.
    """

    name: str
    at: datetime
    on: date
    clock: time
    zone: str
    source: str
    certainty: Certainty

    def __str__(self) -> str:
        return f"{self.name} {self.clock.isoformat('minutes')} {self.zone} on {self.on}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Whose cut-off counts. This is the part of a question that both answers share.

    `cutoff`: an adapter's own cut-off, instead of a row of the pack.
    """

    currency: str
    provider: str = ""
    channel: str = ""
    use: str = "payment"
    cutoff: BankCutoff | None = None


def instant_of(day: date, clock: time, *, zone: str) -> datetime:
    """The instant, in UTC, of a local time. This takes the earlier reading on a clock change.

    A time that comes twice is its first; one that the clock skips is read by the clock after
    the change. A deadline must not be read later than the bank reads it.
    """
    local = datetime.combine(day, clock, tzinfo=ZoneInfo(zone))
    return min(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def deadlines(order: Order, value_date: date, *, pack: RulePack) -> tuple[Deadline, ...]:
    """Every deadline for `value_date`, earliest first. This puts first the one that governs.

    Rows are those in force on the value date.

    Raises:
        BadInput: the provider has no such cut-off, or neither rail nor cut-off is known.
    """
    found = [
        *_of_rail(order.currency, value_date, pack=pack),
        *_of_bank(order, value_date, pack=pack),
    ]
    if not found:
        raise BadInput(
            f"neither rail nor bank cut-off of {order.currency} is known on {value_date}",
            field="currency", currency=order.currency,
        )  # fmt: skip
    return tuple(sorted(found, key=lambda deadline: (deadline.at, deadline.name)))


def rail_on(currency: str, day: date, *, pack: RulePack) -> Rtgs | None:
    """The large-value system of a currency, as it works on `day`."""
    return pack.in_force(Rtgs, day, where=lambda row: row.currency == currency)


def cutoff_on(order: Order, day: date, *, pack: RulePack) -> BankCutoff | None:
    """The bank's cut-off for an order. This is none only if no provider was named.

    Raises:
        BadInput: the provider named has none in force on `day`; says which there are.
    """
    if order.cutoff is not None:
        return order.cutoff
    uses = [order.use] if order.provider else [order.use, "payment"]
    for use in uses:
        key = order.currency, order.provider, order.channel, use
        row = pack.in_force(BankCutoff, day, where=lambda row, key=key: row.key == key)  # type: ignore[misc]
        if row is not None:
            return row
    if order.provider or order.channel:
        raise _no_cutoff(order, day, pack=pack)
    return None


def _no_cutoff(order: Order, day: date, *, pack: RulePack) -> BadInput:
    known = sorted(
        {
            " ".join(word for word in (row.provider, row.channel, f"({row.use})") if word)
            for row in pack.all_of(BankCutoff, order.currency)
            if row.provider and row.is_in_force(day)
        }
    )
    return BadInput(
        f"no {order.use} cut-off of {order.provider!r}, channel {order.channel!r}, for "
        f"{order.currency} is in force on {day}; known are {', '.join(known) or 'none'}",
        field="provider", provider=order.provider, channel=order.channel,
    )  # fmt: skip


def _of_rail(currency: str, value_date: date, *, pack: RulePack) -> list[Deadline]:
    found = []
    if (rail := rail_on(currency, value_date, pack=pack)) is not None:
        on = value_date + timedelta(days=rail.closes_days * (rail.customer_close is None))
        who = "customers' close" if rail.customer_close else "final close"
        found.append(_deadline(f"{rail.system} {who}", on, rail.close, rail.zone, row=rail))
    for half in _half_days(currency, value_date, pack=pack):
        if half.rail_close is not None:
            name = f"early close of the rail ({half.name})"
            found.append(_deadline(name, value_date, half.rail_close, half.zone, row=half))
    return found


def _of_bank(order: Order, value_date: date, *, pack: RulePack) -> list[Deadline]:
    row = cutoff_on(order, value_date, pack=pack)
    if row is None:
        return []
    on = subtract_business_days(value_date, row.value_days, order.currency, pack=pack)
    whose = " ".join(word for word in (row.provider, row.channel) if word)
    found = [_deadline(f"bank cut-off{whose and ' of '}{whose}", on, row.time, row.zone, row=row)]
    for half in _half_days(order.currency, on, pack=pack):
        if half.bank_cutoff is not None:
            name = f"half-day cut-off ({half.name})"
            found.append(_deadline(name, on, half.bank_cutoff, half.zone, row=half))
    return found


def _half_days(currency: str, day: date, *, pack: RulePack) -> list[HalfDay]:
    """The half days that `day` is. A newer layer's row of the same rule replaces an older one."""
    named = {row.day for row in pack.all_of(HalfDay, currency) if row.day.day_in(day.year) == day}
    found = [
        pack.in_force(
            HalfDay,
            day,
            where=lambda row, rule=rule: (row.currency, row.day) == (currency, rule),  # type: ignore[misc]
        )
        for rule in sorted(named, key=lambda rule: rule.text)
    ]
    return [row for row in found if row is not None]


def _deadline(
    name: str, on: date, clock: time, zone: str, *, row: Rtgs | BankCutoff | HalfDay
) -> Deadline:
    return Deadline(
        name=name, at=instant_of(on, clock, zone=zone), on=on, clock=clock, zone=zone,
        source=row.source, certainty=weakest([row.certainty]),
    )  # fmt: skip
