"""What became of a batch, as it is told and as the store keeps it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

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


def save_intake(connection: Connection, intake: Intake, *, taken_at: datetime) -> None:
    """Write the batch and its findings in the caller's transaction."""
    counts = {field: getattr(intake, field) for field in _COUNTS}
    connection.execute(intake_batches.insert(), {**counts, "taken_at": taken_at})
    rows = [{**asdict(finding), "batch_id": intake.batch_id} for finding in intake.findings]
    insert_new(connection, findings, rows)


def stored_intake(connection: Connection, batch_id: str) -> Intake | None:
    """The batch as it was decided when it was taken, or None if it never was."""
    query = sa.select(intake_batches).where(intake_batches.c.batch_id == batch_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    found = connection.execute(
        sa.select(findings).where(findings.c.batch_id == batch_id).order_by(findings.c.row)
    ).mappings()
    fields = ("file", "row", "field", "value", "reason", "record_id")
    return Intake(
        **{field: row[field] for field in _COUNTS},
        findings=tuple(Finding(**{field: each[field] for field in fields}) for each in found),
    )
