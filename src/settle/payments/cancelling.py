"""Cancelling a payment that has not left, by somebody's word. A release and it never both win."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.payments.events import append, locked
from settle.payments.instruction import Row
from settle.payments.state import FOR_GOOD, UNSENT, Event, EventKind, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """A payment that will not be sent. `frees`: its obligation may have another payment now.

    `repays` is the payment that it was to pay again, which waits once more where this frees it.
    `already`: nothing was changed, it was so before.
    """

    payment_id: str
    obligation_id: str
    repays: str | None
    frees: bool
    already: bool


def cancel(
    connection: Connection, payment_id: str, *, actor: str, reason: str, frees: bool, at: datetime
) -> Cancelled:
    """Cancel a payment before it leaves, in the caller's transaction.

    `frees`: its obligation is free for another payment; else it gets none until it is freed by
    cancelling once more with `frees`. What is being sent is locked by the worker that releases
    it, so of the two only the first does anything.

    Raises:
        BadInput: there is no such payment, or it left, or its obligation is free already.
    """
    row = locked(connection, [payment_id]).get(payment_id)
    if row is None:
        raise BadInput(f"there is no payment {payment_id}", field=payment_id)
    said = Event(
        payment_id=payment_id, event_id="cancelled", kind=EventKind.CANCELLED, occurred_at=at,
        code="" if frees else FOR_GOOD, detail=f"by {actor}: {reason}",
    )  # fmt: skip
    if row["state"] == State.CANCELLED:
        new = _again(row, said, frees=frees)
    elif row["state"] in UNSENT:
        new = [said]
    else:
        raise BadInput(
            f"payment {payment_id} is {row['state']}: it left, or may have; "
            f"ask for it back: settle payments recall {payment_id}",
            field=payment_id,
        )
    append(connection, new, recorded_at=at)
    return Cancelled(
        payment_id=payment_id, obligation_id=row["obligation_id"], repays=row["repays"],
        frees=frees, already=not new,
    )  # fmt: skip


def _again(row: Row, said: Event, *, frees: bool) -> list[Event]:
    """What is cancelled already: it is freed now, or is as it should be."""
    if row["live"]:
        return [replace(said, event_id="freed", kind=EventKind.FREED)] if frees else []
    if not frees:
        raise BadInput(
            f"payment {row['payment_id']} was cancelled before, and its obligation is free",
            field=row["payment_id"],
        )
    return []
