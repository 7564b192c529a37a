"""What earlier batches said of the ids of this one, over the horizon.

Every batch leaves its ids beside its records: `record_id, content, occurred_us, is_conflict`, in
parts by the id's hash, so that a large batch is held against all of them part by part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from settle.clearing.lake import Lake
from settle.clearing.records import STORED
from settle.engine import Scratch, parquet
from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Connection

    from settle.store import Store

PARTS = 16
"""As many as the macro `id_part` gives."""

PART_ROWS_MAX = 20_000_000
"""So many ids are held against earlier ones at a time; a larger batch goes in several parts."""

IDS = """select
    record_id, content, occurred_us, false as is_conflict, id_part(record_id) as part
from accepted
union all
select distinct record_id, cast(null as varchar), occurred_us, true, id_part(record_id)
from refused where why = 'conflict'"""
"""What a batch leaves of its ids."""

_HITS = """select s.record_id, s.content, s.occurred_us, s.is_conflict, l.batch_id
    from (
        select record_id, content, occurred_us, is_conflict, file_index
        from {files} semi join {ids} using (record_id)
    ) as s
    join left_by as l on l.file_index = s.file_index"""
_PROBE = "select id_key('settle')"
_TRACES = """select h.record_id, h.occurred_us, h.batch_id
    from hits as h
    semi join sought as s on s.original_record_id = h.record_id
    anti join (select record_id from again where is_conflicted) as g on g.record_id = h.record_id
    where not h.is_conflict"""
_SOLD_BEFORE = """select t.record_id, b.agreement_id, t.occurred_us
    from accepted_before as b join traces as t on t.record_id = b.record_id
    where b.kind = 'sale'"""
_NONE = """select
    cast(null as varchar) as record_id, cast(null as varchar) as content,
    cast(null as bigint) as occurred_us, false as is_conflict, cast(null as varchar) as batch_id
    where false"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The batches within the horizon, whose ids count."""

    lake: Lake
    batch_ids: Sequence[str]

    @classmethod
    def of(cls, connection: Connection, lake: Lake, *, since: datetime) -> Earlier:
        """What the store says was taken since; files that no row names are no part of it."""
        import sqlalchemy as sa

        from settle.clearing import tables

        batches = tables.intake_batches
        query = (
            sa.select(batches.c.batch_id)
            .where(batches.c.taken_at >= since.astimezone(UTC))
            .where((batches.c.accepted > 0) | (batches.c.quarantined > 0))
            .order_by(batches.c.batch_id)
        )
        return cls(lake=lake, batch_ids=connection.scalars(query).all())

    def look_up(self, scratch: Scratch, store: Store) -> None:
        """Make known `again`, what became of ids seen before, and `sold_before`, sales sought."""
        rows = scratch.value("select count(*) from typed")
        of_today = scheme(scratch)
        wanted = "select record_id from typed union all select original_record_id from sought"
        scratch.step("hits", _NONE)
        for parts in _grouped(rows):
            of_parts = f"id_part(record_id) in ({', '.join(map(str, parts))})"
            files = self._files(parts, scheme=of_today)
            if files:
                ids = f"(select record_id from ({wanted}) where {of_parts})"  # noqa: S608  # ours
                scratch.give("left_by", _left_by([batch_id for batch_id, _ in files]))
                seen = parquet([path for _, path in files])
                scratch.add("hits", _HITS.format(files=seen, ids=ids))
        self._judge(scratch, store)
        self._trace(scratch)

    def _files(self, parts: Sequence[int], *, scheme: str) -> list[tuple[str, Path]]:
        """The files of the ids of these parts, each with its batch."""
        files = []
        for batch_id in self.batch_ids:
            folder = self.lake.ids(batch_id)
            if not folder.is_dir():
                raise BadInput(f"{folder} is missing; put it back from a backup", file=str(folder))
            files += [(batch_id, path) for path in _paths(folder, parts, scheme=scheme)]
        return files

    def _judge(self, scratch: Scratch, store: Store) -> None:
        import pyarrow as pa

        from settle.clearing.settled import give_settled

        batch_ids = scratch.rows("select distinct batch_id from hits").column(0).to_pylist()
        with store.reading() as connection:
            withdrawn = _withdrawn_from(connection, batch_ids)
            scratch.give("withdrawn", pa.table({"record_id": pa.array(withdrawn, pa.string())}))
            give_settled(scratch, connection, self.lake, batch_ids=batch_ids)
        scratch.step(
            "again",
            """select
                h.record_id,
                min(h.batch_id) filter (where not h.is_conflict) as batch_id,
                min(h.content) filter (where not h.is_conflict) as content,
                bool_or(s.record_id is not null) as is_settled,
                bool_or(h.is_conflict or w.record_id is not null) as is_conflicted
            from hits as h
            left join (
                select distinct record_id from settled_all
            ) as s on s.record_id = h.record_id
            left join withdrawn as w on w.record_id = h.record_id
            group by h.record_id""",
        )

    def _trace(self, scratch: Scratch) -> None:
        """Find the sales sought among what earlier batches accepted. Most often none is sought."""
        scratch.view("traces", _TRACES)
        batch_ids = scratch.rows("select distinct batch_id from traces order by batch_id")
        paths = [self.lake.accepted(name) for name in batch_ids.column(0).to_pylist()]
        columns = {name: STORED[name] for name in ("record_id", "agreement_id", "kind")}
        scratch.read("accepted_before", paths, columns=columns)
        scratch.step("sold_before", _SOLD_BEFORE)


def nothing_before(scratch: Scratch) -> None:
    """The same where nothing came before: a batch by itself."""
    scratch.step("hits", _NONE)
    scratch.step(
        "again",
        """select record_id, batch_id, content, false as is_settled, is_conflict as is_conflicted
        from hits""",
    )
    scratch.step(
        "sold_before", "select record_id, record_id as agreement_id, occurred_us from hits"
    )


def _grouped(rows: int) -> Iterator[Sequence[int]]:
    groups = min(PARTS, -(-rows // PART_ROWS_MAX) or 1)
    for group in range(groups):
        yield range(group, PARTS, groups)


def _left_by(batch_ids: Sequence[str]) -> pa.Table:
    """The batch that left each of the files that are read together."""
    import pyarrow as pa

    return pa.table({"file_index": range(len(batch_ids)), "batch_id": batch_ids})


def _paths(folder: Path, parts: Sequence[int], *, scheme: str) -> list[Path]:
    """The files of these parts; where they were cut by another hash, those of all parts."""
    wanted = {f"part={part}" for part in parts}
    return sorted(
        path
        for path in folder.rglob("*.parquet")
        if path.parent.name in wanted or scheme not in path.parts
    )


def scheme(scratch: Scratch) -> str:
    """The hash by which this engine cuts ids into parts: what it gives for one word.

    An engine of another version may hash otherwise. The parts that it did not cut it reads whole.
    """
    return f"by-{scratch.value(_PROBE) % 2**32:08x}"


def _withdrawn_from(connection: Connection, batch_ids: Sequence[str]) -> Sequence[str]:
    import sqlalchemy as sa

    from settle.clearing import tables

    table = tables.withdrawals
    query = sa.select(table.c.record_id).where(table.c.batch_id.in_(batch_ids))
    return connection.scalars(query).all()
