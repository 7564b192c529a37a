"""Records from files, Arrow or mappings as one shape of columns, nothing judged yet.

A Parquet file of plain types stays where it is and is read by the engine, column by column and
only those a query needs. All else ends as tables of one shape, a piece at a time:
what was typed stays typed, what was text stays text until `reading.sql` has looked at it.
`row` is the line an editor shows (from 1, the header included).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from settle.clearing.csv_lines import csv_chunks
from settle.clearing.json_lines import json_chunks
from settle.clearing.records import AMOUNTS, KNOWN, REQUIRED
from settle.clearing.shape import refuse_columns, shaped
from settle.clearing.stamps import Stamp, unchanged
from settle.clearing.tabular import digest
from settle.clearing.typed import FILE_ROWS_BITS, TYPED, is_plain, typed_query
from settle.engine import Engine, Scratch
from settle.errors import BadInput
from settle.store import derived

if TYPE_CHECKING:
    import pyarrow as pa

Source: TypeAlias = "Path | pa.Table | Sequence[Mapping[str, Any]] | Any"
"""A file, anything with the Arrow C stream interface, mappings, or pydantic models."""

_READING = Path(__file__).with_name("reading.sql")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What was read: its id, derived from the content, and how the engine comes by its rows.

    `query` reads a file where it lies, of these plain `columns`; `pieces` hands tables over, one
    after another. `only`: the rows meant, all of them if none.
    """

    batch_id: str
    name: str
    query: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    pieces: Callable[[], Iterable[pa.Table]] | None = None
    only: Sequence[int] | None = None
    stamp: Stamp | None = None

    def unchanged(self) -> AbstractContextManager[None]:
        """What is done here counts only if the file, if it is one, is the same afterwards."""
        return unchanged([self.stamp] if self.stamp else [])

    def bring(self, scratch: Scratch, *, name: str = "typed") -> None:
        """Make the rows known as `name`: amounts in minor units, instants in microseconds."""
        if self.pieces is None:
            scratch.view(f"{name}_all", self.query)
        else:
            scratch.give("batch", self.pieces())
            scratch.step(f"{name}_all", _READING.read_text(encoding="utf-8"))
        if self.only is None:
            scratch.view(name, f"select * from {name}_all")  # noqa: S608  # our names
            return
        import pyarrow as pa

        scratch.give("meant", pa.table({"row": pa.array(self.only, pa.int64())}))
        scratch.view(name, f"select t.* from {name}_all as t semi join meant using (row)")  # noqa: S608  # our names

    def of_rows(self, rows: Sequence[int], *, batch_id: str) -> Batch:
        """Some rows of this as a batch of their own."""
        return replace(self, batch_id=batch_id, only=rows)


@dataclass(frozen=True, kw_only=True)
class Files:
    """Files that are read together. A row is numbered file × 2⁴⁰ + its row in the file."""

    names: Sequence[str]
    batches: Sequence[Batch]
    together: str = ""

    def unchanged(self) -> AbstractContextManager[None]:
        """What is done here counts only if the files are the same afterwards."""
        return unchanged([batch.stamp for batch in self.batches if batch.stamp])

    def bring(self, scratch: Scratch) -> None:
        """Make the rows of all known as `typed`."""
        if self.together:
            scratch.view("typed", self.together)
            return
        for number, batch in enumerate(self.batches):
            batch.bring(scratch, name=f"typed_{number}")
        others = ", ".join(TYPED)
        each = [
            f"select row + {number * 2**FILE_ROWS_BITS} as row, {others} from typed_{number}"  # noqa: S608  # ours
            for number in range(len(self.batches))
        ]
        scratch.view("typed", " union all ".join(each))


def give_currencies(scratch: Scratch) -> None:
    """Make known how many decimals each currency has: text is read by it."""
    import pyarrow as pa

    from settle.money import currencies, exponent

    codes = list(currencies())
    scratch.give(
        "currencies", pa.table({"currency": codes, "exponent": [exponent(c) for c in codes]})
    )


def read_files(files: Sequence[Path], *, engine: Engine) -> Files:
    """Files of records that are netted together, nothing read yet but what they are.

    Raises:
        BadInput: as `read_batch`, or there are none.
    """
    if not files:
        raise BadInput("no file of records is named")
    batches = [read_batch(path, name=path.name, batch_id="", engine=engine) for path in files]
    return Files(
        names=[path.name for path in files], batches=batches, together=_alike(files, batches)
    )


def _alike(files: Sequence[Path], batches: Sequence[Batch]) -> str:
    """One query for all files where all are Parquet of one plain shape; else nothing."""
    if any(batch.pieces is not None for batch in batches):
        return ""
    first, *others = (batch.columns for batch in batches)
    return typed_query(files, first) if all(set(first) == set(other) for other in others) else ""


def read_batch(source: Source, *, name: str, engine: Engine, batch_id: str | None = None) -> Batch:
    """Records from a file (.parquet, .csv, .jsonl), Arrow columns, mappings or pydantic models.

    Whatever has the Arrow C stream interface is columns: pandas, Polars, DuckDB, pyarrow. With
    a `batch_id` a file is not read for one.

    Raises:
        BadInput: it cannot be read at all, lacks a column, has one nobody knows, or one of a
            type that cannot hold its values exactly; the message names it.
    """
    if isinstance(source, Path):
        return _read_file(source, name=name, batch_id=batch_id, engine=engine)
    if hasattr(source, "__arrow_c_stream__"):
        import pyarrow as pa

        source = pa.RecordBatchReader.from_stream(source).read_all()
        return _of_table(source, name=name, batch_id=derived("batch", digest(source)))
    return _read_mappings(source, name=name)


def _of_table(table: pa.Table, *, name: str, batch_id: str) -> Batch:
    whole = shaped(table, name=name)
    return Batch(batch_id=batch_id, name=name, pieces=lambda: [whole])


def _read_file(path: Path, *, name: str, batch_id: str | None, engine: Engine) -> Batch:
    try:
        with path.open("rb") as file:
            stamp = Stamp.of(path, os.fstat(file.fileno()), name=name)
            if batch_id is None:
                batch_id = derived("batch", hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        raise BadInput(
            f"{name} cannot be opened: {error.strerror or 'not readable'}", file=name
        ) from None
    batch = _of_file(path, name=name, batch_id=batch_id, engine=engine)
    return replace(batch, stamp=stamp)


def _of_file(path: Path, *, name: str, batch_id: str, engine: Engine) -> Batch:
    match path.suffix.lower():
        case ".parquet":
            return _read_parquet(path, name=name, batch_id=batch_id, engine=engine)
        case ".csv":
            chunks = csv_chunks
        case ".jsonl" | ".ndjson":
            chunks = json_chunks
        case other:
            raise BadInput(
                f"{name}: {other or 'no ending'} is not .parquet, .csv or .jsonl", file=name
            )
    pieces = _pieces(chunks, path, name=name)
    first = next(pieces, None)  # a file that is none is refused before anything else is done
    rest = [] if first is None else [first]
    return Batch(batch_id=batch_id, name=name, pieces=lambda: _again(rest, pieces))


def _again(first: list[pa.Table], rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield from first
    first.clear()
    yield from rest


def _pieces(
    chunks: Callable[..., Iterator[pa.Table]], path: Path, *, name: str
) -> Iterator[pa.Table]:
    amounts: set[str] = set()
    for table in chunks(path, name=name):
        yield shaped(table, name=name, numbered=True, amounts=amounts)
        amounts |= set(AMOUNTS) & set(table.column_names)


def _read_parquet(path: Path, *, name: str, batch_id: str, engine: Engine) -> Batch:
    columns = engine.columns(path, name=name)
    refuse_columns(list(columns), name=name, known=KNOWN)
    if is_plain(columns):
        query = typed_query([path], columns)
        return Batch(batch_id=batch_id, name=name, query=query, columns=columns)
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.ParquetFile(path).read()
    except (pa.ArrowInvalid, OSError):
        raise BadInput(f"{name} is not a Parquet file", file=name) from None
    return _of_table(table, name=name, batch_id=batch_id)


def _read_mappings(source: Sequence[Any], *, name: str) -> Batch:
    import pyarrow as pa

    rows = [row if isinstance(row, Mapping) else row.model_dump() for row in source]
    given = {field for row in rows for field in row}
    fields = sorted(given | set(REQUIRED) | ({"amount_minor"} if "amount" not in given else set()))
    columns = {field: [_as_text(row.get(field)) for row in rows] for field in fields}
    try:
        table = pa.table({field: pa.array(x, pa.string()) for field, x in columns.items()})
    except UnicodeEncodeError:
        raise BadInput(f"{name} holds text that is not Unicode", file=name) from None
    return _of_table(table, name=name, batch_id=derived("batch", digest(table)))


def _as_text(value: object) -> str | None:
    """A Python value as the text a file would hold; a float stays recognisable as one."""
    match value:
        case None | str():
            return value
        case bool() | float():
            return f"float {value!r}" if isinstance(value, float) else repr(value)
        case datetime():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case _:
            return str(value)
