"""What became of each batch, as the store keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing.findings import Finding, Intake
from settle.clearing.tables import findings, intake_batches
from settle.store import insert_new

_COUNTS = ("batch_id", "name", "records_in", "accepted", "duplicates", "quarantined", "withdrawn")


def save_intake(
    connection: Connection, intake: Intake, *, content_id: str, agreements_digest: str,
    taken_at: datetime,
) -> None:  # fmt: skip
    """Write the batch and its findings in the caller's transaction."""
    counts = {field: getattr(intake, field) for field in _COUNTS}
    judged = {"content_id": content_id, "agreements_digest": agreements_digest}
    connection.execute(intake_batches.insert(), {**counts, **judged, "taken_at": taken_at})
    rows = [{**asdict(finding), "batch_id": intake.batch_id} for finding in intake.findings]
    insert_new(connection, findings, rows)


def stored_intakes(connection: Connection, content_id: str) -> Mapping[str, Intake]:
    """What became of a content, by the digest of the agreements it was judged under.

    The batch as which it first came is the first. This is empty if it never did.
    """
    query = sa.select(intake_batches).where(intake_batches.c.content_id == content_id)
    rows = connection.execute(query).mappings().all()
    first_first = sorted(rows, key=lambda row: (row["batch_id"] != content_id, row["batch_id"]))
    return {row["agreements_digest"]: _intake(connection, row) for row in first_first}


def _intake(connection: Connection, row: Mapping[Any, Any]) -> Intake:
    found = connection.execute(
        sa.select(findings).where(findings.c.batch_id == row["batch_id"]).order_by(findings.c.row)
    ).mappings()
    fields = ("file", "row", "field", "value", "reason", "record_id")
    return Intake(
        **{field: row[field] for field in _COUNTS},
        findings=tuple(Finding(**{field: each[field] for field in fields}) for each in found),
    )
