"""What a close writes: positions, reserve slices, carries, obligations, postings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.clearing.kinds import COMPONENTS
from settle.clearing.netting import Netted, Standing
from settle.clearing.obligations import obligation_id
from settle.clearing.positions import position_id
from settle.ledger import Posting, post, signed

Row = Mapping[str, Any]
BENEFICIARY = (
    "beneficiary_name", "beneficiary_country", "beneficiary_town", "beneficiary_account",
    "beneficiary_bic", "beneficiary_bank_code",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The window that is closed, and what of earlier ones it takes up."""

    day: date
    closed_at: datetime
    standing: Standing

    @property
    def window_id(self) -> str:
        """Its ISO date."""
        return self.day.isoformat()


def write_outcome(
    connection: Connection, netted: Netted, *, window: Window, agreements: Agreements
) -> None:
    """Write everything a window decides, in the caller's transaction."""
    rows = [_named(row, window) for row in netted.obliged.to_pylist()]
    buckets = [_bucket(row, window) for row in netted.buckets.to_pylist()]
    _insert(connection, tables.positions, [_position(row) for row in rows])
    _insert(connection, tables.position_lines, buckets)
    _settle_standing(connection, rows, window)
    _insert(connection, tables.reserve_slices, list(_slices(rows)))
    _insert(connection, tables.carries, list(_carries(rows, window)))
    _insert(connection, tables.obligations, list(_obligations(rows, agreements)))
    posted = post(connection, _postings(netted, window), recorded_at=window.closed_at)
    assert posted == netted.postings.num_rows, "a close is posted once"


def _insert(connection: Connection, table: sa.Table, rows: list[Row]) -> None:
    if rows:
        connection.execute(table.insert(), rows)


def _named(row: Row, window: Window) -> Row:
    name = position_id(
        agreement_id=row["agreement_id"], currency=row["currency"], window_id=window.window_id
    )
    return {**row, "position_id": name, "window_id": window.window_id}


_POSITION = tuple(column.name for column in tables.positions.columns)
_LINE = ("currency", "records", *(f"{name}_minor" for name in COMPONENTS), "net_minor", "rate_id",
         "mid_e8", "client_e8", "rounding", "converted_minor")  # fmt: skip


def _position(row: Row) -> Row:
    return {name: row[name] for name in _POSITION}


def _bucket(row: Row, window: Window) -> Row:
    name = position_id(
        agreement_id=row["agreement_id"], currency=row["settlement_currency"],
        window_id=window.window_id,
    )  # fmt: skip
    return {"position_id": name, **{field: row[field] for field in _LINE}}


def _settle_standing(connection: Connection, rows: list[Row], window: Window) -> None:
    """Mark the slices given back and the rests taken up by a position of this window."""
    slices, carries = tables.reserve_slices, tables.carries
    released = [{"slice": name} for name in window.standing.slices.column("slice_id").to_pylist()]
    taken = {(row["agreement_id"], row["currency"]) for row in rows}
    carried = [
        {"carry": row["carry_id"]}
        for row in window.standing.carried.to_pylist()
        if (row["agreement_id"], row["currency"]) in taken
    ]
    if released:
        connection.execute(
            slices.update()
            .where(slices.c.slice_id == sa.bindparam("slice"))
            .values(released_in=window.window_id),
            released,
        )
    if carried:
        connection.execute(
            carries.update()
            .where(carries.c.carry_id == sa.bindparam("carry"))
            .values(taken_in=window.window_id),
            carried,
        )


def _slices(rows: list[Row]) -> Iterator[Row]:
    for row in rows:
        if row["reserve_withheld_minor"]:
            yield {
                "slice_id": row["position_id"],
                "agreement_id": row["agreement_id"],
                "currency": row["currency"],
                "window_id": row["window_id"],
                "amount_minor": -row["reserve_withheld_minor"],
                "release_on": row["release_on"],
            }


def _carries(rows: list[Row], window: Window) -> Iterator[Row]:
    for row in rows:
        if row["outcome"] in ("negative", "below_minimum"):
            yield {
                "carry_id": row["position_id"],
                "agreement_id": row["agreement_id"],
                "currency": row["currency"],
                "window_id": row["window_id"],
                "amount_minor": row["due_minor"],
                "reason": row["outcome"],
                "since": row["carried_since"] or window.day,
            }


def _obligations(rows: list[Row], agreements: Agreements) -> Iterator[Row]:
    names = agreements.column("agreement_id")
    payees = agreements.table.select(BENEFICIARY).to_pylist()
    payee_of = dict(zip(names, payees, strict=True))
    for row in rows:
        if row["outcome"] == "paid":
            yield {
                **payee_of[row["agreement_id"]],
                "obligation_id": obligation_id(
                    agreement_id=row["agreement_id"], currency=row["currency"],
                    window_id=row["window_id"],
                ),
                "amount_minor": row["due_minor"],
                **{name: row[name] for name in _OWED},
            }  # fmt: skip


_OWED = ("window_id", "position_id", "agreement_id", "participant_id", "currency", "value_date")


def _postings(netted: Netted, window: Window) -> Iterator[Posting]:
    for row in netted.postings.to_pylist():
        yield from signed(
            event="close", subject=window.window_id, row=row["row"], posted_on=window.day,
            frm=row["frm"], to=row["into_account"], currency=row["currency"],
            amount_minor=row["amount_minor"],
        )  # fmt: skip
