"""A settled record taken back: the rows that undo it, with the very fee that it was charged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.kept_terms import KeptTerms
from settle.clearing.kinds import CORRECTIONS, Kind
from settle.clearing.lake import Lake, outcome_name
from settle.clearing.netting import netting_views
from settle.clearing.pricing import price
from settle.clearing.rates import Rates
from settle.clearing.records import STORED
from settle.clearing.settled import settled_records
from settle.clearing.usage import usage_of
from settle.engine import Engine, Scratch
from settle.errors import BadInput
from settle.store import Store, derived

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRecord:
    """A settled record, the window it is in, and the records of its agreement beside it.

    `outcome`: of the window, as it stood when the record was found.
    """

    lake: Lake
    window_id: str
    outcome: int
    row: Row
    beside: pa.Table

    @classmethod
    def find(cls, record_id: str, *, store: Store, engine: Engine, lake: Lake) -> SettledRecord:
        """Look for a record in the batches that closes have looked at, and in their windows.

        Raises:
            BadInput: it is in no closed window, or is itself a row of a correction.
        """
        with store.reading() as connection:
            windows = _windows_by_batch(connection)
        with engine.scratch() as scratch:
            found = _accepted(scratch, record_id, [lake.accepted(batch) for batch in windows])
        for row in found:
            for window_id, outcome in windows[row["batch_id"]]:
                name = outcome_name(window_id, outcome)
                beside = settled_records(
                    lake, name, engine=engine, agreement_id=row["agreement_id"]
                )
                if record_id in beside.column("record_id").to_pylist():
                    _refuse_corrections(row)
                    return cls(
                        lake=lake, window_id=window_id, outcome=outcome, row=row, beside=beside
                    )
        raise BadInput(f"record {record_id!r} is in no closed window", record_id=record_id)

    def taken_back(
        self, *, replacement: Row | None, store: Store, engine: Engine, rates: Rates
    ) -> list[Row]:
        """The records that take it back, with its fee, and the one that comes in its place."""
        with engine.scratch() as scratch:
            fees = self._fees(scratch, store=store, rates=rates)
        return list(_rows(self.row, fees, replacement))

    def _fees(self, scratch: Scratch, *, store: Store, rates: Rates) -> list[tuple[str, str, int]]:
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


def _windows_by_batch(connection: Connection) -> dict[str, list[tuple[str, int]]]:
    """The windows that have records of each batch, each with its outcome."""
    table, windows = tables.manifests.c, tables.windows
    found: dict[str, list[tuple[str, int]]] = {}
    query = (
        sa.select(table.batch_id, table.window_id, windows.c.outcome)
        .join(windows, windows.c.window_id == table.window_id)
        .where(table.records > 0)
        .order_by(table.batch_id, table.window_id)
    )
    for row in connection.execute(query):
        found.setdefault(row.batch_id, []).append((row.window_id, row.outcome))
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
