"""Closing a window: one transaction commits its manifest, positions, obligations and postings."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.clearing.defaults import cover_defaults
from settle.clearing.fees import Fees
from settle.clearing.lake import Draft, Lake, digest_of, drafted
from settle.clearing.netting import Netted, net
from settle.clearing.outcome import Window, write_outcome
from settle.clearing.rates import Rates
from settle.clearing.settled import SETTLED, manifest_table
from settle.clearing.sifting import Placed, place
from settle.clearing.standing import Standing, usage_of
from settle.clearing.tally import Counted, count
from settle.clearing.turn import Done, edition, in_turn
from settle.clearing.unsettled import DEFERRED, Unsettled
from settle.clearing.windows import Cutoff
from settle.engine import Engine, Scratch
from settle.errors import BadInput, NotConserved
from settle.store import Store, derived

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """A closed window, counted. `late`: records that were to settle in an earlier one.

    `currencies` are those in which all parties were proved to sum to zero. `failed`: who was
    named as such, in order.
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
    failed: tuple[str, ...] = ()


def close(
    day: date, *, as_of: datetime, store: Store, engine: Engine, lake: Path,
    agreements: Agreements, rates: Rates, cutoff: Cutoff, fees: Fees | None = None,
    failed: Collection[str] = (),
) -> Closing:  # fmt: skip
    """Close the window of `day`: all accepted records due by it that no window has yet.

    When a record is due is its agreement's cycle. Closing a closed window gives the stored
    result. A window with nothing in it closes with zero. Windows close in order; days that were
    left out are never closed after a later one, their records are in that one as late.

    `failed`: participants that cannot pay. Where the hub is an agent, what is to or from them is
    left out and the rest is netted without; it waits for a window in which they have not failed.
    Where the hub is principal, nothing changes for anybody else, and what they owe is covered by
    their collateral, their reserve and the hub. A closed window stays as it is: to
    name nobody asks for what is stored, and to name others than it was closed under is refused.

    Raises:
        BadInput: a later window is closed already, the cut-off is after `as_of`, a rate or
            agreement is missing, who failed is no participant, or the window is closed and
            others had failed then.
        NotConserved: the positions do not sum to zero, or what came in is not what settles or
            waits; nothing is committed.
    """
    terms = _Terms(
        agreements=agreements, rates=rates, cutoff=cutoff, fees=fees or Fees.none(),
        failed=frozenset(failed), as_of=as_of,
    )  # fmt: skip

    def look(connection: Connection) -> _Close | Done[Closing]:
        if (stored := stored_closing(connection, day)) is not None:
            _refuse_other_failures(stored, terms.failed)
            return Done(stored)
        _refuse_early(day, as_of=as_of, cutoff=cutoff)
        _refuse_out_of_order(connection, day)
        return _Close(connection, store=store, day=day, engine=engine, lake=Lake(lake), terms=terms)

    return in_turn(store, look)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    agreements: Agreements
    rates: Rates
    cutoff: Cutoff
    fees: Fees
    failed: Collection[str]
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Computed:
    """What a window came to, and its files beside their places."""

    netted: Netted
    counted: Counted
    batches: list[dict[str, Any]]
    drafts: Mapping[str, Draft]


class _Close:
    """The closing of one window, on one consistent view of the store."""

    def __init__(
        self, connection: Connection, *, store: Store, day: date, engine: Engine, lake: Lake,
        terms: _Terms,
    ) -> None:  # fmt: skip
        self._store, self._engine, self._lake = store, engine, lake
        self._day, self._terms = day, terms
        self._windows = edition(connection).windows
        self._unsettled = Unsettled.of(connection, lake)
        self._standing = _of_those_who_pay(Standing.of(connection), terms)
        self._drafts: dict[str, Draft] = {}
        self._computed: _Computed

    @property
    def _window_id(self) -> str:
        return self._day.isoformat()

    def prepare(self) -> None:
        """Sift and net the records, and write the window's files as drafts."""
        terms = self._terms
        with self._engine.scratch() as scratch:
            placed = place(
                scratch, self._unsettled, day=self._day, cutoff=terms.cutoff,
                agreements=terms.agreements, failed=terms.failed,
            )  # fmt: skip
            counted = count(scratch, placed)
            netted = net(
                scratch, day=self._day, agreements=terms.agreements, rates=terms.rates,
                standing=self._standing, fees=terms.fees, usage=self._usage(scratch),
            )  # fmt: skip
            batches = self._batches(placed, counted)
            self._draft(scratch, placed, counted, batches)
        self._prove(counted, netted)
        self._computed = _Computed(
            netted=netted, counted=counted, batches=batches, drafts=self._drafts
        )

    def _prove(self, counted: Counted, netted: Netted) -> None:
        """What was netted and what was written is what was counted."""
        netted_records = sum(netted.obliged.column("records").to_pylist())
        deferred = self._drafts.get("deferred")
        for what, expected, found in (
            ("netted", sum(counted.settled.values()), netted_records),
            ("written as settled", counted.sifted, self._drafts["settled"].rows),
            ("left", sum(counted.left.values()), deferred.rows if deferred else 0),
        ):
            if expected != found:
                raise NotConserved(
                    f"window {self._day}: {found} records were {what}, not {expected}",
                    window_id=self._window_id,
                )

    def _usage(self, scratch: Scratch) -> pa.Table | None:
        """What tiers counted before, of the months of these records. Only a close adds to it."""
        if not self._terms.fees.table.num_rows:
            return None
        months = scratch.rows("select distinct substr(occurred_window, 1, 7) from records")
        with self._store.reading() as connection:
            return usage_of(connection, months=months.column(0).to_pylist())

    def _batches(self, placed: Placed, counted: Counted) -> list[dict[str, Any]]:
        """The batches looked at, by id: what the window has of each, and its file's digest."""
        return [
            {
                "window_id": self._window_id,
                "batch_id": batch_id,
                "records": records,
                "digest": digest_of(self._lake.accepted(batch_id)),
                "whole": batch_id in placed.whole,
            }
            for batch_id, records in sorted(counted.settled.items())
        ]

    def _draft(
        self, scratch: Scratch, placed: Placed, counted: Counted, batches: list[dict[str, Any]]
    ) -> None:
        lake, window_id, drafts = self._lake, self._window_id, self._drafts
        due = f"select {', '.join(SETTLED)} from due where deferred_in is null"  # noqa: S608  # our names
        drafts["settled"] = drafted(scratch, due, lake.settled(window_id))
        if counted.left:
            kept = ", ".join(name for name in DEFERRED if name != "deferred_in")
            left = f"select {kept}, '{window_id}' as deferred_in from left_over"  # noqa: S608  # our names, a date
            drafts["deferred"] = drafted(scratch, left, lake.deferred(window_id))
        digests = {name: each.digest for name, each in drafts.items()}
        scratch.give("manifest", manifest_table(placed, counted, batches=batches, digests=digests))
        self._draft_terms(scratch)
        drafts["manifest"] = drafted(scratch, "select * from manifest", lake.manifest(window_id))

    def _draft_terms(self, scratch: Scratch) -> None:
        """Keep what the window was netted under, if no earlier one did."""
        for terms in (self._terms.agreements, self._terms.fees):
            place = self._lake.terms(terms.digest)
            if terms.table.num_rows and not place.is_file():
                scratch.give("terms_kept", terms.table)
                draft = drafted(scratch, "select * from terms_kept", place)
                self._drafts[terms.digest] = draft

    def bears(self, connection: Connection) -> bool:
        """Whether what was computed may be committed.

        Only a window closed meanwhile, or a record that was looked at withdrawn, forbids it: a
        batch that came meanwhile is late.
        """
        if edition(connection).windows != self._windows:
            return False
        now, then = Unsettled.of(connection, self._lake), self._unsettled
        came = now.fresh.keys() - then.fresh.keys()
        withdrawn = now.withdrawn.keys() - then.withdrawn.keys()
        return all(now.withdrawn[record_id] in came for record_id in withdrawn)

    def commit(self, connection: Connection) -> Closing:
        """Put the files in their places, and write all that the window decides."""
        computed, terms = self._computed, self._terms
        for each in computed.drafts.values():
            each.publish()
        closing = self._closing()
        _save(connection, closing, under=terms)
        self._save_files(connection)
        window = Window(day=self._day, closed_at=terms.as_of, standing=self._standing)
        write_outcome(connection, computed.netted, window=window, agreements=terms.agreements)
        cover_defaults(
            connection, day=self._day, at=terms.as_of, failed=terms.failed,
            agreements=terms.agreements,
        )  # fmt: skip
        return closing

    def discard(self) -> None:
        """Remove the drafts that were not published."""
        for each in self._drafts.values():
            each.discard()

    def _closing(self) -> Closing:
        computed = self._computed
        settled = computed.drafts["settled"].digest
        return Closing(
            window_id=self._window_id,
            closed_at=self._terms.as_of,
            records=sum(computed.counted.settled.values()),
            late=computed.counted.late,
            positions=computed.netted.obliged.num_rows,
            postings=computed.netted.postings.num_rows,
            currencies=computed.netted.currencies,
            settled_digest=settled,
            manifest_digest=_manifest_digest(computed.batches, settled),
            rates_on=computed.netted.rates_on,
            failed=tuple(sorted(self._terms.failed)),
        )

    def _save_files(self, connection: Connection) -> None:
        window_id, counted = self._window_id, self._computed.counted
        deferred = self._drafts.get("deferred")
        left = [
            {"window_id": window_id, "settles_in": settles_in, "records": records,
             "digest": deferred.digest if deferred else ""}
            for settles_in, records in sorted(counted.left.items())
        ]  # fmt: skip
        out = [
            {"window_id": window_id, "batch_id": batch_id, "participant_id": failed,
             "reason": reason, "records": records}
            for (batch_id, failed, reason), records in sorted(counted.left_out.items())
        ]  # fmt: skip
        rows = ((tables.manifests, self._computed.batches), (tables.left_out, out))
        self._take_parts(connection)
        for table, new in (*rows, (tables.deferrals, left)):
            if new:
                connection.execute(table.insert(), new)

    def _take_parts(self, connection: Connection) -> None:
        """Mark what earlier windows left to this one: it is looked at once."""
        table = tables.deferrals
        connection.execute(
            table.update()
            .where(table.c.taken_in.is_(None), table.c.settles_in <= self._window_id)
            .values(taken_in=self._window_id)
        )


def _of_those_who_pay(standing: Standing, terms: _Terms) -> Standing:
    """What stands of all but those who failed: theirs stays as it is."""
    if not terms.failed:
        return standing
    rows = terms.agreements.table.select(["agreement_id", "participant_id", "hub_role"])
    return standing.of_agreements(
        [
            row["agreement_id"]
            for row in rows.to_pylist()
            if row["hub_role"] != "agent" or row["participant_id"] not in terms.failed
        ]
    )


def _manifest_digest(manifest: list[dict[str, Any]], settled_digest: str) -> str:
    parts = [str(row[field]) for row in manifest for field in ("batch_id", "digest", "records")]
    return derived("manifest", settled_digest, *parts)


def _save(connection: Connection, closing: Closing, *, under: _Terms) -> None:
    row = {field.name: getattr(closing, field.name) for field in fields(Closing)}
    row |= {"currencies": " ".join(closing.currencies), "failed": json.dumps(closing.failed)}
    row |= {"agreements_digest": under.agreements.digest, "fees_digest": under.fees.digest}
    connection.execute(tables.windows.insert(), row)


def stored_closing(connection: Connection, day: date) -> Closing | None:
    """The closing of a day as it was committed, or None if its window is open."""
    columns = [tables.windows.c[field.name] for field in fields(Closing)]
    query = sa.select(*columns).where(tables.windows.c.window_id == day.isoformat())
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    told = {
        "currencies": tuple(row["currencies"].split()),
        "failed": tuple(json.loads(row["failed"])),
    }
    return Closing(**{**row, **told})


def _refuse_other_failures(stored: Closing, failed: Collection[str]) -> None:
    """A window that is closed takes in nobody's failure any more, and does not seem to."""
    if failed and sorted(failed) != list(stored.failed):
        under = ", ".join(map(repr, stored.failed)) or "nobody"
        raise BadInput(
            f"window {stored.window_id} is closed already, with {under} as failed and not "
            f"{', '.join(map(repr, sorted(failed)))}: name them at the close of the next one",
            window_id=stored.window_id, field="failed",
        )  # fmt: skip


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
