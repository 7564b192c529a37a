"""JSON lines as columns of text: one object a line. JSON is hostile input.

The engine reads the lines in columns and vouches for those that can be read in one way only
(`json_lines.sql`). Any other goes through Python's reader by itself: an object or a list in a
field, a number with a fraction or beyond 64 bits, a field twice, what is no object at all. Of a
line that the engine vouches for, both give the same. Plain lines take 0.4 of the time that they
take one by one, start-up included (200,000 of them); lines of which none is plain take 1.1.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.csv_lines import is_text, whole_lines
from settle.clearing.records import KNOWN, OURS
from settle.engine import Engine, Scratch
from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

_READABLE = Path(__file__).with_name("json_lines.sql")
_BLANK = " \t\n\r\x0b\x0c"


def json_chunks(path: Path, *, name: str) -> Iterator[pa.Table]:
    """The objects of a file as text columns, a piece at a time.

    Each piece has all columns that are in it and no others, `row`, and `unreadable` for a line
    that is no object. A number with a fraction is a float in JSON and stays recognisable as one.

    Raises:
        BadInput: no line of the first piece is an object, or one has a field that no record has.
    """
    first = 1
    engine = Engine()
    try:
        with engine.scratch() as scratch, path.open("rb") as file:
            for piece in whole_lines(file):
                yield json_columns(piece, scratch=scratch, first=first, name=name)
                first += piece.count(b"\n")
            if first == 1:
                yield json_columns(b"", scratch=scratch, name=name)
    finally:
        engine.close()


def json_columns(content: bytes, *, scratch: Scratch, name: str, first: int = 1) -> pa.Table:
    """The same of some lines, of which the first is numbered `first`.

    Raises:
        BadInput: as `json_chunks`.
    """
    import pyarrow as pa

    given, others = _lines(content.removeprefix(b"\xef\xbb\xbf"), first=first)
    scratch.give("lines", given)
    scratch.step("readable", _READABLE.read_text(encoding="utf-8"))
    others += _rows(scratch.rows("select row, line from lines anti join readable using (row)"))
    table = pa.concat_tables(
        [_readable(scratch), one_by_one(others, name=name)], promote_options="default"
    )
    if first == 1 and table.num_rows and OURS.issuperset(table.column_names):
        raise BadInput(f"{name} holds no JSON objects", file=name)
    return table


def _lines(content: bytes, *, first: int) -> tuple[pa.Table, list[tuple[int, str | None]]]:
    """The lines that are text with their numbers, and apart from them those that are not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lines = pc.split_pattern(pa.array([content], pa.large_binary()), b"\n").flatten()
    table = pa.table({"row": pa.arange(first, first + len(lines)), "line": lines})
    schema = pa.schema({"row": pa.int64(), "line": pa.large_string()})
    try:
        return table.cast(schema), []
    except pa.ArrowInvalid:
        said = pa.array([is_text(line) for line in lines.to_pylist()])
        spoiled = table.filter(pc.invert(said)).column("row").to_pylist()
        return table.filter(said).cast(schema), [(row, None) for row in spoiled]


def _rows(table: pa.Table) -> list[tuple[int, str | None]]:
    rows, lines = (column.to_pylist() for column in table.columns)
    return list(zip(rows, lines, strict=True))


def _readable(scratch: Scratch) -> pa.Table:
    """What was read in columns, and of them those that a line has."""
    found = scratch.rows("select distinct unnest(fields) as field from readable order by field")
    columns = ", ".join(["row", *found.column(0).to_pylist()])
    return scratch.rows(
        f"select {columns}, cast(null as varchar) as unreadable from readable"  # noqa: S608  # of ours
    )


def one_by_one(lines: Sequence[tuple[int, str | None]], *, name: str) -> pa.Table:
    """Numbered lines, or none where it is not UTF-8, as columns. This takes one at a time.

    Raises:
        BadInput: a line has a field that no record has.
    """
    import pyarrow as pa

    said = [(row, line) for row, line in lines if line is None or line.strip(_BLANK)]
    objects = [_object(line) for _, line in said]
    fields = sorted({field for found in objects if isinstance(found, dict) for field in found})
    for field in fields:  # before a column is made of each: there may be one a line
        if field not in KNOWN:
            raise BadInput(f"{name} has a column {field} nobody knows", file=name, field=field)
    columns = {
        field: pa.array(
            [_text(found.get(field)) if isinstance(found, dict) else None for found in objects],
            pa.string(),
        )
        for field in fields
    }
    columns["row"] = pa.array([row for row, _ in said], pa.int64())
    columns["unreadable"] = pa.array(
        [None if isinstance(found, dict) else found for found in objects], pa.string()
    )
    return pa.table(columns)


def _object(line: str | None) -> dict[str, Any] | str:
    """The object of a line, or why there is none."""
    if line is None:
        return "not a JSON object"
    try:
        found = json.loads(
            line.removeprefix("\ufeff"), parse_float=_float, parse_constant=_constant,
            object_pairs_hook=_each_once,
        )  # fmt: skip
    except _Twice as error:
        return f"a field is there twice: {error}"
    except (ValueError, RecursionError):
        return "not a JSON object"
    is_one = isinstance(found, dict) and _is_unicode(line, found)
    return found if is_one else "not a JSON object"


class _Twice(ValueError):
    """A field that an object has more than once: which of its values is meant nobody can say."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise _Twice(ascii(name[:40]))
    return found


def _is_unicode(line: str, found: dict[str, Any]) -> bool:
    """Whether its text can be stored: an escape may name half a character."""
    if "\\ud" not in line.lower():
        return True
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _float(text: str) -> str:
    return f"float {text}"


def _constant(text: str) -> str:
    return text


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True)
