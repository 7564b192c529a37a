"""Settle across borders: net exactly, pay once, prove every line.

    import settle

    with settle.Hub.open("settle.toml") as hub:
        hub.take("records.parquet")
        night = settle.run_night(hub, day)

The names below load what they need when they are first used, so that importing `settle` is
light: no database, no engine and no network client is loaded by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from settle.errors import BadInput, ConfigError, SettleError
from settle.names import lazily

if TYPE_CHECKING:
    from settle.hub import Hub
    from settle.money import from_minor, to_minor
    from settle.nightly import run as run_night
    from settle.report import ExitCode

__version__ = "0.1.0"

__all__ = [
    "BadInput",
    "ConfigError",
    "ExitCode",
    "Hub",
    "SettleError",
    "from_minor",
    "run_night",
    "to_minor",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "ExitCode": "settle.report",
        "Hub": "settle.hub",
        "from_minor": "settle.money",
        "run_night": "settle.nightly:run",
        "to_minor": "settle.money",
    },
)
