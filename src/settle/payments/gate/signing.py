"""Signatures: who stood up for an instruction, as its approver or to clear a control's hold.

Each is for one fingerprint: an instruction that changes has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.gate.persons import POLICY, person_of
from settle.payments.gate.rules import Control
from settle.payments.gate.tables import signatures
from settle.payments.instruction import Row
from settle.payments.state import State
from settle.payments.tables import payments
from settle.store import insert_new

APPROVES = "approves"
"""The role of an approver; any other role is the control whose hold was cleared."""


def sign(
    connection: Connection, row: Row, *, role: str, fingerprint: str, actor: str, now: datetime
) -> bool:
    """Keep a signature, and say whether it was not there yet. Whoever clears a hold signs too.

    Raises:
        BadInput: the actor is nobody.
    """
    signature = {
        "payment_id": row["payment_id"], "role": role, "fingerprint": fingerprint,
        "person": person_of(actor), "actor": actor.strip(), "signed_at": now,
    }  # fmt: skip
    return bool(insert_new(connection, signatures, [signature]))


def signers(connection: Connection, row: Row, *, fingerprint: str) -> Mapping[str, dict[str, str]]:
    """By role, who signed an instruction: the actor's name by person, in the order of signing."""
    of = signatures.c
    query = (
        sa.select(of.role, of.person, of.actor)
        .where(of.payment_id == row["payment_id"], of.fingerprint == fingerprint)
        .order_by(of.signed_at, of.person)
    )
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for role, person, actor in connection.execute(query):
        found[role][person] = actor
    return found


def approvers(connection: Connection, row: Row, *, fingerprint: str) -> set[str]:
    """The persons who approved an instruction, and policy if it did."""
    found = set(signers(connection, row, fingerprint=fingerprint).get(APPROVES, ()))
    by = row["approved_by"]
    if found or not by:
        return found
    return {POLICY} if by == POLICY else {person_of(by)}


def cleared(connection: Connection) -> Mapping[str, frozenset[Control]]:
    """The controls that were cleared for payments that have not left, as they were approved."""
    of = signatures.c
    query = (
        sa.select(of.payment_id, of.role)
        .join(payments, payments.c.payment_id == of.payment_id)
        .where(
            payments.c.state.in_((State.APPROVED.value, State.SCHEDULED.value)),
            of.fingerprint == payments.c.approved_fingerprint,
            of.role.in_([control.value for control in Control]),
        )
    )
    found: dict[str, set[Control]] = defaultdict(set)
    for payment_id, role in connection.execute(query):
        found[payment_id].add(Control(role))
    return {payment_id: frozenset(controls) for payment_id, controls in found.items()}
