"""What an approval signed, by its event: a row that says otherwise is not what was approved.

The row keeps the digest beside the instruction, where whoever edits one edits the other. The
event is sealed, and nothing is written into it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.instruction import Row, fingerprint_of, is_as_approved
from settle.payments.rows import CHUNK, among, chunks, fetch, these
from settle.payments.state import EventKind, State
from settle.payments.tables import payment_events, payments

_SIGNED = (
    sa.select(payment_events.c.payment_id, payment_events.c.code)
    .where(among(payment_events.c.payment_id))
    .where(payment_events.c.kind == EventKind.APPROVED.value)
    .order_by(payment_events.c.ordinal)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unapproved:
    """A payment that goes, or went, for what its approval did not sign, and why that shows."""

    payment_id: str
    why: str


def altered(connection: Connection, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the payments that do not say what their last approval signed."""
    signed = _signed(connection, [row["payment_id"] for row in rows])
    return [
        row for row in rows
        if signed.get(row["payment_id"]) != row["approved_fingerprint"] or not is_as_approved(row)
    ]  # fmt: skip


def unapproved(connection: Connection) -> Iterator[Unapproved]:
    """The payments that stand for their obligation and are not what was approved, by id."""
    last = ""
    while rows := fetch(connection, _STANDING, {"after": last}):
        last = rows[-1]["payment_id"]
        signed = _signed(connection, [row["payment_id"] for row in rows])
        for row in rows:
            if (why := _differs(row, signed.get(row["payment_id"]))) is not None:
                yield Unapproved(payment_id=row["payment_id"], why=why)


_STANDING = (
    sa.select(payments)
    .where(payments.c.live, payments.c.state != State.PLANNED.value)
    .where(payments.c.payment_id > sa.bindparam("after"))
    .order_by(payments.c.payment_id)
    .limit(CHUNK)
)


def _differs(row: Row, signed: str | None) -> str | None:
    if signed is None:
        return "no approval of it is kept"
    if fingerprint_of(row) != signed:
        return "the instruction is not the one that was approved"
    return None


def _signed(connection: Connection, payment_ids: Sequence[str]) -> Mapping[str, str]:
    """By payment, the digest that its last approval signed."""
    found: dict[str, str] = {}
    for chunk in chunks(payment_ids):
        rows = connection.execute(_SIGNED, these(chunk))
        found.update((payment_id, code) for payment_id, code in rows)
    return found
