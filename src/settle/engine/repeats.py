"""Numbers that come more than once: fetched in columns, sorted aside, and compared side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import pyarrow as pa

    Numbers = np.ndarray[Any, np.dtype[np.uint64]]

NUMBERS_MAX = 2**27
"""How many numbers are held and sorted at a time: a gigabyte of them."""

NUMBERS_AT_ONCE = 1_000_000
"""How many of them the engine hands over at a time."""


def find_repeated(connection: duckdb.DuckDBPyConnection, query: str) -> Callable[[], pa.Table]:
    """Find the numbers that a query gives more than once: a table of each of them once, when asked.

    `query` gives one column of unsigned 64-bit numbers. They are held in memory, eight bytes each.
    Sorting takes a third of the time of a group-by with as many groups as rows (1.1 s against
    3.8 s of 10 million). The last of them are sorted by a thread, which touches no connection.
    """
    import numpy as np
    import pyarrow as pa

    (column,) = connection.sql(query).columns
    passes = max(1, -(-_count(connection, query) // NUMBERS_MAX))
    *firsts, last = (
        f"select {column} from ({query}) {_pass(column, nth, of=passes)}"  # noqa: S608  # ours
        for nth in range(passes)
    )
    found = [_repeated(_numbers(connection, each)) for each in firsts]
    sorting = _aside(_numbers(connection, last))
    return lambda: pa.table({column: np.concatenate([*found, sorting.result()])})


def _aside(numbers: Numbers) -> Future[Numbers]:
    """Sort in a thread for which no process waits at its end."""
    future: Future[Numbers] = Future()

    def work() -> None:
        try:
            future.set_result(_repeated(numbers))
        except BaseException as error:  # noqa: BLE001  # it is raised where the result is asked for
            future.set_exception(error)

    Thread(target=work, name="settle-sorting", daemon=True).start()
    return future


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    (row,) = connection.execute(f"select count(*) from ({query})").fetchall()  # noqa: S608  # ours
    return int(row[0])


def _numbers(connection: duckdb.DuckDBPyConnection, query: str) -> Numbers:
    import numpy as np

    numbers = np.empty(_count(connection, query), np.uint64)
    filled = 0
    for batch in connection.sql(query).to_arrow_reader(NUMBERS_AT_ONCE):
        numbers[filled : filled + batch.num_rows] = batch.column(0).to_numpy()
        filled += batch.num_rows
    return numbers


def _pass(column: str, nth: int, *, of: int) -> str:
    return f"where {column} % {of} = {nth}" if of > 1 else ""


def _repeated(numbers: Numbers) -> Numbers:
    import numpy as np

    numbers.sort()
    return np.unique(numbers[1:][numbers[1:] == numbers[:-1]])
