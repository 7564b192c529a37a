"""The hub: what a platform imports. It opens the rooms and carries figures between them.

Rooms do not know each other: obligations become payments here, payments are shown to
reconciliation here, and what reconciliation proves is carried to the door of payments here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle import clearing
from settle.hub import absent, amending, naming, paying, receiving, searching, statements
from settle.hub.controlling import Controlled
from settle.hub.correcting import Correcting
from settle.hub.evidence import refuse_blank
from settle.hub.funding import PlannedFunding, keep_funding, kept_funding, plan_funding
from settle.hub.kept import Kept
from settle.hub.naming import Named
from settle.hub.outcomes import Delivered, Fetched, Looked, Paid, Planned, Reconciled, Released
from settle.hub.progress import Advance, nobody_watches
from settle.hub.screening import Screened
from settle.hub.words import told
from settle.report.assembly import NightFacts, assemble, finding_lines

if TYPE_CHECKING:
    import pyarrow as pa

    from settle.report import MorningReport


class Hub(Correcting, Kept, Screened, Controlled):
    """One configuration, opened: its store, lake, engine and rails. Use it in a `with` block.

    The steps are synchronous, and those that ask rails run an event loop of their own: inside
    one, call them in a thread. One hub belongs to one thread at a time.
    """

    # The steps of a night. Each may be run again.

    def fetch(self, day: date, *, advance: Advance = nobody_watches) -> Fetched:
        """Fetch and keep what the rails have to say about our accounts, up to a day."""
        with self.acting():
            return asyncio.run(statements.fetch(self, day, advance=advance))

    def take(
        self, source: Path | pa.Table | Sequence[Mapping[str, Any]], *, day: date | None = None,
        name: str | None = None,
    ) -> clearing.Intake:  # fmt: skip
        """Take records in: a file, an Arrow table, or mappings by column name.

        `day` is the night they are taken for; without one they are taken as of now.

        Raises:
            BadInput: the source cannot be read at all; records that do not fit are findings.
        """
        return clearing.take(
            source,
            name=name or (Path(source).name if isinstance(source, (str, Path)) else "records"),
            received_at=self.now(day),
            store=self.store, engine=self.engine, lake=self.lake, agreements=self.agreements,
            cutoff=self.cutoff, caps=self.caps,
            horizon=timedelta(days=self.config.settings.clearing.horizon_days),
        )  # fmt: skip

    def name_failed(self, day: date, failed: Collection[str]) -> Named:
        """Keep who cannot pay for the close of a day's window; given none, say who is kept.

        Until a window closes, what is named to its night holds for the nights after it, too.
        Names that are given replace all of those; a blank one is nobody.

        Raises:
            BadInput: somebody has no agreement, the window is closed under others, or a later
                one is closed.
        """
        with self.acting():
            return naming.name_failed(self, day, failed)

    def close_window(self, day: date, *, failed: Collection[str] = ()) -> clearing.Closing:
        """Close the window of a day: convert, net, post. A closed one is only read.

        `failed`: participants that cannot pay. Where the hub is an agent, theirs is left out;
        where it is principal, what they owe is covered. Given none, who was named before
        (`name_failed`); a blank name is nobody.
        """
        with self.acting():
            return clearing.close(
                day, as_of=self.now(day), store=self.store, engine=self.engine, lake=self.lake,
                agreements=self.agreements, rates=self.rates, fees=self.fees, cutoff=self.cutoff,
                failed=naming.in_force(self, day, failed).names,
            )  # fmt: skip

    def open_position(self, participant_id: str) -> Sequence[clearing.Explanation]:
        """What a participant is owed by what has come in since the last close, explained."""
        return clearing.explain_open(
            as_of=self.now(), store=self.store, engine=self.engine, lake=self.lake,
            agreements=self.agreements, rates=self.rates, fees=self.fees, cutoff=self.cutoff,
            participant_id=participant_id,
        )  # fmt: skip

    def positions(self, day: date) -> Sequence[clearing.Position]:
        """The positions of a closed window; `explain()` of each is `explain` of its id."""
        with self.store.reading() as connection:
            found = clearing.positions(connection, day.isoformat())
        return [position.explained_by(self.explain) for position in found]

    def explain(self, position_id: str, *, outcome: int | None = None) -> clearing.Explanation:
        """A position of a closed window taken apart, and held against its records, priced again.

        `outcome`: one of a window that was unwound since, instead of the one that stands.

        Raises:
            BadInput: there is no such position, or a file of the lake is missing.
        """
        return amending.explain(self, position_id, outcome=outcome)

    @told
    def unwind(
        self, day: date, *, failed: Collection[str], actor: str, reason: str,
        rehearse: bool = False,
    ) -> clearing.Unwound:  # fmt: skip
        """Net a closed window anew without participants that failed since, before it is final.

        Payments of obligations that change are cancelled. `rehearse`: say what would become of
        it, and write nothing.

        Raises:
            BadInput: a payment of the window was released, a later window is closed, or it cannot
                be computed as it was, see `settle.clearing.unwind`; or who or why is blank.
            Restored: the store is a backup that was put back.
        """
        refuse_blank(actor=actor, reason=reason)
        with self.acting():
            return amending.unwind(
                self, day, failed=failed, actor=actor, reason=reason, rehearse=rehearse
            )

    @told
    def correct(
        self, record_id: str, *, replacement: Mapping[str, Any] | None, reason: str, actor: str
    ) -> clearing.Correction:
        """Correct a record of a closed window by rows of the next open one.

        `replacement`: what is to be other in it; None: it should not have been.

        Raises:
            BadInput: it is in no closed window, a row of the correction is refused, or who or why
                is blank; nothing is corrected then.
        """
        refuse_blank(actor=actor, reason=reason)
        return amending.correct(
            self, record_id, replacement=replacement, reason=reason, actor=actor
        )

    def settled(self, record_id: str) -> Mapping[str, Any]:
        """A record of a closed window, as it was taken in.

        Raises:
            BadInput: it is in no closed window, or is itself a row of a correction.
        """
        return amending.settled(self, record_id)

    def foresee(
        self, record_id: str, *, replacement: Mapping[str, Any] | None
    ) -> clearing.Foreseen:
        """What `correct` would take in. This writes nothing."""
        return amending.foresee(self, record_id, replacement=replacement)

    def plan(self, day: date) -> Planned:
        """Give each obligation up to a day its one payment."""
        with self.acting():
            return paying.plan(self, day)

    def release(self, day: date) -> Released:
        """Approve by policy, and fund what the rails' accounts hold; the rest waits."""
        with self.acting():
            return paying.release(self, day)

    def pay(self, day: date, *, advance: Advance = nobody_watches) -> Paid:
        """Send what is approved and funded, each payment once."""
        with self.acting():
            return asyncio.run(paying.pay(self, day, advance=advance))

    def look_up(
        self, day: date, *, accepted: bool = False, advance: Advance = nobody_watches
    ) -> Looked:
        """Ask the rails about every payment whose outcome is not known, until it is or enough.

        With `accepted`, rails that are asked one by one are also asked about those they accepted
        and have not booked.
        """
        with self.acting():
            return asyncio.run(paying.look_up(self, day, accepted=accepted, advance=advance))

    def reconcile(self, day: date) -> Reconciled:
        """Explain the statements' lines, and carry what they prove to the door of payments."""
        with self.acting():
            done = statements.reconcile(self, day)
            absent.close_absent(self, day)
            searching.suspect(self)
            return done

    def plan_funding(
        self, day: date | None = None, *, at: datetime | None = None
    ) -> PlannedFunding:
        """From which account all that is due is paid, by when, and what to send there first.

        What is due are the obligations that are not released; with a `day`, all of its window are
        told. Nothing is carried out and nothing stored. `at` is now, unless given.

        Raises:
            ConfigError: the configuration names no funding file.
            BadInput: the file cannot be used.
        """
        return plan_funding(self, day, at=at or self.now())

    def fund(self, day: date) -> PlannedFunding:
        """Plan the funding as of when the night of a day began, and keep it for its report."""
        began_at, _ = self.nights.span(day) or (self.config.night_instant(day), None)
        with self.acting():
            planned = self.plan_funding(day, at=began_at)
            keep_funding(self, day, planned.funding)
        return planned

    def receive(
        self, rail: str, headers: Mapping[str, str], content: bytes, *,
        received_at: datetime | None = None,
    ) -> Delivered:  # fmt: skip
        """Take a rail's notification: verified, translated, and let in at the door.

        Raises:
            ConfigError: there is no such rail.
            DocumentError: the delivery is authentic, and cannot be read.
            Unsupported: the rail sends no notifications.
        """
        return receiving.receive(self, rail, headers, content, at=received_at or self.now())

    def search(self) -> searching.SearchedStore:
        """Search for what was paid since the backup that was put back, as far as that goes alone.

        Raises:
            BadInput: none was put back.
        """
        with self.acting():
            return searching.search(self)

    def resume(self, *, actor: str, reason: str = "", by_hand: bool = False) -> int:
        """Release again after `search`; say how many payments stay held that nobody could ask for.

        `by_hand`: `actor` has looked for those, and lets them go as well.

        Raises:
            BadInput: nobody is named, or the search has not ended.
        """
        refuse_blank(actor=actor)
        with self.acting():
            return searching.resume(self, actor=actor, reason=reason, by_hand=by_hand)

    def report(self, day: date) -> MorningReport:
        """The morning report of a night, from what is stored. This asks no rail and no clock."""
        with self.store.reading() as connection:
            told = kept_funding(connection, day)
            return assemble(connection, replace(self._facts(day), funding=told))

    def findings(self, day: date) -> Sequence[str]:
        """What a night refused, a line each: file, row, field, value and why."""
        with self.store.reading() as connection:
            return finding_lines(connection, self._facts(day))

    # How the steps are done.

    def _facts(self, day: date) -> NightFacts:
        began_at, next_began_at = self.nights.span(day) or (self.config.night_instant(day), None)
        return NightFacts(
            tenant=self.config.settings.settle.tenant, day=day, began_at=began_at,
            next_began_at=next_began_at, batch_ids=tuple(self.nights.batches(day)),
            refusals=tuple(self.nights.refused(day)), rails_down=self.nights.rails_down(day),
        )  # fmt: skip

    def record_files(self, day: date) -> list[Path]:
        """The files of records that a night takes: its day's, and those of days left out."""
        first = (self.nights.before(day) or day - timedelta(days=1)) + timedelta(days=1)
        days = [first + timedelta(days=ahead) for ahead in range((day - first).days + 1)]
        return [path for each in days for path in self.config.record_files(each)]

    def last_day(self) -> date:
        """The last business day that has ended by now."""
        return self.clock.today() - timedelta(days=1)
