"""The hub: what a platform imports. It opens the rooms and carries figures between them.

Rooms do not know each other: obligations become payments here, payments are shown to
reconciliation here, and what reconciliation proves is carried to the door of payments here.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from settle import clearing, payments, reconciliation
from settle.adapters import Notification
from settle.calendars import next_business_day
from settle.engine import Engine
from settle.errors import BadInput, ConfigError
from settle.hub import statements
from settle.hub.config import Config, NightClock, load
from settle.hub.journal import NightJournal
from settle.hub.outcomes import Delivered, Fetched, Looked, Paid, Planned, Reconciled, Released
from settle.hub.rails import open_adapters, open_rails
from settle.ledger import accounts, balances
from settle.report.assembly import NightFacts, assemble, finding_lines, known_at
from settle.store import Store, exclusive, uuid7

if TYPE_CHECKING:
    import pyarrow as pa

    from settle.report import MorningReport

Advance = Callable[[int, int], None]
"""Told how much of how much is done."""

LOOKS_MAX = 4
"""How often a night looks for what is unknown before it leaves it to the next night."""

LOOK_PAUSE_S = 0.5


def _nothing(done: int, total: int) -> None:
    """Nobody watches."""


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

    def fetch(self, day: date, *, advance: Advance = _nothing) -> Fetched:
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
            received_at=self.now(day) if day else self.now(self._today()),
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
            as_of=self.now(self._today()), store=self.store, engine=self.engine, lake=self.lake,
            agreements=self.agreements, rates=self.rates, cutoff=self.cutoff,
            participant_id=participant_id,
        )  # fmt: skip

    def plan(self, day: date) -> Planned:
        """Give each obligation up to a day its one payment."""
        now = self.now(day)
        with self.store.reading() as connection:
            obligations = clearing.due(connection, as_of=day)
        done = payments.plan(
            self.store, [_due(obligation) for obligation in obligations], rails=self.adapters,
            tenant=self.config.settings.settle.tenant, now=now, ids=uuid7,
        )  # fmt: skip
        refused = {refusal.obligation_id for refusal in done.refused}
        with self.store.transaction() as connection:
            ids = [x.obligation_id for x in obligations if x.obligation_id not in refused]
            clearing.cover(connection, ids, at=now)
        return Planned(
            obligations=len(obligations), payments=done.planned, held=len(done.held),
            refused=tuple(f"{x.obligation_id}: {x.field}: {x.why}" for x in done.refused),
        )  # fmt: skip

    def release(self, day: date) -> Released:
        """Approve by policy, and fund what the rails' accounts hold; the rest waits."""
        now = self.now(day)
        payments.roll(self.store, value_dates=self._value_dates(now), now=now)
        controls = self.config.settings.controls
        policy = payments.Policy(
            limit_minor={
                currency: limit
                for currency, limit in self.config.settings.approval.limits_minor().items()
                if currency not in controls.paused_currencies
            },
            paused_rails=controls.paused_rails,
        )
        payments.approve(self.store, policy, now=now)
        funded = payments.fund(self.store, balances=self._spendable(), now=now)
        return Released(funded=funded.funded, waiting=funded.scheduled)

    def pay(self, day: date, *, advance: Advance = _nothing) -> Paid:
        """Send what is approved and funded, each payment once."""
        return asyncio.run(self._pay(day, advance))

    def look_up(self, day: date, *, advance: Advance = _nothing) -> Looked:
        """Ask the rails about every payment whose outcome is not known, until it is or enough."""
        return asyncio.run(self._look_up(day, advance))

    def reconcile(self, day: date) -> Reconciled:
        """Explain the statements' lines, and carry what they prove to the door of payments."""
        now = self.now(day)
        matched = reconciliation.match(
            self.store, self.engine, payments=self._sent(), day=day, as_of=now
        )
        payments.record(self.store, matched.evidence, recorded_at=now)
        reconciliation.confirm(self.store, [x.evidence_id for x in matched.evidence], at=now)
        reconciliation.refresh(
            self.store, day=day, as_of=now, payments=self._sent(),
            expected=[ref for adapter in self.adapters.values() for ref in adapter.accounts()],
        )  # fmt: skip
        with self.store.reading() as connection:
            breaks = reconciliation.open_breaks(connection)
        return Reconciled(
            matched=len(matched.matches), unexplained=matched.unexplained, breaks_open=len(breaks)
        )

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
        at = received_at or self.now(self._today())
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
        now = self.now(self._today())
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

    async def _pay(self, day: date, advance: Advance) -> Paid:
        with self.store.reading() as connection:
            total = payments.releasable(connection)
        done_so_far = 0

        def progress(ended: int) -> None:
            nonlocal done_so_far
            done_so_far += ended
            advance(done_so_far, max(total, done_so_far))

        async with open_rails(self.adapters) as rails:
            done = await payments.pay(
                self.store, rails, clock=lambda: self.now(day), worker=_worker(), day=day,
                progress=progress,
            )  # fmt: skip
        return Paid(
            accepted=done.accepted, rejected=done.rejected, unknown=done.unknown,
            rails_down=dict(done.rails_down),
        )  # fmt: skip

    async def _look_up(self, day: date, advance: Advance) -> Looked:
        with self.store.reading() as connection:
            before = payments.unknowns(connection)
        async with open_rails(self.adapters) as rails:
            for nth in range(1, LOOKS_MAX + 1):
                done = await payments.look_up(
                    self.store, rails, clock=lambda: self.now(day), worker=_worker(), ids=uuid7,
                    policy=payments.LookPolicy(polls_accepted=False),
                )  # fmt: skip
                advance(nth, LOOKS_MAX)
                if not done.still_unknown or done.silent:
                    break
                await asyncio.sleep(LOOK_PAUSE_S * nth)
        with self.store.reading() as connection:
            left = payments.unknowns(connection)
        return Looked(
            closed=max(0, before + done.recovered - left), unknown=left, resent=done.resent,
            rails_down=dict(done.silent),
        )  # fmt: skip

    def _sent(self) -> pa.Table:
        with self.store.reading() as connection:
            return payments.sent(connection)

    def _spendable(self) -> dict[tuple[str, str], int]:
        """By (rail, currency): what its account holds, less what is on its way out."""
        with self.store.reading() as connection:
            held = {(x.account, x.currency): x.balance_minor for x in balances(connection)}
        return {
            (ref.rail, ref.currency): held.get(
                (accounts.nostro(ref.rail, ref.account), ref.currency), 0
            )
            + held.get((accounts.in_transit(ref.rail), ref.currency), 0)
            for adapter in self.adapters.values()
            for ref in adapter.accounts()
        }

    def _value_dates(self, now: datetime) -> dict[str, date]:
        """The earliest day on which a payment released now can be executed, by currency."""
        today = now.astimezone(UTC).date()
        currencies = {ref.currency for x in self.adapters.values() for ref in x.accounts()}
        return {currency: next_business_day(today, currency) for currency in currencies}

    def _today(self) -> date:
        """The business day under way; a rehearsal's is the one its last night ended before."""
        if self._clock is None and self.config.settings.settle.clock is NightClock.NIGHT:
            last = self.nights.last()
            days = self.config.record_days()
            return last or (days[0] if days else datetime.now(UTC).date())
        now = self._clock() if self._clock else datetime.now(UTC)
        return clearing.window_of(now, self.cutoff)


def _due(obligation: clearing.Obligation) -> payments.Due:
    from settle.adapters import Beneficiary

    return payments.Due(
        obligation_id=obligation.obligation_id,
        agreement_id=obligation.agreement_id,
        currency=obligation.currency,
        amount_minor=obligation.amount_minor,
        value_date=obligation.value_date,
        beneficiary=Beneficiary(
            name=obligation.beneficiary_name,
            country=obligation.beneficiary_country,
            town=obligation.beneficiary_town,
            account=obligation.beneficiary_account,
            bic=obligation.beneficiary_bic,
            bank_code=obligation.beneficiary_bank_code,
        ),
        reference=f"Settlement {obligation.window_id} {obligation.agreement_id}",
    )


def _worker() -> str:
    """Who sends: the night of this store, of which only one lives at a time."""
    return (
        f"night@{socket.gethostname()}"
        if not os.environ.get("SETTLE_WORKER")
        else (os.environ["SETTLE_WORKER"])
    )
