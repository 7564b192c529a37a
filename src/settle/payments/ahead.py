"""What may have left in place of a payment, and was forgotten: later attempts, over any rail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from settle.payments import identity
from settle.payments.instruction import Rail, Row
from settle.payments.tables import payment_events, payments

ATTEMPTS_AHEAD = 10
"""How many attempts beyond the newest that this store knows are asked for.

A rejected attempt created nothing, so no rail may remember it, and the one that was executed
stands behind a gap of any width. An attempt takes a rejection or the word of people, and another
plan: ten are a week and more of nights that all failed, far beyond the age of a good backup.
"""


def takes(rail: Rail) -> sa.ColumnElement[bool]:
    """Whether a rail could have carried a payment, for all that its currency and kind tell."""
    profile = rail.adapter.profile
    return sa.and_(
        payments.c.currency.in_(sorted({ref.currency for ref in rail.adapter.accounts()})),
        payments.c.kind.in_(sorted(kind.value for kind in profile.kinds)),
    )


def in_place_of(row: Row, *, rail: Rail) -> Iterator[dict[str, Any]]:
    """What may have left by a rail in place of a payment, the nearest first, as rows.

    The same attempt, where it waits for another rail; and each attempt after it.
    """
    name = rail.adapter.profile.rail
    account = row["account"]
    if row["rail"] != name:
        ours = {ref.currency: ref.account for ref in reversed(rail.adapter.accounts())}
        account = ours[row["currency"]]
        yield {**row, "account": account}
    for attempt in attempts_after(row):
        names = identity.identity(row["tenant"], row["obligation_id"], attempt=attempt)
        yield {
            **row, "account": account, "attempt": attempt,
            "idempotency_key": names.idempotency_key,
            "end_to_end_id": names.end_to_end_id, "uetr": names.uetr,
        }  # fmt: skip


def attempts_after(row: Row) -> range:
    """The attempts that may have been made and forgotten."""
    first = row["attempt"] + 1
    return range(first, first + ATTEMPTS_AHEAD)


def names_after(row: Row) -> Iterator[str]:
    """Every name that a statement may give those attempts."""
    for attempt in attempts_after(row):
        names = identity.identity(row["tenant"], row["obligation_id"], attempt=attempt)
        yield from (names.end_to_end_id, names.uetr, names.idempotency_key)


def planned_before(at: datetime) -> sa.ColumnElement[bool]:
    """Whether the obligation of a payment had one before that instant, which may be forgotten."""
    earlier, told = payments.alias("earlier"), payment_events.alias("told")
    return sa.exists().where(
        earlier.c.tenant == payments.c.tenant,
        earlier.c.obligation_id == payments.c.obligation_id,
        told.c.payment_id == earlier.c.payment_id,
        told.c.recorded_at < at,
    )
