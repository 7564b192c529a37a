"""Obligations: what is to be paid, to whom, when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.store import derived


@dataclass(frozen=True, slots=True, kw_only=True)
class Obligation:
    """An amount owed to a merchant on a day. The beneficiary is as agreed when it arose."""

    obligation_id: str
    window_id: str
    position_id: str
    agreement_id: str
    part: str = ""
    participant_id: str
    currency: str
    amount_minor: int
    value_date: date
    beneficiary_name: str
    beneficiary_country: str
    beneficiary_town: str
    beneficiary_account: str
    beneficiary_bic: str | None
    beneficiary_bank_code: str | None


_FIELDS = tuple(field.name for field in fields(Obligation))


def obligation_id(*, agreement_id: str, currency: str, window_id: str, part: str = "") -> str:
    """The obligation's name, derived, so that a restored backup mints the same."""
    return derived("obligation", agreement_id, currency, window_id, *([part] if part else []))


def due(
    connection: Connection, *, as_of: date, agreements: Agreements | None = None,
    also: Sequence[str] = (),
) -> Sequence[Obligation]:  # fmt: skip
    """Obligations of windows up to `as_of` that no payment has taken up, in a fixed order.

    With `agreements`, only those whose agreement is among them. `also`: ids of such that a payment
    has taken up and that are to be looked at all the same.
    """
    table = tables.obligations
    open_ones = _selected(connection, as_of, table.c.covered_at.is_(None))
    for start in range(0, len(also), _CHUNK):
        named = table.c.obligation_id.in_(also[start : start + _CHUNK])
        open_ones |= _selected(connection, as_of, named)
    found = sorted(open_ones.values(), key=lambda x: (x.window_id, x.currency, x.obligation_id))
    if agreements is None:
        return found
    known = frozenset(agreements.column("agreement_id"))
    return [obligation for obligation in found if obligation.agreement_id in known]


_CHUNK = 1000
"""Ids per statement."""


def _selected(
    connection: Connection, as_of: date, which: sa.ColumnElement[bool]
) -> dict[str, Obligation]:
    table = tables.obligations
    query = sa.select(*(table.c[name] for name in _FIELDS))
    query = query.where(table.c.window_id <= as_of.isoformat(), which)
    found = (Obligation(**row) for row in connection.execute(query).mappings())
    return {obligation.obligation_id: obligation for obligation in found}


def uncover(connection: Connection, obligation_ids: Iterable[str]) -> None:
    """Let obligations be taken up by a payment once more: the one they had will never be sent."""
    table = tables.obligations
    rows = [{"uncovered_id": name} for name in obligation_ids]
    if rows:
        connection.execute(
            table.update()
            .where(table.c.obligation_id == sa.bindparam("uncovered_id"))
            .values(covered_at=None),
            rows,
        )


def cover(connection: Connection, obligation_ids: Iterable[str], *, at: datetime) -> None:
    """Mark obligations as taken up by a payment. This repeats safely."""
    table = tables.obligations
    rows = [{"covered_id": name, "at": at} for name in obligation_ids]
    if rows:
        connection.execute(
            table.update()
            .where(
                table.c.obligation_id == sa.bindparam("covered_id"), table.c.covered_at.is_(None)
            )
            .values(covered_at=sa.bindparam("at")),
            rows,
        )
