"""Obligations become payments: routed, checked, named, and kept before anything is sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Adapter
from settle.errors import UnknownCurrency
from settle.money import MINOR_MAX, exponent
from settle.payments.beneficiaries import faults
from settle.payments.events import append
from settle.payments.identity import identity
from settle.payments.instruction import Due, Row, fingerprint_of, payment_of
from settle.payments.refusing import Payee, payee_of, refusing
from settle.payments.routing import route
from settle.payments.rows import chunks, fetch
from settle.payments.state import DEAD, Event, EventKind, State
from settle.payments.tables import payments
from settle.store import Ids, Store, insert_new


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A payment that is kept but cannot be approved: `reason` is `field: why`."""

    payment_id: str
    obligation_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An obligation that got no payment, and why, by field."""

    obligation_id: str
    field: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What planning did. Obligations that had their payment already are only counted."""

    planned: int
    already: int
    held: Sequence[Held]
    refused: Sequence[Refusal]


@dataclass(slots=True)
class _Plan:
    """One planning under way."""

    rails: Mapping[str, Adapter[Any]]
    tenant: str
    now: datetime
    ids: Ids
    refusing: Mapping[Payee, str]
    new: list[dict[str, Any]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    already: int = 0

    def take(self, due: Due, earlier: Sequence[Row]) -> None:
        refusal = _refusal(due)
        if refusal is not None:
            self.refused.append(refusal)
            return
        row = self._row(due, attempt=len(earlier) + 1)
        standing = [r for r in earlier if r["live"] or State(r["state"]) not in _OVER]
        held = all(r["hold_reason"] and r["state"] == State.PLANNED for r in standing)
        # One that no rail took says the same by whichever rail it goes.
        finds_a_rail = row["rail"] and not any(r["rail"] for r in standing)
        if not standing:
            self._after_rejection(row, earlier)
        elif held and (finds_a_rail or not all(_same(row, r) for r in standing)):
            self.cancelled.extend(r["payment_id"] for r in standing)
            self.new.append(row)
        elif any(r["state"] == State.RETURNED for r in standing):
            self.already += 1  # it waits for a person, or was paid again as one said
        elif all(_same(row, r) for r in standing):
            self.already += 1
        else:
            why = f"differs from the instruction of payment {standing[0]['payment_id']}"
            self._refuse(row, _difference(row, standing[0]), why)

    def _after_rejection(self, row: dict[str, Any], earlier: Sequence[Row]) -> None:
        rejected = [r for r in earlier if r["state"] == State.REJECTED]
        if rejected and _payee(rejected[-1]) == _payee(row):
            self._refuse(row, "beneficiary", "rejected before; waits for a corrected beneficiary")
        else:
            self.new.append(row)

    def _refuse(self, row: Row, which: str, why: str) -> None:
        self.refused.append(Refusal(obligation_id=row["obligation_id"], field=which, why=why))

    def _row(self, due: Due, *, attempt: int) -> dict[str, Any]:
        way = route(due, self.rails)
        names = identity(self.tenant, due.obligation_id, attempt=attempt)
        payee = due.beneficiary
        row: dict[str, Any] = {
            "payment_id": self.ids(),
            "tenant": self.tenant,
            "obligation_id": due.obligation_id,
            "agreement_id": due.agreement_id,
            "attempt": attempt,
            "kind": due.kind.value,
            "currency": due.currency,
            "amount_minor": due.amount_minor,
            "value_date": due.value_date,
            "not_before": due.value_date,
            "beneficiary_name": payee.name,
            "beneficiary_country": payee.country,
            "beneficiary_town": payee.town,
            "beneficiary_account": payee.account,
            "beneficiary_bic": payee.bic,
            "beneficiary_bank_code": payee.bank_code,
            "remittance_information": due.reference or due.obligation_id,
            "purpose": "SUPP",
            "rail": way.rail,
            "account": way.account,
            "routing_reason": way.reason,
            "idempotency_key": names.idempotency_key,
            "end_to_end_id": names.end_to_end_id,
            "uetr": names.uetr,
            "state": State.PLANNED.value,
            "funded": False,
            "live": True,
            "in_transit": False,
        }
        row["fingerprint"] = fingerprint_of(row)
        row["hold_reason"] = self._hold_reason(row, due)
        return row

    def _hold_reason(self, row: Row, due: Due) -> str:
        if not row["rail"]:
            return f"rail: {row['routing_reason']}"
        if (refused_before := self.refusing.get(payee_of(row))) is not None:
            return refused_before
        ours = list(faults(due.beneficiary))
        return "; ".join(ours or self.rails[row["rail"]].check(payment_of(row)))


def plan(
    store: Store,
    obligations: Sequence[Due],
    *,
    rails: Mapping[str, Adapter[Any]],
    tenant: str,
    now: datetime,
    ids: Ids,
) -> Planned:
    """Give each obligation its one payment. Run again, this gives no second one.

    Rails are tried in the order given. A payment that fails a local check, or goes to an account
    that rejected or returned the last one, is kept as planned with its hold reason and never
    approved; planned again with corrected data, or with a rail where none took it, it is replaced.
    An obligation whose payment was rejected gets another only with another beneficiary.
    """
    unique = {due.obligation_id: due for due in reversed(obligations)}
    with store.transaction() as connection:
        accounts = [due.beneficiary.account for due in unique.values()]
        planning = _Plan(
            rails=rails,
            tenant=tenant,
            now=now,
            ids=ids,
            refusing=refusing(connection, tenant, accounts),
        )
        known = _earlier(connection, tenant, sorted(unique))
        for obligation_id, due in sorted(unique.items()):
            planning.take(due, known.get(obligation_id, ()))
        _keep(connection, planning)
    return Planned(
        planned=len(planning.new),
        already=planning.already,
        held=[_held(row) for row in planning.new if row["hold_reason"]],
        refused=planning.refused,
    )


def again(
    due: Due,
    *,
    attempt: int,
    rails: Mapping[str, Adapter[Any]],
    tenant: str,
    now: datetime,
    ids: Ids,
    refusing: Mapping[Payee, str],
) -> dict[str, Any]:
    """The row of one more attempt at an obligation, as planning would make it. This keeps none."""
    planning = _Plan(rails=rails, tenant=tenant, now=now, ids=ids, refusing=refusing)
    return planning._row(due, attempt=attempt)  # noqa: SLF001  # of this module


def _keep(connection: Connection, planning: _Plan) -> None:
    now = planning.now
    cancelled = [
        Event(
            payment_id=payment_id,
            event_id="replaced",
            kind=EventKind.CANCELLED,
            occurred_at=now,
            detail="planned anew with corrected data",
        )
        for payment_id in planning.cancelled
    ]
    append(connection, cancelled, recorded_at=now)
    insert_new(connection, payments, planning.new)
    planned = [
        Event(
            payment_id=row["payment_id"],
            event_id="planned",
            kind=EventKind.PLANNED,
            occurred_at=now,
            ordinal=1,
            detail=row["hold_reason"] or row["routing_reason"],
        )
        for row in planning.new
    ]
    append(connection, planned, recorded_at=now)


def _earlier(
    connection: Connection, tenant: str, obligation_ids: Sequence[str]
) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for chunk in chunks(obligation_ids):
        query = (
            sa.select(payments)
            .where(payments.c.tenant == tenant, payments.c.obligation_id.in_(chunk))
            .order_by(payments.c.attempt)
            .with_for_update()
        )
        for row in fetch(connection, query):
            found[row["obligation_id"]].append(row)
    return found


def _refusal(due: Due) -> Refusal | None:
    try:
        exponent(due.currency)
    except UnknownCurrency as error:
        return Refusal(obligation_id=due.obligation_id, field="currency", why=error.message)
    whole = isinstance(due.amount_minor, int) and not isinstance(due.amount_minor, bool)
    if not whole or not 0 < due.amount_minor <= MINOR_MAX:
        why = "not a positive whole number of minor units within 64 bits"
        return Refusal(obligation_id=due.obligation_id, field="amount_minor", why=why)
    return None


_OVER = DEAD | {State.FAILED}
"""States of a payment that stands for nothing any more; a failed one is live until proved."""

_PAYEE = ("name", "country", "town", "account", "bic", "bank_code")
_INSTRUCTED = ("amount_minor", "currency", "kind", *(f"beneficiary_{name}" for name in _PAYEE))
"""What may not differ between two plans of one obligation; its value date may roll."""


def _payee(row: Row) -> tuple[Any, ...]:
    return tuple(row[f"beneficiary_{name}"] for name in _PAYEE)


def _same(row: Row, standing: Row) -> bool:
    return all(row[name] == standing[name] for name in _INSTRUCTED)


def _difference(row: Row, standing: Row) -> str:
    return next(name for name in _INSTRUCTED if row[name] != standing[name])


def _held(row: Row) -> Held:
    return Held(
        payment_id=row["payment_id"],
        obligation_id=row["obligation_id"],
        reason=row["hold_reason"],
    )
