"""What earlier batches said of the ids of this one, over the horizon.

Every batch leaves its ids beside its records: `record_id, content, occurred_us, is_conflict`, in
parts by the id's hash, so that a large batch is held against all of them part by part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.lake import Lake
from settle.clearing.settled import give_settled
from settle.engine import Scratch, parquet
from settle.errors import BadInput
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

_HITS = """select s.record_id, s.content, s.occurred_us, s.is_conflict, s.batch_id
    from ({seen}) as s semi join {ids} using (record_id)"""
_PROBE = "select id_key('settle')"
_SEEN = """select record_id, content, occurred_us, is_conflict, '{batch_id}' as batch_id
    from {files}"""
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
        batches = tables.intake_batches
        query = (
            sa.select(batches.c.batch_id)
            .where(batches.c.taken_at >= since.astimezone(UTC))
            .where((batches.c.accepted > 0) | (batches.c.quarantined > 0))
            .order_by(batches.c.batch_id)
        )
        return cls(lake=lake, batch_ids=connection.scalars(query).all())

    def look_up(self, scratch: Scratch, store: Store) -> None:
        """Make known `again`, what became of ids seen before, and `sold_before`, their days."""
        rows = scratch.value("select count(*) from typed")
        of_today = scheme(scratch)
        wanted = "select record_id from typed union all select original_record_id from sought"
        scratch.step("hits", _NONE)
        for parts in _grouped(rows):
            of_parts = f"id_part(record_id) in ({', '.join(map(str, parts))})"
            seen = self._seen(parts, scheme=of_today)
            if seen:
                ids = f"(select record_id from ({wanted}) where {of_parts})"  # noqa: S608  # ours
                scratch.add("hits", _HITS.format(seen=seen, ids=ids))
        self._judge(scratch, store)

    def _seen(self, parts: Sequence[int], *, scheme: str) -> str:
        """The ids of these parts of all batches, as a query; nothing if there are none."""
        reads = []
        for batch_id in self.batch_ids:
            folder = self.lake.ids(batch_id)
            if not folder.is_dir():
                raise BadInput(f"{folder} is missing; put it back from a backup", file=str(folder))
            paths = _paths(folder, parts, scheme=scheme)
            if paths:
                reads.append(_SEEN.format(batch_id=batch_id, files=parquet(paths)))
        return " union all ".join(reads)

    def _judge(self, scratch: Scratch, store: Store) -> None:
        import pyarrow as pa

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
            where h.record_id in (select record_id from typed)
            group by h.record_id""",
        )
        scratch.step("sold_before", "select record_id, occurred_us from hits where not is_conflict")


def nothing_before(scratch: Scratch) -> None:
    """The same where nothing came before: a batch by itself."""
    scratch.step("hits", _NONE)
    scratch.step(
        "again",
        """select record_id, batch_id, content, false as is_settled, is_conflict as is_conflicted
        from hits""",
    )
    scratch.step("sold_before", "select record_id, occurred_us from hits")


def _grouped(rows: int) -> Iterator[Sequence[int]]:
    groups = min(PARTS, -(-rows // PART_ROWS_MAX) or 1)
    for group in range(groups):
        yield range(group, PARTS, groups)


def _paths(folder: Path, parts: Sequence[int], *, scheme: str) -> list[Path]:
    """The files of these parts; where they were cut by another hash, those of all parts."""
    own = [path for part in parts for path in (folder / scheme / f"part={part}").glob("*.parquet")]
    others = [path for path in folder.rglob("*.parquet") if scheme not in path.parts]
    return sorted([*own, *others])


def scheme(scratch: Scratch) -> str:
    """The hash by which this engine cuts ids into parts: what it gives for one word.

    An engine of another version may hash otherwise. The parts that it did not cut it reads whole.
    """
    return f"by-{scratch.value(_PROBE) % 2**32:08x}"


def _withdrawn_from(connection: Connection, batch_ids: Sequence[str]) -> Sequence[str]:
    table = tables.withdrawals
    query = sa.select(table.c.record_id).where(table.c.batch_id.in_(batch_ids))
    return connection.scalars(query).all()
