"""One pass over all agreements: the rows of every file, sorted, with their lines, in one place.

Files of single agreements are cut out of it. So a hundred thousand of them take one sort, and
no query each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settle.clearing.files.columns import Column, Form, line_sql
from settle.clearing.files.replay import ClosedWindow
from settle.clearing.files.types import CONTROL, kind_types_table, types_table
from settle.engine import Scratch, parquet


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The rows of one file: `rows` of them, in order, and the lines that end it."""

    file: int
    sequence: int
    rows: int
    controls: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """All rows of a sheet in a Parquet file, and the segments that it is cut into, in order."""

    sheet: str
    columns: Sequence[Column]
    path: Path
    segments: Sequence[Segment]


def give_files(scratch: Scratch, window: ClosedWindow, *, of_some: bool) -> list[dict[str, Any]]:
    """Number the files, one for each agreement and currency, as `files`.

    An agreement that was active and has nothing gets one in its settlement currency.
    """
    scratch.give("types", types_table())
    scratch.give("kind_types", kind_types_table())
    some = "semi join asked_for using (agreement_id)" if of_some else ""
    scratch.step(
        "files",
        f"""with held as (
            select distinct agreement_id, currency as settlement_currency from positions
        ),
        listed as (
            select agreement_id, settlement_currency, false as is_empty from held
            union all
            select agreement_id, settlement_currency, true from agreements {some}
            anti join held using (agreement_id)
            where role = 'merchant' and valid_from <= '{window.window_id}'
                and (terminated_on is null or terminated_on > '{window.window_id}')
        )
        select *, row_number() over (order by agreement_id, settlement_currency) - 1 as file
        from listed""",  # noqa: S608  # a date
    )
    files: list[dict[str, Any]] = scratch.rows("select * from files order by file").to_pylist()
    return files


def stage(
    scratch: Scratch, query: str, *, sheet: str, columns: Sequence[Column], order: str,
    folder: Path, lines_max: int, window: ClosedWindow,
) -> Staged:  # fmt: skip
    """Write the rows of `query` with the line that each is in CSV, sorted, into `folder`."""
    path = folder / f".{sheet}.parquet"
    names = ", ".join(column.name for column in columns)
    scratch.write(
        f"select file, {names}, {line_sql(columns)} as line from ({query}) order by {order}",  # noqa: S608  # ours
        path,
    )
    segments = _segments(scratch, path, columns=columns, lines_max=lines_max, window=window)
    return Staged(sheet=sheet, columns=columns, path=path, segments=segments)


def _segments(
    scratch: Scratch, path: Path, *, columns: Sequence[Column], lines_max: int,
    window: ClosedWindow,
) -> list[Segment]:  # fmt: skip
    """The files that the rows are cut into, each with its control totals, in order."""
    scratch.step(
        "numbered",
        f"""with firsts as (
            select file, min(file_row_number) as first_row from {parquet([path])} group by file
        ),
        counted as (
            select s.file, (s.file_row_number - f.first_row) // {lines_max} as sequence,
                s.currency, s.settlement_currency, count(*) as rows, {sums_sql(columns)}
            from {parquet([path])} as s join firsts as f on f.file = s.file
            group by s.file, sequence, s.currency, s.settlement_currency
        )
        select f.file, f.agreement_id, '{window.window_id}' as window_id,
            coalesce(c.sequence, 0) as sequence,
            coalesce(c.currency, f.settlement_currency) as currency, f.settlement_currency,
            coalesce(c.rows, 0) as rows, {_filled(columns)}
        from files as f left join counted as c on c.file = f.file""",  # noqa: S608  # ours
    )
    rows = scratch.rows(controls_sql(columns, "select * from numbered", by="file, sequence"))
    return [Segment(**row) for row in rows.to_pylist()]


def controls_sql(columns: Sequence[Column], counted: str, *, by: str) -> str:
    """The control rows of each file as lines, together, with the count of its `rows`.

    `counted`: a file's rows and sums by currency, with whose they are; `by`: what tells the files.
    """
    made = ", ".join(f"{_made(column)} as {column.name}" for column in columns)
    return f"""with lines as (
        select {by}, rows, currency, {line_sql(columns)} as line
        from (select {by}, rows, {made} from ({counted}))
    )
    select {by}, cast(sum(rows) as bigint) as rows,
        string_agg(line, '' order by currency) as controls
    from lines group by {by} order by {by}"""  # noqa: S608  # names of ours


_AMOUNTS = (Form.SIGNED, Form.DIRECTED)


def _summed(columns: Sequence[Column]) -> list[str]:
    return [column.name for column in columns if column.form in _AMOUNTS]


def sums_sql(columns: Sequence[Column]) -> str:
    """The sum of each amount of the rows `s`. None wraps."""
    return ", ".join(
        f"minor(coalesce(sum(cast(s.{name} as decimal(38, 0))), 0)) as {name}"
        for name in _summed(columns)
    )


def _filled(columns: Sequence[Column]) -> str:
    return ", ".join(f"coalesce(c.{name}, 0) as {name}" for name in _summed(columns))


def _made(column: Column) -> str:
    """A column of a control row."""
    match column.name:
        case "type":
            return f"'{CONTROL}'"
        case "records":
            return "rows"
        case "agreement_id" | "window_id" | "currency" | "settlement_currency":
            return column.name
        case name if column.form in _AMOUNTS:
            return name
        case _:
            return "cast(null as bigint)" if column.form is Form.RATE else _no(column)


def _no(column: Column) -> str:
    kind = "timestamptz" if column.form is Form.INSTANT else "varchar"
    return f"cast(null as {kind})"
