"""Our own files read back: every cell checked, amounts as signed minor units."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from settle.clearing.files.columns import ACTIVE, DETAILS, END, EOL, SUMMARY, Column, Form, header
from settle.clearing.files.names import FileName
from settle.clearing.files.types import CONTROL, TYPES
from settle.clearing.kinds import DIRECTIONS, Kind
from settle.errors import BadInput, DocumentError
from settle.money import MINOR_MAX, RATE_DECIMALS, exponent

Row = Mapping[str, Any]
COLUMNS: Mapping[str, Sequence[Column]] = {"details": DETAILS, "summary": SUMMARY}
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,18})([.]\d+)?", re.ASCII)


class Fault(StrEnum):
    """What is wrong with a file, or with files of one agreement together."""

    NAME = "name"  # a row is of another agreement, currency or window than the file's name
    ENCODING = "encoding"  # not UTF-8
    END = "end"  # the last line is not <END>
    HEADER = "header"
    CELL = "cell"  # a cell that such a file cannot have
    CONTROL = "control"  # counts or sums are not those of the rows
    BUCKETS = "buckets"  # components do not sum to what was converted
    CONVERTED = "converted"  # what a bucket came to is not its amount at its legs, less its markup
    TOTAL = "total"  # the summary does not sum to its TOTAL
    ENDS = "ends"  # what is paid, carried and claimed is not the TOTAL
    DETAILS = "details"  # the lines do not sum to the summary
    SEQUENCE = "sequence"  # a file of the details is missing
    MISSING = "missing"  # there is no summary, or no details
    PARQUET = "parquet"  # the Parquet file says otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One file's rows by column, amounts in signed minor units, and its control rows."""

    name: FileName
    rows: Sequence[Row]
    controls: Sequence[Row]


def read_summary(path: Path) -> Sheet:
    """Read a summary. `settle.clearing.files.columns.SUMMARY` has its columns.

    Raises:
        DocumentError: its name, its end or a cell is not as such a file has it, or the control
            totals are not those of its rows; the message names the place, `fault` what is wrong.
    """
    return read_sheet(path, sheet="summary")


def read_details(path: Path) -> Sheet:
    """Read one file of details. `settle.clearing.files.columns.DETAILS` has its columns.

    Raises:
        DocumentError: as `read_summary`.
    """
    return read_sheet(path, sheet="details")


def read_sheet(path: Path, *, sheet: str) -> Sheet:
    """Read a file of either sheet, as `read_summary` does."""
    name = FileName.of(path.name)
    if name is None or name.sheet != sheet or name.ending != "csv":
        raise _fault(path, Fault.NAME, f"is not the name of a file of {sheet}")
    rows = list(_rows(path, COLUMNS[sheet]))
    controls = [row for row in rows if row["type"] == CONTROL]
    body = [row for row in rows if row["type"] != CONTROL]
    if rows != [*body, *controls]:
        raise _fault(path, Fault.CONTROL, "has a row after its control totals")
    _check_controls(path, COLUMNS[sheet], body, controls)
    return Sheet(name=name, rows=body, controls=controls)


def _rows(path: Path, columns: Sequence[Column]) -> Iterator[Row]:
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        raise _fault(path, Fault.ENCODING, "is not UTF-8") from None
    if not text.endswith(f"{EOL}{END}{EOL}"):
        raise _fault(path, Fault.END, f"does not end with {END}: it is cut, or not finished")
    if not text.startswith(header(columns)):
        raise _fault(path, Fault.HEADER, "has other columns")
    body = text[len(header(columns)) : -len(END + EOL)]
    reader = csv.reader(io.StringIO(body, newline=""), strict=True)
    while True:
        try:
            cells = next(reader, None)
            if cells is None:
                return
            yield _row(columns, cells)
        except (csv.Error, BadInput) as error:
            # The header is line 1.
            raise _fault(path, Fault.CELL, str(error), line=reader.line_num + 1) from None


def _row(columns: Sequence[Column], cells: Sequence[str]) -> Row:
    titles = [title for column in columns for title in column.titles]
    if len(cells) != len(titles):
        raise DocumentError(f"has {len(cells)} cells, not {len(titles)}")
    by_title = dict(zip(titles, cells, strict=True))
    row = {column.name: _value(column, by_title) for column in columns}
    if row["type"] != CONTROL and row["type"] != _type(row):
        raise DocumentError(f"{row['type'][:40]!r} is not the type of such a row")
    return row


def _type(row: Row) -> str | None:
    """The type that a row has by its kind, or by its component."""
    if "kind" not in row:
        return TYPES.get(row["component"])
    return TYPES[DIRECTIONS[Kind(row["kind"])].component] if row["kind"] in set(Kind) else None


def _value(column: Column, cells: Mapping[str, str]) -> Any:
    text = cells[column.title]
    match column.form:
        case Form.TEXT:
            return _unguarded(text)
        case Form.PLAIN | Form.INSTANT:
            return text
        case Form.COUNT:
            return _number(text, 0, column.title)
        case Form.RATE:
            return _number(text, RATE_DECIMALS, column.title) if text else None
        case Form.SIGNED:
            return _number(text, exponent(cells[column.of]), column.title) if text else None
        case Form.DIRECTED:
            return _directed(column, cells)


def _unguarded(text: str) -> str:
    """The text before an apostrophe was put before it."""
    if text.startswith("'") and text[1:].lstrip(" ")[:1] in (*ACTIVE, "'"):
        return text[1:]
    return text


def _number(text: str, decimals: int, title: str) -> int:
    """The number in units of its last decimal. This is exact, and takes no other spelling."""
    whole, _, rest = text.partition(".")
    if _NUMBER.fullmatch(text) is None or len(rest) != decimals:
        raise DocumentError(f"{title} {text[:40]!r} is not a number of {decimals} decimals")
    value = int(whole + rest)
    if abs(value) > MINOR_MAX:
        raise DocumentError(f"{title} is beyond 64 bits")
    return value


def _directed(column: Column, cells: Mapping[str, str]) -> int | None:
    text, direction = cells[column.title], cells[column.direction]
    if not text and not direction:
        return None
    amount = _number(text, exponent(cells[column.of]), column.title)
    if amount < 0 or direction != ("C" if amount and direction == "C" else "D"):
        raise DocumentError(f"{column.title} {text} {direction[:10]!r} is no amount and direction")
    return amount if direction == "C" else -amount


def _check_controls(
    path: Path, columns: Sequence[Column], rows: Sequence[Row], controls: Sequence[Row]
) -> None:
    """The control rows are those that the rows add up to, currency by currency."""
    amounts = [c.name for c in columns if c.form in (Form.SIGNED, Form.DIRECTED)]
    sums: dict[str, dict[str, int]] = {}
    for row in rows:
        own = sums.setdefault(row["currency"], dict.fromkeys(("records", *amounts), 0))
        own["records"] += 1
        for amount in amounts:
            own[amount] += row[amount] or 0
    said = {
        row["currency"]: {name: row[name] for name in ("records", *amounts)} for row in controls
    }
    if not rows:
        sums = {currency: dict.fromkeys(("records", *amounts), 0) for currency in said}
    if len(controls) != len(said) or not said or said != sums:
        raise _fault(path, Fault.CONTROL, "its rows do not come to its control totals")


def _fault(path: Path, fault: Fault, why: str, *, line: int | None = None) -> DocumentError:
    place = path.name if line is None else f"{path.name}, line {line}"
    return DocumentError(f"{place}: {why}", file=path.name, line=line, fault=fault)
