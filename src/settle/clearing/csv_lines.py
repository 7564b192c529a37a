"""CSV as columns of text with the line each row stands on. CSV is hostile input.

A record is one physical line: a quote left open spoils its own line and no other, a line of the
wrong width or wrong bytes is a finding, and the rest goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

PIECE_BYTES = 64 * 1024 * 1024
"""So much of a file of text is in memory at once, and the columns it gives."""

LINE_BYTES_MAX = 16 * 1024 * 1024
"""No record is so long; a file without line ends is refused before it fills the memory."""

_FIELD = rb'(?:[^",\r]*|"(?:[^"]|"")*")'
_QUOTED = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*\r?")
"""A line whose quotes are as RFC 4180 has them: around a whole field, doubled within it."""


def csv_columns(content: bytes, *, name: str) -> pa.Table:
    """The rows as text columns, with `row` and, for a line that cannot be taken, `unreadable`.

    Raises:
        BadInput: it is not text, or has no header.
    """
    header, _, body = content.partition(b"\n")
    return _columns(_header(header, name=name), body, first=2, name=name)


def csv_chunks(path: Path, *, name: str) -> Iterator[pa.Table]:
    """The same of a file, a piece at a time: memory holds one piece, however long the file is.

    Raises:
        BadInput: as `csv_columns`; later pieces may be binary, too.
    """
    with path.open("rb") as file:
        header = _header(file.readline(), name=name)
        first = 2
        for body in whole_lines(file):
            yield _columns(header, body, first=first, name=name)
            first += body.count(b"\n")
        if first == 2:  # no record, but the columns are told
            yield _columns(header, b"", first=first, name=name)


def whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Pieces of a file that end with a line, read by `PIECE_BYTES`; the last ends with the file."""
    left = b""
    while piece := file.read(PIECE_BYTES):
        whole, newline, left = (left + piece).rpartition(b"\n")
        if len(left) > LINE_BYTES_MAX:
            raise BadInput(f"{file.name}: a line is longer than {LINE_BYTES_MAX} bytes")
        if whole or newline:
            yield whole + newline
    if left:
        yield left + b"\n"


def _header(line: bytes, *, name: str) -> bytes:
    header = line.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n")
    if b"\x00" in header or not is_text(header):
        raise BadInput(f"{name} is not a CSV file: it holds binary data", file=name)
    if not header.strip():
        raise BadInput(f"{name} is empty: it has no header line", file=name)
    if _fault(header):
        raise BadInput(f"{name}, row 1: {_fault(header)}", file=name, row=1)
    return header


def _columns(header: bytes, body: bytes, *, first: int, name: str) -> pa.Table:
    """The lines of a piece under the file's header; the first of them is numbered `first`."""
    import pyarrow as pa

    if b"\x00" in body:
        raise BadInput(f"{name} is not a CSV file: it holds binary data", file=name)
    content = header + b"\n" + (body if not body or body.endswith(b"\n") else body + b"\n")
    spoiled = _spoiled_lines(content)
    good, ragged = _parse(_without(content, spoiled), name=name)
    return _with_unreadable(good, {**ragged, **spoiled}, pa, skipped=first - 2)


def is_text(line: bytes) -> bool:
    """Whether it is UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _spoiled_lines(content: bytes) -> dict[int, str]:
    """Lines that would spoil others. This looks through none of a file without suspects."""
    if not (b'"' in content or b"\r" in content) and is_text(content):
        return {}
    faults = ((n, _fault(line)) for n, line in enumerate(content.split(b"\n"), start=1))
    return {number: fault for number, fault in faults if fault}


def _fault(line: bytes) -> str:
    if b'"' in line and not _QUOTED.fullmatch(line):
        return "a quote is left open or stands within a field"
    if b"\r" in line.removesuffix(b"\r"):
        return "a carriage return within the line"
    return "" if is_text(line) else "not UTF-8"


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


def _with_unreadable(good: pa.Table, lines: dict[int, str], pa: Any, *, skipped: int) -> pa.Table:
    """All lines, the faulty ones after the others; each has `skipped` lines more before it."""
    import pyarrow.compute as pc

    table = good.append_column("unreadable", pa.nulls(good.num_rows, pa.string()))
    if lines:
        rows = sorted(lines)
        faults = [lines[row] for row in rows]
        bad = pa.table({"row": pa.array(rows, pa.int64()), "unreadable": faults})
        table = pa.concat_tables([table, bad], promote_options="default")
    place = table.column_names.index("row")
    return table.set_column(place, "row", pc.add(table.column("row"), skipped))
