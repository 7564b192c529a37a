"""Small reference files as typed columns: CSV or Parquet in, one exact type a column out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.csv_lines import csv_columns
from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

_LINE = "#line"


@dataclass(frozen=True, slots=True)
class Column:
    """A column's name and type: text, whole (an integer), flag, day.

    `optional`: it may be blank, and then is `default`. `later`: it came with a later edition of
    the file's format, and may be missing as if every row of it were blank.
    """

    name: str
    type: str
    optional: bool = False
    default: Any = None
    later: bool = False


def added(name: str, type_: str, default: Any = None) -> Column:
    """A column that a file may do without. This is how a format grows."""
    return Column(name, type_, optional=True, default=default, later=True)


def read_table(path: Path) -> pa.Table:
    """A CSV file as columns of text with the line of each row, or a Parquet file as it is.

    Raises:
        BadInput: there is no such file, or it is not what its name says.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        if path.suffix.lower() == ".parquet":
            return parquet.ParquetFile(path).read()
        return _lines(csv_columns(path.read_bytes(), name=path.name), name=path.name)
    except OSError as error:
        raise BadInput(
            f"{path.name} cannot be opened: {error.strerror or 'not readable'}", file=path.name
        ) from None
    except pa.ArrowInvalid as error:
        first = str(error).splitlines()[0]
        raise BadInput(f"{path.name} cannot be read: {first}", file=path.name) from None


def _lines(table: pa.Table, *, name: str) -> pa.Table:
    """The columns of a CSV file with the line of each row; one unreadable line refuses it."""
    rows, faults = table.column("row").to_pylist(), table.column("unreadable").to_pylist()
    for row, fault in zip(rows, faults, strict=True):
        if fault is not None:
            raise BadInput(f"{name}, row {row}: {fault}", file=name, row=row)
    return table.drop_columns(["row", "unreadable"]).append_column(_LINE, table.column("row"))


def rows_of(table: pa.Table) -> Sequence[int]:
    """The number by which each row is told: the line an editor shows, or counted from 1."""
    if _LINE not in table.column_names:
        return range(1, table.num_rows + 1)
    lines: list[int] = table.column(_LINE).to_pylist()
    return lines


def digest(table: pa.Table) -> str:
    """The sha256 of a table's columns and rows, in hexadecimal. Equal tables give equal ones."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    plain = table.replace_schema_metadata(None).combine_chunks()
    with pa.ipc.new_stream(sink, plain.schema) as writer:
        writer.write_table(plain)
    return hashlib.sha256(sink.getvalue()).hexdigest()


def refuse_missing(table: pa.Table, columns: Sequence[Column], *, name: str) -> None:
    """Refuse a table that lacks a column. This names the first.

    Raises:
        BadInput: it does.
    """
    for column in columns:
        if column.name not in table.column_names and not column.later:
            raise BadInput(f"{name} has no column {column.name}", file=name, field=column.name)


def texts_to_types(table: pa.Table, columns: Sequence[Column], *, name: str) -> pa.Table:
    """The columns in their order and types. This converts text and refuses what does not fit.

    Raises:
        BadInput: a value does not fit; the message names file, row, field and why.
    """
    import pyarrow as pa

    typed = [_typed(table, column, name=name) for column in columns]
    return pa.table(typed, names=[column.name for column in columns])


def _typed(table: pa.Table, column: Column, *, name: str) -> pa.Array:
    """One column, each distinct value of it read once: a hundred thousand rows are few values."""
    import pyarrow as pa

    kinds = {"text": pa.string(), "whole": pa.int64(), "flag": pa.bool_(), "day": pa.date32()}
    kind = kinds[column.type]
    if column.name not in table.column_names:
        return pa.repeat(pa.scalar(column.default, kind), table.num_rows)
    if table.column(column.name).type == kind and column.default is None:
        return _as_it_is(table, column, name=name)
    coded = distinct(table, column.name)
    values = []
    for place, value in enumerate(coded.dictionary.to_pylist()):
        try:
            values.append(_value(value, column))
        except (ValueError, TypeError) as error:
            row = row_of(table, coded, place)
            raise _bad(name, row=row, field=column.name, why=str(error)) from None
    return pa.array(values, kind).take(coded.indices)


def _as_it_is(table: pa.Table, column: Column, *, name: str) -> pa.Array:
    """A column that has its type already: only what is blank is looked for."""
    import pyarrow.compute as pc

    values = table.column(column.name).combine_chunks()
    if column.optional:
        return values
    blank = pc.is_null(values)
    if column.type == "text":
        blank = pc.or_kleene(blank, pc.equal(values, ""))
    first: int = pc.index(blank, True).as_py()  # the value looked for
    if first >= 0:
        raise _bad(name, row=rows_of(table)[first], field=column.name, why="empty")
    return values


def distinct(table: pa.Table, field: str) -> pa.DictionaryArray:
    """A column as its distinct values, in the order in which they first appear, and places."""
    import pyarrow as pa

    column = table.column(field)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_nested(column.type):
        raise BadInput(f"column {field}: {column.type} is no plain value", field=field)
    return column.combine_chunks().dictionary_encode(null_encoding="encode")


def row_of(table: pa.Table, coded: pa.DictionaryArray, place: int) -> int:
    """The first row that has the distinct value at `place`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    first: int = pc.index(coded.indices, pa.scalar(place, pa.int32())).as_py()
    return rows_of(table)[first]


def _value(value: Any, column: Column) -> Any:
    if value is None or value == "":
        if not column.optional:
            raise ValueError("empty")
        if column.default is None:
            return value if column.type == "text" else None
        return column.default
    try:
        return _READERS[column.type](value)
    except (ValueError, TypeError):
        raise ValueError(f"{value!r} is not a {_NAMES[column.type]}") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: object) -> int:
    if isinstance(value, (bool, float)) or not isinstance(value, (int, str)):
        raise TypeError
    number = int(value)
    if abs(number) >= 2**63:
        raise ValueError
    return number


def _flag(value: object) -> bool:
    word = str(value).lower()
    if word not in ("true", "false"):
        raise ValueError
    return word == "true"


def _day(value: object) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


_READERS: dict[str, Callable[[Any], Any]] = {
    "text": _text, "whole": _whole, "flag": _flag, "day": _day,
}  # fmt: skip
_NAMES = {"text": "text", "whole": "whole number", "flag": "true or false", "day": "date"}


def _bad(name: str, *, row: int, field: str, why: str) -> BadInput:
    return BadInput(f"{name}, row {row}, {field}: {why}", file=name, row=row, field=field)
