"""Rows of the store as Arrow columns: the one door through which they reach an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.store.schema import Instant

if TYPE_CHECKING:
    import pyarrow as pa


def arrow(connection: Connection, query: sa.Select[Any]) -> pa.Table:
    """The result of a query as an Arrow table, typed by its columns, in the query's order."""
    import pyarrow as pa

    names = [column.name for column in query.selected_columns]
    types = [_arrow_type(column.type) for column in query.selected_columns]
    rows = connection.execute(query).all()
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    arrays = [
        pa.array(list(values), type=kind) for values, kind in zip(columns, types, strict=True)
    ]
    return pa.table(arrays, schema=pa.schema(list(zip(names, types, strict=True))))


def _arrow_type(kind: sa.types.TypeEngine[Any]) -> pa.DataType:
    import pyarrow as pa

    match kind:
        case Instant():
            return pa.timestamp("us", tz="UTC")
        case sa.Boolean():
            return pa.bool_()
        case sa.Integer():
            return pa.int64()
        case sa.Date():
            return pa.date32()
        case _:
            return pa.string()
