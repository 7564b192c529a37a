"""Parquet files of plain types as a query: nothing is read before somebody asks for a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from settle.clearing.records import TEXTS
from settle.engine import parquet

FILE_ROWS_BITS = 40
"""A row of several files is numbered file × 2⁴⁰ + row, so that one number names it."""

TYPED = (
    "unreadable", *TEXTS, "amount_minor", "amount_fault", "amount_said", "occurred_us",
    "occurred_said", "received_us", "received_said",
)  # fmt: skip
"""The columns of `typed` beside `row`: amounts in minor units, instants in microseconds."""


def is_plain(columns: Mapping[str, str]) -> bool:
    """Whether the engine reads every column exactly: text, signed minor units, microseconds.

    `columns`: names and SQL types, see `Engine.columns`.
    """
    return "amount_minor" in columns and all(
        kind in _EXACT.get(name, _TEXT) for name, kind in columns.items()
    )


_TEXT = frozenset({"VARCHAR"})
_INSTANT = frozenset({"TIMESTAMP WITH TIME ZONE"})
_EXACT = {
    "amount_minor": frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}),
    "occurred_at": _INSTANT,
    "received_at": _INSTANT,
}


def typed_query(paths: Sequence[Path], columns: Mapping[str, str]) -> str:
    """The rows of files of the same plain columns, in the columns of the table `typed`.

    What was said is what is typed, so no column holds it a second time.
    """
    row = "file_row_number + 1"
    if len(paths) > 1:
        row = f"file_index * {2**FILE_ROWS_BITS} + {row}"
    texts = [_text(field, is_there=field in columns) for field in TEXTS]
    received = "received_at" if "received_at" in columns else "cast(null as timestamptz)"
    return f"""select
        cast({row} as bigint) as row, cast(null as varchar) as unreadable, {", ".join(texts)},
        cast(amount_minor as bigint) as amount_minor, cast(null as varchar) as amount_fault,
        cast(null as varchar) as amount_said,
        micros(occurred_at) as occurred_us, cast(null as varchar) as occurred_said,
        micros({received}) as received_us, cast(null as varchar) as received_said
    from {parquet(paths)}"""  # noqa: S608  # names from our code, paths quoted


def _text(field: str, *, is_there: bool) -> str:
    if not is_there:
        return f"cast(null as varchar) as {field}"
    # A blank is none; but for these, which a blank does not name anyhow, it is not looked for:
    # that took a fifth of the time of a sum by agreement.
    return field if field in _NAMES else f"nullif({field}, '') as {field}"


_NAMES = frozenset({"participant_id", "agreement_id", "kind", "currency"})
