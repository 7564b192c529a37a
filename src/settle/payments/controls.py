"""Approval before release, by four eyes: policy below a limit, one person above it, then two.

What is approved is the canonical instruction, by its fingerprint: any change of it is another
instruction, which nobody has approved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.payments.events import append, step
from settle.payments.gate.holds import last_scheduled
from settle.payments.gate.persons import POLICY, person_of
from settle.payments.gate.rules import CLEARABLE, Control
from settle.payments.gate.signing import APPROVES, approvers, sign, signers
from settle.payments.identity import SIGNED
from settle.payments.instruction import Row, fingerprint_of
from settle.payments.rows import among, chunks, fetch, some, these
from settle.payments.state import Event, EventKind, State
from settle.payments.steps import STANDING, advance
from settle.payments.tables import payments
from settle.payments.withholding import BEFORE, withhold
from settle.store import Store, uncollected


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is approved without a person, and what by two. A currency without a limit waits for one.

    `limit_minor`: by currency, in its minor units, itself included, what policy approves.
    `second_limit_minor`: what one person may approve; above it two different ones must.
    """

    limit_minor: Mapping[str, int]
    second_limit_minor: Mapping[str, int] = field(default_factory=dict)
    name: str = POLICY

    def allows(self, row: Row) -> bool:
        """Whether the payment needs no person."""
        return bool(row["amount_minor"] <= self.limit_minor.get(row["currency"], 0))

    def persons(self, row: Row) -> int:
        """How many different persons must approve a payment that policy does not."""
        second = self.second_limit_minor.get(row["currency"])
        return 1 if second is None or row["amount_minor"] <= second else 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """What policy approved, and the payments that wait for a person."""

    approved: int
    waiting: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What a person's signature did. `persons_missing`: how many others must still approve.

    `cleared`: the control whose hold it cleared, if it did.
    """

    payment_id: str
    persons_missing: int = 0
    cleared: Control | None = None


def approve(store: Store, policy: Policy, *, now: datetime) -> Approved:
    """Approve what policy allows. This signs the instruction as it stands; a change voids it.

    What is not what was planned is approved by nobody, and is withheld with that reason.
    """
    with uncollected(), store.transaction() as connection:
        found = _unapproved(connection)
        changed = {row["payment_id"]: row for row in found if not _as_planned(row)}
        rows = [row for row in found if row["payment_id"] not in changed]
        withhold(connection, changed, why=BEFORE, now=now)
        allowed = [row for row in rows if policy.allows(row)]
        _approve(connection, allowed, by=policy.name, now=now)
    chosen = {row["payment_id"] for row in allowed}
    waiting = [row["payment_id"] for row in rows if row["payment_id"] not in chosen]
    return Approved(approved=len(allowed), waiting=waiting)


def approve_one(
    store: Store, payment_id: str, *, actor: str, now: datetime, policy: Policy | None = None
) -> Signed:
    """Approve one payment, or clear the hold of a control, in the name of an authenticated person.

    Above the second limit of `policy` two different persons must approve. Whoever cleared a hold
    may not be the only approver, nor whoever is the only approver clear one.

    Raises:
        BadInput: there is no such payment, it does not wait for a person, this one has done what
            another must do now, or is nobody.
    """
    person = person_of(actor)
    with store.transaction() as connection:
        row = _waiting(connection, payment_id)
        if row["state"] == State.SCHEDULED:
            return _clear(connection, row, person=person, actor=actor, now=now)
        return _second(connection, row, policy or Policy(limit_minor={}), actor=actor, now=now)


def _second(
    connection: Connection, row: Row, policy: Policy, *, actor: str, now: datetime
) -> Signed:
    """One more pair of eyes; with enough of them the payment is approved."""
    digest, payment_id = fingerprint_of(row), row["payment_id"]
    if not sign(connection, row, role=APPROVES, fingerprint=digest, actor=actor, now=now):
        why = f"payment {payment_id} was approved by {actor.strip()} already; another has to"
        raise BadInput(why, field="actor")
    signed = signers(connection, row, fingerprint=digest)
    named = signed[APPROVES]
    clearing = {person for role in signed.keys() - {APPROVES} for person in signed[role]}
    missing = max(policy.persons(row) - len(named), int(named.keys() <= clearing))
    if not missing:
        _approve(connection, [row], by=", ".join(named.values()), now=now)
        return Signed(payment_id=payment_id)
    said = f"by {actor.strip()}; {missing} more must approve"
    _tell(connection, row, EventKind.ENDORSED, name=digest, actor=actor, detail=said, now=now)
    return Signed(payment_id=payment_id, persons_missing=missing)


def _clear(connection: Connection, row: Row, *, person: str, actor: str, now: datetime) -> Signed:
    digest, control = fingerprint_of(row), Control(row["code"])
    if approvers(connection, row, fingerprint=digest) <= {person}:
        why = f"payment {row['payment_id']} was approved by {actor.strip()} alone"
        raise BadInput(f"{why}; another person has to clear its {control}", field="actor")
    if not sign(connection, row, role=control, fingerprint=digest, actor=actor, now=now):
        why = f"payment {row['payment_id']}: its {control} was cleared by {actor.strip()} already"
        raise BadInput(why, field="actor")
    said = f"{control} by {actor.strip()}"
    _tell(connection, row, EventKind.CLEARED, name=control, actor=actor, detail=said, now=now)
    return Signed(payment_id=row["payment_id"], cleared=control)


def _tell(
    connection: Connection, row: Row, kind: EventKind, *, name: str, actor: str, detail: str,
    now: datetime,
) -> None:  # fmt: skip
    event = Event(
        payment_id=row["payment_id"], event_id=f"{kind.value}/{name}/{person_of(actor)}",
        kind=kind, occurred_at=now, code=fingerprint_of(row), detail=detail,
    )  # fmt: skip
    append(connection, [event], recorded_at=now)


def _waiting(connection: Connection, payment_id: str) -> Row:
    """The payment that waits for a person, with the control that holds it."""
    for row in _unapproved(connection, payment_id):
        if not _as_planned(row):
            raise BadInput(f"payment {payment_id}: {BEFORE}", field="instruction")
        return row
    query = (
        sa.select(payments)
        .where(payments.c.payment_id == payment_id, payments.c.state == State.SCHEDULED.value)
        .with_for_update()
    )
    last = last_scheduled()
    for row in fetch(connection, query):
        said = sa.select(last.c.code).where(last.c.payment_id == payment_id)
        row["code"] = connection.scalar(said) or ""
        if row["code"] in CLEARABLE:
            return row
    state = connection.scalar(
        sa.select(payments.c.state).where(payments.c.payment_id == payment_id)
    )
    if state is None:
        raise BadInput(f"there is no payment {payment_id}", field=payment_id)
    why = f"payment {payment_id} is {state}, and does not wait for an approval"
    raise BadInput(f"{why}; settle payments show says what holds it", field=payment_id)


def _unapproved(connection: Connection, payment_id: str | None = None) -> list[Row]:
    """What waits for an approval, locked."""
    query = (
        some(("payment_id", "fingerprint", *STANDING, *SIGNED))
        .where(payments.c.state == State.PLANNED.value, payments.c.hold_reason == "")
        .order_by(payments.c.payment_id)
        .with_for_update()
    )
    if payment_id is not None:
        query = query.where(payments.c.payment_id == payment_id)
    return list(fetch(connection, query))


def _as_planned(row: Row) -> bool:
    return bool(fingerprint_of(row) == row["fingerprint"])


def _approve(connection: Connection, rows: Sequence[Row], *, by: str, now: datetime) -> None:
    """Approve what is as planned, and so has its fingerprint in its row."""
    events = [
        step(row, EventKind.APPROVED, now, detail=f"by {by}", code=row["fingerprint"])
        for row in rows
    ]
    before = {row["payment_id"]: row for row in rows}
    advance(connection, events, recorded_at=now, subjects=before)
    for chunk in chunks([row["payment_id"] for row in rows]):
        connection.execute(_SIGNED, {"by": by, **these(chunk)})


_SIGNED = (
    sa.update(payments)
    .where(among(payments.c.payment_id))
    .values(approved_fingerprint=payments.c.fingerprint, approved_by=sa.bindparam("by"))
)
