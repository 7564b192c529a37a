"""A window computed: its records sifted and netted, and its files written beside their places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.clearing.closings import Closing
from settle.clearing.defaults import cover_defaults
from settle.clearing.fees import Fees
from settle.clearing.lake import Draft, Lake, digest_of, drafted, outcome_name
from settle.clearing.netting import Netted, net
from settle.clearing.outcome import Window, write_outcome
from settle.clearing.rates import Rates
from settle.clearing.settled import SETTLED, manifest_table
from settle.clearing.sifting import Placed, place
from settle.clearing.standing import Standing
from settle.clearing.tally import Counted, count
from settle.clearing.unsettled import DEFERRED, Unsettled
from settle.clearing.usage import usage_of
from settle.clearing.windows import Cutoff
from settle.engine import Engine, Scratch
from settle.errors import NotConserved
from settle.store import Store, derived

if TYPE_CHECKING:
    import pyarrow as pa

Inspect = Callable[[Scratch], None]
"""What looks at the records and buckets of a window as they were computed, or stops it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a window is netted under. `failed`: participants that cannot pay."""

    agreements: Agreements
    rates: Rates
    cutoff: Cutoff
    fees: Fees
    failed: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What a window starts from: the records that are open, and what earlier windows left."""

    unsettled: Unsettled
    standing: Standing

    def of_those_who_pay(self, terms: Terms) -> Standing:
        """What stands of all but those who failed under an agent: theirs stays as it is."""
        if not terms.failed:
            return self.standing
        rows = terms.agreements.table.select(["agreement_id", "participant_id", "hub_role"])
        return self.standing.of_agreements(
            [
                row["agreement_id"]
                for row in rows.to_pylist()
                if row["hub_role"] != "agent" or row["participant_id"] not in terms.failed
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Computed:
    netted: Netted
    counted: Counted
    batches: list[dict[str, Any]]


class Computation:
    """One outcome of a window: computed, then written in a transaction of the caller's."""

    def __init__(
        self, day: date, *, outcome: int, stand: Stand, terms: Terms, store: Store, engine: Engine,
        lake: Lake,
    ) -> None:  # fmt: skip
        self._day, self._outcome, self._terms = day, outcome, terms
        self._store, self._engine, self._lake = store, engine, lake
        self._unsettled = stand.unsettled
        self._standing = stand.of_those_who_pay(terms)
        self._drafts: dict[str, Draft] = {}
        self._computed: _Computed

    @property
    def name(self) -> str:
        """What the files of this outcome are called."""
        return outcome_name(self._window_id, self._outcome)

    @property
    def netted(self) -> Netted:
        """What the window came to."""
        return self._computed.netted

    @property
    def counted(self) -> Counted:
        """What became of the records it looked at."""
        return self._computed.counted

    @property
    def batches(self) -> list[dict[str, Any]]:
        """The batches looked at, by id: what the window has of each, and its file's digest."""
        return self._computed.batches

    @property
    def _window_id(self) -> str:
        return self._day.isoformat()

    def prepare(self, *, inspect: Inspect | None = None) -> None:
        """Sift and net the records, and write the window's files as drafts.

        Raises:
            BadInput: a rate, an agreement or a file is missing.
            NotConserved: positions do not sum to zero, or records are lost.
        """
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
                records=sum(counted.settled.values()),
            )  # fmt: skip
            batches = self._batches(placed, counted)
            self._computed = _Computed(netted=netted, counted=counted, batches=batches)
            if inspect is not None:
                inspect(scratch)
            self._draft(scratch, placed, counted, batches)
        self._prove(counted, netted)

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
            return usage_of(connection, months=months.column(0).to_pylist(), before=self._window_id)

    def _batches(self, placed: Placed, counted: Counted) -> list[dict[str, Any]]:
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
        lake, name, drafts = self._lake, self.name, self._drafts
        due = f"select {', '.join(SETTLED)} from due where deferred_in is null"  # noqa: S608  # our names
        drafts["settled"] = drafted(scratch, due, lake.settled(name))
        if counted.left:
            kept = ", ".join(column for column in DEFERRED if column != "deferred_in")
            left = f"select {kept}, '{name}' as deferred_in from left_over"  # noqa: S608  # our names, a date
            drafts["deferred"] = drafted(scratch, left, lake.deferred(name))
        digests = {which: each.digest for which, each in drafts.items()}
        scratch.give(
            "manifest",
            manifest_table(placed, counted, name=name, batches=batches, digests=digests),
        )
        self._draft_terms(scratch)
        drafts["manifest"] = drafted(scratch, "select * from manifest", lake.manifest(name))

    def _draft_terms(self, scratch: Scratch) -> None:
        """Keep what the window was netted under, if no earlier one did."""
        for terms in (self._terms.agreements, self._terms.fees):
            place = self._lake.terms(terms.digest)
            if terms.table.num_rows and not place.is_file():
                scratch.give("terms_kept", terms.table)
                draft = drafted(scratch, "select * from terms_kept", place)
                self._drafts[terms.digest] = draft

    def publish(self) -> None:
        """Put the files in their places."""
        for each in self._drafts.values():
            each.publish()

    def discard(self) -> None:
        """Remove the drafts that were not published."""
        for each in self._drafts.values():
            each.discard()

    def closing(self, at: datetime) -> Closing:
        """What the window came to, as of the instant of its commit."""
        counted, netted = self.counted, self.netted
        settled = self._drafts["settled"].digest
        return Closing(
            window_id=self._window_id,
            closed_at=at,
            records=sum(counted.settled.values()),
            late=counted.late,
            positions=netted.obliged.num_rows,
            postings=netted.postings.num_rows,
            currencies=netted.currencies,
            settled_digest=settled,
            manifest_digest=_manifest_digest(self.batches, settled),
            rates_on=netted.rates_on,
            failed=tuple(sorted(self._terms.failed)),
            outcome=self._outcome,
        )

    def write(self, connection: Connection, *, at: datetime, posted_on: date) -> None:
        """Write all that the window decides, but the row of the window itself."""
        self._save_files(connection)
        window = Window(
            day=self._day, closed_at=at, standing=self._standing, outcome=self._outcome,
            posted_on=posted_on,
        )  # fmt: skip
        agreements = self._terms.agreements
        write_outcome(connection, self.netted, window=window, agreements=agreements)
        cover_defaults(connection, window=window, failed=self._terms.failed, agreements=agreements)

    def _save_files(self, connection: Connection) -> None:
        window_id, counted = self._window_id, self.counted
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
        rows = ((tables.manifests, self.batches), (tables.left_out, out))
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


def _manifest_digest(manifest: list[dict[str, Any]], settled_digest: str) -> str:
    parts = [str(row[field]) for row in manifest for field in ("batch_id", "digest", "records")]
    return derived("manifest", settled_digest, *parts)
