"""Many rows by one statement, as tuples that go to the driver as they are.

SQLAlchemy looks at each parameter of each row anew, which takes longer than writing the row. Here
a statement is compiled once for each database, and what its types change is changed by column.
SQLite takes the rows one by one, PostgreSQL as one array for each column (`store/arrays.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Dialect

from settle.store.arrays import NAMED, Arrays, in_arrays

Rows = Sequence[Mapping[str, Any]]
Statement = sa.Insert | sa.Update
Processor = Callable[[Any], Any]

ROWS_MAX = 1000
"""Rows that go to the driver at once."""


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as its driver takes it: the names of its parameters in the order it has them."""

    text: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]
    processors: Sequence[tuple[int, Processor]]
    arrays: Arrays | None

    def tuples(self, rows: Rows) -> list[tuple[Any, ...]]:
        """The parameters of each row, as the database keeps them."""
        if self.constants:
            rows = [{**self.constants, **row} for row in rows]
        if len(self.names) == 1:
            (name,) = self.names
            return self.stored([(row[name],) for row in rows])
        return self.stored(list(map(itemgetter(*self.names), rows)))

    def stored(self, tuples: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The values as the types of their columns have them stored."""
        if not self.processors:
            return tuples
        columns: list[Sequence[Any]] = list(zip(*tuples, strict=True))
        for place, processor in self.processors:
            columns[place] = _processed(columns[place], processor)
        return list(zip(*columns, strict=True))


def _processed(values: Sequence[Any], processor: Processor) -> Sequence[Any]:
    """The values changed; what stands in a row of equal ones, most times or days, only once."""
    found, last, stored = [], object(), None
    for value in values:
        if value is not last:
            last, stored = value, processor(value)
        found.append(stored)
    return found


def execute_each(connection: Connection, statement: Statement, rows: Rows) -> int:
    """Execute a statement for each row, by name of its parameters, and say how many it touched.

    Every row has the parameters that the first one has.
    """
    if not rows:
        return 0
    compiled = _compiled(statement, tuple(rows[0]), connection.dialect)
    return _execute(connection, compiled, compiled.tuples(rows))


def insert_new(connection: Connection, table: sa.Table, rows: Rows) -> int:
    """Insert the rows whose key is not there yet, and say how many were. This repeats safely."""
    return execute_each(connection, _inserting_new(table, connection.dialect.name), rows)


def insert_new_tuples(
    connection: Connection, table: sa.Table, names: tuple[str, ...], rows: Iterable[tuple[Any, ...]]
) -> int:
    """As `insert_new`, of rows that have their values in the order of `names`."""
    given = list(rows)
    if not given:
        return 0
    statement = _inserting_new(table, connection.dialect.name)
    compiled = _compiled(statement, names, connection.dialect)
    if compiled.names != names:
        order = [names.index(name) for name in compiled.names]
        given = list(map(itemgetter(*order), given))
    return _execute(connection, compiled, compiled.stored(given))


def _execute(connection: Connection, compiled: _Compiled, tuples: Sequence[tuple[Any, ...]]) -> int:
    count = 0
    for start in range(0, len(tuples), ROWS_MAX):
        part = tuples[start : start + ROWS_MAX]
        if compiled.arrays is not None and compiled.arrays.take(part):
            given = compiled.arrays.parameters(part)
            count += connection.exec_driver_sql(compiled.arrays.text, given).rowcount
        else:
            count += connection.exec_driver_sql(compiled.text, list(part)).rowcount
    return count


@lru_cache(maxsize=64)
def _inserting_new(table: sa.Table, dialect: str) -> sa.Insert:
    """The statement, made once a table: making it takes longer than running it."""
    if dialect == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing()
    return postgresql.insert(table).on_conflict_do_nothing()


@lru_cache(maxsize=256)
def _compiled(statement: Statement, keys: tuple[str, ...], dialect: Dialect) -> _Compiled:
    inserts = isinstance(statement, sa.Insert)
    compiled = statement.compile(dialect=dialect, column_keys=list(keys) if inserts else None)
    text, arrays = str(compiled), None
    if dialect.positional:
        names = tuple(compiled.positiontup or ())
    else:
        names = tuple(NAMED.findall(text))
        types = {name: bound.type.compile(dialect) for name, bound in compiled.binds.items()}
        arrays = in_arrays(text, names, types)
        text = NAMED.sub("%s", text)
    kinds = {name: bound.type for name, bound in compiled.binds.items()}
    found = [kinds[name].dialect_impl(dialect).bind_processor(dialect) for name in names]
    return _Compiled(
        text=text,
        names=names,
        constants={name: compiled.params[name] for name in names if name not in keys},
        processors=[(place, each) for place, each in enumerate(found) if each is not None],
        arrays=arrays,
    )
