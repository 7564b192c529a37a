"""Payments of obligations that may yet change: which were released, and cancelling the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.events import append, locked
from settle.payments.instruction import Row
from settle.payments.rows import chunks
from settle.payments.state import UNSENT, Event, EventKind, State
from settle.payments.tables import payments
from settle.payments.withholding import MAY_BE_OUT

_NEVER_LEFT = UNSENT | {State.CANCELLED.value}
"""States of a payment that may never have been released; `releases` says whether it was."""


def released(
    connection: Connection, obligation_ids: Sequence[str], *, tenant: str, locks: bool
) -> Mapping[str, bool]:
    """The obligations that have a payment, each with whether one was ever released.

    A payment that is proved to have been executed counts as released, whoever sent it, and so does
    one that may have left before the store was put back. With
    `locks`, no worker takes any of them up before the caller's transaction ends.
    """
    found: dict[str, bool] = defaultdict(bool)
    for row in _payments(connection, obligation_ids, tenant=tenant, locks=locks):
        left = row["releases"] > 0 or row["state"] not in _NEVER_LEFT
        found[row["obligation_id"]] |= left or row["hold_reason"] in MAY_BE_OUT
    return dict(found)


def withdraw(
    connection: Connection, obligation_ids: Sequence[str], *, tenant: str, why: str, at: datetime
) -> int:
    """Cancel the payments of obligations in the caller's transaction, and say how many.

    None of them may have been released: ask `released` first, with locks.
    """
    rows = _payments(connection, obligation_ids, tenant=tenant, locks=True)
    unsent = [row for row in rows if row["state"] in UNSENT]
    assert not any(row["releases"] for row in unsent), "what was released is not withdrawn"
    append(
        connection,
        [
            Event(
                payment_id=row["payment_id"], event_id="withdrawn", kind=EventKind.CANCELLED,
                occurred_at=at, detail=why,
            )
            for row in unsent
        ],
        recorded_at=at,
    )  # fmt: skip
    return len(unsent)


def _payments(
    connection: Connection, obligation_ids: Sequence[str], *, tenant: str, locks: bool
) -> Sequence[Row]:
    table, rows = payments.c, list[Row]()
    for chunk in chunks(sorted(obligation_ids)):
        query = sa.select(payments).where(table.tenant == tenant, table.obligation_id.in_(chunk))
        rows += [dict(row) for row in connection.execute(query).mappings()]
    if not locks:
        return rows
    # All in one order, as everybody locks them, and read again once nobody else has them.
    return list(locked(connection, [row["payment_id"] for row in rows]).values())
