"""Corrections: what a closed window got wrong is put right in a later one, never edited.

A settled record is taken back in full, with the very fee that it was charged, and the corrected
one comes in its place. Both are records like any other: they carry the day of the one they
correct, so that its rate and its fee rules apply again, and settle in the next open window, late.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.clearing.intake import take
from settle.clearing.kinds import CORRECTIONS
from settle.clearing.lake import Lake
from settle.clearing.rates import Rates
from settle.clearing.taking_back import Row, SettledRecord
from settle.clearing.windows import Cutoff
from settle.engine import Engine
from settle.errors import BadInput
from settle.money import MINOR_MAX
from settle.store import Store, insert_new

REPLACEABLE = frozenset(
    ("participant_id", "agreement_id", "counterparty_id", "kind", "amount_minor", "currency",
     "reference")
)  # fmt: skip
"""What a corrected record may say otherwise. Its day is that of the record it replaces."""

_BLANK = frozenset(("counterparty_id", "reference"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """That a record of a closed window was wrong. `replacement`: what is other; None: all of it."""

    record_id: str
    window_id: str
    agreement_id: str
    replacement: str | None
    reason: str
    actor: str
    corrected_at: datetime


def correct(
    record_id: str, *, replacement: Row | None, reason: str, actor: str, at: datetime,
    store: Store, engine: Engine, lake: Path, agreements: Agreements, rates: Rates,
    cutoff: Cutoff,
) -> Correction:  # fmt: skip
    """Correct a settled record: take it back and, with a `replacement`, put another in its place.

    `replacement` names what is to be other in the record, see `REPLACEABLE`; without one it
    should not have been. This may be done again: the same correction changes nothing.

    Raises:
        BadInput: the record is in no closed window, was corrected otherwise before, or any record
            of the correction is refused; the message says which, and nothing is corrected.
    """
    told = _told(replacement)
    with store.reading() as connection:
        earlier = _found(connection, record_id)
    if earlier is not None:
        return _same(earlier, told)
    wrong = SettledRecord.find(record_id, store=store, engine=engine, lake=Lake(lake))
    asked = Correction(
        record_id=record_id, window_id=wrong.window_id, agreement_id=wrong.row["agreement_id"],
        replacement=told, reason=reason, actor=actor,
        corrected_at=at.astimezone(UTC),
    )  # fmt: skip
    rows = wrong.taken_back(replacement=replacement, store=store, engine=engine, rates=rates)
    take(
        rows, name=f"correction of {record_id!r}", received_at=at, store=store, engine=engine,
        lake=lake, agreements=agreements, cutoff=cutoff, corrects=partial(_agree, asked, wrong),
    )  # fmt: skip
    with store.reading() as connection:
        agreed = _found(connection, record_id)
    assert agreed is not None, f"the correction of {record_id!r} was not written with its batch"
    return _same(agreed, told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a correction would do: the records that it would take in.

    `standing`: the same correction, if it was made before; then there is nothing to do.
    """

    record_id: str
    window_id: str
    agreement_id: str
    records: Sequence[Row]
    standing: Correction | None


def foresee(
    record_id: str, *, replacement: Row | None, store: Store, engine: Engine, lake: Path,
    rates: Rates,
) -> Foreseen:  # fmt: skip
    """Say what `correct` would take in. This writes nothing, and asks intake nothing.

    Raises:
        BadInput: the record is in no closed window, or was corrected otherwise before.
    """
    told = _told(replacement)
    with store.reading() as connection:
        earlier = _found(connection, record_id)
    standing = None if earlier is None else _same(earlier, told)
    wrong = SettledRecord.find(record_id, store=store, engine=engine, lake=Lake(lake))
    rows = wrong.taken_back(replacement=replacement, store=store, engine=engine, rates=rates)
    return Foreseen(
        record_id=record_id, window_id=wrong.window_id, agreement_id=wrong.row["agreement_id"],
        records=rows, standing=standing,
    )  # fmt: skip


def corrections(connection: Connection, *, window_id: str | None = None) -> Sequence[Correction]:
    """What was corrected: of one closed window, or ever, in the order in which it was."""
    table = tables.corrections
    query = sa.select(*_columns()).order_by(table.c.corrected_at, table.c.record_id)
    if window_id is not None:
        query = query.where(table.c.window_id == window_id)
    return [Correction(**row) for row in connection.execute(query).mappings()]


def _columns() -> list[sa.Column[Any]]:
    return [tables.corrections.c[field.name] for field in fields(Correction)]


def _told(replacement: Row | None) -> str | None:
    if replacement is None:
        return None
    if unknown := sorted(replacement.keys() - REPLACEABLE):
        known = ", ".join(sorted(REPLACEABLE))
        raise BadInput(f"a correction cannot change {unknown[0]!r}, but {known}", field=unknown[0])
    for field, value in replacement.items():
        if not _fits(field, value):
            raise BadInput(f"a correction cannot have {value!r} as its {field}", field=field)
    return json.dumps(replacement, sort_keys=True, ensure_ascii=False)


def _fits(field: str, value: object) -> bool:
    """Whether a value is of its field at all. What else could be wrong is for intake to find."""
    match value:
        case bool():
            return False
        case int():
            return field == "amount_minor" and 0 < value <= MINOR_MAX
        case str():
            # The kinds of corrections are ours: whoever sent them could make money of nothing.
            return field != "amount_minor" and (field != "kind" or value in set(CORRECTIONS))
        case _:
            return value is None and field in _BLANK


def _agree(asked: Correction, wrong: SettledRecord, connection: Connection) -> None:
    """Write the correction down, unless another one of the same record was first."""
    outcome = sa.select(tables.windows.c.outcome).where(
        tables.windows.c.window_id == wrong.window_id
    )
    if connection.scalar(outcome) != wrong.outcome:
        raise BadInput(
            f"window {wrong.window_id} was unwound while {asked.record_id!r} was corrected: "
            "correct it again, if it is settled yet",
            record_id=asked.record_id,
        )
    row = {field.name: getattr(asked, field.name) for field in fields(Correction)}
    insert_new(connection, tables.corrections, [row])
    found = _found(connection, asked.record_id)
    assert found is not None
    _same(found, asked.replacement)


def _found(connection: Connection, record_id: str) -> Correction | None:
    query = sa.select(*_columns()).where(tables.corrections.c.record_id == record_id)
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else Correction(**row)


def _same(found: Correction, replacement: str | None) -> Correction:
    """The correction that stands, if it says the same. The first one does."""
    if found.replacement != replacement:
        raise BadInput(
            f"{found.record_id!r} was corrected otherwise at {found.corrected_at}: correct what "
            "took its place", record_id=found.record_id,
        )  # fmt: skip
    return found
