"""Matching what the banks booked with what we instructed, in one transaction a run."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Evidence
from settle.engine import Engine
from settle.ledger import Posting, post
from settle.reconciliation import postings
from settle.reconciliation.parting import PARTED
from settle.reconciliation.passes import Judgement, Row, judge
from settle.reconciliation.proof import evidence_id, unconfirmed
from settle.reconciliation.reasons import REASONS, matched_why, unexplained_why
from settle.reconciliation.receipts import RECEIPT_RULES, ReceiptRule
from settle.reconciliation.reopening import reopen
from settle.reconciliation.tables import line_outcomes, line_payments, statement_lines
from settle.store import Store, arrow, insert_new

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One line explained. This is the only match the line will ever have.

    `kind` is booking, return or receipt; a receipt names no payment. `difference_minor` is the
    charges that a return came short of.
    """

    line_id: str
    pass_name: str
    payment_ids: tuple[str, ...]
    kind: str
    difference_minor: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """What one run found, and all evidence that nobody has confirmed to be recorded.

    `by_pass` counts lines matched in this run; `unexplained` the lines that are open after it.
    """

    matches: tuple[Match, ...]
    evidence: tuple[Evidence, ...]
    by_pass: Mapping[str, int]
    unexplained: int


def match(
    store: Store,
    engine: Engine,
    *,
    payments: pa.Table,
    day: date,
    as_of: datetime,
    rules: Sequence[ReceiptRule] = RECEIPT_RULES,
) -> Matched:
    """Explain every line that nothing explains yet, and post what is reconciliation's own.

    `payments`: one row per payment that was ever sent. Matches, suspense and receipts are
    written in one transaction; the evidence is handed out again by each run until `confirm`
    says that it was recorded, so a crash in between loses nothing. Run again, it changes nothing.

    Raises:
        BadInput: `payments` lacks a column.
    """
    with store.transaction() as connection:
        lines = arrow(connection, _open_lines())
        before = _open_outcomes(connection)
        judgement = judge(
            engine, lines=lines, payments=payments, taken=_taken(connection), rules=rules
        )
        known = {line["line_id"]: line for line in lines.to_pylist()}
        matches = tuple(_matches(judgement, known))
        _write(connection, judgement, matches, known=known, before=before, day=day)
        rows = _postings(judgement, matches, known=known, before=before, day=day)
        post(connection, rows, recorded_at=as_of)
        evidence = unconfirmed(connection)
    return Matched(
        matches=matches,
        evidence=evidence,
        by_pass=dict(sorted(Counter(found.pass_name for found in matches).items())),
        unexplained=len(judgement.unexplained),
    )


def _open_lines() -> sa.Select[Any]:
    outcome = line_outcomes.c
    return (
        sa.select(*statement_lines.c)
        .outerjoin(line_outcomes, outcome.line_id == statement_lines.c.line_id)
        # Of what people parted from a payment, they say whose it is.
        .where(outcome.matched_on.is_(None), outcome["pass"].is_distinct_from(PARTED))
        .order_by(statement_lines.c.line_id)
    )


def _open_outcomes(connection: Connection) -> dict[str, Row]:
    query = sa.select(line_outcomes).where(line_outcomes.c.matched_on.is_(None))
    return {row["line_id"]: dict(row) for row in connection.execute(query).mappings()}


def _taken(connection: Connection) -> pa.Table:
    return arrow(connection, sa.select(line_payments.c.payment_id, line_payments.c.leg))


def _matches(judgement: Judgement, known: Mapping[str, Row]) -> Iterator[Match]:
    shares: dict[str, list[Row]] = defaultdict(list)
    for row in judgement.matched:
        shares[row["line_id"]].append(row)
    for line_id, rows in shares.items():
        shortfall_minor = sum(row["charges_minor"] for row in rows)
        yield Match(
            line_id=line_id,
            pass_name=rows[0]["pass"],
            payment_ids=tuple(row["payment_id"] for row in rows),
            kind=rows[0]["leg"],
            difference_minor=shortfall_minor,
            why=matched_why(
                rows[0]["pass"],
                shortfall_minor=shortfall_minor,
                currency=known[line_id]["currency"],
            ),
        )
    for row in judgement.receipts:
        yield Match(
            line_id=row["line_id"], pass_name="receipt", payment_ids=(), kind="receipt",  # noqa: S106  # a pass of matching
            difference_minor=0,
            why=f"{matched_why('receipt', shortfall_minor=0, currency='')}: {row['account']}",
        )  # fmt: skip


def _write(
    connection: Connection,
    judgement: Judgement,
    matches: Iterable[Match],
    *,
    known: Mapping[str, Row],
    before: Mapping[str, Row],
    day: date,
) -> None:
    contras = {row["line_id"]: row["account"] for row in judgement.receipts}
    outcomes = [
        *(_explained(found, contras, before=before, day=day) for found in matches),
        *(_open(row, judgement, known=known, before=before, day=day)
          for row in judgement.unexplained),
    ]  # fmt: skip
    insert_new(connection, line_outcomes, [x for x in outcomes if x["line_id"] not in before])
    changed = [x for x in outcomes if x["line_id"] in before and x != before[x["line_id"]]]
    if changed:
        connection.execute(
            sa.update(line_outcomes).where(line_outcomes.c.line_id == sa.bindparam("of_line")),
            [{"of_line": row["line_id"], **row} for row in changed],
        )
    insert_new(connection, line_payments, [_share(row) for row in judgement.matched])
    reopen(connection, [row for row in judgement.matched if row["leg"] == "return"], day=day)


def _explained(
    found: Match, contras: Mapping[str, str], *, before: Mapping[str, Row], day: date
) -> Row:
    first = before.get(found.line_id, {})
    return {
        "line_id": found.line_id,
        "judged_on": first.get("judged_on", day),
        "matched_on": day,
        "suspended_on": first.get("suspended_on"),
        "pass": found.pass_name,
        "match_kind": found.kind,
        "contra": contras.get(found.line_id),
        "break_kind": first.get("break_kind"),
        "payment_id": found.payment_ids[0] if len(found.payment_ids) == 1 else None,
        "difference_minor": found.difference_minor,
        "why": found.why,
    }


def _open(
    row: Row,
    judgement: Judgement,
    *,
    known: Mapping[str, Row],
    before: Mapping[str, Row],
    day: date,
) -> Row:
    first = before.get(row["line_id"], {})
    return {
        "line_id": row["line_id"],
        "judged_on": first.get("judged_on", day),
        "matched_on": None,
        "suspended_on": first.get("suspended_on", day),
        "pass": None,
        "match_kind": None,
        "contra": None,
        "break_kind": REASONS[row["reason"]][0].value,
        "payment_id": row["payment_id"],
        "difference_minor": 0,
        "why": unexplained_why(
            row["reason"],
            payment_id=row["payment_id"],
            expected_minor=int(row["expected_minor"] or 0),
            expected_count=row["expected_count"] or 0,
            currency=known[row["line_id"]]["currency"],
            alternatives=judgement.alternatives.get(row["line_id"], ()),
        ),
    }


def _share(row: Row) -> Row:
    return {
        "payment_id": row["payment_id"],
        "leg": row["leg"],
        "line_id": row["line_id"],
        "evidence_id": evidence_id(row["line_id"], row["payment_id"], row["leg"]),
        "amount_minor": row["amount_minor"],
        "charges_minor": row["charges_minor"],
        "state_seen": row["state"],
        "confirmed_at": None,
    }


def _postings(
    judgement: Judgement,
    matches: Iterable[Match],
    *,
    known: Mapping[str, Row],
    before: Mapping[str, Row],
    day: date,
) -> Iterator[Posting]:
    for found in matches:
        if found.line_id in before:
            yield from postings.cured(known[found.line_id], posted_on=day)
    for row in judgement.receipts:
        yield from postings.receipt(known[row["line_id"]], contra=row["account"], posted_on=day)
    for row in judgement.unexplained:
        if row["line_id"] not in before:
            yield from postings.suspense(known[row["line_id"]], posted_on=day)
