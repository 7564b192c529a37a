"""What a closed window is made of: its manifest, a table of files, and the records in them.

Rows of `lake/manifest/<window>.parquet`, by `what`:
`whole`: the accepted file of the batch `name`, all of it; `split`: a batch of which the window has
some; `settled`: the file of the records of those; `part`: of the deferred file `name`, what
settles in `settles_in` and was not left out again; `deferred`: what this one left to `settles_in`;
`withdrawn`: the record `name`, which is in none. A window that was unwound has a file of each sort
for each of its outcomes: see `settle.clearing.lake.outcome_name`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.lake import Lake, window_named
from settle.clearing.records import STORED
from settle.clearing.unsettled import Unsettled
from settle.engine import Scratch
from settle.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from settle.clearing.sifting import Placed
    from settle.clearing.tally import Counted

COLUMNS = {
    "what": "varchar", "name": "varchar", "settles_in": "varchar", "records": "bigint",
    "digest": "varchar",
}  # fmt: skip
SETTLED = {**STORED, "occurred_window": "varchar", "settles_in": "varchar", "reason": "varchar"}
"""The columns of `lake/settled/<window>.parquet`, and of the records of a window."""

_Filters = Sequence[tuple[str, str, str]]


def manifest_table(
    placed: Placed, counted: Counted, *, name: str, batches: Sequence[Mapping[str, Any]],
    digests: Mapping[str, str],
) -> pa.Table:  # fmt: skip
    """The manifest as columns: one row a file, a part of one, or a record that is in none.

    `name`: of the outcome.
    """
    import pyarrow as pa

    rows = list(_rows(placed, counted, name=name, batches=batches, digests=digests))
    kinds = {"varchar": pa.string(), "bigint": pa.int64()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
    return pa.Table.from_pylist([dict(zip(COLUMNS, row, strict=True)) for row in rows], schema)


def _rows(
    placed: Placed, counted: Counted, *, name: str, batches: Sequence[Mapping[str, Any]],
    digests: Mapping[str, str],
) -> Iterator[tuple[Any, ...]]:  # fmt: skip
    for batch in batches:
        what = "whole" if batch["whole"] else "split"
        yield what, batch["batch_id"], None, batch["records"], batch["digest"]
    yield "settled", name, None, None, digests["settled"]
    for part in placed.unsettled.parts:
        yield "part", part.deferred_in, part.settles_in, part.records, None
    for settles_in, records in sorted(counted.left.items()):
        yield "deferred", name, settles_in, records, digests["deferred"]
    for record_id in placed.unsettled.withdrawn:
        yield "withdrawn", record_id, None, None, None


def settled_records(lake: Lake, name: str, *, agreement_id: str | None = None) -> pa.Table:
    """The records of a closed window, all or an agreement's, by id. This reads the lake alone.

    `name`: of the window's outcome, see `outcome_name`.

    Raises:
        BadInput: a file is missing.
    """
    import pyarrow as pa

    window_id = window_named(name)
    own = [] if agreement_id is None else [("agreement_id", "=", agreement_id)]
    lines = _read(lake.manifest(name)).to_pylist()
    found = [_read(lake.settled(name), own)]
    for line in lines:
        if line["what"] == "whole":
            table = _read(lake.accepted(line["name"]), own)
            found.append(_with(table, occurred_window=window_id, settles_in=window_id,
                               reason="on_time"))  # fmt: skip
        if line["what"] == "part":
            table = _read(lake.deferred(line["name"]), [*own, _settling(line)])
            reason = "on_time" if line["settles_in"] == window_id else "late"
            found.append(_with(table, reason=reason))
    together = pa.concat_tables([table.select(list(SETTLED)) for table in found])
    return _without(together, _gone(lake, name, lines, own)).sort_by("record_id")


def _gone(lake: Lake, name: str, lines: Sequence[Mapping[str, Any]], own: _Filters) -> list[str]:
    """The records that were looked at and are in no window, or left out again."""
    gone = [line["name"] for line in lines if line["what"] == "withdrawn"]
    for line in lines:
        if line["what"] == "deferred" and line["settles_in"] <= window_named(name):
            table = _read(lake.deferred(name), [*own, _settling(line)])
            gone += table.column("record_id").to_pylist()
    return gone


def _settling(line: Mapping[str, Any]) -> tuple[str, str, str]:
    return "settles_in", "=", line["settles_in"]


def _read(path: Path, filters: _Filters | None = None) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    if not path.is_file():
        raise BadInput(f"{path} is missing; put it back from a backup", file=str(path))
    table = parquet.read_table(path, filters=filters or None)
    # Files of one shape may differ in what is known never to be null.
    fields = [field.with_nullable(nullable=True) for field in table.schema]
    return table.cast(pa.schema(fields))


def _with(table: pa.Table, **same: str) -> pa.Table:
    import pyarrow as pa

    for name, value in same.items():
        table = table.append_column(name, pa.repeat(pa.scalar(value, pa.string()), len(table)))
    return table


def _without(table: pa.Table, record_ids: Sequence[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = pa.array(record_ids, pa.string())
    return table.filter(pc.invert(pc.is_in(table.column("record_id"), value_set=ids)))


def give_looked_at(
    scratch: Scratch, connection: Connection, lake: Lake, *, batch_ids: Sequence[str]
) -> None:
    """Make known which of these batches a close has looked at, and what of them is `waiting`."""
    import pyarrow as pa

    table = tables.manifests.c
    seen = connection.scalars(
        sa.select(table.batch_id).where(table.batch_id.in_(batch_ids)).distinct()
    ).all()
    unsettled = Unsettled.of(connection, lake) if seen else Unsettled.nothing(lake)
    unsettled.read_waiting(scratch)
    scratch.give("looked_at", pa.table({"batch_id": pa.array(seen, pa.string())}))
