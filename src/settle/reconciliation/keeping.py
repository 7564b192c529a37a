"""Taking a document in: its bytes, its statements and its lines, each of them once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Adapter, Source, Statement, StatementDocument, StatementLine
from settle.reconciliation.kinds import BreakKind
from settle.reconciliation.reading import BANK_FORMATS, StatementFinding, read_document
from settle.reconciliation.tables import (
    statement_documents,
    statement_findings,
    statement_lines,
    statements,
)
from settle.store import Store, derived, insert_new

IDS_AT_ONCE = 500
"""How many identifiers one query names; SQLite's older limit is 999."""

REFERENCES = ("end_to_end_id", "uetr", "batch_id")
"""What a line may still learn, and never change."""

LASTING = {
    "amount_minor": "amount",
    "currency": "currency",
    "booked_on": "booking date",
    "value_on": "value date",
    **dict.fromkeys(REFERENCES, "reference"),
}
"""What must stay as it was under the same line reference, and its name for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a document brought: its lines, how many of them were new, and what is wrong."""

    lines_in: int
    lines_new: int
    findings: tuple[StatementFinding, ...]


def keep(
    store: Store, document: StatementDocument, *, adapter: Adapter[Any], received_at: datetime
) -> Kept:
    """Read a document and keep it with its lines. The same document again changes nothing.

    A newer document of the same account and day adds the lines that are new; a line is known
    by (rail, account, line_ref) for ever. What cannot be read or does not balance becomes a
    finding, is kept as well, and is a break until a sound document comes. A rail's own report of
    a UTC day that is not over at `received_at` is kept as interim, whatever it says of itself.
    """
    document = replace(document, complete=_is_complete(document, received_at))
    digest = hashlib.sha256(document.content).hexdigest()
    document_id = derived(
        document.rail, document.account, document.day.isoformat(), document.format, digest
    )
    with store.reading() as connection:
        known = _kept_before(connection, document_id, document)
    if known is not None:
        return known
    read, findings = read_document(document, adapter)
    with store.transaction() as connection:
        # The same bytes may say "complete" the second time: what counts is the newest word.
        lines_in = sum(len(statement.lines) for statement in read)
        row = _document_row(document, document_id, digest, received_at, lines_in)
        _replace_document(connection, row)
        edition = _next_edition(connection, document)
        insert_new(connection, statements, _statement_rows(read, document_id, edition))
        lines_new, clashes = _keep_lines(connection, read, document, document_id)
        findings = [*findings, *clashes]
        insert_new(connection, statement_findings, _finding_rows(findings, document_id))
    return Kept(lines_in=lines_in, lines_new=lines_new, findings=tuple(findings))


def _is_complete(document: StatementDocument, received_at: datetime) -> bool:
    """A bank knows when it has closed its day; a rail's list may grow until the day is over."""
    over = document.day < received_at.astimezone(UTC).date()
    return document.complete and (over or document.format in BANK_FORMATS)


def _kept_before(
    connection: Connection, document_id: str, document: StatementDocument
) -> Kept | None:
    row = connection.execute(
        sa.select(statement_documents.c.lines_in, statement_documents.c.complete).where(
            statement_documents.c.document_id == document_id
        )
    ).one_or_none()
    if row is None or row.complete != document.complete:
        return None
    found = statement_findings.c
    query = sa.select(
        found.kind, found.rail, found.account, found.currency, found.day, found.amount_minor,
        found.why,
    ).where(found.document_id == document_id).order_by(found.finding_id)  # fmt: skip
    findings = tuple(
        StatementFinding(**{**mapping, "kind": BreakKind(mapping["kind"])})
        for mapping in connection.execute(query).mappings()
    )
    return Kept(lines_in=row.lines_in, lines_new=0, findings=findings)


def _keep_lines(
    connection: Connection,
    read: Sequence[Statement],
    document: StatementDocument,
    document_id: str,
) -> tuple[int, list[StatementFinding]]:
    """Insert the new lines; name those whose reference is taken by a line that says otherwise."""
    rows = [
        _line_row(statement, line, document, document_id)
        for statement in read
        for line in statement.lines
    ]
    new = insert_new(connection, statement_lines, rows)
    if new == len(rows):
        return new, []
    stored = _stored(connection, rows)
    changes = ((row, _changed(row, stored[row["line_id"]])) for row in rows)
    return new, [_clash(row, what) for row, what in changes if what]


def _stored(connection: Connection, rows: Sequence[dict[str, Any]]) -> dict[str, Mapping[Any, Any]]:
    lines = statement_lines.c
    query = sa.select(lines.line_id, *(lines[name] for name in LASTING))
    ids = [row["line_id"] for row in rows]
    return {
        row["line_id"]: row
        for start in range(0, len(ids), IDS_AT_ONCE)
        for row in connection.execute(
            query.where(lines.line_id.in_(ids[start : start + IDS_AT_ONCE]))
        ).mappings()
    }


def _changed(row: Mapping[str, Any], stored: Mapping[Any, Any]) -> list[str]:
    """What the line says otherwise than it did. A reference that it had not before is news."""
    found = (
        what
        for name, what in LASTING.items()
        if row[name] != stored[name] and not (name in REFERENCES and stored[name] is None)
    )
    return list(dict.fromkeys(found))


def _clash(row: dict[str, Any], what: Sequence[str]) -> StatementFinding:
    return StatementFinding(
        kind=BreakKind.REFERENCE,
        rail=row["rail"],
        account=row["account"],
        currency=row["currency"],
        day=row["day"],
        amount_minor=row["amount_minor"],
        why=f"Line {row['line_ref']} was kept before with another {' and another '.join(what)}; "
        "the first one stands",
    )


def _document_row(
    document: StatementDocument, document_id: str, digest: str, received_at: datetime, lines_in: int
) -> dict[str, Any]:
    return {
        "document_id": document_id,
        "rail": document.rail,
        "account": document.account,
        "currency": document.currency,
        "day": document.day,
        "format": document.format,
        "digest": digest,
        "content": document.content,
        "complete": document.complete,
        "received_at": received_at,
        "lines_in": lines_in,
    }


def _replace_document(connection: Connection, row: dict[str, Any]) -> None:
    """Keep a document once, as it first came; what it is read as gives way to the newest word."""
    for table in (statements, statement_findings):
        connection.execute(sa.delete(table).where(table.c.document_id == row["document_id"]))
    if not insert_new(connection, statement_documents, [row]):
        here = statement_documents.c.document_id == row["document_id"]
        newest = {name: row[name] for name in ("complete", "lines_in")}
        connection.execute(sa.update(statement_documents).where(here).values(**newest))


def _next_edition(connection: Connection, document: StatementDocument) -> int:
    """Which word of its account this is. Counted, for a clock may be set back; an order is not."""
    query = sa.select(sa.func.max(statements.c.edition)).where(
        statements.c.rail == document.rail, statements.c.account == document.account
    )
    return (connection.scalar(query) or 0) + 1


def _statement_rows(
    read: Sequence[Statement], document_id: str, edition: int
) -> list[dict[str, Any]]:
    return [
        {
            "document_id": document_id,
            "place": place,
            "rail": statement.rail,
            "account": statement.account,
            "currency": statement.currency,
            "day": statement.day,
            "statement_ref": statement.statement_ref,
            "opening_minor": statement.opening_minor,
            "closing_minor": statement.closing_minor,
            "difference_minor": statement.difference_minor,
            "complete": statement.complete,
            "edition": edition,
        }
        for place, statement in enumerate(read)
    ]


def _finding_rows(findings: Sequence[StatementFinding], document_id: str) -> list[dict[str, Any]]:
    return [
        {
            "finding_id": derived(document_id, finding.kind.value, str(place)),
            "document_id": document_id,
            "kind": finding.kind.value,
            "rail": finding.rail,
            "account": finding.account,
            "currency": finding.currency,
            "day": finding.day,
            "amount_minor": finding.amount_minor,
            "why": finding.why,
        }
        for place, finding in enumerate(findings)
    ]


def _line_row(
    statement: Statement, line: StatementLine, document: StatementDocument, document_id: str
) -> dict[str, Any]:
    source = Source.STATEMENT if document.format in BANK_FORMATS else Source.REPORT
    return {
        "line_id": derived(statement.rail, statement.account, line.line_ref),
        "document_id": document_id,
        "source": source.value,
        "rail": statement.rail,
        "account": statement.account,
        "day": statement.day,
        "line_ref": line.line_ref,
        "amount_minor": line.amount_minor,
        "currency": line.currency,
        "booked_on": line.booked_on,
        "value_on": line.value_on,
        "kind": line.kind.value,
        "end_to_end_id": line.end_to_end_id,
        "uetr": line.uetr,
        "batch_id": line.batch_id,
        "rail_reference": line.rail_reference,
        "batch_count": line.batch_count,
        "instructed_minor": line.instructed_minor,
        "instructed_currency": line.instructed_currency,
        "charges_minor": line.charges_minor,
        "charges": json.dumps([asdict(charge) for charge in line.charges]),
        "return_code": line.return_code,
        "counterparty": line.counterparty,
        "remittance_information": line.remittance_information,
        "reference_names": json.dumps(dict(line.references), sort_keys=True, ensure_ascii=False),
    }
