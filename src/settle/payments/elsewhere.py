"""Our own reference under another rail: what waits for one rail was carried by another.

The names that a payment carries outside are derived, so no stranger has them. A rail that shows
one it was never given by this store was given it by this store before it was put back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Evidence, Fact
from settle.payments.instruction import Row
from settle.payments.rows import chunks
from settle.payments.state import UNSENT, Event, EventKind, State
from settle.payments.tables import payments
from settle.payments.withholding import MAY_BE_OUT, PAID_ELSEWHERE

_TAKEN = frozenset({Fact.ACCEPTED, Fact.BOOKED, Fact.CREDITED, Fact.RETURNED})
"""Facts of which each says that the rail took it."""


def elsewhere(item: Evidence, rows: Iterable[Row]) -> Event | None:
    """The contradiction that evidence of another rail is to a live payment with its reference."""
    if item.fact not in _TAKEN:
        return None
    for row in rows:
        if row["live"] and row["rail"] != item.rail:
            said = f"{item.fact.value} by {item.source.value} of {item.rail} ({item.evidence_id})"
            way = f"routed by {row['rail']}" if row["rail"] else "no rail takes it"
            return Event(
                payment_id=row["payment_id"], event_id=item.evidence_id,
                kind=EventKind.CONTRADICTED, occurred_at=item.occurred_at,
                source=item.source.value, code=item.code, detail=f"{said}; {way} here",
            )  # fmt: skip
    return None


def hold_elsewhere(connection: Connection, events: Sequence[Event]) -> None:
    """Hold the payments of these events, as far as they have not left or may be sent once more."""
    for chunk in chunks(sorted({event.payment_id for event in events})):
        which = (
            payments.c.payment_id.in_(chunk),
            payments.c.hold_reason.in_(("", *MAY_BE_OUT)),
            payments.c.state.in_(sorted({*UNSENT, State.UNKNOWN.value})),
        )
        connection.execute(sa.update(payments).where(*which).values(hold_reason=PAID_ELSEWHERE))
