"""What an audit can find wrong, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Wrong(StrEnum):
    """What is wrong with an entry, a block or the chain."""

    EDITED = "edited"
    DELETED = "deleted"
    INSERTED = "inserted"
    MOVED = "moved"
    TAKEN_OUT = "taken out"
    SEAL_EDITED = "seal edited"
    UNKNOWN = "unknown"
    ENTRIES = "entries"
    HEADER = "header"
    LINK = "link"
    MISSING_BLOCK = "missing block"
    SIGNATURE = "signature"
    UNSIGNED = "unsigned"
    CUT_OFF = "cut off"
    BALANCE = "balance"
    NOT_APPROVED = "not approved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One thing that is not as it was sealed: in which block, of which entry, what and why.

    `entry` names a source and a key, or a position where there is nothing else left of it; it is
    none where the flaw is the block's or the chain's. `block` is none where it is neither's.
    """

    wrong: Wrong
    why: str
    block: int | None = None
    entry: str | None = None

    def __str__(self) -> str:
        places = [f"block {self.block}"] if self.block is not None else []
        places += [self.entry] if self.entry else []
        return ": ".join([*places, f"{self.wrong.value}: {self.why}"])

    def as_json(self) -> dict[str, Any]:
        """The flaw as a JSON object."""
        return {
            "block": self.block, "entry": self.entry, "wrong": self.wrong.value, "why": self.why,
        }  # fmt: skip
