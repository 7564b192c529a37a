"""Row identifiers that sort by time, and identifiers derived from what they name."""

from __future__ import annotations

import hashlib
import secrets
import time
import uuid
from collections.abc import Callable, Iterable

Ids = Callable[[], str]
"""Something that mints row ids. Passed in wherever rows are made, so that a seed can replay."""


def uuid7() -> str:
    """A time-ordered UUID (RFC 9562 version 7). This keeps an index's inserts at its end.

    Random keys cost SQLite six to eight times the throughput of time-ordered ones.
    """
    millis = time.time_ns() // 1_000_000
    value = (millis & (2**48 - 1)) << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    return str(uuid.UUID(int=value | 0b10 << 62 | secrets.randbits(62)))


def derived(*parts: str) -> str:
    """A 64-digit hexadecimal name derived from its parts; equal exactly when they are."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()


def derived_each(*parts: str, last: Iterable[str]) -> list[str]:
    """`derived(*parts, each)` for each of `last`. This reads what they share once."""
    shared = hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode())
    found = []
    for each in last:
        digest = shared.copy()
        digest.update(f"{len(each)}:{each}".encode())
        found.append(digest.hexdigest())
    return found


def derived_uuid4(*parts: str) -> str:
    """A UUID of version 4 form derived from its parts. This is what a UETR must look like."""
    value = int(derived(*parts)[:32], 16)
    value = value & ~(0xF << 76) | 0x4 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return str(uuid.UUID(int=value))
