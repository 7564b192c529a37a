"""The question of a night: what is due, what there is, and the ways that are still open."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from settle.calendars import RulePack, is_joint_business_day
from settle.calendars.deadlines import instant_of
from settle.clearing.funding.accounts import CLIENTS, OWN, Account, Claim
from settle.clearing.funding.arcs import PPM_MAX, Trade, Transfer
from settle.clearing.funding.assigning import Assigned
from settle.clearing.funding.holdings import divided, owed, spendable
from settle.clearing.funding.needs import CountryMatrix, Need, needs_of
from settle.clearing.funding.question import Funding
from settle.clearing.funding.reference import FundingReference
from settle.clearing.funding.rows import AccountRow, OwnNeed, Place, TradeRow, TransferRow, WayRow
from settle.clearing.rates import DayRates
from settle.errors import BadInput
from settle.ledger import AccountBalance
from settle.money import Rate

DAYS_AHEAD_MAX = 31
"""A way whose bank is closed for a month is a mistake in a calendar."""


def pose(
    assigned: Sequence[Assigned],
    *,
    reference: FundingReference,
    ledger: Sequence[AccountBalance],
    leaving: Mapping[Place, int],
    rates: DayRates,
    at: datetime,
    paused: Iterable[str] = (),
    pack: RulePack | None = None,
) -> Funding:
    """What has to be funded as of a moment, and what with. This reads nothing but what is given.

    `leaving`: what is on its way from each account and not booked. `paused`: rails and currencies
    that no money is sent over or in.

    Raises:
        BadInput: an account of the file is not in force, or a rate is missing or expired.
    """
    day = at.astimezone(UTC).date()
    rows = {row.account_id: row for row in reference.on(AccountRow, day)}
    rows |= {each.account.account_id: each.account for each in assigned}
    needs = (*_needs(assigned, rows.values()), *_own_needs(reference, at=at, day=day))
    claims = owed(ledger, due_of(assigned))
    empty = Funding(
        at=at,
        accounts=tuple(_empty(row) for row in rows.values()),
        needs=needs,
        arcs=tuple(_arcs(reference, rows, rates=rates, at=at, paused=frozenset(paused), pack=pack)),
        matrix=_matrix(assigned),
        rates=rates,
        costs_account=reference.costs_account,
        claims=tuple(
            Claim(owner=CLIENTS, currency=code, amount_minor=amount)
            for code, amount in claims.items()
        ),
    )
    held = divided(
        rows.values(), balance_of=spendable(ledger, leaving), claims=claims,
        value_of=empty.value_of,
    )  # fmt: skip
    return replace(empty, accounts=held)


def due_of(assigned: Iterable[Assigned]) -> Mapping[tuple[str, str], int]:
    """What is to be paid, by agreement and currency."""
    due = Counter[tuple[str, str]]()
    for each in assigned:
        due[each.obligation.agreement_id, each.obligation.currency] += each.obligation.amount_minor
    return due


def _empty(row: AccountRow) -> Account:
    return Account(
        account_id=row.account_id, rail=row.rail, currency=row.currency, balance_minor=0,
        owner=row.owner,
    )  # fmt: skip


def _needs(assigned: Iterable[Assigned], rows: Iterable[AccountRow]) -> Iterator[Need]:
    """A need for each account that payments leave, by the first of their moments."""
    at = defaultdict(set)
    for row in rows:
        at[row.place].add(row.account_id)
    groups = defaultdict(list)
    for each in assigned:
        due, place = each.obligation, each.account.place
        groups[due.currency, due.beneficiary_country, each.value_date, place].append(each)
    for (*_, place), group in groups.items():
        account_id, by = group[0].account.account_id, min(each.by for each in group)
        dated = [replace(each.obligation, value_date=each.value_date) for each in group]
        for need in needs_of(dated, by=lambda _currency, _day, by=by: by):  # type: ignore[misc]
            yield replace(
                need, need_id=f"{need.need_id}/{account_id}",
                account_ids=tuple(sorted(at[place] | {account_id})),
            )  # fmt: skip


def _own_needs(reference: FundingReference, *, at: datetime, day: date) -> Iterator[Need]:
    for row in reference.on(OwnNeed, day):
        by = instant_of(row.value_date, row.time, zone=row.zone)
        if by >= at:
            yield Need(
                need_id=f"{OWN}/{row.currency}/{row.need_id}", currency=row.currency,
                amount_minor=row.amount_minor, by=by, owner=OWN,
            )  # fmt: skip


def _matrix(assigned: Iterable[Assigned]) -> CountryMatrix:
    rails: dict[tuple[str, str], set[str]] = defaultdict(set)
    for each in assigned:
        pair = each.obligation.currency, each.obligation.beneficiary_country
        rails[pair].add(each.account.rail)
    return CountryMatrix(rails)


def _arcs(
    reference: FundingReference, rows: dict[str, AccountRow], *, rates: DayRates, at: datetime,
    paused: frozenset[str], pack: RulePack | None,
) -> Iterator[Transfer | Trade]:  # fmt: skip
    """The ways at the banks' next hours. What is paused or has an account not in force is none."""
    day = at.astimezone(UTC).date()
    ways: tuple[TransferRow | TradeRow, ...] = (
        *reference.on(TransferRow, day), *reference.on(TradeRow, day),
    )  # fmt: skip
    for row in ways:
        source, target = rows.get(row.source), rows.get(row.target)
        if source is None or target is None:
            continue
        if paused & {source.rail, source.currency, target.rail, target.currency}:
            continue
        opens_on = _open_day(row, source, target, at=at, pack=pack)
        match row:
            case TransferRow():
                yield _transfer(row, at=at, on=opens_on)
            case TradeRow():
                yield _trade(row, source, target, rates=rates, on=opens_on, pack=pack)


def _open_day(
    row: WayRow, source: AccountRow, target: AccountRow, *, at: datetime, pack: RulePack | None
) -> date:
    """The first business day of both currencies whose cut-off has not passed."""
    day = at.astimezone(ZoneInfo(row.zone)).date()
    if _at(row, row.cutoff, on=day) < at:
        day += timedelta(days=1)
    return _business_day(day, source, target, pack=pack)


def _business_day(
    day: date, source: AccountRow, target: AccountRow, *, pack: RulePack | None
) -> date:
    currencies = {source.currency, target.currency}
    for ahead in range(DAYS_AHEAD_MAX):
        found = day + timedelta(days=ahead)
        if is_joint_business_day(found, currencies=currencies, pack=pack):
            return found
    raise BadInput(f"{' and '.join(sorted(currencies))} have no common business day after {day}")


def _at(row: WayRow, clock: time, *, on: date) -> datetime:
    return instant_of(on, clock, zone=row.zone)


def _transfer(row: TransferRow, *, at: datetime, on: date) -> Transfer:
    """What is sent before the bank opens is worked on from then; what comes later is as slow."""
    begun_at = max(at, _at(row, row.opens, on=on))
    return Transfer(
        arc_id=row.arc_id, source=row.source, target=row.target,
        closes_at=_at(row, row.cutoff, on=on), lead=begun_at + row.lead - at,
        fixed_minor=row.fixed_minor, ppm=row.ppm, minimum_minor=row.minimum_minor,
        capacity_minor=row.capacity_minor,
    )  # fmt: skip


def _trade(
    row: TradeRow, source: AccountRow, target: AccountRow, *, rates: DayRates, on: date,
    pack: RulePack | None,
) -> Trade:  # fmt: skip
    mid = rates.mid(source.currency, target.currency)
    settles_on = on
    for _ in range(row.settle_days):
        settles_on = _business_day(settles_on + timedelta(days=1), source, target, pack=pack)
    return Trade(
        arc_id=row.arc_id, source=row.source, target=row.target,
        closes_at=_at(row, row.cutoff, on=on), settles_at=_at(row, row.lands, on=settles_on),
        fixed_minor=row.fixed_minor, ppm=row.ppm, minimum_minor=row.minimum_minor,
        capacity_minor=row.capacity_minor,
        rate=Rate(
            base=source.currency, quote=target.currency, as_of=rates.as_of,
            value_e8=mid.value_e8 * (PPM_MAX - row.spread_ppm) // PPM_MAX,
            source=row.provider or mid.source,
        ),
    )  # fmt: skip
