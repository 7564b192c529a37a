"""Broken guards: each takes one that holds something back, and gives one that lets it go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from settle.ledger.tables import journal
from settle.payments import events
from settle.payments.gate.rules import NO_PAUSES
from settle.payments.state import ABSENCE, Event, EventKind, PaymentState, State


def never_closed(healthy: Any) -> Any:
    """No rail has a cut-off."""

    def lanes(self: Any, rails: Any, writer: Any, **_: Any) -> Any:
        return healthy(self, rails, writer)

    return lanes


def resent_late(healthy: Any) -> Any:
    """What is sent again knows no cut-off."""

    async def again(look: Any, policy: Any, pauses: Any) -> int:
        look.lane.cut_off = None
        sent: int = await healthy(look, policy, pauses)
        return sent

    return again


def resent_paused(healthy: Any) -> Any:
    """What is sent again knows no switch."""

    async def again(look: Any, policy: Any, _: Any) -> int:
        sent: int = await healthy(look, policy, NO_PAUSES)
        return sent

    return again


def none_stopped(_: Any) -> Any:
    """Nothing keeps an unknown conversation from being sent once more."""
    return lambda _connection, _conversation_ids: set()


def any_time(_: Any) -> Any:
    """A claim looks at no switch."""
    return lambda _given: sa.true()


def made_anew(healthy: Any) -> Any:
    """A statement that is else made once is made each time, of what is broken by now."""
    return healthy.__wrapped__


def never_paused(_: Any) -> Any:
    """The gate sees no switch turned."""
    return lambda _connection: NO_PAUSES


def tidied(healthy: Any) -> Any:
    """Whenever evidence was let in, the books are made to look as if all were of that day."""

    def record(store: Any, evidence: Any, *, recorded_at: Any) -> Any:
        done = healthy(store, evidence, recorded_at=recorded_at)
        with store.transaction() as connection:
            connection.execute(sa.update(journal).values(posted_on=recorded_at.date()))
        return done

    return record


def freed_funds(healthy: Any) -> Any:
    """What nobody knows the outcome of is given back to whoever is owed."""

    def releases(subject: Any, seen: Any, proved: PaymentState) -> Any:
        if proved.state is State.UNKNOWN:
            proved = replace(proved, open_releases=())
        return healthy(subject, seen, proved)

    return releases


def long_way(_: Any) -> Any:
    """No step is known without folding."""
    return lambda _row, _event: False


def absent_at_once(healthy: Any) -> Any:
    """What a rail does not find now counts as never executed: no horizon, no statement."""

    def note(store: Any, rows: Any, references: set[str], *, profile: Any, at: Any) -> None:
        healthy(store, rows, references, profile=profile, at=at)
        gone = [row for row in rows if row["end_to_end_id"] in references]
        closing = [
            Event(
                payment_id=row["payment_id"], event_id=f"gone/{row['releases']}",
                kind=EventKind.CANCELLED, occurred_at=at, source=ABSENCE,
            )
            for row in gone
            if profile.late_execution_impossible
        ]  # fmt: skip
        with store.transaction() as connection:
            events.append(connection, closing, recorded_at=at)

    return note


def never_restored(_: Any) -> Any:
    """A store that was put back goes on as if nothing had been."""
    return lambda _self: False
