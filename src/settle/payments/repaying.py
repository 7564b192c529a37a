"""Paying again what came back, or never left: by a linked payment of its own, on somebody's word.

Nothing pays again by itself: a nightly loop to a closed account costs charges each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Adapter, Beneficiary, PaymentKind
from settle.errors import BadInput
from settle.payments.double import is_out
from settle.payments.events import append, events_of, locked
from settle.payments.instruction import Due, Row, payment_of
from settle.payments.planning import again
from settle.payments.refusing import account_of, refusing
from settle.payments.rows import fetch
from settle.payments.state import Event, EventKind, State, state_of
from settle.payments.tables import REPAID, WAITING, payments, returned_payables
from settle.store import Ids, insert_new


@dataclass(frozen=True, slots=True, kw_only=True)
class Repayment:
    """The linked payment. `already`: it was there before. `hold_reason`: why it cannot go yet."""

    payment_id: str
    repays: str
    amount_minor: int
    currency: str
    hold_reason: str
    already: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owed:
    """What is to be paid again, and from which kind of account."""

    amount_minor: int
    owed_from: str


def repay(
    connection: Connection,
    payment_id: str,
    *,
    beneficiary: Beneficiary | None,
    actor: str,
    reason: str,
    value_date: date,
    rails: Mapping[str, Adapter[Any]],
    at: datetime,
    ids: Ids,
) -> Repayment:
    """Make the payment that pays again what came back, in the caller's transaction.

    `beneficiary` is the corrected one; None pays the same account, on the word of `actor`. The new
    payment has an attempt and keys of its own, and waits for its approval and funds as any other.
    The same again changes nothing.

    Raises:
        BadInput: there is no such payment, nothing of it is owed again, it was paid again to
            somebody else, or the account is the one that sent it back.
    """
    row = locked(connection, [payment_id]).get(payment_id)
    if row is None:
        raise BadInput(f"there is no payment {payment_id}", field=payment_id)
    payee = _payee(row, beneficiary)
    attempts = _attempts(connection, row)
    if (standing := _standing(attempts, row)) is not None:
        return _already(row, standing, payee)
    owed = _owed(connection, row)
    new = _made(
        connection, row, payee, owed=owed, attempt=max(a["attempt"] for a in attempts) + 1,
        as_is=beneficiary is None, value_date=value_date, rails=rails, at=at, ids=ids,
    )  # fmt: skip
    _keep(connection, row, new, detail=f"by {actor}: {reason}", at=at)
    return _told(new, already=False)


def _payee(row: Row, corrected: Beneficiary | None) -> Beneficiary:
    before = payment_of(row).beneficiary
    if corrected is None:
        return before
    if (corrected.account, corrected.bic, corrected.bank_code) == account_of(row):
        raise BadInput(
            f"beneficiary.account: payment {row['payment_id']} came back from this very account; "
            "correct it, or approve it as it is by name",
            field="beneficiary.account",
        )
    return corrected


def _attempts(connection: Connection, row: Row) -> list[dict[str, Any]]:
    query = (
        sa.select(payments, is_out(payments).label("is_out"))
        .where(payments.c.tenant == row["tenant"], payments.c.obligation_id == row["obligation_id"])
        .order_by(payments.c.attempt)
        .with_for_update()
    )
    return fetch(connection, query)


def _standing(attempts: list[dict[str, Any]], row: Row) -> Row | None:
    """Another payment that stands for the obligation, or that was executed and is not back."""
    others = [a for a in attempts if a["payment_id"] != row["payment_id"]]
    return next((a for a in others if a["live"] or a["is_out"]), None)


def _already(row: Row, standing: Row, payee: Beneficiary) -> Repayment:
    if standing["repays"] == row["payment_id"] and payment_of(standing).beneficiary == payee:
        return _told(standing, already=True)
    raise BadInput(
        f"payment {standing['payment_id']} stands for the obligation of {row['payment_id']}, "
        f"and is {standing['state']}: it is not paid again beside it",
        field=row["payment_id"],
    )


def _owed(connection: Connection, row: Row) -> _Owed:
    table = returned_payables.c
    query = sa.select(table.amount_minor, table.status).where(table.payment_id == row["payment_id"])
    found = connection.execute(query).one_or_none()
    if found is not None and found.status == WAITING and found.amount_minor > 0:
        return _Owed(amount_minor=found.amount_minor, owed_from="returned")
    proved = state_of(events_of(connection, [row["payment_id"]]).get(row["payment_id"], ()))
    if proved.state is State.FAILED and proved.not_debited:
        return _Owed(amount_minor=row["amount_minor"], owed_from=row["owed_from"])
    raise BadInput(
        f"payment {row['payment_id']} is {row['state']}: nothing of it is owed again. It is paid "
        "again once our account shows it back, or it is proved never to have been debited",
        field=row["payment_id"],
    )


def _made(
    connection: Connection, row: Row, payee: Beneficiary, *, owed: _Owed, attempt: int,
    as_is: bool, value_date: date, rails: Mapping[str, Adapter[Any]], at: datetime, ids: Ids,
) -> dict[str, Any]:  # fmt: skip
    due = Due(
        obligation_id=row["obligation_id"], agreement_id=row["agreement_id"],
        currency=row["currency"], amount_minor=owed.amount_minor, value_date=value_date,
        beneficiary=payee, kind=PaymentKind(row["kind"]), reference=row["remittance_information"],
        rail=row["rail"], account=row["account"],
    )  # fmt: skip
    dead = {} if as_is else refusing(connection, row["tenant"], [payee.account])
    new = again(
        connection,
        due,
        attempt=attempt,
        rails=rails,
        tenant=row["tenant"],
        now=at,
        ids=ids,
        refusing=dead,
    )
    return {**new, "repays": row["payment_id"], "owed_from": owed.owed_from}


def _keep(connection: Connection, row: Row, new: Row, *, detail: str, at: datetime) -> None:
    """The old one gives way before the new one comes: one live payment for an obligation."""
    name = new["payment_id"]
    repaid = Event(
        payment_id=row["payment_id"], event_id=f"repaid/{name}", kind=EventKind.REPAID,
        occurred_at=at, detail=f"{detail}; by payment {name}",
    )  # fmt: skip
    append(connection, [repaid], recorded_at=at)
    insert_new(connection, payments, [new])
    planned = Event(
        payment_id=name, event_id="planned", kind=EventKind.PLANNED, occurred_at=at, ordinal=1,
        detail=new["hold_reason"] or f"pays {row['payment_id']} again, {detail}",
    )  # fmt: skip
    append(connection, [planned], recorded_at=at)
    connection.execute(
        sa.update(returned_payables)
        .where(returned_payables.c.payment_id == row["payment_id"])
        .values(status=REPAID, repaid_by=name)
    )


def _told(row: Row, *, already: bool) -> Repayment:
    return Repayment(
        payment_id=row["payment_id"], repays=row["repays"], amount_minor=row["amount_minor"],
        currency=row["currency"], hold_reason=row["hold_reason"], already=already,
    )  # fmt: skip
