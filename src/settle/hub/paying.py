"""From obligations to payments, and from payments to what became of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from settle import clearing, payments
from settle.adapters import Beneficiary
from settle.calendars import next_business_day
from settle.clearing.funding import AccountRow, Place, spendable
from settle.hub import routing
from settle.hub.outcomes import Looked, Paid, Planned, Released
from settle.hub.progress import Advance
from settle.hub.rails import open_rails
from settle.hub.searching import search_again
from settle.ledger import balances
from settle.store import uuid7

if TYPE_CHECKING:
    from settle.hub.hub import Hub

LOOKS_MAX = 4
"""How often a night looks for what is unknown before it leaves it to the next night."""

LOOK_PAUSE_S = 0.5

WORKER = "night"
"""Who sends. Whoever holds the night of a store is the only one, on any machine."""


def plan(hub: Hub, day: date) -> Planned:
    """Give each obligation up to a day its one payment, and mark it as covered.

    Where a funding file says which account pays what where, what it does not say is refused. What
    no rail took before, or a rail rejected for its own sake, is looked at again.
    """
    now, tenant = hub.now(day), hub.config.settings.settle.tenant
    with hub.store.reading() as connection:
        again = payments.reroutable(connection, hub.adapters, tenant=tenant)
        obligations = clearing.due(connection, as_of=day, also=again)
    payers = _payers(hub, obligations)
    unpayable = {
        each.obligation_id: f"matrix: {why}"
        for each in obligations
        if isinstance(why := payers.get(_cell(each)), str)
    }
    payable = [x for x in obligations if x.obligation_id not in unpayable]
    done = payments.plan(
        hub.store, [_due(obligation, payers) for obligation in payable], rails=hub.adapters,
        tenant=tenant, now=now, ids=uuid7,
        conditions=routing.weighed(hub, day, spendable=_spendable(hub)),
    )  # fmt: skip
    refused = {refusal.obligation_id for refusal in done.refused}
    covered = [x.obligation_id for x in payable if x.obligation_id not in refused]
    with hub.store.transaction() as connection:
        clearing.cover(connection, covered, at=now)
    return Planned(
        obligations=len(obligations), payments=done.planned, held=len(done.held),
        refused=unpayable | {x.obligation_id: f"{x.field}: {x.why}" for x in done.refused},
    )  # fmt: skip


def release(hub: Hub, day: date) -> Released:
    """Approve by policy, and let go what no control holds and our accounts cover."""
    now = hub.now(day)
    settings = hub.config.settings
    payments.roll(
        hub.store, value_dates=_value_dates(hub, now), now=now,
        by_rail=routing.value_dates(hub, now),
    )  # fmt: skip
    payments.approve(hub.store, settings.approval.policy(), now=now)
    funded = payments.fund(
        hub.store, balances=_spendable(hub), now=now, day=day,
        controls=settings.controls.controls(),
    )  # fmt: skip
    return Released(
        funded=funded.funded, waiting=funded.scheduled,
        held={control.value: count for control, count in sorted(funded.waiting.items())},
    )  # fmt: skip


async def pay(hub: Hub, day: date, *, advance: Advance) -> Paid:
    """Screen who is about to be paid, and send what is approved and funded.

    A paused rail is not even opened.

    Raises:
        BadInput: a screening list cannot be used; nothing is sent.
        Restored: the store is a backup that was put back; nothing is sent from it.
        ConfigError: exchanges are kept encrypted, and there is no key to go on with.
    """
    hub.epoch.refuse_restored(what="released")
    hub.screen(day, releasing=True)
    hub.refuse_plain()
    hub.epoch.count()
    with hub.store.reading() as connection:
        total = payments.releasable(connection)
    ended_so_far = 0

    def progress(ended: int) -> None:
        nonlocal ended_so_far
        ended_so_far += ended
        advance(ended_so_far, max(total, ended_so_far))

    pauses = hub.pauses
    adapters = {name: x for name, x in hub.adapters.items() if name not in pauses.rails}
    async with open_rails(adapters) as rails:
        await search_again(hub, rails, day)
        done = await payments.pay(
            hub.store, rails, clock=lambda: hub.now(day), worker=WORKER, day=day,
            cut_offs=hub.config.cut_offs(hub.now(day)), progress=progress, pauses=pauses,
        )  # fmt: skip
    return Paid(
        accepted=done.accepted, rejected=done.rejected, unknown=done.unknown,
        rails_down=dict(done.rails_down),
    )  # fmt: skip


async def look_up(hub: Hub, day: date, *, accepted: bool, advance: Advance) -> Looked:
    """Ask about what is unknown, again and again with pauses, until it is known or enough."""
    controls = hub.config.settings.controls
    # A store that was put back sends nothing, not even again what it has sent before.
    paused = set(hub.adapters) if hub.epoch.was_restored() else controls.paused_rails
    with hub.store.reading() as connection:
        before = payments.unknowns(connection)
    silent: dict[str, str] = {}
    resent = 0
    async with open_rails(hub.adapters) as rails:
        asked = dict(rails)
        for nth in range(1, LOOKS_MAX + 1):
            done = await payments.look_up(
                hub.store, asked, clock=lambda: hub.now(day), worker=WORKER, ids=uuid7,
                policy=payments.LookPolicy(polls_accepted=accepted and nth == 1),
                paused=paused, paused_currencies=controls.paused_currencies,
                paused_parties=controls.paused_agreements,
                cut_offs=hub.config.cut_offs(hub.now(day)),
            )  # fmt: skip
            advance(nth, LOOKS_MAX)
            resent += done.resent
            silent |= done.silent
            asked = {x: rails[x] for x in done.still_unknown_by_rail if x not in silent}
            if not asked:
                break
            await asyncio.sleep(LOOK_PAUSE_S * nth)
    with hub.store.reading() as connection:
        left = payments.unknowns(connection)
    return Looked(closed=max(0, before - left), unknown=left, resent=resent, rails_down=silent)


def leaving(hub: Hub, connection: Connection) -> dict[Place, int]:
    """What is on its way from each account of ours, and not booked.

    What leaves an account that is ours no more is left out: nobody sees its money fall, and so
    every account of its rail and currency bears it.
    """
    refs = (ref for adapter in hub.adapters.values() for ref in adapter.accounts())
    ours = {(ref.rail, ref.account, ref.currency) for ref in refs}
    found = payments.in_transit(connection)
    return {place: amount for place, amount in found.items() if place in ours}


def _spendable(hub: Hub) -> dict[Place, int]:
    """By account: what it holds, less what is on its way out of it."""
    with hub.store.reading() as connection:
        held = spendable(balances(connection), leaving(hub, connection))
    refs = (ref for adapter in hub.adapters.values() for ref in adapter.accounts())
    places = ((ref.rail, ref.account, ref.currency) for ref in refs)
    return {place: held(place) for place in places}


def _value_dates(hub: Hub, now: datetime) -> dict[str, date]:
    """The earliest day on which a payment released now can be executed, by currency."""
    today = now.astimezone(UTC).date()
    currencies = {ref.currency for x in hub.adapters.values() for ref in x.accounts()}
    return {currency: next_business_day(today, currency) for currency in currencies}


Cell = tuple[str, str, date]
"""Currency, beneficiary country and value date: what decides who pays."""


def _payers(
    hub: Hub, obligations: Sequence[clearing.Obligation]
) -> Mapping[Cell, AccountRow | str]:
    """The account of each cell, or why it has none. This is empty where no file says."""
    matrix = hub.matrix
    if matrix is None:
        return {}
    return {cell: matrix.payer(*cell) for cell in {_cell(each) for each in obligations}}


def _cell(obligation: clearing.Obligation) -> Cell:
    return obligation.currency, obligation.beneficiary_country, obligation.value_date


def _due(obligation: clearing.Obligation, payers: Mapping[Cell, AccountRow | str]) -> payments.Due:
    account = payers.get(_cell(obligation))
    return payments.Due(
        obligation_id=obligation.obligation_id,
        agreement_id=obligation.agreement_id,
        currency=obligation.currency,
        amount_minor=obligation.amount_minor,
        value_date=obligation.value_date,
        beneficiary=Beneficiary(
            name=obligation.beneficiary_name,
            country=obligation.beneficiary_country,
            town=obligation.beneficiary_town,
            account=obligation.beneficiary_account,
            bic=obligation.beneficiary_bic,
            bank_code=obligation.beneficiary_bank_code,
        ),
        rail=account.rail if isinstance(account, AccountRow) else "",
        account=account.account if isinstance(account, AccountRow) else "",
        reference=f"Settlement {obligation.window_id} {obligation.agreement_id}",
    )
