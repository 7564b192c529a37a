"""Corrections: what a closed window got wrong is put right in a later one, never edited.

A settled record is taken back in full, with the very fee that it was charged, and the corrected
one comes in its place. Both are records like any other: they carry the day of the one they
correct, so that its rate and its fee rules apply again, and settle in the next open window, late.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.clearing.intake import take
from settle.clearing.kept_terms import KeptTerms
from settle.clearing.kinds import CORRECTIONS, Kind
from settle.clearing.lake import Lake
from settle.clearing.netting import netting_views
from settle.clearing.pricing import price
from settle.clearing.rates import Rates
from settle.clearing.records import STORED
from settle.clearing.settled import settled_records
from settle.clearing.standing import usage_of
from settle.clearing.windows import Cutoff
from settle.engine import Engine, Scratch
from settle.errors import BadInput
from settle.money import MINOR_MAX
from settle.store import Store, derived, insert_new

if TYPE_CHECKING:
    import pyarrow as pa

REPLACEABLE = frozenset(
    ("participant_id", "agreement_id", "counterparty_id", "kind", "amount_minor", "currency",
     "reference")
)  # fmt: skip
"""What a corrected record may say otherwise. Its day is that of the record it replaces."""

_BLANK = frozenset(("counterparty_id", "reference"))

Row = Mapping[str, Any]


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
    wrong = _Wrong.find(record_id, store=store, engine=engine, lake=Lake(lake))
    asked = Correction(
        record_id=record_id, window_id=wrong.window_id, agreement_id=wrong.row["agreement_id"],
        replacement=told, reason=reason, actor=actor,
        corrected_at=at.astimezone(UTC),
    )  # fmt: skip
    with engine.scratch() as scratch:
        fees = wrong.fees(scratch, store=store, rates=rates)
    rows = list(_rows(wrong.row, fees, replacement))
    take(
        rows, name=f"correction of {record_id!r}", received_at=at, store=store, engine=engine,
        lake=lake, agreements=agreements, cutoff=cutoff, corrects=partial(_agree, asked),
    )  # fmt: skip
    with store.reading() as connection:
        agreed = _found(connection, record_id)
    assert agreed is not None, f"the correction of {record_id!r} was not written with its batch"
    return _same(agreed, told)


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
        raise BadInput(f"a correction cannot change {unknown[0]!r}", field=unknown[0])
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


def _agree(asked: Correction, connection: Connection) -> None:
    """Write the correction down, unless another one of the same record was first."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wrong:
    """The settled record that was wrong, and the window it is in."""

    lake: Lake
    window_id: str
    row: Row
    beside: pa.Table

    @classmethod
    def find(cls, record_id: str, *, store: Store, engine: Engine, lake: Lake) -> _Wrong:
        """Look for a record in the batches that closes have looked at, and in their windows."""
        with store.reading() as connection:
            windows = _windows_by_batch(connection)
        with engine.scratch() as scratch:
            found = _accepted(scratch, record_id, [lake.accepted(batch) for batch in windows])
        for row in found:
            for window_id in windows[row["batch_id"]]:
                beside = settled_records(lake, window_id, agreement_id=row["agreement_id"])
                if record_id in beside.column("record_id").to_pylist():
                    _refuse_corrections(row)
                    return cls(lake=lake, window_id=window_id, row=row, beside=beside)
        raise BadInput(f"record {record_id!r} is in no closed window", record_id=record_id)

    def fees(self, scratch: Scratch, *, store: Store, rates: Rates) -> list[tuple[str, str, int]]:
        """What the record was charged, or given back: each with its kind and currency.

        It is charged again, beside the records that it was charged beside, under the terms that
        were kept of that window.
        """
        with store.reading() as connection:
            terms = KeptTerms.of(connection, window_id=self.window_id, lake=self.lake)
            usage = usage_of(connection, before=self.window_id)
        scratch.give("records", self.beside.select([*STORED, "occurred_window", "reason"]))
        price(
            scratch, day=date.fromisoformat(self.window_id), agreements=terms.agreements,
            fees=terms.fees, rates=rates, usage=usage, views=netting_views(),
        )  # fmt: skip
        scratch.give("corrected", _ids(self.row["record_id"]))
        return list(_fees(scratch, self.row, terms.agreements[self.row["agreement_id"]]))


def _refuse_corrections(row: Row) -> None:
    if Kind(row["kind"]) not in CORRECTIONS:
        raise BadInput(
            f"{row['record_id']!r} is a {row['kind']}: correct what took the place of the record",
            record_id=row["record_id"],
        )


def _ids(record_id: str) -> pa.Table:
    import pyarrow as pa

    return pa.table({"record_id": pa.array([record_id], pa.string())})


def _windows_by_batch(connection: Connection) -> dict[str, list[str]]:
    table = tables.manifests.c
    found: dict[str, list[str]] = {}
    query = sa.select(table.batch_id, table.window_id).where(table.records > 0)
    for row in connection.execute(query.order_by(table.batch_id, table.window_id)):
        found.setdefault(row.batch_id, []).append(row.window_id)
    return found


def _accepted(scratch: Scratch, record_id: str, paths: Sequence[Path]) -> list[dict[str, Any]]:
    scratch.read("accepted_all", paths, columns=STORED)
    scratch.give("corrected", _ids(record_id))
    rows: list[dict[str, Any]] = scratch.rows(
        "select * from accepted_all semi join corrected using (record_id) order by batch_id"
    ).to_pylist()
    return rows


def _fees(scratch: Scratch, row: Row, terms: Row) -> Iterator[tuple[str, str, int]]:
    """Amounts signed towards the participant: a fee that was taken is negative."""
    settled_in = row["currency"] if terms["conversion"] == "none" else terms["settlement_currency"]
    if terms["convert_per"] == "record":
        percent, currency = _PERCENT_SINGLE, settled_in
    else:
        percent, currency = _PERCENT, row["currency"]
    if amount := int(scratch.value(percent) or 0):
        returned, retaken = _FEE_KINDS[row["kind"] == Kind.REFUND]
        yield (returned if amount < 0 else retaken), currency, abs(amount)
    if row["kind"] == Kind.SALE and not terms["fee_schedule"] and terms["fee_fixed_minor"]:
        yield Kind.FEE_CORRECTION, terms["settlement_currency"], terms["fee_fixed_minor"]


_FEE_KINDS = {
    False: (Kind.FEE_RETURNED, Kind.FEE_RETAKEN),
    True: (Kind.REFUND_FEE_RETURNED, Kind.REFUND_FEE_RETAKEN),
}
"""Of a refund or of another record: each is converted at the rate that the fee was."""

_PERCENT_SINGLE = """select sum(cast(fee_minor as decimal(38, 0)))
from singled semi join corrected using (record_id)"""
_PERCENT = """select sum(cast(fee_minor as decimal(38, 0))) from (
    select
        record_id,
        cast(percent_minor as decimal(38, 0)) * case when kind = 'refund' then 1 else -1 end
            as fee_minor
    from charged
    union all
    select record_id, -way * fee_minor from levied
) semi join corrected using (record_id)"""


def _rows(row: Row, fees: Sequence[tuple[str, str, int]], replacement: Row | None) -> Iterator[Row]:
    """The correction as records. Their ids are derived, so that they are the same each time."""
    record_id = row["record_id"]
    same = {
        name: row[name]
        for name in ("participant_id", "agreement_id", "counterparty_id", "occurred_at",
                     "reference")
    } | {"attributes": json.dumps({"corrects": record_id})}  # fmt: skip
    tied = row["original_record_id"] if row["kind"] == Kind.REFUND else record_id
    yield {
        **same, "record_id": derived("correction", record_id, "back"),
        "original_record_id": tied, "kind": str(CORRECTIONS[Kind(row["kind"])]),
        "amount_minor": row["amount_minor"], "currency": row["currency"],
    }  # fmt: skip
    for kind, currency, amount in fees:
        yield {
            **same, "record_id": derived("correction", record_id, kind),
            "original_record_id": tied, "kind": str(kind), "amount_minor": amount,
            "currency": currency,
        }  # fmt: skip
    if replacement is not None:
        yield {
            **same, "record_id": derived("correction", record_id, "replacement"),
            "original_record_id": tied, "kind": row["kind"],
            "amount_minor": row["amount_minor"], "currency": row["currency"], **replacement,
        }  # fmt: skip
