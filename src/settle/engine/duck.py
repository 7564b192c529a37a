"""DuckDB in process: one database a process, one scratch space a computation."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.engine.macros import MACROS
from settle.engine.paths import parquet, quoted
from settle.engine.repeats import find_repeated
from settle.errors import BadInput, Interrupted, MoneyError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from settle.engine.protocol import AnyScratch, Compression


class Engine:
    """DuckDB, started when first used. This touches no network and no disk but `temp`.

    `temp`: where it spills what does not fit in memory; without it nothing is spilled.
    """

    def __init__(self, *, temp: Path | None = None, memory: str = "", threads: int = 0) -> None:
        self._settings: dict[str, Any] = {
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "temp_directory": str(temp) if temp else "",
        }
        if memory:
            self._settings["memory_limit"] = memory
        if threads:
            self._settings["threads"] = threads

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        try:
            database = duckdb.connect(":memory:", config=self._settings)
        except (duckdb.ParserException, duckdb.InvalidInputException) as error:
            given, why = self._settings.get("memory_limit", ""), str(error).splitlines()[0]
            raise BadInput(f"memory: {given!r} cannot be used: {why}", field="memory") from None
        for signature, body in MACROS.items():
            database.execute(f"create macro {signature} as {body}")
        return database

    @contextmanager
    def scratch(self) -> Iterator[Scratch]:
        """A space for tables of one computation. This forgets them at its end.

        Raises:
            Interrupted: a signal came, and its handler raised.
        """
        connection = self._database.cursor()
        try:
            connection.execute("set timezone = 'UTC'")
            yield Scratch(connection)
        except RuntimeError as error:
            if str(error) != _INTERRUPTED:
                raise
            raise Interrupted("a signal came while the engine computed") from None
        finally:
            connection.close()

    def columns(self, path: Path, *, name: str) -> dict[str, str]:
        """The columns of a Parquet file and the SQL types they are read as. No row is read.

        Raises:
            BadInput: it is none; the message says `name`.
        """
        import duckdb

        with self.scratch() as scratch:
            try:
                found = scratch.few(f"describe select * from {parquet([path])}")  # noqa: S608  # quoted
            except (BadInput, duckdb.Error):
                raise BadInput(f"{name} is not a Parquet file", file=name) from None
        return {str(column["column_name"]): str(column["column_type"]) for column in found}

    def close(self) -> None:
        """Give the memory back. This may be called more than once."""
        database = self.__dict__.pop("_database", None)
        if database is not None:
            database.close()


class Scratch:
    """Named tables, each computed once from a query over earlier ones. `seconds` by step."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.seconds: dict[str, float] = {}

    def give(self, name: str, tables: pa.Table | Iterable[pa.Table]) -> None:
        """Make an Arrow table, or several of one shape, known as `name`. This copies them."""
        create = f"create or replace temp table {name} as"
        for table in [tables] if hasattr(tables, "num_rows") else tables:
            self._connection.register("given", table)
            self._connection.execute(f"{create} select * from given")  # noqa: S608  # our names
            self._connection.unregister("given")
            create = f"insert into {name}"

    def lend(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table known as `name` where it is: for one that is looked at once."""
        self._connection.register(name, table)

    def take(self, name: str, query: str, *, of: AnyScratch) -> None:
        """Make the result of a query of another scratch space known as `name`. This copies it."""
        if of is self:
            self.step(name, query)
        else:
            self.give(name, of.rows(query))

    def read(
        self, name: str, paths: Sequence[Path], *, columns: Mapping[str, str], where: str = ""
    ) -> None:
        """Make Parquet files of one shape known as `name`; none gives an empty table.

        They are read where `name` is used, and only the columns used. `columns`: names and SQL
        types, as the files hold them. `where`: a clause over them.
        """
        wanted = ", ".join(columns)
        if not paths:
            nothing = ", ".join(f"cast(null as {kind}) as {c}" for c, kind in columns.items())
            self.view(name, f"select {nothing} where false")  # names from our code
            return
        for path in paths:
            if not path.is_file():
                raise BadInput(f"{path} is missing; put it back from a backup", file=str(path))
        self.view(name, f"select {wanted} from {parquet(paths)} {where}")  # noqa: S608  # as above

    def write(self, query: str, path: Path, *, compression: Compression = "zstd") -> None:
        """Write the result of a query as a Parquet file. This streams: it holds no table.

        Raises:
            MoneyError: as `rows`.
        """
        with _exactly():
            self._connection.execute(
                f"copy ({query}) to {quoted(str(path))} ({_AS_PARQUET[compression]})"
            )

    def write_parts(self, query: str, folder: Path, *, by: str) -> None:
        """Write the result of a query as Parquet files `folder/BY=VALUE/…`. This streams, too."""
        with _exactly():
            options = f"{_AS_PARQUET['zstd']}, partition_by ({by})"
            self._connection.execute(f"copy ({query}) to {quoted(str(folder))} ({options})")

    def step(self, name: str, query: str) -> None:
        """Compute a query once and keep it as `name`.

        Raises:
            MoneyError: as `rows`.
        """
        began = time.perf_counter()
        with _exactly():
            self._connection.execute(f"create or replace temp table {name} as {query}")
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - began

    def add(self, name: str, query: str) -> None:
        """Add the rows of a query to a table that a `step` has made."""
        with _exactly():
            self._connection.execute(f"insert into {name} {query}")

    def view(self, name: str, query: str) -> None:
        """Make a query known as `name`, computed anew where it is used. This keeps no rows."""
        with _exactly():
            self._connection.execute(f"create or replace temp view {name} as {query}")

    def repeated(self, name: str, query: str) -> Callable[[], None]:
        """Find the numbers that a query gives more than once. Call what this gives to know them.

        They are known as `name` then, each once. `query` gives one column of unsigned 64-bit
        numbers. They are sorted by a thread, on one processor, until they are asked for: there may
        be something to do meanwhile.
        """
        began = time.perf_counter()
        with _exactly():
            sorted_aside = find_repeated(self._connection, query)
        self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - began

        def know() -> None:
            waited = time.perf_counter()
            self.give(name, sorted_aside())
            self.seconds[name] += time.perf_counter() - waited

        return know

    def steps(self, views: Mapping[str, str], *, lazy: Collection[str] = ()) -> None:
        """Compute named views in their order. This is how a folder of SQL files runs.

        `lazy`: those of a row a record, which are not kept but computed where they are used.
        """
        for name, query in views.items():
            (self.view if name in lazy else self.step)(name, query)

    def rows(self, query: str) -> pa.Table:
        """The result of a query as an Arrow table.

        Raises:
            MoneyError: a value does not fit, as when a total is beyond 64 bits; none wraps.
        """
        with _exactly():
            return self._connection.sql(query).to_arrow_table()

    def few(self, query: str) -> list[dict[str, Any]]:
        """The result of a query as dictionaries. This loads no Arrow, and is slow for many rows.

        Raises:
            MoneyError: as `rows`.
        """
        with _exactly():
            found = self._connection.execute(query)
            names = [name for name, *_ in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def value(self, query: str) -> Any:
        """The one value of a query's one row."""
        (row,) = self.few(query)
        (value,) = row.values()
        return value


def read_views(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """The SQL of `folder/NAME.sql` by name, in the order given.

    Raises:
        BadInput: a file is missing, which means a broken installation.
    """
    try:
        return {name: (folder / f"{name}.sql").read_text(encoding="utf-8") for name in names}
    except FileNotFoundError as error:
        raise BadInput(f"the view {error.filename} is missing", file=error.filename) from None


@contextmanager
def _exactly() -> Iterator[None]:
    """What does not fit its column is an error of ours; a query that is wrong is a bug."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException:
        raise BadInput(
            "the engine has too little memory for what is to be computed: give it more (--memory)",
            field="memory",
        ) from None
    except (duckdb.IOException, duckdb.InvalidInputException) as error:
        why = str(error).splitlines()[0]
        raise BadInput(f"a file cannot be read: {why}") from None
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        why = str(error).splitlines()[0]
        raise MoneyError(f"a figure is beyond what its column holds: {why}") from None
    except duckdb.Error as error:
        # What reads the heads of Parquet's pages has errors of its own, of no class of DuckDB's.
        if type(error) is duckdb.Error and _OF_THRIFT.match(str(error)):
            raise BadInput(f"a file cannot be read: {error}") from None
        raise


_OF_THRIFT = re.compile(r"T\w+Exception: .*\Z")
_INTERRUPTED = "Query interrupted"
"""What DuckDB 2.0 raises as a RuntimeError when the handler of a signal raises meanwhile."""

_AS_PARQUET: Mapping[Compression, str] = {
    "zstd": "format parquet, compression zstd, compression_level 1",
    "snappy": "format parquet, compression snappy",
}
"""How files are written. A higher level takes half as long again, and saves nothing (of two million
records 51 MB at the third, 49 MB at the first; snappy 89 MB)."""
