"""JSON lines as columns of text: one object a line. JSON is hostile input."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.csv_lines import whole_lines
from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa


def json_columns(content: bytes, *, name: str) -> pa.Table:
    """The objects as text columns, with `row` and, for a line that is none, `unreadable`.

    A number with a fraction is a float in JSON and stays recognisable as one.

    Raises:
        BadInput: no line is an object.
    """
    return _columns(content.removeprefix(b"\xef\xbb\xbf"), first=1, name=name)


def json_chunks(path: Path, *, name: str) -> Iterator[pa.Table]:
    """The same of a file, a piece at a time. This has all columns of the piece, and no others.

    Raises:
        BadInput: as `json_columns`.
    """
    first = 1
    with path.open("rb") as file:
        for piece in whole_lines(file):
            yield _columns(piece.removeprefix(b"\xef\xbb\xbf"), first=first, name=name)
            first += piece.count(b"\n")
    if first == 1:
        yield _columns(b"", first=1, name=name)


def _columns(content: bytes, *, first: int, name: str) -> pa.Table:
    import pyarrow as pa

    lines = [
        (number, line)
        for number, line in enumerate(content.split(b"\n"), start=first)
        if line.strip()
    ]
    objects = [_object(line) for _, line in lines]
    fields = sorted({field for found in objects if isinstance(found, dict) for field in found})
    if lines and not fields:
        raise BadInput(f"{name} holds no JSON objects", file=name)
    columns = {
        field: pa.array(
            [_text(found.get(field)) if isinstance(found, dict) else None for found in objects],
            pa.string(),
        )
        for field in fields
    }
    columns["row"] = pa.array([number for number, _ in lines], pa.int64())
    columns["unreadable"] = pa.array(
        [None if isinstance(found, dict) else found for found in objects], pa.string()
    )
    return pa.table(columns)


def _object(line: bytes) -> dict[str, Any] | str:
    """The object of a line, or why there is none."""
    try:
        found = json.loads(
            line, parse_float=_float, parse_constant=_constant, object_pairs_hook=_each_once
        )
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


def _is_unicode(line: bytes, found: dict[str, Any]) -> bool:
    """Whether its text can be stored: an escape may name half a character."""
    if b"\\ud" not in line.lower():
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
