"""Row identifiers that sort by time, and identifiers derived from what they name."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
import uuid
from collections.abc import Callable, Iterable

Ids = Callable[[], str]
"""Something that mints row ids. Passed in wherever rows are made, so that a seed can replay."""


class TimeOrdered:
    """Mints UUIDs of RFC 9562 version 7, each greater than the one before in this process.

    `millis` tells the milliseconds since 1970, and may run backwards; `bits` gives random ones.
    Where time has not moved on, the random part of the last id is counted up by a random step
    (section 6.2, method 2), so that ids still sort as they were made and cannot be guessed.
    """

    def __init__(self, *, millis: Callable[[], int], bits: Callable[[int], int]) -> None:
        self._millis = millis
        self._bits = bits
        self._lock = threading.Lock()
        self._last = (0, 0)

    def __call__(self) -> str:
        """The next id."""
        with self._lock:
            millis, tail = self._next()
            self._last = millis, tail
        value = (millis & (2**48 - 1)) << 80 | 0x7 << 76 | (tail >> 62) << 64
        return str(uuid.UUID(int=value | 0b10 << 62 | tail & (2**62 - 1)))

    def _next(self) -> tuple[int, int]:
        now, (last, tail) = self._millis(), self._last
        if now > last:
            return now, self._bits(73)  # the highest bit is left for counting up
        tail += 1 + self._bits(32)
        return (last, tail) if tail < 2**74 else (last + 1, self._bits(73))


uuid7 = TimeOrdered(millis=lambda: time.time_ns() // 1_000_000, bits=secrets.randbits)
"""A time-ordered UUID. This keeps an index's inserts at its end, whatever the clock does.

Random keys cost SQLite six to eight times the throughput of time-ordered ones.
"""


def derived(*parts: str) -> str:
    """A 64-digit hexadecimal name derived from its parts; equal exactly when they are."""
    text = "".join([f"{len(part)}:{part}" for part in parts])
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
