"""Closing a window: one transaction commits its manifest, positions, obligations and postings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.clearing.lake import Draft, Lake, digest_of, draft
from settle.clearing.netting import Netted, Standing, net
from settle.clearing.outcome import Window, write_outcome
from settle.clearing.rates import Rates
from settle.clearing.turn import edition, hold
from settle.clearing.unsettled import Unsettled, place, standing_of, withdrawn_from
from settle.clearing.windows import Cutoff
from settle.engine import Engine
from settle.errors import BadInput
from settle.store import Store, derived

if TYPE_CHECKING:
    import pyarrow as pa

TRIES_MAX = 3
"""How often a window is computed with nobody held off. After that other writers wait for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A closed window, counted. `late`: records of earlier windows that came after they closed.

    `currencies` are those in which all parties were proved to sum to zero.
    """

    window_id: str
    closed_at: datetime
    records: int
    late: int
    positions: int
    postings: int
    currencies: tuple[str, ...]
    settled_digest: str
    manifest_digest: str
    rates_on: date | None


def close(
    day: date, *, as_of: datetime, store: Store, engine: Engine, lake: Path,
    agreements: Agreements, rates: Rates, cutoff: Cutoff,
) -> Closing:  # fmt: skip
    """Close the window of `day`: all accepted records up to its cut-off that no window has yet.

    Closing a closed window gives the stored result. A window with nothing in it closes with
    zero. Windows close in order; days that were left out are never closed after a later one,
    their records are in that one as late.

    Raises:
        BadInput: a later window is closed already, the cut-off is after `as_of`, or a rate or
            agreement is missing.
        NotConserved: the positions do not sum to zero; nothing is committed.
    """
    terms = _Terms(agreements=agreements, rates=rates, cutoff=cutoff)
    for _ in range(TRIES_MAX):
        with store.reading() as connection:
            if (stored := stored_closing(connection, day)) is not None:
                return stored
            _refuse_early(day, as_of=as_of, cutoff=cutoff)
            ground = _Ground.of(connection, day=day, lake=Lake(lake))
        with ground.computed(engine, terms) as computed, store.transaction() as connection:
            hold(connection)
            if ground.still_bears(connection, computed):
                return ground.commit(connection, computed, as_of=as_of, agreements=agreements)
    with store.transaction() as connection:
        hold(connection)
        if (stored := stored_closing(connection, day)) is not None:
            return stored
        ground = _Ground.of(connection, day=day, lake=Lake(lake))
        with ground.computed(engine, terms) as computed:
            return ground.commit(connection, computed, as_of=as_of, agreements=agreements)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    agreements: Agreements
    rates: Rates
    cutoff: Cutoff


@dataclass(frozen=True, slots=True, kw_only=True)
class _Computed:
    netted: Netted
    settled: Draft
    record_ids: pa.ChunkedArray
    batches: dict[str, int]
    records: int
    late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What a close stands on, as one consistent view of the store gave it."""

    day: date
    lake: Lake
    windows: int
    unsettled: Unsettled
    standing: Standing

    @classmethod
    def of(cls, connection: Connection, *, day: date, lake: Lake) -> _Ground:
        _refuse_out_of_order(connection, day)
        return cls(
            day=day, lake=lake, windows=edition(connection).windows,
            unsettled=Unsettled.of(connection, lake),
            standing=standing_of(connection, day=day),
        )  # fmt: skip

    def still_bears(self, connection: Connection, computed: _Computed) -> bool:
        """Whether what was computed may be committed.

        Only a window closed meanwhile, or a record of this one withdrawn, forbids it: a batch
        that came meanwhile is late.
        """
        if edition(connection).windows != self.windows:
            return False
        known = set(self.unsettled.withdrawn)
        gone = set(withdrawn_from(connection, list(computed.batches))) - known
        return not gone or gone.isdisjoint(computed.record_ids.to_pylist())

    @contextmanager
    def computed(self, engine: Engine, terms: _Terms) -> Iterator[_Computed]:
        """The window's outcome, with its settled file as a draft that ends with the block."""
        computed = self._compute(engine, terms)
        try:
            yield computed
        finally:
            computed.settled.discard()

    def _compute(self, engine: Engine, terms: _Terms) -> _Computed:
        with engine.scratch() as scratch:
            self.unsettled.gather(scratch)
            place(scratch, day=self.day, cutoff=terms.cutoff)
            netted = net(
                scratch, day=self.day, agreements=terms.agreements, rates=terms.rates,
                standing=self.standing,
            )  # fmt: skip
            # By id, which is unique, so that equal windows are equal files.
            records = scratch.rows("select * from records order by record_id")
            counts = scratch.rows("select batch_id, count(*) as n from records group by batch_id")
        late = sum(reason == "late" for reason in records.column("reason").to_pylist())
        return _Computed(
            netted=netted,
            settled=draft(records, self.lake.settled(self.day.isoformat())),
            record_ids=records.column("record_id"),
            batches=_counted(counts),
            records=records.num_rows,
            late=late,
        )

    def commit(
        self, connection: Connection, computed: _Computed, *, as_of: datetime,
        agreements: Agreements,
    ) -> Closing:  # fmt: skip
        computed.settled.publish()
        manifest = self._manifest(computed)
        closing = Closing(
            window_id=self.day.isoformat(),
            closed_at=as_of,
            records=computed.records,
            late=computed.late,
            positions=computed.netted.obliged.num_rows,
            postings=computed.netted.postings.num_rows,
            currencies=computed.netted.currencies,
            settled_digest=computed.settled.digest,
            manifest_digest=_manifest_digest(manifest, computed.settled.digest),
            rates_on=computed.netted.rates_on,
        )
        _save(connection, closing, manifest)
        window = Window(day=self.day, closed_at=as_of, standing=self.standing)
        write_outcome(connection, computed.netted, window=window, agreements=agreements)
        return closing

    def _manifest(self, computed: _Computed) -> list[dict[str, str | int]]:
        return [
            {
                "window_id": self.day.isoformat(),
                "batch_id": batch_id,
                "records": count,
                "digest": digest_of(self.lake.accepted(batch_id)),
            }
            for batch_id, count in sorted(computed.batches.items())
        ]


def _counted(counts: pa.Table) -> dict[str, int]:
    rows = zip(counts.column("batch_id").to_pylist(), counts.column("n").to_pylist(), strict=True)
    return dict(rows)


def _manifest_digest(manifest: list[dict[str, str | int]], settled_digest: str) -> str:
    parts = [str(row[field]) for row in manifest for field in ("batch_id", "digest", "records")]
    return derived("manifest", settled_digest, *parts)


def _save(connection: Connection, closing: Closing, manifest: list[dict[str, str | int]]) -> None:
    fields = ("window_id", "closed_at", "records", "late", "positions", "postings",
              "settled_digest", "manifest_digest", "rates_on")  # fmt: skip
    row = {field: getattr(closing, field) for field in fields}
    row["currencies"] = " ".join(closing.currencies)
    connection.execute(tables.windows.insert(), row)
    if manifest:
        connection.execute(tables.manifests.insert(), manifest)


def stored_closing(connection: Connection, day: date) -> Closing | None:
    """The closing of a day as it was committed, or None if its window is open."""
    query = sa.select(tables.windows).where(tables.windows.c.window_id == day.isoformat())
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    return Closing(**{**row, "currencies": tuple(row["currencies"].split())})


def _refuse_out_of_order(connection: Connection, day: date) -> None:
    last = connection.scalar(sa.select(sa.func.max(tables.windows.c.window_id)))
    if last is not None and last > day.isoformat():
        raise BadInput(
            f"window {day} cannot close: {last} is closed, and windows close in order", day=day
        )


def _refuse_early(day: date, *, as_of: datetime, cutoff: Cutoff) -> None:
    ends_at = cutoff.ends_at(day)
    if as_of < ends_at:
        raise BadInput(f"window {day} cannot close before its cut-off at {ends_at}", day=day)
