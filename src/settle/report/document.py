"""The report as JSON: plain values, the same bytes for the same report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from settle.money import exponent


def as_json(value: Any) -> Any:
    """A frozen model as dicts, lists, strings and integers.

    This puts the `exponent` beside every `currency`, so that a reader of `…_minor` needs no
    table of its own. Instants are ISO 8601 in UTC.

    Raises:
        TypeError: a value that JSON cannot hold exactly, such as a float or a naive instant.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return _fields(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in sorted(value.items())}
    if isinstance(value, (tuple, list)):
        return [as_json(item) for item in value]
    return _scalar(value)


def dump(document: Any) -> bytes:
    """A JSON document as UTF-8 bytes. This is the file's content, newline at the end included."""
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
    return (text + "\n").encode()


def _fields(model: Any) -> dict[str, Any]:
    shown = {field.name: as_json(getattr(model, field.name)) for field in fields(model)}
    if "currency" in shown:
        shown["exponent"] = exponent(shown["currency"])
    return shown


def _scalar(value: Any) -> str | int | bool | None:
    if isinstance(value, Enum):
        return _scalar(value.value)
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"a report holds no {type(value).__name__}")


def _instant(at: datetime) -> str:
    if at.tzinfo is None:
        raise TypeError("an instant of a report has a time zone")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
