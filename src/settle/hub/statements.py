"""What the rails say about our accounts: fetched, kept, explained, and carried to payments."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from settle import payments
from settle.adapters import (
    NOT_RECORDED,
    AccountRef,
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

    The last complete day is fetched again: a rail may add to it until its own day is over.
    """
    wanted = list(_wanted(hub, day))
    statements = lines_new = 0
    down: dict[str, str] = {}
    async with open_senders(hub.adapters) as senders:
        for nth, (ref, of_day) in enumerate(wanted, start=1):
            if ref.rail not in down:
                found = await _one(hub, senders[ref.rail], ref, of_day)
                if isinstance(found, str):
                    down[ref.rail] = found
                elif found is not None:
                    kept = await asyncio.to_thread(_keep, hub, found, day)
                    statements += 1
                    lines_new += kept
            advance(nth, len(wanted))
    return Fetched(statements=statements, lines_new=lines_new, rails_down=down)


def _wanted(hub: Hub, day: date) -> Iterator[tuple[AccountRef, date]]:
    with hub.store.reading() as connection:
        last = last_days(connection)
    for adapter in hub.adapters.values():
        if not adapter.profile.supports(Verb.STATEMENT):
            continue
        for ref in adapter.accounts():
            first = max(last.get(ref, day), day - timedelta(days=DAYS_BACK_MAX))
            for ahead in range((day - first).days + 1):
                yield ref, first + timedelta(days=ahead)


def reconcile(hub: Hub, day: date) -> Reconciled:
    """Explain lines, let what they prove in at the door of payments, and name what is left.

    Evidence is confirmed once the door has committed it: a crash in between hands it out again.
    """
    now = hub.now(day)
    found = match(hub.store, hub.engine, payments=_sent(hub), day=day, as_of=now)
    payments.record(hub.store, found.evidence, recorded_at=now)
    confirm(hub.store, [item.evidence_id for item in found.evidence], at=now)
    expected = [ref for adapter in hub.adapters.values() for ref in adapter.accounts()]
    refresh(hub.store, day=day, as_of=now, payments=_sent(hub), expected=expected)
    with hub.store.reading() as connection:
        breaks_open = len(open_breaks(connection))
    return Reconciled(
        matched=len(found.matches), unexplained=found.unexplained, breaks_open=breaks_open
    )


def _sent(hub: Hub) -> pa.Table:
    with hub.store.reading() as connection:
        return payments.sent(connection)


async def _one(
    hub: Hub, sender: Sender, ref: AccountRef, day: date
) -> StatementDocument | str | None:
    ending = await sender.run(
        hub.adapters[ref.rail].statement(ref, day),
        conversation_id=f"statement/{ref.account}/{day}",
        recorder=NOT_RECORDED,
    )
    if isinstance(ending, Finished):
        return ending.value
    return ending.reason


def _keep(hub: Hub, document: StatementDocument, night: date) -> int:
    # While the rail's own day is still running, more may be booked on it.
    over = document.day < hub.now(night).date() or document.format == "camt.053"
    kept = keep(
        hub.store,
        replace(document, complete=document.complete and over),
        adapter=hub.adapters[document.rail],
        received_at=hub.now(night),
    )
    return kept.lines_new
