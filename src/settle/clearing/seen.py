"""What earlier batches said of the ids of this one, over the horizon.

Every batch leaves its ids beside its records: `record_id, content, occurred_us, is_conflict`, in
parts by the id's hash, so that a large batch is held against all of them part by part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from settle.clearing.lake import Lake
from settle.clearing.records import STORED
from settle.engine import Scratch, parquet, read_views
from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Connection

    from settle.store import Store

PARTS = 16
"""As many as the macro `id_part` gives."""

PART_ROWS_MAX = 20_000_000
"""So many ids are held against earlier ones at a time; a larger batch goes in several parts."""

_VIEWS = Path(__file__).parent / "views" / "intake"
VIEWS = ("wanted", "hits", "settled_all", "again", "traces", "sold_before")
"""The steps of looking back, a file each under `views/intake/`, in their order."""

_PROBE = "select id_key('settle')"


def seen_views() -> dict[str, str]:
    """The SQL of each step by name, in order. This is what an auditor reads."""
    return read_views(_VIEWS, VIEWS)


def ids_left() -> str:
    """What a batch leaves of its ids, as a query over what was sorted."""
    return read_views(_VIEWS, ("ids_left",))["ids_left"]


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
        import pyarrow as pa

        rows = scratch.value("select count(*) from typed")
        of_today = scheme(scratch)
        views = seen_views()
        scratch.give("hits", _no_hits())
        for parts in _grouped(rows):
            files = self._files(parts, scheme=of_today)
            if files:
                scratch.give("portion", pa.table({"part": parts}))
                scratch.view("wanted", views["wanted"])
                scratch.give("left_by", _left_by([batch_id for batch_id, _ in files]))
                seen = parquet([path for _, path in files])
                scratch.view("ids_before", f"select *, file_index from {seen}")  # noqa: S608  # paths quoted
                scratch.add("hits", views["hits"])
        self._give_settled(scratch, store, views)
        scratch.step("again", views["again"])
        self._trace(scratch, views)

    def _files(self, parts: Sequence[int], *, scheme: str) -> list[tuple[str, Path]]:
        """The files of the ids of these parts, each with its batch."""
        files = []
        for batch_id in self.batch_ids:
            folder = self.lake.ids(batch_id)
            if not folder.is_dir():
                raise BadInput(f"{folder} is missing; put it back from a backup", file=str(folder))
            files += [(batch_id, path) for path in _paths(folder, parts, scheme=scheme)]
        return files

    def _give_settled(self, scratch: Scratch, store: Store, views: Mapping[str, str]) -> None:
        """Make known which of the hits are settled, and which were withdrawn."""
        import pyarrow as pa

        from settle.clearing.settled import give_looked_at

        batch_ids = scratch.rows("select distinct batch_id from hits").column(0).to_pylist()
        with store.reading() as connection:
            withdrawn = _withdrawn_from(connection, batch_ids)
            scratch.give("withdrawn", pa.table({"record_id": pa.array(withdrawn, pa.string())}))
            give_looked_at(scratch, connection, self.lake, batch_ids=batch_ids)
        scratch.view("settled_all", views["settled_all"])

    def _trace(self, scratch: Scratch, views: Mapping[str, str]) -> None:
        """Find the sales sought among what earlier batches accepted. Most often none is sought."""
        scratch.view("traces", views["traces"])
        batch_ids = scratch.rows("select distinct batch_id from traces order by batch_id")
        paths = [self.lake.accepted(name) for name in batch_ids.column(0).to_pylist()]
        _give_sold(scratch, paths, views)


def nothing_before(scratch: Scratch) -> None:
    """The same where nothing came before: a batch by itself."""
    views = seen_views()
    none = _no_hits()
    for name in ("hits", "settled_all", "withdrawn"):
        scratch.give(name, none)
    scratch.step("again", views["again"])
    scratch.view("traces", views["traces"])
    _give_sold(scratch, [], views)


def _no_hits() -> pa.Table:
    import pyarrow as pa

    text = pa.string()
    return pa.schema(
        {
            "record_id": text, "content": text, "occurred_us": pa.int64(),
            "is_conflict": pa.bool_(), "batch_id": text,
        }
    ).empty_table()  # fmt: skip


def _give_sold(scratch: Scratch, paths: Sequence[Path], views: Mapping[str, str]) -> None:
    columns = {name: STORED[name] for name in ("record_id", "agreement_id", "kind")}
    scratch.read("accepted_before", paths, columns=columns)
    scratch.step("sold_before", views["sold_before"])


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
