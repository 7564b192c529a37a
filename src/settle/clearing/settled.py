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
from settle.clearing.kept_terms import kept
from settle.clearing.lake import Lake, window_named
from settle.clearing.records import STORED
from settle.clearing.unsettled import DEFERRED, Unsettled
from settle.engine import Engine, Scratch

if TYPE_CHECKING:
    import pyarrow as pa

    from settle.clearing.sifting import Placed
    from settle.clearing.tally import Counted

COLUMNS = {
    "what": "varchar", "name": "varchar", "settles_in": "varchar", "records": "bigint",
    "digest": "varchar",
}  # fmt: skip
SETTLED = {**STORED, "occurred_window": "varchar", "settles_in": "varchar", "reason": "varchar"}
"""The columns of `lake/settled/<window>.parquet`, and of the records of a window."""


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


def settled_records(
    lake: Lake, name: str, *, engine: Engine, agreement_id: str | None = None
) -> pa.Table:
    """The records of a closed window, all or an agreement's, by id. This reads the lake alone.

    `name`: of the window's outcome, see `outcome_name`.

    Raises:
        BadInput: a file is missing.
    """
    agreement_ids = [] if agreement_id is None else [agreement_id]
    with engine.scratch() as scratch:
        give_settled(scratch, lake, name, agreement_ids=agreement_ids)
        columns = ", ".join(SETTLED)
        return scratch.rows(f"select {columns} from records order by record_id")  # noqa: S608  # ours


def give_settled(
    scratch: Scratch, lake: Lake, name: str, *, agreement_ids: Sequence[str] = ()
) -> None:
    """Make the records of a closed window, or of some agreements in it, known as `records`.

    They are read where they are used. `name`: as in `settled_records`.

    Raises:
        BadInput: a file is missing.
    """
    import pyarrow as pa

    window_id = window_named(name)
    lines = kept(lake.manifest(name)).to_pylist()
    whole = [lake.accepted(line["name"]) for line in lines if line["what"] == "whole"]
    parts = [line for line in lines if line["what"] == "part"]
    left = [x for x in lines if x["what"] == "deferred" and x["settles_in"] <= window_id]
    withdrawn = [line["name"] for line in lines if line["what"] == "withdrawn"]
    deferred = [lake.deferred(each) for each in sorted({line["name"] for line in parts})]
    scratch.read("whole_files", whole, columns=STORED)
    scratch.read("settled_file", [lake.settled(name)], columns=SETTLED)
    scratch.read("deferred_files", deferred, columns=DEFERRED)
    scratch.read("left_file", [lake.deferred(name)] if left else [], columns=DEFERRED)
    scratch.give("parts_taken", _parts(parts, window_id))
    scratch.give("withdrawn_ids", pa.table({"record_id": pa.array(withdrawn, pa.string())}))
    own = pa.array(list(agreement_ids), pa.string())
    scratch.give("asked_for", pa.table({"agreement_id": own}))
    scratch.view("records", _records(window_id, of_some=bool(agreement_ids)))


def _parts(lines: Sequence[Mapping[str, Any]], window_id: str) -> pa.Table:
    import pyarrow as pa

    rows = [
        {
            "deferred_in": line["name"], "settles_in": line["settles_in"],
            "reason": "on_time" if line["settles_in"] == window_id else "late",
        }
        for line in lines
    ]  # fmt: skip
    text = pa.string()
    schema = pa.schema({"deferred_in": text, "settles_in": text, "reason": text})
    return pa.Table.from_pylist(rows, schema=schema)


def _records(window_id: str, *, of_some: bool) -> str:
    """What was looked at, without what is in no window or was left out again."""
    columns = ", ".join(STORED)
    some = "semi join asked_for using (agreement_id)" if of_some else ""
    return f"""select * from (
        select
            {columns}, '{window_id}' as occurred_window, '{window_id}' as settles_in,
            'on_time' as reason
        from whole_files
        union all select {columns}, occurred_window, settles_in, reason from settled_file
        union all
        select {columns}, occurred_window, settles_in, p.reason
        from deferred_files join parts_taken as p using (deferred_in, settles_in)
    ) {some}
    anti join (
        select record_id from withdrawn_ids
        union all select record_id from left_file where settles_in <= '{window_id}'
    ) as gone using (record_id)"""  # noqa: S608  # names of ours, a date


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
