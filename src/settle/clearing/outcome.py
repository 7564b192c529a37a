"""What a close writes: positions, reserves, carries, obligations, claims, postings, in columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.clearing.netting import Netted
from settle.clearing.obligations import obligation_id
from settle.clearing.position import claim_id, position_id
from settle.clearing.standing import Standing
from settle.ledger import post_columns
from settle.store import insert_columns

if TYPE_CHECKING:
    import pyarrow as pa

BENEFICIARY = (
    "beneficiary_name", "beneficiary_country", "beneficiary_town", "beneficiary_account",
    "beneficiary_bic", "beneficiary_bank_code",
)  # fmt: skip
_ASKED_FOR = BENEFICIARY[:4]
"""Without which nobody is paid; the rest depends on the account."""

_KEY = ("agreement_id", "part", "currency")

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The window that is closed, and what of earlier ones it takes up.

    `outcome`: 1, or more where it was unwound; `posted_on`: the business day of its rows.
    """

    day: date
    closed_at: datetime
    standing: Standing
    outcome: int
    posted_on: date

    @property
    def window_id(self) -> str:
        """Its ISO date."""
        return self.day.isoformat()

    @property
    def event(self) -> str:
        """What its rows in the journal are called after."""
        return close_event(self.outcome)


def close_event(outcome: int) -> str:
    """The event of the journal that books an outcome of a window."""
    return _of_outcome("close", outcome)


def default_event(outcome: int) -> str:
    """The event that books what covered those who defaulted in an outcome of a window."""
    return _of_outcome("default", outcome)


def _of_outcome(event: str, outcome: int) -> str:
    return event if outcome == 1 else f"{event}/{outcome}"


def write_outcome(
    connection: Connection, netted: Netted, *, window: Window, agreements: Agreements
) -> None:
    """Write everything a window decides, in the caller's transaction."""
    named = _named(netted.obliged, window)
    insert_columns(connection, tables.positions, _only(named, tables.positions))
    insert_columns(connection, tables.position_lines, _lines(netted.buckets, named))
    _mark_standing(connection, netted, named, window)
    for table, rows in _new(netted, named, window=window, agreements=agreements):
        insert_columns(connection, table, rows)
    posted = post_columns(
        connection, netted.postings, event=window.event, subject=window.window_id,
        posted_on=window.posted_on, recorded_at=window.closed_at,
    )  # fmt: skip
    assert posted == netted.postings.num_rows, "a close is posted once"


def _new(
    netted: Netted, named: pa.Table, *, window: Window, agreements: Agreements
) -> Iterable[tuple[sa.Table, pa.Table]]:
    window_id = window.window_id
    yield tables.reserve_slices, _slices(named)
    yield tables.carries, _carries(named)
    yield tables.obligations, _obligations(named, agreements, window_id)
    yield tables.claims, _claims(named, agreements, window_id)
    yield tables.recoveries, _recoveries(netted, named, window_id)
    yield tables.savings, _same(netted.saved, window_id=window_id)
    yield tables.fee_usage, _same(netted.used, window_id=window_id)


def _named(obliged: pa.Table, window: Window) -> pa.Table:
    import pyarrow as pa

    window_id = window.window_id
    names = [
        position_id(agreement_id=agreement_id, part=part, currency=currency, window_id=window_id)
        for agreement_id, part, currency in _keys(obliged)
    ]
    named = obliged.append_column("position_id", pa.array(names, pa.string()))
    return _same(named, window_id=window_id)


def _keys(table: pa.Table, *names: str) -> Iterable[Key]:
    columns = [table.column(name).to_pylist() for name in names or _KEY]
    return zip(*columns, strict=True)


def _same(table: pa.Table, **values: str) -> pa.Table:
    """With columns that are the same in every row."""
    import pyarrow as pa

    for name, value in values.items():
        column = pa.repeat(pa.scalar(value, pa.string()), table.num_rows)
        table = table.append_column(name, column)
    return table


def _only(rows: pa.Table, table: sa.Table, **renamed: str) -> pa.Table:
    """The columns that a table of the store has, of those that are there."""
    rows = rows.rename_columns([renamed.get(name, name) for name in rows.column_names])
    return rows.select([c.name for c in table.columns if c.name in rows.column_names])


def _where(rows: pa.Table, name: str, *values: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    return rows.filter(pc.is_in(rows.column(name), value_set=pa.array(values, pa.string())))


def _lines(buckets: pa.Table, named: pa.Table) -> pa.Table:
    import pyarrow as pa

    names = dict(zip(_keys(named), named.column("position_id").to_pylist(), strict=True))
    keys = _keys(buckets, "agreement_id", "part", "settlement_currency")
    own = pa.array([names[key] for key in keys], pa.string())
    return _only(buckets.append_column("position_id", own), tables.position_lines)


def _slices(named: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    rows = named.filter(pc.less(named.column("reserve_withheld_minor"), 0))
    rows = rows.append_column("amount_minor", pc.negate(rows.column("reserve_withheld_minor")))
    return _only(rows, tables.reserve_slices, position_id="slice_id")


def _carries(named: pa.Table) -> pa.Table:
    rows = _where(named, "outcome", "negative", "below_minimum")
    return _only(
        rows, tables.carries, position_id="carry_id", carried_out_minor="amount_minor",
        outcome="reason",
    )  # fmt: skip


def _obligations(named: pa.Table, agreements: Agreements, window_id: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = _where(named, "outcome", "paid")
    known = agreements.table.column("agreement_id").combine_chunks()
    places = pc.index_in(rows.column("agreement_id"), value_set=known)
    payees = agreements.table.select(BENEFICIARY).take(places)
    for name in BENEFICIARY:
        # Who cannot be paid is owed all the same: payments hold it, by field.
        told = payees.column(name)
        rows = rows.append_column(name, pc.fill_null(told, "") if name in _ASKED_FOR else told)
    names = [
        obligation_id(agreement_id=agreement_id, part=part, currency=currency, window_id=window_id)
        for agreement_id, part, currency in _keys(rows)
    ]
    rows = rows.append_column("obligation_id", pa.array(names, pa.string()))
    return _only(rows, tables.obligations, paid_minor="amount_minor")


def _claims(named: pa.Table, agreements: Agreements, window_id: str) -> pa.Table:
    import pyarrow as pa

    rows = _where(named, "outcome", "claimed")
    names = [
        claim_id(agreement_id=agreement_id, part=part, currency=currency, window_id=window_id)
        for agreement_id, part, currency in _keys(rows)
    ]
    gross = [agreements[a]["netting"] == "gross" for a in rows.column("agreement_id").to_pylist()]
    reasons = ["gross" if is_gross else "terminated" for is_gross in gross]
    rows = rows.append_column("claim_id", pa.array(names, pa.string()))
    rows = rows.append_column("reason", pa.array(reasons, pa.string()))
    return _only(rows, tables.claims, claimed_minor="amount_minor")


def _recoveries(netted: Netted, named: pa.Table, window_id: str) -> pa.Table:
    import pyarrow as pa

    names = dict(zip(_keys(named), named.column("position_id").to_pylist(), strict=True))
    taken = netted.recovered.to_pylist() + [
        {
            "agreement_id": row["taker"], "part": "", "currency": row["currency"],
            "source": "set_off", "source_id": names[row["giver"], "", row["currency"]],
            "nth": 0, "amount_minor": row["amount_minor"],
        }
        for row in netted.set_off.to_pylist()
    ]  # fmt: skip
    rows = [
        {**row, "position_id": names[row["agreement_id"], row["part"], row["currency"]],
         "window_id": window_id}
        for row in taken
    ]  # fmt: skip
    return pa.Table.from_pylist(rows) if rows else pa.table({})


def _mark_standing(connection: Connection, netted: Netted, named: pa.Table, window: Window) -> None:
    """Mark the slices given back or used, and the rests taken up by a position of this window."""
    slices, carries = tables.reserve_slices, tables.carries
    given_back = netted.released.column("slice_id").to_pylist()
    _mark(connection, slices.c.slice_id, given_back, released_in=window.window_id)
    taken = set(_keys(named))
    carried = window.standing.carried
    pairs = zip(carried.column("carry_id").to_pylist(), _keys(carried), strict=True)
    taken_up = [name for name, key in pairs if key in taken]
    _mark(connection, carries.c.carry_id, taken_up, taken_in=window.window_id)
    used = _where(netted.recovered, "source", "reserve").to_pylist()
    if used:
        connection.execute(
            slices.update()
            .where(slices.c.slice_id == sa.bindparam("slice"))
            .values(used_minor=slices.c.used_minor + sa.bindparam("amount")),
            [{"slice": row["source_id"], "amount": row["amount_minor"]} for row in used],
        )


def _mark(connection: Connection, key: sa.Column[Any], names: Sequence[str], **values: str) -> None:
    if names:
        connection.execute(
            key.table.update().where(key == sa.bindparam("marked")).values(**values),
            [{"marked": name} for name in names],
        )
