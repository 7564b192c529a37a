"""The days of a world: when they begin, who works when, and from when on nothing goes wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from settle.simulation.trial.scenario import HOUR_S

START = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
DAY = START.date()
TENANT = "simulated"
SESSION_HOURS = (0.0, 0.5, 2.0, 5.0, 26.0, 40.0, 64.0)
SECOND_HOURS = (0.0, 0.5, 2.0, 26.0)
"""When the first worker works, and when any other does."""

PLANNING = frozenset({0.0, 0.5, 26.0})
POLLING = frozenset({5.0, 40.0})
"""The sessions that plan what is due, once more each time, and that ask about what is accepted."""

POST, LATE_POST = frozenset({0.5, 2.0, 26.0}), frozenset({26.0})
"""The sessions that read notifications; in half of the worlds they come late."""

SEALING = frozenset({2.0, 40.0})
"""The sessions that seal; whoever judges the world seals the rest."""

MORNING, FIRST_MORNING = 64.0, 26.0
"""The session that reads the statements; in some worlds an earlier one does, too."""

QUIET_FROM_S = 30 * HOUR_S
"""From here on nothing goes wrong: what is open must find its end, or be shown as open."""


def last_day(now: datetime) -> date:
    """The last day that is over."""
    return now.date() - timedelta(days=1)
