"""What time it is: the real one, the one given, or that of a rehearsed night."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from settle.clearing import Cutoff, window_of
from settle.hub.config import Config, NightClock
from settle.hub.journal import NightJournal
from settle.report.assembly import known_at
from settle.store import Store


class Clock:
    """The hub's clock. A rehearsed night (`clock = "night"`) takes place at its own instant."""

    def __init__(
        self,
        config: Config,
        store: Store,
        nights: NightJournal,
        *,
        given: Callable[[], datetime] | None,
    ) -> None:
        self.cutoff = Cutoff(zone=config.settings.settle.zone.key)
        self._config = config
        self._store = store
        self._nights = nights
        self._rehearsed = config.settings.settle.clock is NightClock.NIGHT and given is None
        self._instant = given or (lambda: datetime.now(UTC))
        self._began: dict[date, tuple[datetime, float]] = {}

    @property
    def is_rehearsed(self) -> bool:
        """Whether nights take place at instants of their own."""
        return self._rehearsed

    def now(self, day: date) -> datetime:
        """What time it is in the night of a day.

        A rehearsed night that is run again goes on from the latest evidence, so that what comes
        later is recorded later.
        """
        if not self._rehearsed:
            return self._instant()
        if day not in self._began:
            with self._store.reading() as connection:
                known = known_at(connection)
            begins = self._config.night_instant(day)
            self._began[day] = max(begins, known or begins), time.monotonic()
        began_at, began = self._began[day]
        return began_at + timedelta(seconds=time.monotonic() - began)

    def today(self) -> date:
        """The business day under way; in a rehearsal, that of its last night."""
        if not self._rehearsed:
            return window_of(self._instant(), self.cutoff)
        days = self._config.record_days()
        return self._nights.last() or (days[0] if days else datetime.now(UTC).date())
