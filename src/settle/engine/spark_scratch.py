"""One computation on Spark: named queries, noted as they come and computed when they are needed.

Tables go in, and steps are kept, as Parquet files in a folder that the driver and every worker
must see: a plan over Spark's cache still holds all the plans behind it, and netting's views took
a minute to plan that way where files take seconds. A step that only one other uses is not kept:
it is computed once either way, and each file is a job.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.engine.translation import for_spark, tables_of, type_for_spark
from settle.errors import BadInput, MoneyError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from settle.engine.protocol import AnyScratch, Compression


JOINED_AT_ONCE = 1_000_000
"""How many rows of a result are in memory at a time, and in a row group of its file."""


@dataclass(slots=True)
class _Noted:
    """A named query. `made`: Spark knows its name. `final`: it is not to be made otherwise."""

    query: str
    uses: frozenset[str]
    lazy: bool
    made: bool = False
    final: bool = False


class SparkScratch:
    """Named queries of one computation; see `settle.engine.protocol.AnyScratch`."""

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self._session = session
        self._folder = folder
        self._numbers = count()
        self._noted: dict[str, _Noted] = {}
        self._used: Counter[str] = Counter()

    def give(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table known as `name`. This writes it where every worker can read it."""
        import pyarrow.parquet as pq

        self._forget(name)
        kinds = {field.name: _sql_type(field) for field in table.schema}
        if not table.num_rows:
            self._empty(kinds).createOrReplaceTempView(name)
            return
        path = self._file()
        pq.write_table(table, path)
        # Spark needs no job to look for a schema that it is told.
        columns = ", ".join(f"`{column}` {kind}" for column, kind in kinds.items())
        self._session.read.schema(columns).parquet(path).createOrReplaceTempView(name)

    def read(
        self, name: str, paths: Sequence[Path], *, columns: Mapping[str, str], where: str = ""
    ) -> None:
        """Make Parquet files of one shape known as `name`; none gives an empty table.

        `columns`: names and SQL types, as the files hold them or wider. `where`: a clause over
        them. The files stay where they are: they are read when they are used.

        Raises:
            BadInput: a file is missing, or has a name by which Spark would pass it over.
        """
        for path in paths:
            _refuse_path(path)
        if not paths:
            nothing = ", ".join(f"cast(null as {kind}) as {c}" for c, kind in columns.items())
            self.view(name, f"select {nothing} where false")  # names from our code
            return
        source = f"files_{next(self._numbers)}"
        found = self._session.read.schema(_schema(columns)).parquet(*map(_literally, paths))
        found.createOrReplaceTempView(source)
        self.view(name, f"select {', '.join(columns)} from {source} {where}")  # noqa: S608  # as above

    def take(self, name: str, query: str, *, of: AnyScratch) -> None:
        """Make the result of a query of DuckDB known as `name`. This goes by a file, not memory."""
        import pyarrow.parquet as pq

        path = Path(self._file())
        of.write(query, path)
        kinds = {field.name: _sql_type(field) for field in pq.read_schema(path)}
        self.read(name, [path], columns=kinds)

    def write(self, query: str, path: Path, *, compression: Compression = "zstd") -> None:
        """Write the result of a query as one Parquet file. Spark's parts are put together here.

        Raises:
            MoneyError: as `rows`.
        """
        folder = Path(self._file())
        with _exactly():
            self._asked(query).write.parquet(str(folder))
        _join(sorted(folder.glob("part-*")), path, compression=compression)

    def step(self, name: str, query: str) -> None:
        """Make a query known as `name`; it is computed when it is needed."""
        self._note(name, query, lazy=False)

    def view(self, name: str, query: str) -> None:
        """Make a query known as `name`, computed anew where it is used. This keeps no rows."""
        self._note(name, query, lazy=True)

    def steps(self, views: Mapping[str, str], *, lazy: Collection[str] = ()) -> None:
        """Each named query in order: a view where it is among the `lazy`, else a step."""
        for name, query in views.items():
            self._note(name, query, lazy=name in lazy)

    def rows(self, query: str) -> pa.Table:
        """The result of a query as an Arrow table.

        Raises:
            MoneyError: a value does not fit, as when a total is beyond 64 bits; none wraps.
        """
        with _exactly():
            found = self._asked(query).toArrow()
        return found.cast(_may_be_null(found.schema))

    def value(self, query: str) -> Any:
        """The one value of a query's one row."""
        return self.rows(query).column(0)[0].as_py()

    def _asked(self, query: str) -> DataFrame:
        """A query whose result leaves the scratch space."""
        uses = tables_of(query)
        self._count([*uses, *uses])  # who reads a step is seldom its only reader
        self._make(uses)
        return self._session.sql(for_spark(query))

    def _note(self, name: str, query: str, *, lazy: bool) -> None:
        self._forget(name)
        noted = _Noted(query, tables_of(query), lazy)
        if not lazy:
            self._count(noted.uses)
        self._noted[name] = noted

    def _forget(self, name: str) -> None:
        """Make way for another of that name: what uses it already means the one it knew."""
        if self._used[name]:
            self._make(list(self._noted))
            for noted in self._noted.values():
                noted.final = True
        self._noted.pop(name, None)

    def _count(self, names: Iterable[str]) -> None:
        """A use of each; one of a view is one of all that the view uses."""
        for name in names:
            self._used[name] += 1
            if name in self._noted and self._noted[name].lazy:
                self._count(self._noted[name].uses)

    def _make(self, names: Iterable[str]) -> None:
        """Let Spark know these and what they build on, each after what it uses."""
        for name in names:
            noted = self._noted.get(name)
            if noted is None or noted.final:
                continue
            keep = not noted.lazy and self._used[name] > 1
            if keep or not noted.made:
                self._make(noted.uses)
                self._define(name, noted, keep=keep)

    def _define(self, name: str, noted: _Noted, *, keep: bool) -> None:
        with _exactly():
            found = self._session.sql(for_spark(noted.query))
            if keep:
                found = self._written(found)
        found.createOrReplaceTempView(name)
        noted.made, noted.final = True, keep

    def _written(self, found: DataFrame) -> DataFrame:
        """Its rows in a file. Where there are none, Spark plans without what builds on it."""
        path = self._file()
        found.write.parquet(path)
        if not _has_rows(Path(path)):
            return self._empty(
                {field.name: field.dataType.simpleString() for field in found.schema}
            )
        return self._session.read.schema(found.schema).parquet(path)

    def _empty(self, kinds: Mapping[str, str]) -> DataFrame:
        """No rows of these columns. Spark sees before it plans that there are none."""
        columns = ", ".join(f"cast(null as {kind}) as `{name}`" for name, kind in kinds.items())
        return self._session.sql(f"select {columns} where false")

    def _file(self) -> str:
        return str(self._folder / f"{next(self._numbers)}.parquet")


def _refuse_path(path: Path) -> None:
    if not path.is_file():
        raise BadInput(f"{path} is missing; put it back from a backup", file=str(path))
    if path.name.startswith((".", "_")):  # it would read nothing there, and say nothing
        raise BadInput(
            f"{path}: Spark passes over files whose names begin with . or _; name it otherwise",
            file=str(path),
        )


def _literally(path: Path) -> str:
    """A path in which Spark sees no pattern."""
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", str(path.absolute()))


def _schema(columns: Mapping[str, str]) -> str:
    """Columns as Spark is told them: for what it is not told it looks in a job of its own."""
    return ", ".join(f"`{name}` {type_for_spark(kind)}" for name, kind in columns.items())


def _may_be_null(schema: pa.Schema) -> pa.Schema:
    """Spark says of some columns that they hold no null; DuckDB says it of none."""
    import pyarrow as pa

    return pa.schema([pa.field(field.name, field.type) for field in schema])


def _join(parts: Sequence[Path], path: Path, *, compression: Compression) -> None:
    """Parts as one file, a piece at a time."""
    import pyarrow.parquet as pq

    schema = _may_be_null(pq.read_schema(parts[0]))
    with pq.ParquetWriter(path, schema, compression=compression) as writer:
        for part in parts:
            for batch in pq.ParquetFile(part).iter_batches(batch_size=JOINED_AT_ONCE):
                writer.write_batch(batch.cast(schema))


def _has_rows(folder: Path) -> bool:
    import pyarrow.parquet as pq

    return any(pq.read_metadata(part).num_rows for part in folder.glob("part-*"))


@contextmanager
def _exactly() -> Iterator[None]:
    """What does not fit its column is an error of ours; a query that is wrong is a bug."""
    from pyspark.errors import ArithmeticException, NumberFormatException

    try:
        yield
    except (ArithmeticException, NumberFormatException) as error:
        why = str(error).splitlines()[0]
        raise MoneyError(f"a figure is beyond what its column holds: {why}") from None


def _sql_type(field: pa.Field) -> str:
    import pyarrow as pa

    kind = field.type
    for fits, name in (
        (pa.types.is_string, "string"), (pa.types.is_large_string, "string"),
        (pa.types.is_int64, "bigint"), (pa.types.is_int32, "int"), (pa.types.is_boolean, "boolean"),
        (pa.types.is_date32, "date"), (pa.types.is_timestamp, "timestamp"),
    ):  # fmt: skip
        if fits(kind):
            return name
    if pa.types.is_decimal128(kind):
        return f"decimal({kind.precision}, {kind.scale})"
    raise BadInput(f"column {field.name!r}: {kind} is not taken", field=field.name)
