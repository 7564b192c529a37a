"""Records from files, Arrow or mappings as one shape of columns, nothing judged yet.

Each source ends as a table of the columns `SHAPE`: what was typed stays typed, what was text
stays text, and `row` is the line an editor shows (from 1, the header included).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.csv_lines import csv_columns
from settle.clearing.json_lines import json_columns
from settle.clearing.records import AMOUNTS, INSTANTS, KNOWN, OURS, REQUIRED, TEXTS
from settle.clearing.tabular import digest
from settle.errors import BadInput
from settle.store import derived

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Batch:
    """What was read: its id, derived from the content, and its columns."""

    batch_id: str
    columns: pa.Table


def read_batch(source: Path | pa.Table | Sequence[Mapping[str, Any]], *, name: str) -> Batch:
    """Read records from a file (.parquet, .csv, .jsonl), an Arrow table or mappings.

    Raises:
        BadInput: it cannot be read at all, lacks a column, has one nobody knows, or one of a
            type that cannot hold its values exactly; the message names it.
    """
    import pyarrow as pa

    if isinstance(source, Path):
        return _read_file(source, name=name)
    if isinstance(source, pa.Table):
        return Batch(derived("batch", digest(source)), _shaped(source, name=name))
    return _read_mappings(source, name=name)


def _read_file(path: Path, *, name: str) -> Batch:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(
            f"{name} cannot be opened: {error.strerror or 'not readable'}", file=name
        ) from None
    batch_id = derived("batch", hashlib.sha256(content).hexdigest())
    match path.suffix.lower():
        case ".parquet":
            try:
                table = parquet.read_table(pa.BufferReader(content))
            except (pa.ArrowInvalid, OSError):
                raise BadInput(f"{name} is not a Parquet file", file=name) from None
        case ".csv":
            table = csv_columns(content, name=name)
        case ".jsonl" | ".ndjson":
            table = json_columns(content, name=name)
        case other:
            raise BadInput(
                f"{name}: {other or 'no ending'} is not .parquet, .csv or .jsonl", file=name
            )
    return Batch(batch_id, _shaped(table, name=name, numbered=path.suffix.lower() != ".parquet"))


def _read_mappings(rows: Sequence[Mapping[str, Any]], *, name: str) -> Batch:
    import pyarrow as pa

    given = {field for row in rows for field in row}
    fields = sorted(given | set(REQUIRED) | ({"amount_minor"} if "amount" not in given else set()))
    columns = {field: [_as_text(row.get(field)) for row in rows] for field in fields}
    try:
        table = pa.table({field: pa.array(x, pa.string()) for field, x in columns.items()})
    except UnicodeEncodeError:
        raise BadInput(f"{name} holds text that is not Unicode", file=name) from None
    return Batch(derived("batch", digest(table)), _shaped(table, name=name))


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


def _shaped(table: pa.Table, *, name: str, numbered: bool = False) -> pa.Table:
    """The columns under the names of `SHAPE`, typed and text apart.

    `numbered`: a reader of text has put `row` and `unreadable` beside what it read.
    """
    import pyarrow as pa

    _refuse_columns(table, name=name, known=KNOWN | OURS if numbered else KNOWN)
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


def _refuse_columns(table: pa.Table, *, name: str, known: Collection[str]) -> None:
    names = table.column_names
    for field in REQUIRED:
        if field not in names:
            raise BadInput(f"{name} has no column {field}", file=name, field=field)
    if ("amount" in names) == ("amount_minor" in names):
        raise BadInput(
            f"{name} needs one column of amount_minor and amount", file=name, field="amount"
        )
    for field in names:
        if names.count(field) > 1:
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
