"""Taking an approval back: what may not be sent as it is waits for corrected data, with why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.events import append, step
from settle.payments.instruction import Row
from settle.payments.state import EventKind
from settle.payments.tables import payments

ASKED_BACK = "recall: somebody wants it back; it did not leave, and can be cancelled"

UNASKED = "search: nobody could ask whether it was paid before the store was put back"
PAID_ELSEWHERE = "search: a rail knows another payment of its obligation; look there first"
LIKE_A_DEBIT = "search: a debit that nothing explains may be it; look at the statement first"
MAY_BE_OUT = (UNASKED, PAID_ELSEWHERE, LIKE_A_DEBIT)
"""Why a payment is held that may have left before the store was put back, it or one like it."""

CHANGED = "instruction: changed after its approval"
BEFORE = "instruction: changed since it was planned"

_HELD = (
    sa.update(payments)
    # What is held already says more than this would.
    .where(payments.c.payment_id == sa.bindparam("of_payment"), payments.c.hold_reason == "")
    .values(hold_reason=sa.bindparam("why"))
)


def withhold(connection: Connection, rows: Mapping[str, Row], *, why: str, now: datetime) -> None:
    """Void the approval of locked payments that have not left. This keeps why, as `field: why`.

    `rows`: by payment.
    """
    voided = [step(row, EventKind.VOIDED, now, detail=why) for row in rows.values()]
    append(connection, voided, recorded_at=now)
    if rows:
        connection.execute(_HELD, [{"of_payment": key, "why": why} for key in rows])
