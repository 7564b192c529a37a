"""The hub: what a platform imports. It opens the rooms and carries figures between them.

Rooms do not know each other: obligations become payments here, payments are shown to
reconciliation here, and what reconciliation proves is carried to the door of payments here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from settle import clearing, payments
from settle.adapters import Notification
from settle.engine import Engine
from settle.errors import BadInput, ConfigError
from settle.hub import paying, statements
from settle.hub.config import Config, NightClock, load
from settle.hub.journal import NightJournal
from settle.hub.outcomes import Delivered, Fetched, Looked, Paid, Planned, Reconciled, Released
from settle.hub.progress import Advance, nobody_watches
from settle.hub.rails import open_adapters
from settle.report.assembly import NightFacts, assemble, finding_lines, known_at
from settle.store import Store, exclusive

if TYPE_CHECKING:
    import pyarrow as pa

    from settle.report import MorningReport


class Hub:
    """One configuration, opened: its store, lake, engine and rails. Use it in a `with` block."""

    def __init__(
        self, config: Config, store: Store, *, clock: Callable[[], datetime] | None = None
    ) -> None:
        self.config = config
        self.store = store
        self.nights = NightJournal(store)
        self.adapters = open_adapters(config.settings)
        self._clock = clock
        self._engine: Engine | None = None
        self._began: dict[date, tuple[datetime, float]] = {}

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

    def close_down(self) -> None:
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
        self.close_down()

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
            self._engine = Engine()
        return self._engine

    @cached_property
    def agreements(self) -> clearing.Agreements:
        """Who settles how."""
        return clearing.Agreements.load(self.config.path(self.config.settings.clearing.agreements))

    @cached_property
    def rates(self) -> clearing.Rates:
        """The reference rates."""
        return clearing.Rates.load(self.config.path(self.config.settings.clearing.rates))

    @property
    def cutoff(self) -> clearing.Cutoff:
        """When a business day ends."""
        return clearing.Cutoff(zone=self.config.settings.settle.zone.key)

    def now(self, day: date) -> datetime:
        """What time it is in the night of a day. A rehearsed night begins at its own instant.

        Run again, it goes on from the latest evidence: what comes later is recorded later.
        """
        if self._clock is not None:
            return self._clock()
        if self.config.settings.settle.clock is NightClock.REAL:
            return datetime.now(UTC)
        if day not in self._began:
            with self.store.reading() as connection:
                known = known_at(connection)
            begins = self.config.night_instant(day)
            self._began[day] = max(begins, known or begins), time.monotonic()
        began_at, began = self._began[day]
        return began_at + timedelta(seconds=time.monotonic() - began)

    @contextmanager
    def night(self, day: date) -> Iterator[bool]:
        """Hold the night of a day: true if it may act, false once a later one has begun.

        Raises:
            Busy: another process runs a night on this store.
            BadInput: the day has not ended yet.
        """
        with exclusive(self.store, "night"):
            now = self.now(day)
            if now < self.cutoff.ends_at(day):
                raise BadInput(f"--date {day}: that business day has not ended yet", field="date")
            yield self.nights.begin(day, as_of=now)

    # The steps of a night. Each may be run again.

    def fetch(self, day: date, *, advance: Advance = nobody_watches) -> Fetched:
        """Fetch and keep what the rails have to say about our accounts, up to a day."""
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
            received_at=self.now(day) if day else self.now(self.today()),
            store=self.store, engine=self.engine, lake=self.lake, agreements=self.agreements,
        )  # fmt: skip

    def close(self, day: date) -> clearing.Closing:
        """Close the window of a day: convert, net, post. A closed one is only read."""
        return clearing.close(
            day, as_of=self.now(day), store=self.store, engine=self.engine, lake=self.lake,
            agreements=self.agreements, rates=self.rates, cutoff=self.cutoff,
        )  # fmt: skip

    def open_position(self, participant_id: str) -> Sequence[clearing.Explanation]:
        """What a participant is owed by what has come in since the last close, explained."""
        return clearing.explain_open(
            as_of=self.now(self.today()), store=self.store, engine=self.engine, lake=self.lake,
            agreements=self.agreements, rates=self.rates, cutoff=self.cutoff,
            participant_id=participant_id,
        )  # fmt: skip

    def plan(self, day: date) -> Planned:
        """Give each obligation up to a day its one payment."""
        return paying.plan(self, day)

    def release(self, day: date) -> Released:
        """Approve by policy, and fund what the rails' accounts hold; the rest waits."""
        return paying.release(self, day)

    def pay(self, day: date, *, advance: Advance = nobody_watches) -> Paid:
        """Send what is approved and funded, each payment once."""
        return asyncio.run(paying.pay(self, day, advance=advance))

    def look_up(
        self, day: date, *, accepted: bool = False, advance: Advance = nobody_watches
    ) -> Looked:
        """Ask the rails about every payment whose outcome is not known, until it is or enough.

        With `accepted`, rails that are asked one by one are also asked about those they accepted
        and have not booked.
        """
        return asyncio.run(paying.look_up(self, day, accepted=accepted, advance=advance))

    def reconcile(self, day: date) -> Reconciled:
        """Explain the statements' lines, and carry what they prove to the door of payments."""
        return statements.reconcile(self, day)

    def receive(
        self, rail: str, headers: Mapping[str, str], content: bytes, *,
        received_at: datetime | None = None,
    ) -> Delivered:  # fmt: skip
        """Take a rail's notification: verified, translated, and let in at the door.

        Raises:
            ConfigError: there is no such rail.
            Unsupported: the rail sends no notifications.
        """
        if rail not in self.adapters:
            raise ConfigError(f"rails.{rail}: no such rail is configured", key=f"rails.{rail}")
        at = received_at or self.now(self.today())
        lowered = {name.lower(): value for name, value in headers.items()}
        delivery = self.adapters[rail].notification(lowered, content, at)
        if not isinstance(delivery, Notification):
            return Delivered(authentic=False, recorded=0, reason=delivery.reason)
        done = payments.record(self.store, delivery.evidence, recorded_at=at)
        return Delivered(authentic=True, recorded=sum(done.counts.values()))

    def approve(self, payment_id: str, *, actor: str) -> None:
        """Approve one payment that waits for a person.

        Raises:
            BadInput: there is no such payment, or it does not wait for an approval.
        """
        now = self.now(self.today())
        payments.approve_one(self.store, payment_id, actor=actor, now=now)

    def report(self, day: date, *, rails_down: Mapping[str, str]) -> MorningReport:
        """The morning report of a night, from what is stored. This asks no rail and no clock."""
        with self.store.reading() as connection:
            return assemble(connection, self._facts(day, rails_down))

    def findings(self, day: date) -> Sequence[str]:
        """What a night refused, a line each: file, row, field, value and why."""
        with self.store.reading() as connection:
            return finding_lines(connection, self._facts(day, {}))

    # How the steps are done.

    def _facts(self, day: date, rails_down: Mapping[str, str]) -> NightFacts:
        began_at, next_began_at = self.nights.span(day) or (self.config.night_instant(day), None)
        return NightFacts(
            tenant=self.config.settings.settle.tenant, day=day, began_at=began_at,
            next_began_at=next_began_at, batch_ids=tuple(self.nights.batches(day)),
            refusals=tuple(self.nights.refused(day)), rails_down=rails_down,
        )  # fmt: skip

    def today(self) -> date:
        """The business day under way; a rehearsal's is the one its last night ended before."""
        if self._clock is None and self.config.settings.settle.clock is NightClock.NIGHT:
            last = self.nights.last()
            days = self.config.record_days()
            return last or (days[0] if days else datetime.now(UTC).date())
        now = self._clock() if self._clock else datetime.now(UTC)
        return clearing.window_of(now, self.cutoff)
