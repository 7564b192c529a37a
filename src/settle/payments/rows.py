"""Rows of the store as plain dictionaries, and values in groups that fit one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from settle.payments.tables import payments
from settle.store import execute_each

CHUNK = 1000
"""Values per statement, well below SQLite's 32,766."""


class _Among(FunctionElement[bool]):
    """Whether a column is one of the values given: an IN, or one array where a database has them.

    An array makes one statement of any number of values, prepared and planned once.
    """

    inherit_cache = True
    type: sa.types.TypeEngine[Any] = sa.types.NullType()
    """Of truth it is; but then SQLite would be asked whether it `= 1`, and use no index."""


@compiles(_Among)
def _one_of(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    (column,) = element.clauses
    return compiler.process(column.in_(sa.bindparam("among", expanding=True)), **options)


@compiles(_Among, "postgresql")
def _any_of(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    (column,) = element.clauses
    values = sa.bindparam("among", type_=ARRAY(sa.String))
    return compiler.process(column == sa.any_(values), **options)


def among(column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Whether a column is one of the values given by `these` when the statement is executed.

    So a statement is made once, not once for each group of values.
    """
    return _Among(column)


def these(values: Sequence[str]) -> dict[str, list[str]]:
    """The values of `among`, the last of them repeated up to a power of two.

    The database prepares a statement for each number of values: it sees eleven, not a thousand.
    """
    wanted = 1 << (len(values) - 1).bit_length() if values else 0
    return {"among": [*values, *(values[-1] for _ in range(wanted - len(values)))]}


def fetch(
    connection: Connection, query: sa.Select[Any], parameters: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The rows of a query, by column name."""
    found = connection.execute(query, parameters)
    names = tuple(found.keys())
    return [dict(zip(names, row, strict=True)) for row in found.all()]


def some(names: Iterable[str]) -> sa.Select[Any]:
    """A query for some columns of payments, each once: a whole payment has nearly fifty."""
    return sa.select(*(payments.c[name] for name in dict.fromkeys(names)))


def chunks(values: Sequence[str], size: int = CHUNK) -> Iterator[Sequence[str]]:
    """The values in groups that fit one statement."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def write(
    connection: Connection, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> None:
    """Write some columns of payments, as the rows have them now."""
    if not rows:
        return
    execute_each(
        connection,
        _writing(tuple(columns)),
        [
            {"of_payment": row["payment_id"], **{f"new_{name}": row[name] for name in columns}}
            for row in rows
        ],
    )


@cache
def _writing(columns: tuple[str, ...]) -> sa.Update:
    return (
        sa.update(payments)
        .where(payments.c.payment_id == sa.bindparam("of_payment"))
        .values({name: sa.bindparam(f"new_{name}") for name in columns})
    )
