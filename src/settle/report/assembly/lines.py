"""What was unusual on the statements: batch-booked lines, returns, lines nobody expected."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments import EventKind
from settle.payments.tables import payment_events, payments, returned_payables
from settle.reconciliation import BreakKind
from settle.reconciliation.tables import (
    breaks,
    line_outcomes,
    line_payments,
    statement_documents,
    statement_lines,
)
from settle.report.assembly.night import NightFacts
from settle.report.figures import money
from settle.report.model import Incident
from settle.report.wording import reason


def line_incidents(connection: Connection, night: NightFacts) -> Iterator[Incident]:
    """The unusual lines of the statements judged this night."""
    yield from _batch_booked(connection, night)
    yield from _unexpected(connection, night)
    yield from _returned(connection, night)


def _batch_booked(connection: Connection, night: NightFacts) -> Iterator[Incident]:
    line = statement_lines.c
    number = sa.func.count().label("number")
    query = (
        sa.select(line.rail, line.currency, line.amount_minor, line.day,
                  statement_documents.c.received_at, line_outcomes.c.why, number)
        .join(line_outcomes, line_outcomes.c.line_id == line.line_id)
        .join(line_payments, line_payments.c.line_id == line.line_id)
        .join(statement_documents, statement_documents.c.document_id == line.document_id)
        .where(line_outcomes.c.matched_on == night.day)
        .group_by(line.line_id, line.rail, line.currency, line.amount_minor, line.day,
                  statement_documents.c.received_at, line_outcomes.c.why)
        .having(sa.func.count() > 1)
        .order_by(line.currency, line.line_id)
    )  # fmt: skip
    for row in connection.execute(query):
        amount = money(abs(row.amount_minor), row.currency)
        yield Incident(
            kind="batch_booked_line", at=row.received_at,
            what=f"{row.rail} booked {row.number} payments as one line of {amount} on {row.day}",
            now=f"Matched to all {row.number}: {row.why[:1].lower()}{row.why[1:]}",
            closed=True,
        )  # fmt: skip


def _unexpected(connection: Connection, night: NightFacts) -> Iterator[Incident]:
    line = statement_lines.c
    query = (
        sa.select(breaks, line.counterparty, line.remittance_information,
                  statement_documents.c.received_at)
        .join(statement_lines, line.line_id == breaks.c.subject)
        .join(statement_documents, statement_documents.c.document_id == line.document_id)
        .where(breaks.c.kind == BreakKind.UNEXPECTED.value, breaks.c.opened_on == night.day)
        .order_by(breaks.c.break_id)
    )  # fmt: skip
    for row in connection.execute(query):
        way = "A debit" if row.direction == "out" else "A credit"
        text = " ".join(filter(None, (row.counterparty, row.remittance_information)))
        yield Incident(
            kind="unexpected_line", at=row.received_at,
            what=f"{way} of {money(row.amount_minor, row.currency)} at {row.rail}"
            f" that nobody expected: “{text}”",
            now=row.cured_by or f"In suspense, with {row.owner}: {row.next_action}",
            closed=row.cured_on is not None,
        )  # fmt: skip


def _returned(connection: Connection, night: NightFacts) -> Iterator[Incident]:
    event, owed = payment_events.c, returned_payables.c
    at = sa.func.min(event.recorded_at)
    query = (
        sa.select(payments.c.rail, owed.currency, owed.amount_minor, owed.back_minor,
                  owed.charges_minor, owed.borne_minor, owed.code, owed.payment_id,
                  at.label("at"))
        .join(payment_events, event.payment_id == owed.payment_id)
        .join(payments, payments.c.payment_id == owed.payment_id)
        .where(event.kind == EventKind.RETURNED.value)
        .group_by(payments.c.rail, owed.currency, owed.amount_minor, owed.back_minor,
                  owed.charges_minor, owed.borne_minor, owed.code, owed.payment_id)
        .having(night.within(at))
        .order_by(owed.payment_id)
    )  # fmt: skip
    for row in connection.execute(query):
        why = ", ".join(filter(None, (row.code, reason(row.code))))
        short = row.charges_minor + row.borne_minor
        missing = f", {money(short, row.currency)} short" if short else ""
        bears = " The hub bears the charges." if row.charges_minor else ""
        if row.borne_minor:
            bears += f" The payee bears {money(row.borne_minor, row.currency)}."
        again = "Owed again" if row.borne_minor else "Owed again in full"
        yield Incident(
            kind="short_return" if short else "returned_payment", at=row.at,
            what=f"{row.rail} returned {money(row.back_minor, row.currency)}"
            f" of {money(row.back_minor + short, row.currency)}{missing} ({why})",
            now=f"{again}; waits for a corrected beneficiary.{bears}",
            closed=False,
        )  # fmt: skip
