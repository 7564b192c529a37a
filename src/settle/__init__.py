"""Settle across borders: net exactly, pay once, prove every line.

    import settle

    with settle.Hub.open("settle.toml") as hub:
        hub.take("records.parquet")
        night = settle.run_night(hub, day)

The names below load what they need when they are first used, so that importing `settle` is
light: no database, no engine and no network client is loaded by it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from settle.errors import BadInput, ConfigError, SettleError

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

_FOUND_IN = {
    "ExitCode": ("settle.report", "ExitCode"),
    "Hub": ("settle.hub", "Hub"),
    "from_minor": ("settle.money", "from_minor"),
    "run_night": ("settle.nightly", "run"),
    "to_minor": ("settle.money", "to_minor"),
}


def __getattr__(name: str) -> Any:
    if name not in _FOUND_IN:
        raise AttributeError(f"module 'settle' has no attribute {name!r}")
    module, attribute = _FOUND_IN[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted([*globals(), *_FOUND_IN])
