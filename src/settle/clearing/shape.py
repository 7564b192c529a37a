"""Columns of records as they come in, in one shape: what was typed and what was text apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from settle.clearing.records import AMOUNTS, INSTANTS, KNOWN, OURS, REQUIRED, TEXTS
from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa


def shaped(
    table: pa.Table, *, name: str, numbered: bool = False, amounts: Collection[str] = ()
) -> pa.Table:
    """The columns of one shape, typed and text apart.

    `numbered`: a reader of text has put `row` and `unreadable` beside what it read. `amounts`: of
    earlier pieces of the same file; JSON lines may lack a field in all of a further piece.

    Raises:
        BadInput: as `refuse_columns`, or a column is of a type that is not exact.
    """
    import pyarrow as pa

    known = KNOWN | OURS if numbered else KNOWN
    refuse_columns(table.column_names, name=name, known=known, amounts=amounts)
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


def refuse_columns(
    names: Sequence[str], *, name: str, known: Collection[str], amounts: Collection[str] = ()
) -> None:
    """Refuse a table that lacks a column, or has one that no record has. This names it.

    Raises:
        BadInput: it does.
    """
    for field in () if amounts else REQUIRED:
        if field not in names:
            raise BadInput(f"{name} has no column {field}", file=name, field=field)
    if len({*amounts, *names}.intersection(AMOUNTS)) != 1:
        raise BadInput(
            f"{name} needs one column of amount_minor and amount", file=name, field="amount"
        )
    for field in names:
        if list(names).count(field) > 1:
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
