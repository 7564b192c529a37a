"""What became of a batch, as it is told and as the store keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing.tables import findings, intake_batches
from settle.store import insert_new


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One record that was not taken: where it stands, which field is wrong, and why."""

    file: str
    row: int
    field: str
    value: str
    reason: str
    record_id: str | None

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}, {self.field}: {self.value!r}: {self.sentence}"

    @property
    def sentence(self) -> str:
        """The reason in words."""
        return self.reason.replace("_", " ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A batch, counted. `withdrawn`: records of earlier batches that a conflict took out."""

    batch_id: str
    name: str
    records_in: int
    accepted: int
    duplicates: int
    quarantined: int
    withdrawn: int = 0
    findings: Sequence[Finding] = ()

    def __post_init__(self) -> None:
        counted = self.accepted + self.duplicates + self.quarantined
        assert self.records_in == counted, f"{self.name}: {self.records_in} in, {counted} out"
        assert self.quarantined == len(self.findings), f"{self.name}: a refusal has no finding"

    @property
    def reasons(self) -> Mapping[str, int]:
        """How many records were quarantined for each reason, sorted by reason."""
        return dict(sorted(Counter(finding.reason for finding in self.findings).items()))


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
