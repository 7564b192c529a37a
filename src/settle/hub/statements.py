"""What the rails say about our accounts: fetched, kept, explained, and carried to payments."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from settle import payments
from settle.adapters import (
    NOT_RECORDED,
    AccountRef,
    Ending,
    Finished,
    Sender,
    StatementDocument,
    Verb,
)
from settle.hub.outcomes import Fetched, Reconciled
from settle.hub.progress import Advance
from settle.hub.rails import open_senders
from settle.reconciliation import confirm, keep, last_days, match, open_breaks, refresh

if TYPE_CHECKING:
    import pyarrow as pa

    from settle.hub.hub import Hub

DAYS_BACK_MAX = 30
"""How many missed days are fetched at once; a longer gap is a break, not a flood."""


async def fetch(hub: Hub, day: date, *, advance: Advance) -> Fetched:
    """Fetch each account's statements from the last complete one up to `day`, and keep them.

    The last complete day is fetched again, and every day since that is not: a rail adds to a day
    until it is over there. An account that never had a complete one starts at the first night.
    """
    wanted = list(_wanted(hub, day))
    async with open_senders(hub.adapters) as senders:
        asked = [_one(hub, senders[ref.rail], ref, of_day) for ref, of_day in wanted]
        endings = await asyncio.gather(*asked)
    statements = lines_new = 0
    down: dict[str, str] = {}
    for nth, ((ref, _), ending) in enumerate(zip(wanted, endings, strict=True), start=1):
        if not isinstance(ending, Finished):
            down.setdefault(ref.rail, ending.reason)
        elif ending.value is not None:
            statements += 1
            lines_new += _keep(hub, ending.value, day)
        advance(nth, len(wanted))
    return Fetched(statements=statements, lines_new=lines_new, rails_down=down)


def _wanted(hub: Hub, day: date) -> Iterator[tuple[AccountRef, date]]:
    with hub.store.reading() as connection:
        last = last_days(connection)
    since = hub.nights.first() or day
    for adapter in hub.adapters.values():
        if not adapter.profile.supports(Verb.STATEMENT):
            continue
        for ref in adapter.accounts():
            known = min(last.get(ref, since), day)
            first = max(known, day - timedelta(days=DAYS_BACK_MAX))
            for ahead in range((day - first).days + 1):
                yield ref, first + timedelta(days=ahead)


def reconcile(hub: Hub, day: date) -> Reconciled:
    """Explain lines, let what they prove in at the door of payments, and name what is left.

    Evidence is confirmed once the door has let it count: after a crash in between, or while it
    contradicts what is known, it is handed out again.
    """
    now = hub.now(day)
    found = match(hub.store, hub.engine, payments=_referenced(hub), day=day, as_of=now)
    done = payments.record(
        hub.store, found.evidence, recorded_at=now, returns=hub.config.settings.returns.policy()
    )
    confirm(hub.store, sorted(done.settled), at=now)
    expected = [ref for adapter in hub.adapters.values() for ref in adapter.accounts()]
    refresh(hub.store, day=day, as_of=now, payments=_referenced(hub), expected=expected)
    with hub.store.reading() as connection:
        breaks_open = len(open_breaks(connection))
    return Reconciled(
        matched=len(found.matches), unexplained=found.unexplained, breaks_open=breaks_open
    )


def _referenced(hub: Hub) -> pa.Table:
    with hub.store.reading() as connection:
        return payments.referenced(connection)


async def _one(
    hub: Hub, sender: Sender, ref: AccountRef, day: date
) -> Ending[StatementDocument | None]:
    return await sender.run(
        hub.adapters[ref.rail].statement(ref, day),
        conversation_id=f"statement/{ref.account}/{day}",
        recorder=NOT_RECORDED,
    )


def _keep(hub: Hub, document: StatementDocument, night: date) -> int:
    adapter = hub.adapters[document.rail]
    return keep(hub.store, document, adapter=adapter, received_at=hub.now(night)).lines_new
