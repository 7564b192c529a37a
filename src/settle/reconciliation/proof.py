"""What matched lines prove about payments, handed out until somebody confirms to have it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Charge, Evidence, Fact, Source
from settle.reconciliation.tables import line_outcomes, line_payments, statement_lines
from settle.store import Store, derived

FACTS = {"booking": Fact.BOOKED, "return": Fact.RETURNED}
"""What each leg proves."""


def evidence_id(line_id: str, payment_id: str, leg: str) -> str:
    """The name of what a line proves about a payment. This is the same on every machine."""
    return derived("statement line", line_id, payment_id, leg)


def unconfirmed(connection: Connection) -> tuple[Evidence, ...]:
    """The evidence of all matches that nobody confirmed, bookings before returns, sorted."""
    shares, lines, outcomes = line_payments.c, statement_lines.c, line_outcomes.c
    query = (
        sa.select(
            shares.payment_id, shares.leg, shares.evidence_id, shares.amount_minor,
            shares.charges_minor, lines.line_id, lines.line_ref, lines.source, lines.rail,
            lines.account, lines.currency, lines.booked_on, lines.rail_reference,
            lines.return_code, lines.charges, lines.reference_names,
            outcomes["pass"].label("pass_name"),
        )
        .join(statement_lines, lines.line_id == shares.line_id)
        .join(line_outcomes, outcomes.line_id == shares.line_id)
        .where(shares.confirmed_at.is_(None))
        .order_by(shares.leg, lines.booked_on, lines.line_id, shares.payment_id)
    )  # fmt: skip
    return tuple(_evidence(row) for row in connection.execute(query))


def confirm(store: Store, evidence_ids: Iterable[str], *, at: datetime) -> int:
    """Mark evidence as recorded by payments, and say how much was marked now.

    Confirm after `payments.record` has committed: until then every run hands it out again.
    """
    ids = [{"of_evidence": name, "at": at} for name in sorted(set(evidence_ids))]
    if not ids:
        return 0
    statement = (
        sa.update(line_payments)
        .where(line_payments.c.evidence_id == sa.bindparam("of_evidence"))
        .where(line_payments.c.confirmed_at.is_(None))
        .values(confirmed_at=sa.bindparam("at"))
    )
    with store.transaction() as connection:
        done = connection.execute(statement, ids, execution_options={"preserve_rowcount": True})
    return done.rowcount


def _evidence(row: Any) -> Evidence:
    return Evidence(
        evidence_id=row.evidence_id,
        source=Source(row.source),
        fact=FACTS[row.leg],
        reference=row.payment_id,
        # A statement knows days, not hours.
        occurred_at=datetime.combine(row.booked_on, time(), tzinfo=UTC),
        rail=row.rail,
        account=row.account,
        rail_reference=row.rail_reference,
        amount_minor=row.amount_minor,
        currency=row.currency,
        charges_minor=row.charges_minor,
        charges=tuple(Charge(**charge) for charge in json.loads(row.charges)),
        exchanged="CcyXchg" in json.loads(row.reference_names),
        code=row.return_code or "",
        detail={"line_id": row.line_id, "line_ref": row.line_ref, "pass": row.pass_name},
    )
