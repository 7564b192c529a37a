"""A round of screening: whoever is to be paid, against the lists in force, and what is kept of it.

Names are compared outside of any transaction. What comes of it is written only while the lists
it was compared with are still in force, so a worker that was slow never overwrites a newer word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from settle.payments.instruction import Row
from settle.payments.rows import fetch
from settle.payments.screening.gate import IN_FLIGHT, stand_still
from settle.payments.screening.names import is_comparable
from settle.payments.screening.rulings import decisions_about
from settle.payments.screening.screener import Screener
from settle.payments.screening.tables import screening_standings, screenings
from settle.payments.screening.verdict import (
    Decision,
    Match,
    Ruling,
    as_text,
    nobody_can_say,
    reason_of,
    subject_of,
    verdict_of,
)
from settle.payments.screening.versions import adopt, in_force
from settle.payments.state import UNSENT, State
from settle.payments.tables import payments
from settle.store import Store, insert_new

MATCHES_KEPT_MAX = 100
"""Matches kept of one screening. Those that nobody has ruled about come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """What a round did. `held` and `in_flight` count payments that it found not free.

    `is_new`: lists came into force by it. `is_over`: newer ones came into force meanwhile, and
    nothing was written.
    """

    is_new: bool
    screened: int
    held: int
    in_flight: int
    is_over: bool = False


def screen(
    store: Store, screener: Screener, *, tenant: str, now: datetime, releasing: bool = False
) -> Screened:
    """Put the lists in force, and screen whoever they have not seen. Run again, this adds nothing.

    That is what is planned, what newer lists or a changed beneficiary leave unscreened, and what
    is on its way, which is only reported. `releasing`: what is about to be sent is screened once
    more, whatever was said of it before.

    Raises:
        BadInput: a list is older than the one in force, see `adopt`.
    """
    is_new = adopt(store, screener, tenant=tenant, now=now)
    with store.reading() as connection:
        rows = _due(connection, screener, tenant=tenant, releasing=releasing)
    matches = screener.matches([row["beneficiary_name"] for row in rows])
    with store.transaction() as connection:
        stand_still(connection)
        standing = in_force(connection, tenant=tenant)
        if standing is None or standing.version != screener.version:
            return Screened(is_new=is_new, screened=0, held=0, in_flight=0, is_over=True)
        rulings = decisions_about(connection, {subject_of(row) for row in rows}, tenant=tenant)
        done = [
            _screening(row, matches[row["beneficiary_name"]], rulings, screener, now)
            for row in rows
        ]
        _keep(connection, done)
    caught = [row for row, each in zip(rows, done, strict=True) if not each["free"]]
    flying = sum(row["state"] in IN_FLIGHT for row in caught)
    return Screened(is_new=is_new, screened=len(done), held=len(caught) - flying, in_flight=flying)


def _due(
    connection: Connection, screener: Screener, *, tenant: str, releasing: bool
) -> Sequence[Row]:
    """rows: payments to be screened, with the version they were last screened by, sorted."""
    standing = screening_standings.c
    unseen = sa.or_(
        standing.payment_id.is_(None),
        standing.version != screener.version,
        standing.beneficiary_name != payments.c.beneficiary_name,
        standing.beneficiary_account != payments.c.beneficiary_account,
    )
    leaving = sa.and_(payments.c.state == State.APPROVED.value, payments.c.funded)
    query = (
        sa.select(payments, standing.version.label("seen_by"))
        .outerjoin(screening_standings, standing.payment_id == payments.c.payment_id)
        .where(
            payments.c.tenant == tenant,
            payments.c.state.in_(sorted(UNSENT | IN_FLIGHT)),
            sa.or_(unseen, leaving) if releasing else unseen,
        )
        .order_by(payments.c.payment_id)
    )
    return fetch(connection, query)


def _screening(
    row: Row,
    matches: Sequence[Match],
    decisions: Mapping[str, Sequence[Decision]],
    screener: Screener,
    now: datetime,
) -> dict[str, Any]:
    """One screening as it is kept."""
    if not is_comparable(row["beneficiary_name"]):
        matches = [nobody_can_say(row["beneficiary_name"]), *matches]
    subject = subject_of(row)
    rulings = decisions.get(subject, ())
    kept = _first(matches, rulings)
    more, block_at = len(matches) - len(kept), screener.thresholds.block_at
    verdict, match = verdict_of(kept, rulings, block_at=block_at, more=more)
    return {
        "payment_id": row["payment_id"], "version": screener.version,
        "occasion": _occasion(row, screener), "screened_at": now, "subject": subject,
        "beneficiary_name": row["beneficiary_name"],
        "beneficiary_account": row["beneficiary_account"], "verdict": verdict.value,
        "free": verdict.is_free, "score": max((each.score for each in matches), default=0),
        "reason": reason_of(verdict, match, more=more), "matches": as_text(kept),
        "matches_more": more, "block_at": block_at,
    }  # fmt: skip


def _first(matches: Sequence[Match], rulings: Sequence[Decision]) -> Sequence[Match]:
    """Those that are kept, the best first; what nobody has ruled about goes before the rest."""
    ruled = {each.entry for each in rulings if each.ruling is Ruling.FALSE_POSITIVE}
    first = sorted(matches, key=lambda each: each.entry in ruled)[:MATCHES_KEPT_MAX]
    return sorted(first, key=lambda each: (-each.score, each.list, each.entry_id))


def _occasion(row: Row, screener: Screener) -> str:
    if row["seen_by"] is None:
        return "instruction"
    return "release" if row["seen_by"] == screener.version else "list_change"


_KEPT = tuple(column.name for column in screenings.c)
_STANDS = tuple(column.name for column in screening_standings.c)


def _keep(connection: Connection, done: Sequence[Mapping[str, Any]]) -> None:
    insert_new(connection, screenings, [{name: each[name] for name in _KEPT} for each in done])
    stand(connection, [{name: each[name] for name in _STANDS} for each in done])


def stand(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write how payments stand, in place of what stood there."""
    if not rows:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(screening_standings)
    new = {name: statement.excluded[name] for name in _STANDS if name != "payment_id"}
    connection.execute(
        statement.on_conflict_do_update(index_elements=["payment_id"], set_=new), rows
    )
