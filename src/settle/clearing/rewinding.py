"""What stood before a window was closed: told from the store, and put back in it.

Both hold only while no later window is closed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.closings import Closing
from settle.clearing.computation import Stand
from settle.clearing.kept_terms import kept
from settle.clearing.lake import Lake, outcome_name
from settle.clearing.standing import Standing, collateral_used
from settle.clearing.unsettled import Unsettled, parts_taken
from settle.store import arrow

if TYPE_CHECKING:
    import pyarrow as pa


def stand_before(connection: Connection, closing: Closing, *, lake: Lake) -> Stand:
    """What the close of a window started from: the same records, reserves and rests.

    Collateral alone is what the ledger has by now: what went back since is not there to be taken.

    Raises:
        BadInput: its manifest is not in the lake.
    """
    window_id = closing.window_id
    return Stand(
        unsettled=Unsettled(
            lake=lake,
            fresh=_fresh(connection, window_id),
            parts=parts_taken(connection, taken_in=window_id),
            withdrawn=_withdrawn(connection, closing, lake=lake),
        ),
        standing=Standing(
            slices=arrow(connection, _slices(window_id)),
            carried=arrow(connection, _carried(window_id)),
            collateral_used=_collateral_used(connection, window_id),
        ),
    )


def _fresh(connection: Connection, window_id: str) -> Mapping[str, int]:
    """The batches that no window had looked at before this one."""
    batches, manifests = tables.intake_batches.c, tables.manifests
    before = manifests.alias("before")
    seen = sa.exists().where(before.c.batch_id == batches.batch_id, before.c.window_id < window_id)
    query = (
        sa.select(batches.batch_id, batches.accepted)
        .join(manifests, manifests.c.batch_id == batches.batch_id)
        .where(manifests.c.window_id == window_id, ~seen)
        .order_by(batches.batch_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def _withdrawn(connection: Connection, closing: Closing, *, lake: Lake) -> Mapping[str, str]:
    """What was withdrawn when the window closed, by its manifest: a later conflict is not its."""
    manifest = kept(lake.manifest(outcome_name(closing.window_id, closing.outcome)))
    then = {line["name"] for line in manifest.to_pylist() if line["what"] == "withdrawn"}
    if not then:
        return {}
    table = tables.withdrawals.c
    query = sa.select(table.record_id, table.batch_id).order_by(table.record_id)
    return {row[0]: row[1] for row in connection.execute(query) if row[0] in then}


def _taken_in(window_id: str, *, source: str) -> sa.Subquery:
    """What debts and defaults of a window took from a sort of source."""
    rows = sa.union_all(
        *(
            sa.select(
                table.c.agreement_id, table.c.currency, table.c.source_id, table.c.amount_minor
            ).where(table.c.window_id == window_id, table.c.source == source)
            for table in (tables.recoveries, tables.covers)
        )
    )
    return rows.subquery()


def _used_in(window_id: str) -> sa.Subquery:
    """What was taken from each slice."""
    taken = _taken_in(window_id, source="reserve").c
    total = sa.func.sum(taken.amount_minor).label("amount_minor")
    return sa.select(taken.source_id, total).group_by(taken.source_id).subquery()


def _slices(window_id: str) -> sa.Select[Any]:
    slices, used = tables.reserve_slices.c, _used_in(window_id)
    back = sa.func.coalesce(used.c.amount_minor, 0)
    rest = sa.cast(slices.amount_minor - slices.used_minor + back, sa.BigInteger)
    return (
        sa.select(
            slices.slice_id, slices.agreement_id, slices.part, slices.currency, slices.window_id,
            rest.label("amount_minor"), slices.release_on,
        )
        .select_from(tables.reserve_slices)
        .join(used, used.c.source_id == slices.slice_id, isouter=True)
        .where(slices.window_id < window_id, _open(slices.released_in, window_id), rest > 0)
        .order_by(slices.slice_id)
    )  # fmt: skip


def _carried(window_id: str) -> sa.Select[Any]:
    carries = tables.carries.c
    return (
        sa.select(
            carries.carry_id, carries.agreement_id, carries.part, carries.currency,
            carries.amount_minor, carries.since,
        )
        .where(carries.window_id < window_id, _open(carries.taken_in, window_id))
        .order_by(carries.carry_id)
    )  # fmt: skip


def _collateral_used(connection: Connection, window_id: str) -> pa.Table:
    """All but what this window took."""
    import pyarrow as pa

    took = _taken_in(window_id, source="collateral").c
    query = sa.select(took.agreement_id, took.currency, took.amount_minor)
    taken: Counter[tuple[str, str]] = Counter()
    for name, currency, amount_minor in connection.execute(query):
        taken[name, currency] += amount_minor
    now = collateral_used(connection)
    rows = [
        {**row, "amount_minor": row["amount_minor"] - taken[row["agreement_id"], row["currency"]]}
        for row in now.to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=now.schema)


def _open(ended_in: sa.Column[Any], window_id: str) -> sa.ColumnElement[bool]:
    """Whether something was still open when a window closed."""
    return sa.or_(ended_in.is_(None), ended_in == window_id)


def decided(window_id: str) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """The tables in which a window has rows of its own, and which. What names others is first."""
    own = sa.select(tables.positions.c.position_id).where(tables.positions.c.window_id == window_id)
    yield tables.position_lines, tables.position_lines.c.position_id.in_(own)
    yield tables.recoveries, tables.recoveries.c.position_id.in_(own)
    for table in (
        tables.positions, tables.reserve_slices, tables.carries, tables.obligations,
        tables.claims, tables.covers, tables.savings, tables.fee_usage, tables.left_out,
        tables.manifests, tables.deferrals,
    ):  # fmt: skip
        yield table, table.c.window_id == window_id


def rewind(connection: Connection, window_id: str) -> None:
    """Make the store what it was before a window was closed, but for the window's own row.

    What it used, gave back and took up is open again; what it decided is gone: keep it first.
    """
    slices, used = tables.reserve_slices, _used_in(window_id)
    took = connection.execute(sa.select(used.c.source_id, used.c.amount_minor)).all()
    if took:
        connection.execute(
            slices.update()
            .where(slices.c.slice_id == sa.bindparam("slice"))
            .values(used_minor=slices.c.used_minor - sa.bindparam("amount", type_=sa.BigInteger)),
            [{"slice": name, "amount": int(amount)} for name, amount in took],
        )
    for column in (
        slices.c.released_in, tables.carries.c.taken_in, tables.deferrals.c.taken_in,
    ):  # fmt: skip
        connection.execute(
            column.table.update().where(column == window_id).values({column.name: None})
        )
    for table, own in decided(window_id):
        connection.execute(table.delete().where(own))
