"""The chain in the store: what no block has yet, what each block has, and its newest head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.ledger.blocks import Head, Header
from settle.ledger.leaves import APART, BETWEEN, Source, raw
from settle.ledger.tables import seal_blocks, sealed_rows

Row = Mapping[str, Any]
"""A row as the driver has it, by column name."""

ROWS_AT_ONCE = 10_000
"""How many rows are fetched at a time, so that memory does not grow with the journal."""

IN_BLOCK = "in_block"
"""The label of the position that a row has in its block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """What no block has yet: how many rows, and when the oldest was written (microseconds)."""

    count: int
    oldest: int | None


def newest_head(connection: Connection) -> Head | None:
    """The head of the newest block; none before the first."""
    query = sa.select(seal_blocks).order_by(seal_blocks.c.number.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    header = Header.read(row.header)
    signer = header.signer if header else None
    return Head(block=row.number, head=row.head, signer=signer, signature=row.signature)


def has_head(connection: Connection, head: Head) -> bool:
    """Whether the chain has a block with this number and this head."""
    block = seal_blocks.c
    query = sa.select(block.number).where(block.number == head.block, block.head == head.head)
    return connection.execute(query).scalar_one_or_none() is not None


def stored_blocks(connection: Connection) -> Iterator[Row]:
    """Every block as it is stored, by number."""
    columns = [raw(column).label(column.name) for column in seal_blocks.c]
    yield from streamed(connection, sa.select(*columns).order_by(seal_blocks.c.number))


def unsealed(connection: Connection, source: Source) -> Iterator[Row]:
    """The rows of a source that no block has, the oldest first, as they are in this snapshot.

    A row is known by its key, not by a number or a time: what another transaction commits later
    is found later, however early it began.
    """
    table = source.table
    order = (table.c[source.recorded], *table.primary_key)
    yield from streamed(
        connection, sa.select(*_content(source)).where(_open(source)).order_by(*order)
    )


def tail_of(connection: Connection, source: Source) -> Tail:
    """How much of a source no block has yet."""
    recorded = raw(sa.func.min(source.table.c[source.recorded]))
    count, oldest = connection.execute(
        sa.select(sa.func.count(), recorded).select_from(source.table).where(_open(source))
    ).one()
    return Tail(count=count, oldest=oldest if isinstance(oldest, int) else None)


def seals_of(connection: Connection, block: object) -> list[Row]:
    """What a block says that it holds, by position."""
    columns = [raw(column).label(column.name) for column in sealed_rows.c]
    query = sa.select(*columns).where(sealed_rows.c.block == sa.literal(block, sa.types.NullType()))
    return list(streamed(connection, query.order_by(sealed_rows.c.position)))


def rows_of(connection: Connection, source: Source, block: object) -> Iterator[Row]:
    """The rows of a source that a block holds and that are there."""
    here = sa.and_(
        sealed_rows.c.source == source.name,
        sealed_rows.c.block == sa.literal(block, sa.types.NullType()),
    )
    query = sa.select(*_content(source)).select_from(sealed_rows).join(
        source.table, _same_key(source)
    )  # fmt: skip
    yield from streamed(connection, query.where(here))


def blocks_named(connection: Connection) -> dict[Any, int]:
    """How many rows say that they are in each block, whether it is there or not."""
    query = sa.select(raw(sealed_rows.c.block), sa.func.count()).group_by(sealed_rows.c.block)
    return {row[0]: row[1] for row in connection.execute(query)}


def streamed(connection: Connection, query: sa.Select[Any]) -> Iterator[Row]:
    """The rows of a query, fetched in parts."""
    found = connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})
    names = list(found.keys())
    for row in found:
        yield dict(zip(names, row, strict=True))


def _content(source: Source) -> list[sa.ColumnElement[Any]]:
    return [raw(source.table.c[name]).label(name) for name in source.read]


def _open(source: Source) -> sa.ColumnElement[bool]:
    sealed = sa.select(1).where(sealed_rows.c.source == source.name, _same_key(source))
    return sa.and_(~sealed.exists(), sa.true() if source.final is None else source.final)


def _same_key(source: Source) -> sa.ColumnElement[bool]:
    # The row's side is cast, never the seal's: what somebody wrote there may be no number.
    texts = [_text(column) for column in source.table.primary_key]
    apart = [*texts[:APART], ""][:APART]
    as_one = (
        reduce(lambda left, right: left + BETWEEN + right, texts[APART:]) if texts[APART:] else ""
    )
    seals = (sealed_rows.c.key, sealed_rows.c.key_2, sealed_rows.c.key_3)
    return sa.and_(*(seal == text for seal, text in zip(seals, (*apart, as_one), strict=True)))


def _text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return column if isinstance(column.type, sa.String) else sa.cast(column, sa.String)
