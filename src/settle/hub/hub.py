"""The hub: what a platform imports. It opens the rooms and carries figures between them.

Rooms do not know each other: obligations become payments here, payments are shown to
reconciliation here, and what reconciliation proves is carried to the door of payments here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from settle import clearing, payments
from settle.adapters import Notification
from settle.clearing.funding import FundingReference
from settle.engine import Engine
from settle.errors import BadInput, ConfigError
from settle.hub import amending, naming, paying, statements
from settle.hub.clock import Clock
from settle.hub.config import Config, load
from settle.hub.epoch import Epoch
from settle.hub.evidence import refuse_blank
from settle.hub.fresh import Fresh
from settle.hub.funding import PlannedFunding, keep_funding, kept_funding, plan_funding
from settle.hub.journal import NightJournal
from settle.hub.naming import Named
from settle.hub.outcomes import Delivered, Fetched, Looked, Paid, Planned, Reconciled, Released
from settle.hub.progress import Advance, nobody_watches
from settle.hub.rails import open_adapters
from settle.report.assembly import NightFacts, assemble, finding_lines
from settle.store import Store, exclusive

if TYPE_CHECKING:
    import pyarrow as pa

    from settle.report import MorningReport


NIGHTS_SKIPPED_MAX = 31
"""How many days a night may follow the last one; more is taken for a slip of the pen."""


class Hub:
    """One configuration, opened: its store, lake, engine and rails. Use it in a `with` block.

    The steps are synchronous, and those that ask rails run an event loop of their own: inside
    one, call them in a thread. One hub belongs to one thread at a time.
    """

    def __init__(
        self, config: Config, store: Store, *, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.config = config
        self.store = store
        self.nights = NightJournal(store)
        self.adapters = open_adapters(config.settings)
        self.clock = Clock(config, store, self.nights, given=clock)
        self._engine: Engine | None = None
        self._acts = False
        self.epoch = Epoch(store, self.lake)
        self._agreements = Fresh(self._path("agreements"), clearing.Agreements.load)
        self._rates = Fresh(self._path("rates"), clearing.Rates.load)
        self._fees = Fresh(self._path_if("fees"), clearing.Fees.load, nothing=clearing.Fees.none)
        self._caps = Fresh(self._path_if("caps"), clearing.Caps.load, nothing=clearing.Caps.none)
        self._matrix = Fresh[FundingReference | None](
            self._path_if("funding"), FundingReference.load, nothing=lambda: None
        )

    @classmethod
    def open(
        cls,
        config: Path | str,
        *,
        overrides: Mapping[str, Any] | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> Hub:
        """Open `settle.toml`. `overrides` replaces settings by dotted key, `clock` the time.

        Raises:
            ConfigError: a setting is wrong, or the store cannot be opened; names key and fix.
        """
        loaded = load(Path(config), overrides=overrides)
        store = Store.open(loaded.store_url)
        try:
            return cls(loaded, store, clock=clock)
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        """Give back the store and the engine."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # What stands around the night.

    @property
    def reports(self) -> Path:
        """The folder of morning reports."""
        return self.config.path(self.config.settings.settle.reports)

    @property
    def lake(self) -> Path:
        """The folder of records."""
        return self.config.path(self.config.settings.settle.lake)

    @property
    def engine(self) -> Engine:
        """The engine, started when it is first used."""
        if self._engine is None:
            memory = self.config.settings.clearing.memory
            self._engine = Engine(temp=self.lake / "spilled", memory=memory)
        return self._engine

    @property
    def agreements(self) -> clearing.Agreements:
        """Who settles how, as the file says now."""
        return self._agreements.value

    @property
    def rates(self) -> clearing.Rates:
        """The reference rates, as the file says now."""
        return self._rates.value

    @property
    def fees(self) -> clearing.Fees:
        """The fee schedules that agreements name, as the file says now; none without a file."""
        return self._fees.value

    @property
    def caps(self) -> clearing.Caps:
        """The net debits at which records are held, as the file says now; none without one."""
        return self._caps.value

    @property
    def matrix(self) -> FundingReference | None:
        """Our accounts, and which of them pays what where, as the file says now; none without it.

        Raises:
            BadInput: the file cannot be used, or names an account that no rail has.
        """
        found = self._matrix.value
        if found is not None:
            refs = [ref for adapter in self.adapters.values() for ref in adapter.accounts()]
            found.refuse_strangers({(ref.rail, ref.account, ref.currency) for ref in refs})
        return found

    @property
    def cutoff(self) -> clearing.Cutoff:
        """When a business day ends."""
        return self.clock.cutoff

    def now(self, day: date | None = None) -> datetime:
        """What time it is, in the night of a day or outside of any."""
        return self.clock.now(day or self.clock.today())

    @contextmanager
    def night(self, day: date) -> Iterator[bool]:
        """Hold the night of a day: true if it may act, false once a later one has begun.

        What the night cannot do without is looked at before anything is stored.

        Raises:
            Busy: another process runs a night on this store.
            BadInput: the day has not ended yet or is too far from the last one; agreements,
                rates or the funding file cannot be used.
        """
        with self.acting():
            self._refuse(day)
            if len(self.agreements):
                self.rates.on(day)
            _ = self.matrix
            yield self.nights.begin(day, as_of=self.now(day))

    def _refuse(self, day: date) -> None:
        if self.now(day) < self.cutoff.ends_at(day):
            raise BadInput(f"--date {day}: that business day has not ended yet", field="date")
        last = self.nights.last()
        if last is not None and day > last + timedelta(days=NIGHTS_SKIPPED_MAX):
            raise BadInput(
                f"--date {day}: the last night was that of {last}, more than "
                f"{NIGHTS_SKIPPED_MAX} days before; run a night between them first",
                field="date",
            )

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Hold this store's night, as every step that acts does; a hub that holds it goes on.

        Raises:
            Busy: another process acts on this store.
        """
        if self._acts:
            yield
            return
        with exclusive(self.store, "night"):
            self._acts = True
            try:
                yield
            finally:
                self._acts = False

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
        """Keep who cannot pay for the close of a day's window; given nobody, say who is kept.

        Until it closes, names that are given replace those that were; a blank one is nobody.

        Raises:
            BadInput: somebody has no agreement, or the window is closed under others.
        """
        with self.acting():
            return naming.name_failed(self, day, failed)

    def close_window(self, day: date, *, failed: Collection[str] = ()) -> clearing.Closing:
        """Close the window of a day: convert, net, post. A closed one is only read.

        `failed`: participants that cannot pay. Where the hub is an agent, theirs is left out;
        where it is principal, what they owe is covered. Given nobody, who was named before
        (`name_failed`).
        """
        with self.acting():
            return clearing.close(
                day, as_of=self.now(day), store=self.store, engine=self.engine, lake=self.lake,
                agreements=self.agreements, rates=self.rates, fees=self.fees, cutoff=self.cutoff,
                failed=failed or naming.kept_names(self, day),
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
            return statements.reconcile(self, day)

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
        if rail not in self.adapters:
            raise ConfigError(f"rails.{rail}: no such rail is configured", key=f"rails.{rail}")
        at = received_at or self.now()
        lowered = {name.lower(): value for name, value in headers.items()}
        delivery = self.adapters[rail].notification(lowered, content, at)
        if not isinstance(delivery, Notification):
            return Delivered(authentic=False, recorded=0, reason=delivery.reason)
        done = payments.record(self.store, delivery.evidence, recorded_at=at)
        return Delivered(
            authentic=True, recorded=sum(done.counts.values()),
            look_up=bool(delivery.find_first or done.ignored or done.unmatched),
        )  # fmt: skip

    def approve(self, payment_id: str, *, actor: str) -> None:
        """Approve one payment that waits for a person.

        Raises:
            BadInput: there is no such payment, it does not wait for an approval, or nobody is
                named.
        """
        refuse_blank(actor=actor)
        now = self.now()
        payments.approve_one(self.store, payment_id, actor=actor, now=now)

    def resume(self, *, actor: str) -> None:
        """Release again after a backup was put back; `actor` has searched what it forgot.

        Raises:
            BadInput: nobody is named.
        """
        refuse_blank(actor=actor)
        with self.acting():
            self.epoch.accept(actor=actor)

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

    def _path(self, which: str) -> Path:
        return self.config.path(getattr(self.config.settings.clearing, which))

    def _path_if(self, which: str) -> Path | None:
        given = getattr(self.config.settings.clearing, which)
        return None if given is None else self.config.path(given)

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
