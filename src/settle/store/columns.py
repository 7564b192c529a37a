"""Rows of the store as Arrow columns: the one door to and from an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.store.schema import Instant
from settle.store.sums import Whole

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


def insert_columns(connection: Connection, table: sa.Table, rows: pa.Table) -> int:
    """Insert an Arrow table's rows, its columns by name, and say how many. This is the fast way.

    A row that is there already fails.
    """
    count: int = rows.num_rows
    if not count:
        return 0
    is_sqlite = connection.dialect.name == "sqlite"
    columns = (_as_stored(column, is_sqlite=is_sqlite).to_pylist() for column in rows.columns)
    tuples = list(zip(*columns, strict=True))
    names = ", ".join(rows.column_names)
    if is_sqlite:
        marks = ", ".join("?" for _ in rows.column_names)
        connection.exec_driver_sql(
            f"insert into {table.name} ({names}) values ({marks})",  # noqa: S608  # names of ours
            tuples,
        )
        return count
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"copy {table.name} ({names}) from stdin") as copy:
        for each in tuples:
            copy.write_row(each)
    return count


def _as_stored(column: pa.ChunkedArray, *, is_sqlite: bool) -> pa.ChunkedArray:
    """An instant as microseconds (see `Instant`); on SQLite a day as its ISO text."""
    import pyarrow as pa

    if pa.types.is_timestamp(column.type):
        return column.cast(pa.int64())
    if is_sqlite and pa.types.is_date(column.type):
        return column.cast(pa.string())
    return column


def _arrow_type(kind: sa.types.TypeEngine[Any]) -> pa.DataType:
    import pyarrow as pa

    match kind:
        case Instant():
            return pa.timestamp("us", tz="UTC")
        case Whole():
            return pa.decimal128(38, 0)
        case sa.Boolean():
            return pa.bool_()
        case sa.Integer():
            return pa.int64()
        case sa.Date():
            return pa.date32()
        case _:
            return pa.string()
