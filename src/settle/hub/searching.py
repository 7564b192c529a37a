"""What a store that was put back has forgotten: searched at the rails and in the statements."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from settle import payments
from settle.errors import BadInput
from settle.hub.rails import open_rails
from settle.reconciliation import unexplained_debits
from settle.store import uuid7

if TYPE_CHECKING:
    from settle.hub.hub import Hub

ROUNDS_MAX = 10
"""How many attempts of one obligation are followed: each that was rejected may have had a next."""

WORKER = "search"


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedStore:
    """What a search did, in payments. `not_asked`: by rail, held until somebody looked by hand.

    `elsewhere`: held, for a rail knows another payment of the obligation; `suspected`: held, for
    a debit that nothing explains is of their amount and account.
    `rails_down`: why rails did not answer; `night_missing`: the business day whose night is to be
    run again first, for its payments may have left as well.
    """

    found: int
    absent: int
    not_asked: Mapping[str, int] = field(default_factory=dict)
    elsewhere: int = 0
    suspected: int = 0
    rails_down: Mapping[str, str] = field(default_factory=dict)
    night_missing: date | None = None

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left that this library can search by itself."""
        return self.night_missing is None and not self.rails_down


def search(hub: Hub) -> SearchedStore:
    """Search for everything that may have been paid since the backup, as far as that goes alone.

    Statements since, every payment that is open, and then every payment that waits, by its key:
    a store that has forgotten one mints the same key again. Where an attempt proves rejected, its
    obligation's next is asked about as well.

    Raises:
        BadInput: the store was not put back, or a process of the old one may still send.
    """
    if not hub.epoch.was_restored():
        raise BadInput("the store was not put back from a backup: there is nothing to search")
    _refuse_early(hub)
    hub.epoch.begin_search(at=hub.now())
    day = hub.nights.last() or hub.last_day()
    down = dict(hub.fetch(day).rails_down)
    down |= hub.look_up(day, accepted=True).rails_down
    found, absent, elsewhere, suspected, not_asked = 0, 0, 0, 0, Counter[str]()
    hub.plan(day)
    for _ in range(ROUNDS_MAX):
        hub.reconcile(day)  # only what is planned again has the references that lines carry
        done = asyncio.run(_search(hub, day))
        found, absent, not_asked = found + done.found, done.absent, Counter(done.not_asked)
        elsewhere = done.elsewhere
        down |= done.silent
        hub.plan(day)
        with hub.store.reading() as connection:
            suspected = payments.suspected(connection)
            if not payments.unsearched(connection):
                break
    missing = hub.last_day() if day < hub.last_day() else None
    result = SearchedStore(
        found=found, absent=absent, not_asked=dict(not_asked), elsewhere=elsewhere,
        suspected=suspected, rails_down=down,
        night_missing=missing,
    )  # fmt: skip
    if result.is_complete:
        hub.epoch.end_search(at=hub.now())
    return result


def resume(hub: Hub, *, actor: str, reason: str, by_hand: bool) -> int:
    """Release again; say how many payments stay held because nobody could ask about them.

    Raises:
        BadInput: the search did not end, something was planned since, or a process of the old
            store has sent since, or may still.
    """
    with hub.store.reading() as connection:
        left = payments.unsearched(connection)
    was_restored = hub.epoch.was_restored()
    if was_restored and (left or not hub.epoch.was_searched()):
        why = f"{left} payments that wait were" if left else "what was forgotten was"
        raise BadInput(f"{why} not searched since the store was put back; first: settle search")
    if was_restored:
        _refuse_early(hub, searched_at=hub.epoch.searched_at())
        hub.forget_heads()  # those sealed since the backup are not of this chain
    hub.epoch.accept(actor=actor, reason=reason, at=hub.now())
    with hub.store.transaction() as connection:
        if by_hand:
            payments.let_go(connection)
        return payments.held_back(connection)


def _refuse_early(hub: Hub, *, searched_at: datetime | None = None) -> None:
    if not hub.clock.is_rehearsed:  # a rehearsal's instants are not those of its files
        hub.epoch.refuse_early(at=searched_at or hub.now())


async def search_again(hub: Hub, rails: Mapping[str, payments.Rail], day: date) -> None:
    """Ask about later attempts that nobody asked about: before the backup's end they may have been.

    This is for a store that was put back once, before each release.
    """
    if hub.epoch.last_restored_at() is not None:
        await payments.search(
            hub.store, rails, clock=lambda: hub.now(day), worker=WORKER, ids=uuid7,
            only_again=True, planned_by=hub.epoch.last_resumed_at(),
        )  # fmt: skip


def suspect(hub: Hub) -> None:
    """Hold what waits and may be a debit that nothing explains, in a store that was put back.

    Until a person lets it go on, a debit of the same amount is enough; ever after, one that
    carries a name of ours.
    """
    if hub.epoch.last_restored_at() is None and not hub.epoch.was_restored():
        return
    with hub.store.reading() as connection:
        debits = unexplained_debits(connection)
    payments.suspect(hub.store, debits, by_amount=hub.epoch.was_restored())


async def _search(hub: Hub, day: date) -> payments.Searched:
    async with open_rails(hub.adapters) as rails:
        return await payments.search(
            hub.store, rails, clock=lambda: hub.now(day), worker=WORKER, ids=uuid7
        )
