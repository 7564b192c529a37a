"""How the statements were explained, and what is left open."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle import reconciliation as room
from settle.reconciliation.tables import statement_documents
from settle.report.assembly.night import NightFacts
from settle.report.reconciliation import (
    Breaks,
    CuredBreak,
    Direction,
    MatchRate,
    OpenBreak,
    PassCount,
    Reconciliation,
    StatementKept,
)


def reconciled(connection: Connection, night: NightFacts) -> Reconciliation:
    """The lines first judged this night, by currency and by pass, and the statements kept."""
    return Reconciliation(
        rates=tuple(
            MatchRate(
                currency=row.currency, lines=row.lines, lines_matched=row.matched,
                value_minor=row.value_minor, value_matched_minor=row.matched_minor,
            )
            for row in room.rates(connection, night.day)
        ),
        passes=tuple(
            PassCount(
                name=row.pass_name, currency=row.currency, lines=row.lines,
                value_minor=row.value_minor,
            )
            for row in room.pass_rates(connection, night.day)
        ),
        statements=tuple(_statements(connection, night)),
    )  # fmt: skip


def breaks(connection: Connection, night: NightFacts) -> Breaks:
    """What is open as of this day, and what was cured on it."""
    found = room.all_breaks(connection)
    return Breaks.of(
        [_open(row, night) for row in found if row.cured_on is None],
        [_cured(row) for row in found if row.cured_on == night.day],
    )


def _statements(connection: Connection, night: NightFacts) -> Iterator[StatementKept]:
    document = statement_documents.c
    query = sa.select(document.rail, document.account, document.currency, document.day).where(
        sa.or_(document.day == night.day, night.within(document.received_at))
    )
    tonight = {tuple(row) for row in connection.execute(query)}
    for kept in room.account_days(connection):
        ref = kept.account
        if (ref.rail, ref.account, ref.currency, kept.day) in tonight:
            yield StatementKept(
                rail=ref.rail, account=ref.account, currency=ref.currency, day=kept.day,
                opening_minor=kept.opening_minor, lines=kept.lines,
                closing_minor=kept.closing_minor,
                sound=kept.difference_minor == 0 and kept.gap_minor == 0, note=_note(kept),
            )  # fmt: skip


def _note(kept: room.AccountDay) -> str:
    notes = [
        kept.difference_why if kept.difference_minor else "",
        kept.gap_why if kept.gap_minor else "",
        "" if kept.complete else "so far: the rail's own day is not over",
    ]
    return "; ".join(filter(None, notes))


def _open(row: room.Break, night: NightFacts) -> OpenBreak:
    return OpenBreak(
        break_id=row.break_id, kind=row.kind.value, opened_on=row.opened_on,
        age_days=max(0, row.age_days(night.day)), currency=row.currency,
        amount_minor=row.amount_minor, direction=Direction(row.direction), account=row.account,
        evidence=row.evidence, owner=row.owner, next_action=row.next_action,
    )  # fmt: skip


def _cured(row: room.Break) -> CuredBreak:
    return CuredBreak(
        break_id=row.break_id, kind=row.kind.value, opened_on=row.opened_on,
        currency=row.currency, amount_minor=row.amount_minor, how=row.cured_by or "",
    )  # fmt: skip
