"""JSON lines as columns of text: one object a line. JSON is hostile input."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa


def json_columns(content: bytes, *, name: str) -> pa.Table:
    """The objects as text columns, with `row` and, for a line that is none, `unreadable`.

    A number with a fraction is a float in JSON and stays recognisable as one.

    Raises:
        BadInput: no line is an object.
    """
    import pyarrow as pa

    lines = [
        (number, line)
        for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1)
        if line.strip()
    ]
    objects = [_object(line) for _, line in lines]
    fields = sorted({field for found in objects if found is not None for field in found})
    if lines and not fields:
        raise BadInput(f"{name} holds no JSON objects", file=name)
    columns = {
        field: pa.array([_text((found or {}).get(field)) for found in objects], pa.string())
        for field in fields
    }
    columns["row"] = pa.array([number for number, _ in lines], pa.int64())
    columns["unreadable"] = pa.array(
        ["not a JSON object" if found is None else None for found in objects], pa.string()
    )
    return pa.table(columns)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line, parse_float=_float, parse_constant=_constant)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and _is_unicode(line, found) else None


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
