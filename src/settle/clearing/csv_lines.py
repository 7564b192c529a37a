"""CSV as columns of text with the line each row stands on. CSV is hostile input.

A record is one physical line: a quote left open spoils its own line and no other, a line of the
wrong width or wrong bytes is a finding, and the rest goes on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

_FIELD = rb'(?:[^",\r]*|"(?:[^"]|"")*")'
_QUOTED = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*\r?")
"""A line whose quotes are as RFC 4180 has them: around a whole field, doubled within it."""


def csv_columns(content: bytes, *, name: str) -> pa.Table:
    """The rows as text columns, with `row` and, for a line that cannot be taken, `unreadable`.

    Raises:
        BadInput: it is not text, or has no header.
    """
    import pyarrow as pa

    content = content.removeprefix(b"\xef\xbb\xbf")
    header = content.split(b"\n", 1)[0]
    if b"\x00" in content or not _is_text(header):
        raise BadInput(f"{name} is not a CSV file: it holds binary data", file=name)
    if not header.strip():
        raise BadInput(f"{name} is empty: it has no header line", file=name)
    if _fault(header):
        raise BadInput(f"{name}, row 1: {_fault(header)}", file=name, row=1)
    content = content if content.endswith(b"\n") else content + b"\n"
    spoiled = _spoiled_lines(content)
    good, ragged = _parse(_without(content, spoiled), name=name)
    return _with_unreadable(good, {**ragged, **spoiled}, pa)


def _is_text(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _spoiled_lines(content: bytes) -> dict[int, str]:
    """Lines that would spoil others. This looks through none of a file without suspects."""
    if not (b'"' in content or b"\r" in content) and _is_text(content):
        return {}
    faults = ((n, _fault(line)) for n, line in enumerate(content.split(b"\n"), start=1))
    return {number: fault for number, fault in faults if fault}


def _fault(line: bytes) -> str:
    if b'"' in line and not _QUOTED.fullmatch(line):
        return "a quote is left open or stands within a field"
    if b"\r" in line.removesuffix(b"\r"):
        return "a carriage return within the line"
    return "" if _is_text(line) else "not UTF-8"


def _without(content: bytes, spoiled: dict[int, str]) -> bytes:
    if not spoiled:
        return content
    lines = content.split(b"\n")
    for number in spoiled:
        lines[number - 1] = b""
    return b"\n".join(lines)


def _parse(content: bytes, *, name: str) -> tuple[pa.Table, dict[int, str]]:
    import pyarrow as pa
    from pyarrow import csv

    ragged: dict[int, str] = {}

    def set_aside(row: Any) -> str:
        ragged[row.number] = f"{row.actual_columns} fields, not {row.expected_columns}"
        return "skip"

    names = _names(content)
    try:
        table = csv.read_csv(
            pa.BufferReader(content),
            # One thread: only then does the reader number the rows it sets aside.
            read_options=csv.ReadOptions(use_threads=False),
            parse_options=csv.ParseOptions(
                ignore_empty_lines=False, invalid_row_handler=set_aside
            ),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True, null_values=[""],
            ),
        )  # fmt: skip
    except pa.ArrowInvalid as error:
        why = str(error).splitlines()[0]
        raise BadInput(f"{name} is not a CSV file: {why}", file=name) from None
    return _numbered(table, ragged), ragged


def _names(content: bytes) -> list[str]:
    header = content.split(b"\n", 1)[0].decode()
    return [field.strip().strip('"') for field in header.split(",")]


def _numbered(table: pa.Table, ragged: dict[int, str]) -> pa.Table:
    """The line of each row, blank lines dropped: a blank line is no record."""
    import pyarrow as pa
    import pyarrow.compute as pc

    last = table.num_rows + len(ragged) + 1
    lines = pa.array([n for n in range(2, last + 1) if n not in ragged], pa.int64())
    numbered = table.append_column("row", lines)
    said = pc.invert(pc.is_null(table.column(0)))
    for column in table.columns[1:]:
        said = pc.or_(said, pc.invert(pc.is_null(column)))
    return numbered.filter(said)


def _with_unreadable(good: pa.Table, lines: dict[int, str], pa: Any) -> pa.Table:
    table = good.append_column("unreadable", pa.nulls(good.num_rows, pa.string()))
    if not lines:
        return table
    rows = sorted(lines)
    bad = pa.table({"row": pa.array(rows, pa.int64()), "unreadable": [lines[row] for row in rows]})
    return pa.concat_tables([table, bad], promote_options="default")
