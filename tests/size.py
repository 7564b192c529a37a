"""Every long proof has two sizes and one code: small in the gate, full in `make soak`.

A long proof is cut into blocks, each a test of its own, so that a soak that was stopped goes on
with those that are left; and all that it draws comes from one number.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

IS_FULL = bool(os.environ.get("SETTLE_SOAK"))
SEED = int(os.environ.get("SETTLE_SEED", "20241218"))
"""What everything is drawn from that one run draws and another may not."""

OUT = os.environ.get("SETTLE_SOAK_OUT", "")
"""The folder that keeps what each block has to say; kept nowhere where it is empty."""


def examples(small: int, *, full: int) -> int:
    """How many examples of a property this run draws."""
    return full if IS_FULL else small


def told(name: str, figures: Mapping[str, Any]) -> str:
    """What a block comes to, in one line that can be quoted; kept as a file under `OUT`, too."""
    line = f"{name}, seed {SEED}: " + "; ".join(
        f"{what} {_said(said)}" for what, said in figures.items()
    )
    if OUT:
        folder = Path(OUT)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name.replace(' ', '-')}.txt").write_text(f"{line}\n")
    return line


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{count} {what}" for what, count in value.items() if count) or "none"
    return str(value)
