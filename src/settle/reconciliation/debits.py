"""Debits on our accounts that nothing explains: any of them may be a payment nobody remembers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.reconciliation.tables import line_outcomes, statement_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Debit:
    """A line by which money left. `amount_minor` is positive, `charges_minor` a part of it.

    `references`: every name that the line carries; none of them may be ours.
    """

    line_id: str
    rail: str
    account: str
    currency: str
    amount_minor: int
    charges_minor: int
    references: frozenset[str]


def unexplained_debits(connection: Connection) -> list[Debit]:
    """The debits that no match explains, by line; those of reports among them."""
    line, outcome = statement_lines.c, line_outcomes.c
    query = (
        sa.select(
            line.line_id, line.rail, line.account, line.currency, line.amount_minor,
            line.charges_minor, line.end_to_end_id, line.uetr, line.rail_reference,
            line.reference_names,
        )
        .outerjoin(line_outcomes, outcome.line_id == line.line_id)
        .where(line.amount_minor < 0, outcome.matched_on.is_(None))
        .order_by(line.line_id)
    )  # fmt: skip
    return [
        Debit(
            line_id=row.line_id, rail=row.rail, account=row.account, currency=row.currency,
            amount_minor=-row.amount_minor, charges_minor=row.charges_minor,
            references=_references(row),
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _references(row: Any) -> frozenset[str]:
    others = json.loads(row.reference_names).values()
    found = (row.end_to_end_id, row.uetr, row.rail_reference, *others)
    return frozenset(reference for reference in found if reference)
