"""Absence as proof: the rail does not know a payment, past the time in which it could still pay.

It counts only on a rail that declares late execution impossible, where `find` was answered "not
found" after the horizon of the last moment at which it may have left, and where statements
without a gap, which the caller has looked at, show no line that could be it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Adapter, Profile, Source
from settle.payments.events import append, events_of, locked
from settle.payments.identity import REFERENCES
from settle.payments.instruction import Row
from settle.payments.leaving import last_leaving
from settle.payments.rows import among, fetch
from settle.payments.state import ABSENCE, SENT, Event, EventKind, State, standing
from settle.payments.tables import payments
from settle.payments.unheard import is_unheard
from settle.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A payment that its rail does not know, past the horizon. It waits for statements.

    They must show nothing like it on its account from `first` to `last`, both included.
    """

    payment_id: str
    rail: str
    account: str
    currency: str
    first: date
    last: date
    sending: tuple[int, int]
    asked_at: datetime


def note_absent(
    store: Store, rows: Sequence[Row], asked_at: Mapping[str, datetime], *, profile: Profile,
    at: datetime,
) -> None:  # fmt: skip
    """Keep that `find` said "not found", where the horizon was past by then and it may count.

    `asked_at`: by the reference that was not found, when the rail was asked. That counts, not when
    the look ended: another rail may have kept it waiting, and an answer may be as old as its
    question.
    """
    if not profile.late_execution_impossible:
        return
    since = {row["payment_id"]: when for row in rows if (when := _asked_at(row, asked_at))}
    named = [row for row in rows if row["payment_id"] in since]
    if not named:
        return
    with store.transaction() as connection:
        events = events_of(connection, [row["payment_id"] for row in named])
        left = last_leaving(connection, named, events)
        past = [
            _noted(row, since[row["payment_id"]]) for row in named
            if since[row["payment_id"]] >= left[row["payment_id"]] + profile.finality_horizon
        ]  # fmt: skip
        append(connection, past, recorded_at=at)


def _asked_at(row: Row, asked_at: Mapping[str, datetime]) -> datetime | None:
    found = [asked_at[row[name]] for name in REFERENCES if row[name] in asked_at]
    return min(found, default=None)


def missing(connection: Connection, rails: Mapping[str, Adapter[Any]]) -> list[Missing]:
    """Payments nobody knows the outcome of, and that `find` did not know past their horizon."""
    declared = [x for x, rail in rails.items() if rail.profile.late_execution_impossible]
    unknown = (payments.c.state == State.UNKNOWN.value, payments.c.rail.in_(declared))
    query = sa.select(payments).where(*unknown, payments.c.worker.is_(None))
    rows = fetch(connection, query.order_by(payments.c.payment_id))
    events = events_of(connection, [row["payment_id"] for row in rows])
    left = last_leaving(connection, rows, events)
    found = []
    for row in rows:
        known = events.get(row["payment_id"], ())
        if any(event.event_id == _proof(row["releases"], row["resends"]) for event in known):
            continue  # two people took it back: it is theirs to decide
        horizon = rails[row["rail"]].profile.finality_horizon
        noted = [
            e for e in standing(known) if e.event_id == _name(row) and e.source == Source.FIND.value
        ]
        until = left[row["payment_id"]] + horizon
        if noted and noted[0].occurred_at >= until:
            found.append(_missing(row, known, noted[0], until))
    return found


def close_absent(
    store: Store, proved: Sequence[Missing], *, shown_by: str, at: datetime
) -> Sequence[str]:
    """Close what statements do not show, either. What was sent again meanwhile stays open.

    So does what was answered, as long as nobody has heard the answer.

    `shown_by`: the statements that were looked at, for people. Returns the ids of those closed.
    """
    with store.transaction() as connection:
        rows = locked(connection, [each.payment_id for each in proved])
        unheard = set(connection.scalars(_UNHEARD, {"among": sorted(rows)})) if rows else set()
        still = [
            each
            for each in proved
            if _as_it_was(rows[each.payment_id], each) and each.payment_id not in unheard
        ]
        events = [_absent(each, shown_by, at) for each in still]
        append(connection, events, recorded_at=at)
    return [each.payment_id for each in still]


_UNHEARD = sa.select(payments.c.payment_id).where(among(payments.c.payment_id), is_unheard())


def _as_it_was(row: Row, each: Missing) -> bool:
    sending = row["releases"], row["resends"]
    unheld = row["state"] == State.UNKNOWN.value and row["worker"] is None
    return unheld and sending == each.sending


def _missing(row: Row, events: Sequence[Event], noted: Event, until: datetime) -> Missing:
    # A day more at either end: a bank's day is not ours.
    sent = [event.occurred_at for event in events if event.kind in SENT]
    return Missing(
        payment_id=row["payment_id"], rail=row["rail"], account=row["account"],
        currency=row["currency"], first=min(sent).date() - timedelta(days=1),
        last=until.date() + timedelta(days=1),
        sending=(row["releases"], row["resends"]), asked_at=noted.occurred_at,
    )  # fmt: skip


def _name(row: Row) -> str:
    return f"absent/{row['releases']}.{row['resends']}"


def _proof(release: int, resend: int) -> str:
    return f"proved_absent/{release}.{resend}"


def _noted(row: Row, at: datetime) -> Event:
    return Event(
        payment_id=row["payment_id"], event_id=_name(row), kind=EventKind.NOT_FOUND,
        occurred_at=at, source=Source.FIND.value, detail="past the horizon of its last sending",
    )  # fmt: skip


def _absent(each: Missing, shown_by: str, at: datetime) -> Event:
    release, resend = each.sending
    return Event(
        payment_id=each.payment_id, event_id=_proof(release, resend),
        kind=EventKind.CANCELLED, occurred_at=at, source=ABSENCE, code="absent",
        detail=f"find did not know it at {each.asked_at:%Y-%m-%d %H:%M}, past the horizon; "
        f"{shown_by}",
    )  # fmt: skip
