"""Intake and windows: what came in, what was refused, and which window was closed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing.tables import findings, intake_batches, windows
from settle.report.assembly.night import NightFacts
from settle.report.clearing import (
    FileIntake,
    InputFinding,
    Intake,
    ReasonCount,
    WindowClosed,
)

FINDINGS_SHOWN_MAX = 50
"""How many findings the report names one by one; all of them are counted by reason."""


def intake(connection: Connection, night: NightFacts) -> Intake:
    """What this night's batches brought. What could not be read at all is a finding, too."""
    files = list(_files(connection, night))
    refused = [_refused(what) for what in night.refusals]
    shown = [*refused, *_findings(connection, night, at_most=FINDINGS_SHOWN_MAX)]
    quarantined = sum(file.quarantined for file in files)
    return Intake(
        records_in=sum(file.records_in for file in files),
        accepted=sum(file.accepted for file in files),
        duplicates=sum(file.duplicates for file in files),
        quarantined=quarantined,
        by_reason=tuple(_by_reason(connection, night)),
        files=tuple(files),
        findings=tuple(shown[:FINDINGS_SHOWN_MAX]),
        findings_not_shown=quarantined + len(refused) - len(shown[:FINDINGS_SHOWN_MAX]),
    )


def finding_lines(connection: Connection, night: NightFacts) -> list[str]:
    """What was refused, a line each: file, row, field, value, reason; sorted by file and row."""
    named = [_line(found) for found in _findings(connection, night, at_most=None)]
    return [*night.refusals, *named]


def closed_windows(connection: Connection, night: NightFacts) -> tuple[WindowClosed, ...]:
    """The window of this day, if it is closed."""
    query = sa.select(windows).where(windows.c.window_id == night.day.isoformat())
    return tuple(
        WindowClosed(
            window_id=row.window_id, records=row.records, late=row.late, positions=row.positions,
            manifest_digest=row.manifest_digest, conserved=tuple(row.currencies.split()),
        )
        for row in connection.execute(query)
    )  # fmt: skip


def _files(connection: Connection, night: NightFacts) -> Iterator[FileIntake]:
    batch = intake_batches.c
    query = (
        sa.select(intake_batches)
        .where(batch.batch_id.in_(night.batch_ids))
        .order_by(batch.name, batch.taken_at, batch.batch_id)
    )
    for row in connection.execute(query):
        yield FileIntake(
            name=row.name, records_in=row.records_in, accepted=row.accepted,
            duplicates=row.duplicates, quarantined=row.quarantined,
        )  # fmt: skip


def _by_reason(connection: Connection, night: NightFacts) -> Iterator[ReasonCount]:
    query = (
        sa.select(findings.c.reason, sa.func.count())
        .where(findings.c.batch_id.in_(night.batch_ids))
        .group_by(findings.c.reason)
        .order_by(sa.func.count().desc(), findings.c.reason)
    )
    for reason, count in connection.execute(query):
        yield ReasonCount(reason=reason, count=count)


def _findings(
    connection: Connection, night: NightFacts, *, at_most: int | None
) -> Sequence[InputFinding]:
    found = findings.c
    query = (
        sa.select(found.file, found.row, found.field, found.value, found.reason)
        .where(found.batch_id.in_(night.batch_ids))
        .order_by(found.file, found.row, found.batch_id)
        .limit(at_most)
    )
    return [
        InputFinding(
            file=file, row=row, field=name, value=_printable(value),
            reason=reason.replace("_", " "),
        )
        for file, row, name, value, reason in connection.execute(query)
    ]  # fmt: skip


def _refused(what: str) -> InputFinding:
    return InputFinding(file="", row=None, field="", value="", reason=what)


def _printable(value: str) -> str:
    """A value that came in from outside, without what would move a terminal's cursor."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in value)


def _line(found: InputFinding) -> str:
    return f"{found.file}: row {found.row}: {found.field}: {found.value!r}: {found.reason}"
