"""How far a store has got, told outside of it: what was put back is behind what is told here.

A file for each name that counts. It is written after the count is committed and before anything
acts on it, so it is never behind what has left; a store behind it has forgotten something.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from sqlalchemy.engine import Connection

OPTION = "settle_watermark"
"""Under this name a store's connections carry its watermark."""

FLUSH_S = 1.0
"""How often the file is flushed: what is told in between is lost only if the machine stops."""

_DIGITS = 20
_READS_MAX = 10


class Watermark:
    """The counts of a store as they are told in a folder, by name; without one, nowhere."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._told: dict[Path, int] = {}
        self._flushed_s = float("-inf")

    def reach(self, store_id: str, name: str, count: int) -> None:
        """Tell that a name of a store has counted so far. What is told never goes back."""
        if self._folder is None:
            return
        path = self._file(store_id, name)
        if count <= self._told.get(path, 0):
            return
        self._told[path] = count
        if count <= _count(path):
            return
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
        try:
            # In place: a file put in its place by a rename takes ten times as long.
            os.pwrite(descriptor, f"{count:0{_DIGITS}} {count:0{_DIGITS}}\n".encode(), 0)
            if time.monotonic() - self._flushed_s >= FLUSH_S:
                os.fsync(descriptor)
                self._flushed_s = time.monotonic()
        finally:
            os.close(descriptor)

    def _file(self, store_id: str, name: str) -> Path:
        assert self._folder is not None
        return self._folder / f"{store_id}.{quote(name, safe='')}"

    def reached(self, store_id: str) -> Mapping[str, int]:
        """How far each name of a store has counted."""
        if self._folder is None or not self._folder.is_dir():
            return {}
        start = f"{store_id}."
        found = [path for path in self._folder.iterdir() if path.name.startswith(start)]
        return {unquote(path.name.removeprefix(start)): _count(path) for path in sorted(found)}

    def last_told_at(self, store_id: str, *, but: str) -> datetime | None:
        """When anything was told of a store for the last time; None if nothing ever was.

        `but`: a name whose counts are left out.
        """
        if self._folder is None or not self._folder.is_dir():
            return None
        found = [
            path for path in self._folder.iterdir()
            if path.name.startswith(store_id) and path != self._file(store_id, but)
        ]  # fmt: skip
        told = max((path.stat().st_mtime for path in found), default=None)
        return None if told is None else datetime.fromtimestamp(told, UTC)


UNTOLD = Watermark()
"""Told nowhere."""


def watermark_of(connection: Connection) -> Watermark:
    """The watermark of the store that a connection is of."""
    found = connection.get_execution_options().get(OPTION, UNTOLD)
    assert isinstance(found, Watermark)
    return found


def _count(path: Path) -> int:
    """What a file tells. It stands there twice, so that half of a writing is not read as one."""
    for _ in range(_READS_MAX):
        told = path.read_text("ascii").split() if path.is_file() else ["0", "0"]
        if len(told) == 2 and told[0] == told[1]:
            break
    return max((int(each) for each in told), default=0)
