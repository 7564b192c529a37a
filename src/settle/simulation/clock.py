"""The world's clock: it stands still until it is set, and remembers."""

from __future__ import annotations

from datetime import datetime

from settle.adapters.simulator import Memory


class WorldClock:
    """A clock that somebody sets. This is what simulators are given for the time."""

    def __init__(self, memory: Memory, *, start: datetime) -> None:
        self._memory = memory
        self._now = start
        for entry in memory.entries():
            self._now = datetime.fromisoformat(entry["now"])

    def __call__(self) -> datetime:
        """The world's time."""
        return self._now

    def set(self, now: datetime) -> None:
        """Make it `now`, also after a restart. It may go back: whoever sets it is in charge."""
        if now.tzinfo is None:
            raise ValueError("the world's time carries its offset")
        self._memory.append({"now": now.isoformat()})
        self._now = now
