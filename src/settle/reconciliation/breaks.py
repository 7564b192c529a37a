"""Breaks: opened by what does not fit, cured by the evidence that explains it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import AccountRef
from settle.calendars import is_business_day
from settle.reconciliation.kinds import CURED_BY, HANDLING, BreakKind
from settle.reconciliation.misfits import Misfit, misfits
from settle.reconciliation.tables import breaks, line_outcomes
from settle.store import Store, derived, insert_new

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One thing that does not fit, in its own currency. In- and outflows are never netted.

    `subject` is the payment, line or statement it is about; `break_id` is derived from it and
    the kind, so that the same break is found again and not opened twice.
    """

    break_id: str
    kind: BreakKind
    rail: str
    account: str
    currency: str
    amount_minor: int
    direction: str
    opened_on: date
    cured_on: date | None
    subject: str
    evidence: str
    next_action: str
    owner: str
    cured_by: str | None

    def age_days(self, on: date) -> int:
        """Days from the opening to `on`, or to the cure where that was earlier."""
        return (min(on, self.cured_on or on) - self.opened_on).days


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh changed, by break id, sorted."""

    opened: tuple[str, ...]
    cured: tuple[str, ...]


def refresh(
    store: Store,
    *,
    day: date,
    as_of: datetime,
    payments: pa.Table,
    expected: Collection[AccountRef] = (),
    business_day: Callable[[date, str], bool] = is_business_day,
) -> Refreshed:
    """Open what does not fit now, cure what does again. The same again changes nothing.

    Accepted payments of a value date before `day` should be on a statement, and statements are
    due for every business day before it of each account that ever had one, and of those
    `expected`. A cured break stays, with its dates.
    """
    with store.transaction() as connection:
        found = misfits(
            connection,
            payments=payments,
            day=day,
            expected=expected,
            business_day=business_day,
        )
        current = {derived(x.kind.value, x.subject): x for x in found}
        stored = _stored(connection)
        opened = sorted(
            name for name in current if name not in stored or stored[name]["cured_on"] is not None
        )
        cured = sorted(
            name for name, row in stored.items() if row["cured_on"] is None and name not in current
        )
        rows = [_row(name, current[name], day=day, as_of=as_of) for name in sorted(current)]
        insert_new(connection, breaks, [row for row in rows if row["break_id"] not in stored])
        _update(connection, _changed(rows, stored))
        _update(
            connection,
            [_cure(connection, stored[name], day=day, as_of=as_of) for name in cured],
        )
    return Refreshed(opened=tuple(opened), cured=tuple(cured))


def open_breaks(connection: Connection) -> list[Break]:
    """What does not fit as of the last refresh, the oldest first."""
    return _breaks(connection, breaks.c.cured_on.is_(None))


def all_breaks(connection: Connection) -> list[Break]:
    """Open and cured ones, the oldest first."""
    return _breaks(connection, sa.true())


def _breaks(connection: Connection, where: sa.ColumnElement[bool]) -> list[Break]:
    columns = [column for column in breaks.c if column.name != "changed_at"]
    query = sa.select(*columns).where(where).order_by(breaks.c.opened_on, breaks.c.break_id)
    return [
        Break(**{**row, "kind": BreakKind(row["kind"])})
        for row in connection.execute(query).mappings()
    ]


def _stored(connection: Connection) -> dict[str, dict[str, Any]]:
    rows = connection.execute(sa.select(breaks)).mappings()
    return {row["break_id"]: dict(row) for row in rows}


def _row(break_id: str, misfit: Misfit, *, day: date, as_of: datetime) -> dict[str, Any]:
    handling = HANDLING[misfit.kind]
    return {
        "break_id": break_id,
        "kind": misfit.kind.value,
        "rail": misfit.account.rail,
        "account": misfit.account.account,
        "currency": misfit.account.currency,
        "amount_minor": abs(misfit.amount_minor),
        "direction": "out" if misfit.amount_minor < 0 else "in",
        "opened_on": day,
        "cured_on": None,
        "subject": misfit.subject,
        "evidence": misfit.evidence,
        "next_action": handling.next_action,
        "owner": handling.owner,
        "cured_by": None,
        "changed_at": as_of,
    }


def _cure(
    connection: Connection, row: dict[str, Any], *, day: date, as_of: datetime
) -> dict[str, Any]:
    query = sa.select(line_outcomes.c.why).where(line_outcomes.c.line_id == row["subject"])
    why = connection.execute(query).scalar_one_or_none()
    by = why or CURED_BY.get(BreakKind(row["kind"]), "What did not fit is gone")
    return {**row, "cured_on": day, "cured_by": by, "changed_at": as_of}


def _changed(
    rows: Iterable[dict[str, Any]], stored: Mapping[str, dict[str, Any]]
) -> list[dict[str, Any]]:
    """The rows that say something new of a stored break; the day it opened stays."""
    changed = []
    for row in rows:
        before = stored.get(row["break_id"])
        if before is None:
            continue
        after = {**row, "opened_on": before["opened_on"], "owner": before["owner"]}
        if {**after, "changed_at": before["changed_at"]} != before:
            changed.append(after)
    return changed


def _update(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        connection.execute(
            sa.update(breaks).where(breaks.c.break_id == sa.bindparam("of_break")),
            [{"of_break": row["break_id"], **row} for row in rows],
        )
