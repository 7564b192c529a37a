"""A file that is read again when it has changed: a service must see a merchant that is new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class Fresh(Generic[T]):
    """What `load` makes of a file, made anew when the file's time or size is another."""

    def __init__(self, path: Path, load: Callable[[Path], T]) -> None:
        self._path = path
        self._load = load
        self._read: tuple[tuple[int, int], T] | None = None

    @property
    def value(self) -> T:
        """What the file says now.

        Raises:
            BadInput: it cannot be read, or does not fit.
        """
        stamp = self._stamp()
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, self._load(self._path)
        return self._read[1]

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0  # loading it says what is wrong
        return found.st_mtime_ns, found.st_size
