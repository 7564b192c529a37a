"""What a hub stands on: the store, lake, engine and rails it opened, and whose night it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from settle import clearing
from settle.clearing.funding import FundingReference
from settle.engine import Engine
from settle.errors import BadInput
from settle.hub.clock import Clock
from settle.hub.config import Config, load
from settle.hub.epoch import Epoch
from settle.hub.fresh import Fresh
from settle.hub.journal import NightJournal
from settle.hub.naming import in_force
from settle.hub.rails import open_adapters
from settle.store import Store, Watermark, exclusive

NIGHTS_SKIPPED_MAX = 31
"""How many days a night may follow the last one; more is taken for a slip of the pen."""


class Opened:
    """One configuration, opened. This holds what the steps of a hub work with, and takes none."""

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
    ) -> Self:
        """Open `settle.toml`. `overrides` replaces settings by dotted key, `clock` the time.

        Raises:
            ConfigError: a setting is wrong, or the store cannot be opened; names key and fix.
        """
        loaded = load(Path(config), overrides=overrides)
        told = Watermark(loaded.path(loaded.settings.settle.lake) / "epochs")
        vault = loaded.settings.exchanges.vault()
        store = Store.open(loaded.store_url, vault=vault, watermark=told)
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
    def night(self, day: date, *, failed: Collection[str] = ()) -> Iterator[bool]:
        """Hold the night of a day: true if it may act, false once a later one has begun.

        What the night cannot do without, and who is to be named to it as `failed`, is looked at
        before anything is stored. Naming them is the night's first step.

        Raises:
            Busy: another process runs a night on this store.
            BadInput: the day has not ended yet or is too far from the last one; agreements,
                rates or the funding file cannot be used; or who failed cannot be named.
        """
        with self.acting():
            self._refuse(day)
            if len(self.agreements):
                self.rates.on(day)
            _ = self.matrix
            if not self.nights.is_over(day):
                in_force(self, day, failed)
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

    def _path(self, which: str) -> Path:
        return self.config.path(getattr(self.config.settings.clearing, which))

    def _path_if(self, which: str) -> Path | None:
        given = getattr(self.config.settings.clearing, which)
        return None if given is None else self.config.path(given)
