"""Records from files, Arrow or mappings as one shape of columns, nothing judged yet.

A Parquet file of plain types stays where it is and is read by the engine, column by column and
only those a query needs. All else ends as tables of the columns `SHAPE`, a piece at a time:
what was typed stays typed, what was text stays text until `reading.sql` has looked at it.
`row` is the line an editor shows (from 1, the header included).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from settle.clearing.csv_lines import csv_chunks
from settle.clearing.json_lines import json_chunks
from settle.clearing.records import AMOUNTS, INSTANTS, KNOWN, OURS, REQUIRED, TEXTS
from settle.clearing.tabular import digest
from settle.clearing.typed import FILE_ROWS_BITS, TYPED, is_plain, typed_query
from settle.engine import Scratch
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

    `query` reads files where they lie; `pieces` hands tables over, one after another. `only`:
    the rows meant, all of them if none.
    """

    batch_id: str
    name: str
    query: str = ""
    pieces: Callable[[], Iterable[pa.Table]] | None = None
    only: Sequence[int] | None = None

    def bring(self, scratch: Scratch, *, name: str = "typed") -> None:
        """Make the rows known as `name`: amounts in minor units, instants in microseconds."""
        import pyarrow as pa

        if self.pieces is None:
            scratch.view(f"{name}_all", self.query)
        else:
            scratch.give("batch", self.pieces())
            scratch.step(f"{name}_all", _READING.read_text(encoding="utf-8"))
        if self.only is None:
            scratch.view(name, f"select * from {name}_all")  # noqa: S608  # our names
            return
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


def read_files(files: Sequence[Path]) -> Files:
    """Files of records that are netted together, nothing read yet but what they are.

    Raises:
        BadInput: as `read_batch`, or there are none.
    """
    if not files:
        raise BadInput("no file of records is named")
    batches = [read_batch(path, name=path.name, batch_id="") for path in files]
    return Files(
        names=[path.name for path in files], batches=batches, together=_alike(files, batches)
    )


def _alike(files: Sequence[Path], batches: Sequence[Batch]) -> str:
    """One query for all files where all are Parquet of one plain shape; else nothing."""
    from pyarrow import parquet

    if any(batch.pieces is not None for batch in batches):
        return ""
    first, *others = (parquet.read_schema(path) for path in files)
    same = all(sorted(first.names) == sorted(other.names) for other in others)
    return typed_query(files, first) if same else ""


def read_batch(source: Source, *, name: str, batch_id: str | None = None) -> Batch:
    """Records from a file (.parquet, .csv, .jsonl), Arrow columns, mappings or pydantic models.

    Whatever has the Arrow C stream interface is columns: pandas, Polars, DuckDB, pyarrow. With
    a `batch_id` a file is not read for one.

    Raises:
        BadInput: it cannot be read at all, lacks a column, has one nobody knows, or one of a
            type that cannot hold its values exactly; the message names it.
    """
    import pyarrow as pa

    if isinstance(source, Path):
        return _read_file(source, name=name, batch_id=batch_id)
    if hasattr(source, "__arrow_c_stream__"):
        source = pa.RecordBatchReader.from_stream(source).read_all()
        return _of_table(source, name=name, batch_id=derived("batch", digest(source)))
    return _read_mappings(source, name=name)


def _of_table(table: pa.Table, *, name: str, batch_id: str) -> Batch:
    shaped = _shaped(table, name=name)
    return Batch(batch_id=batch_id, name=name, pieces=lambda: [shaped])


def _read_file(path: Path, *, name: str, batch_id: str | None) -> Batch:
    try:
        with path.open("rb") as file:
            if batch_id is None:
                batch_id = derived("batch", hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        raise BadInput(
            f"{name} cannot be opened: {error.strerror or 'not readable'}", file=name
        ) from None
    match path.suffix.lower():
        case ".parquet":
            return _read_parquet(path, name=name, batch_id=batch_id)
        case ".csv":
            chunks = csv_chunks
        case ".jsonl" | ".ndjson":
            chunks = json_chunks
        case other:
            raise BadInput(
                f"{name}: {other or 'no ending'} is not .parquet, .csv or .jsonl", file=name
            )
    shaped = _pieces(chunks, path, name=name)
    first = next(shaped, None)  # a file that is none is refused before anything else is done
    rest = [] if first is None else [first]
    return Batch(batch_id=batch_id, name=name, pieces=lambda: _again(rest, shaped))


def _again(first: list[pa.Table], rest: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield from first
    first.clear()
    yield from rest


def _pieces(
    chunks: Callable[..., Iterator[pa.Table]], path: Path, *, name: str
) -> Iterator[pa.Table]:
    amounts: set[str] = set()
    for table in chunks(path, name=name):
        yield _shaped(table, name=name, numbered=True, amounts=amounts)
        amounts |= set(AMOUNTS) & set(table.column_names)


def _read_parquet(path: Path, *, name: str, batch_id: str) -> Batch:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        schema = parquet.read_schema(path)
        if is_plain(schema):
            _refuse_columns(schema.names, name=name, known=KNOWN)
            return Batch(batch_id=batch_id, name=name, query=typed_query([path], schema))
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


def _shaped(
    table: pa.Table, *, name: str, numbered: bool = False, amounts: Collection[str] = ()
) -> pa.Table:
    """The columns under the names of `SHAPE`, typed and text apart.

    `numbered`: a reader of text has put `row` and `unreadable` beside what it read. `amounts`: of
    earlier pieces of the same file; JSON lines may lack a field in all of a further piece.
    """
    import pyarrow as pa

    known = KNOWN | OURS if numbered else KNOWN
    _refuse_columns(table.column_names, name=name, known=known, amounts=amounts)
    rows = table.num_rows
    shape: dict[str, Any] = {}
    for field in (*TEXTS, *AMOUNTS, *INSTANTS):
        if field in table.column_names:
            shape.update(_column(field, table.column(field), name=name))
    shape["row"] = (
        table.column("row") if "row" in table.column_names else pa.array(range(1, rows + 1))
    )
    shape["unreadable"] = (
        table.column("unreadable") if "unreadable" in table.column_names else pa.nulls(rows)
    )
    arrays = [
        (shape[field] if field in shape else pa.nulls(rows, kind)).cast(kind)
        for field, kind in _shape_types().items()
    ]
    return pa.table(arrays, names=list(_shape_types()))


def _shape_types() -> dict[str, Any]:
    import pyarrow as pa

    text, instant = pa.string(), pa.timestamp("us", tz="UTC")
    return {
        "row": pa.int64(),
        "unreadable": text,
        **dict.fromkeys(TEXTS, text),
        "amount_minor_typed": pa.int64(),
        "amount_minor_text": text,
        "amount_text": text,
        "occurred_at_typed": instant,
        "occurred_at_text": text,
        "received_at_typed": instant,
        "received_at_text": text,
    }


def _refuse_columns(
    names: Sequence[str], *, name: str, known: Collection[str], amounts: Collection[str] = ()
) -> None:
    for field in () if amounts else REQUIRED:
        if field not in names:
            raise BadInput(f"{name} has no column {field}", file=name, field=field)
    if len({*amounts, *names}.intersection(AMOUNTS)) != 1:
        raise BadInput(
            f"{name} needs one column of amount_minor and amount", file=name, field="amount"
        )
    for field in names:
        if list(names).count(field) > 1:
            raise BadInput(f"{name} has two columns {field}", file=name, field=field)
        if field not in known:
            raise BadInput(f"{name} has a column {field} nobody knows", file=name, field=field)


def _column(field: str, column: pa.ChunkedArray, *, name: str) -> dict[str, Any]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    is_text = (
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )
    if is_text or pa.types.is_null(kind):
        return {field if field in TEXTS else f"{field}_text": column.cast(pa.string())}
    try:
        if field == "amount_minor" and pa.types.is_integer(kind):
            return {"amount_minor_typed": column.cast(pa.int64())}
        if field == "amount" and pa.types.is_decimal(kind):
            return {"amount_text": column.cast(pa.string())}
        if field in INSTANTS and pa.types.is_timestamp(kind) and kind.tz is not None:
            return {f"{field}_typed": column.cast(pa.timestamp("us", tz="UTC"))}
    except pa.ArrowInvalid:
        raise BadInput(
            f"{name}, column {field}: a value of {kind} does not fit exactly",
            file=name, field=field,
        ) from None  # fmt: skip
    raise BadInput(
        f"{name}, column {field}: {kind} is refused: {_wanted(field)}", file=name, field=field
    )


def _wanted(field: str) -> str:
    if field == "amount_minor":
        return "minor units are an integer column"
    if field == "amount":
        return "give a decimal or text column"
    if field in INSTANTS:
        return "give timestamps with a zone, or text"
    return "give a text column"
