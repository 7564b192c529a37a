"""How a step says how far it is."""

from __future__ import annotations

from collections.abc import Callable

Advance = Callable[[int, int], None]
"""Told how much of how much is done."""


def nobody_watches(done: int, total: int) -> None:
    """Tells nobody."""
