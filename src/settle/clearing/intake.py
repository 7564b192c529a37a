"""Taking records in: each is accepted, a duplicate, or quarantined with its reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy.engine import Connection

from settle.clearing.agreements import Agreements
from settle.clearing.batches import save_intake, stored_intakes
from settle.clearing.caps import Caps
from settle.clearing.exposures import give_exposures
from settle.clearing.findings import Finding, Intake
from settle.clearing.lake import Draft, Lake, drafted, drafted_parts
from settle.clearing.reading import Batch, Source, read_batch
from settle.clearing.retaking import curable_rows, further_id
from settle.clearing.seen import Earlier, ids_left, scheme
from settle.clearing.sorting import (
    QUARANTINED,
    Sorted,
    accepted_query,
    give_references,
    seek,
    sort_batch,
)
from settle.clearing.tables import withdrawals
from settle.clearing.turn import Done, edition, in_turn
from settle.clearing.unsettled import Unsettled
from settle.clearing.windows import Cutoff
from settle.engine import Engine, Scratch
from settle.errors import BadInput, NotConserved
from settle.store import Store, insert_new

HORIZON = timedelta(days=400)
"""Over so long an id is known again. What occurred earlier is refused: it cannot be checked."""

Write = Callable[[Connection], None]
"""What is written in the transaction that writes a batch, or stops it."""


def take(
    source: Source,
    *,
    name: str,
    received_at: datetime,
    store: Store,
    engine: Engine,
    lake: Path,
    agreements: Agreements,
    cutoff: Cutoff | None = None,
    caps: Caps | None = None,
    horizon: timedelta = HORIZON,
    corrects: Write | None = None,
) -> Intake:
    """Take a batch of records in. This changes nothing when the same content came before.

    `received_at` is the instant now: what occurred after it is refused, and a record without
    a receipt of its own gets it. In = accepted + duplicates + quarantined, always. `cutoff`
    says when the first day of an agreement begins. `caps` hold records that would take a party's
    net debit beyond them. An id is known again for `horizon`; what occurred earlier is refused.
    `corrects` is for `settle.clearing.correct`: its kinds are taken, which no file may hold, all of
    the batch or nothing, and this is written with it.

    The same content under other agreements or caps: records that were quarantined for these
    alone, and now are taken, are a further batch, which is what is given back. Where there are
    none, it is the batch as which the content first came.

    Raises:
        BadInput: the source cannot be read at all, or a correction is refused; the message names
            it, and nothing is stored.
        NotConserved: the files written do not hold what was counted; nothing is stored.
    """
    terms = _Terms(
        agreements=agreements, caps=caps or Caps.none(), cutoff=cutoff or Cutoff(), now=received_at,
        horizon=horizon, corrects=corrects,
    )  # fmt: skip

    def look(connection: Connection) -> _Take | Done[Intake]:
        content = read_batch(source, name=name, engine=engine)
        told = stored_intakes(connection, content.batch_id)
        if terms.digest in told:
            return Done(told[terms.digest])
        work = _Take(content, connection, store=store, engine=engine, lake=Lake(lake), terms=terms)
        if not told:
            return work
        first, *_ = earlier = list(told.values())
        rows = curable_rows(earlier)
        return work.again(rows, first=first) if rows else Done(first)

    return in_turn(store, look)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    agreements: Agreements
    caps: Caps
    cutoff: Cutoff
    now: datetime
    horizon: timedelta
    corrects: Write | None

    @property
    def digest(self) -> str:
        """Under what a batch was judged. Agreements alone are their own digest."""
        if not self.caps:
            return self.agreements.digest
        return sha256(f"{self.agreements.digest} {self.caps.digest}".encode()).hexdigest()


class _Take:
    """The taking of one batch, on one consistent view of the store."""

    def __init__(
        self, content: Batch, connection: Connection, *, store: Store, engine: Engine, lake: Lake,
        terms: _Terms,
    ) -> None:  # fmt: skip
        self._content_id, self._batch = content.batch_id, content
        self._store, self._engine, self._lake, self._terms = store, engine, lake, terms
        self._seen = edition(connection)
        self._earlier = Earlier.of(connection, lake, since=terms.now - terms.horizon)
        self._exposed = Unsettled.of(connection, lake) if terms.caps else None
        self._first: Intake | None = None
        self._drafts: list[Draft] = []
        self._outcome: Sorted

    def again(self, rows: Sequence[int], *, first: Intake) -> _Take:
        """Of a content that came before, only these rows. `first`: what became of it then."""
        self._first = first
        name = further_id(self._content_id, self._terms.digest)
        self._batch = self._batch.of_rows(rows, batch_id=name)
        return self

    def prepare(self) -> None:
        """Sort the batch, and write its files beside their places."""
        with self._engine.scratch() as scratch, self._batch.unchanged():
            self._outcome = self._sort(scratch)
            if not self._is_told_already:
                self._draft(scratch)

    @property
    def _is_told_already(self) -> bool:
        """Whether nothing of what came again is new."""
        return self._first is not None and not self._outcome.records_in

    def _sort(self, scratch: Scratch) -> Sorted:
        terms = self._terms
        give_references(
            scratch, agreements=terms.agreements, caps=terms.caps, now=terms.now,
            cutoff=terms.cutoff, horizon=terms.horizon, corrects=terms.corrects is not None,
        )  # fmt: skip
        self._batch.bring(scratch)
        seek(scratch)
        give_exposures(scratch, self._exposed)
        self._earlier.look_up(scratch, self._store)
        return sort_batch(scratch, is_again=self._first is not None)

    def _draft(self, scratch: Scratch) -> None:
        lake, batch_id = self._lake, self._batch.batch_id
        accepted = accepted_query(batch_id=batch_id, now=self._terms.now)
        drafts = self._drafts
        drafts.append(drafted(scratch, accepted, lake.accepted(batch_id)))
        drafts.append(drafted(scratch, QUARANTINED, lake.quarantine(batch_id)))
        self._prove(accepted=drafts[0].rows, quarantined=drafts[1].rows)
        drafts.append(
            drafted_parts(
                scratch, ids_left(), lake.ids(batch_id), by="part", within=scheme(scratch)
            )
        )

    def _prove(self, **written: int) -> None:
        """The files hold as many records as were counted."""
        for what, found in written.items():
            if (expected := getattr(self._outcome, what)) != found:
                name = self._batch.name
                raise NotConserved(
                    f"{name}: {found} records were written as {what}, not {expected}", file=name
                )

    def bears(self, connection: Connection) -> bool:
        """Whether nothing was taken or closed meanwhile."""
        return edition(connection) == self._seen

    def commit(self, connection: Connection) -> Intake:
        """Put the files in their places, and write what became of the batch."""
        if self._first is not None and self._is_told_already:
            return self._first
        outcome, name, now = self._outcome, self._batch.name, self._terms.now
        intake = Intake(
            batch_id=self._batch.batch_id,
            name=name,
            records_in=outcome.records_in,
            accepted=outcome.accepted,
            duplicates=outcome.duplicates,
            quarantined=outcome.quarantined,
            withdrawn=len(outcome.withdrawn),
            findings=tuple(Finding(file=name, **row) for row in outcome.findings.to_pylist()),
        )
        if self._terms.corrects is not None:
            self._terms.corrects(connection)
            _refuse_refused(intake)
        for written in self._drafts:
            written.publish()
        _withdraw(connection, outcome.withdrawn, by=intake.batch_id, at=now)
        save_intake(
            connection, intake, content_id=self._content_id, agreements_digest=self._terms.digest,
            taken_at=now.astimezone(UTC),
        )  # fmt: skip
        return intake

    def discard(self) -> None:
        """Remove the drafts that were not published."""
        for written in self._drafts:
            written.discard()


def _refuse_refused(intake: Intake) -> None:
    """A correction is taken as a whole: half of one would move money that nobody asked for."""
    for finding in intake.findings:
        raise BadInput(f"the {finding}", record_id=finding.record_id, field=finding.field)


def _withdraw(
    connection: Connection, rows: Sequence[Mapping[str, str]], *, by: str, at: datetime
) -> None:
    insert_new(
        connection, withdrawals, [{**row, "withdrawn_by": by, "withdrawn_at": at} for row in rows]
    )
