"""Leases: who has a payment, for which of its sendings, and until when others keep off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from settle.payments.fences import borne
from settle.payments.instruction import Row
from settle.payments.tables import payments


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who takes, on which rail, when and for how long."""

    rail: str
    worker: str
    now: datetime
    length: timedelta

    @property
    def until(self) -> datetime:
        """When others may take it over."""
        return self.now + self.length


TAKEN = (
    "worker", "lease_until", "releases", "resends", "released_at", "released_on",
    "conversation_id", "batch_id", "batch_on",
)  # fmt: skip
"""The columns of `as_taken`."""


def as_taken(row: Row, lease: Lease, *, since: datetime, on: date) -> dict[str, Any]:
    """What says of a payment who has it, for which sending."""
    return {
        "worker": lease.worker,
        "lease_until": lease.until,
        "releases": row["releases"],
        "resends": row["resends"],
        "released_at": since,
        "released_on": on,
        "conversation_id": row["conversation_id"],
        "batch_id": row["batch_id"],
        "batch_on": row["batch_on"],
    }


def takeable(lease: Lease) -> sa.Select[Any]:
    """The payments of its rail that nobody else has, or has no longer, locked in one order."""
    return (
        sa.select(payments)
        .where(
            payments.c.rail == lease.rail,
            sa.or_(
                payments.c.worker.is_(None),
                borne(lease.worker, payments.c.worker),
                payments.c.lease_until < lease.now,
            ),
        )
        .order_by(payments.c.payment_id)
        .with_for_update()
    )
