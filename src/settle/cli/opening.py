"""The hub that a command works on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settle.hub import Hub


def opened(config: Path, *, store: str | None) -> Hub:
    """The hub of the settings, on another store where one is named; to be used with `with`.

    Raises:
        ConfigError: as `Hub.open`.
    """
    from settle.hub import Hub

    return Hub.open(config, overrides={"settle.store": store} if store else {})
