"""Undoing a match on people's word: the line is another payment's, nobody's yet, or never was.

What the line had proved is taken back by payments in the same transaction; here its money goes
where people say. No pass looks at such a line again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.ledger import post
from settle.reconciliation import postings
from settle.reconciliation.kinds import BreakKind
from settle.reconciliation.proof import evidence_id
from settle.reconciliation.reopening import reopen
from settle.reconciliation.tables import line_outcomes, line_payments, statement_lines

PARTED = "parted"
"""The pass of a line that people parted from its payment. It is open, and waits for their word."""

PEOPLE = "people"
"""The pass of a line that people gave to a payment."""

STRUCK = "struck"
"""The pass of a line that its bank has taken back: no statement of the day shows it any more."""

Row = dict[str, Any]
LEGS = ("booking", "return")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A line's part in one payment, as it was: what it moved there, and from which account."""

    line_id: str
    leg: str
    rail: str
    account: str
    currency: str
    amount_minor: int
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What people said: which evidence about which payment is wrong, why, and when."""

    payment_id: str
    evidence_id: str
    why: str
    day: date
    at: datetime


def part_of(connection: Connection, proof: str, *, payment_id: str) -> Part | None:
    """The line behind evidence about a payment; None where no line of a statement is.

    `is_open`: people have parted it from the payment before, and it waits in suspense.

    Raises:
        BadInput: the line books several payments together.
    """
    share = line_payments.c
    query = sa.select(share.line_id, share.leg).where(share.evidence_id == proof)
    found = connection.execute(query).one_or_none()
    if found is not None:
        count = sa.select(sa.func.count()).where(share.line_id == found.line_id)
        if (connection.scalar(count) or 0) > 1:
            why = "the line books several payments together; the bank's own correction is due"
            raise BadInput(f"payment {payment_id}: {why}", field=payment_id)
        return _part(connection, found.line_id, found.leg, is_open=False)
    outcome = line_outcomes.c
    parted = sa.select(outcome.line_id).where(
        outcome["pass"] == PARTED, outcome.payment_id == payment_id
    )
    for line_id in connection.scalars(parted).all():
        for leg in LEGS:
            if evidence_id(line_id, payment_id, leg) == proof:
                return _part(connection, line_id, leg, is_open=True)
    return None


def part(connection: Connection, share: Part, ruled: Ruling) -> None:
    """Take a line from its payment, and its money to suspense."""
    _unshare(connection, share, ruled)
    line = _line(connection, share.line_id)
    rows = postings.parted(line, evidence_id=ruled.evidence_id, posted_on=ruled.day)
    post(connection, rows, recorded_at=ruled.at)
    _judge(
        connection, share, PARTED, matched_on=None, suspended_on=ruled.day, match_kind=None,
        break_kind=BreakKind.UNEXPECTED.value, payment_id=ruled.payment_id, why=ruled.why,
    )  # fmt: skip


def give(connection: Connection, share: Part, ruled: Ruling, *, to: Row) -> None:
    """Give a payment's line to another payment, `to`, whose row this is.

    What the line proves about it is handed out until somebody confirms to have recorded it.

    Raises:
        BadInput: the other is on another rail or account, in another currency or of another
            amount, or a line explains that leg of it already.
    """
    _refuse_unlike(connection, share, to)
    _leave(connection, share, ruled)
    moved = abs(share.amount_minor)
    row = {
        "payment_id": to["payment_id"], "leg": share.leg, "line_id": share.line_id,
        "evidence_id": evidence_id(share.line_id, to["payment_id"], share.leg),
        "amount_minor": moved, "charges_minor": to["amount_minor"] - moved,
        "state_seen": to["state"],
    }  # fmt: skip
    connection.execute(sa.insert(line_payments).values(**row))
    _judge(
        connection, share, PEOPLE, matched_on=ruled.day, match_kind=share.leg,
        payment_id=to["payment_id"], difference_minor=row["charges_minor"], why=ruled.why,
    )  # fmt: skip
    if share.leg == "return":
        reopen(connection, [row], day=ruled.day)


def strike(connection: Connection, share: Part, ruled: Ruling) -> None:
    """Let a line count for nothing that its bank has taken back. Its money never moved."""
    _leave(connection, share, ruled)
    _judge(
        connection, share, STRUCK, matched_on=ruled.day, match_kind=None,
        payment_id=ruled.payment_id, why=ruled.why,
    )  # fmt: skip


def _leave(connection: Connection, share: Part, ruled: Ruling) -> None:
    if share.is_open:
        line = _line(connection, share.line_id)
        rows = postings.given(line, evidence_id=ruled.evidence_id, posted_on=ruled.day)
        post(connection, rows, recorded_at=ruled.at)
    else:
        _unshare(connection, share, ruled)


def _unshare(connection: Connection, share: Part, ruled: Ruling) -> None:
    table = line_payments.c
    mine = table.payment_id == ruled.payment_id
    connection.execute(sa.delete(line_payments).where(mine, table.leg == share.leg))
    connection.execute(
        sa.update(line_payments)
        .where(mine, table.reopened_by == share.line_id)
        .values(reopened_on=None, reopened_by=None)
    )


def _refuse_unlike(connection: Connection, share: Part, to: Row) -> None:
    table = line_payments.c
    taken = sa.select(table.line_id).where(
        table.payment_id == to["payment_id"], table.leg == share.leg
    )
    moved = abs(share.amount_minor)
    why = None
    if (share.rail, share.account, share.currency) != (to["rail"], to["account"], to["currency"]):
        why = f"the line is of {share.account} at {share.rail}, in {share.currency}"
    elif moved > to["amount_minor"] or (share.leg == "booking" and moved != to["amount_minor"]):
        why = f"the line moves {moved} {share.currency}, and it is of {to['amount_minor']}"
    elif (line := connection.scalar(taken)) is not None:
        why = f"line {line} is its {share.leg} already"
    if why is not None:
        raise BadInput(f"payment {to['payment_id']}: {why}", field=to["payment_id"])


def _part(connection: Connection, line_id: str, leg: str, *, is_open: bool) -> Part:
    line = _line(connection, line_id)
    names = ("rail", "account", "currency", "amount_minor")
    return Part(line_id=line_id, leg=leg, is_open=is_open, **{name: line[name] for name in names})


def _line(connection: Connection, line_id: str) -> Row:
    query = sa.select(statement_lines).where(statement_lines.c.line_id == line_id)
    return dict(connection.execute(query).mappings().one())


def _judge(connection: Connection, share: Part, by: str, **values: Any) -> None:
    here = line_outcomes.c.line_id == share.line_id
    values = {"contra": None, "difference_minor": 0, **values, "pass": by}
    connection.execute(sa.update(line_outcomes).where(here).values(**values))
