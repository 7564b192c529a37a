"""Every long proof has two sizes and one code: small in the gate, full in `make soak`."""

from __future__ import annotations

import os

IS_FULL = bool(os.environ.get("SETTLE_SOAK"))


def examples(small: int, *, full: int) -> int:
    """How many examples of a property this run draws."""
    return full if IS_FULL else small
