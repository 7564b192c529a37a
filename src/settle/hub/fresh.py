"""A file that is read again when it has changed: a service must see a merchant that is new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


class Fresh(Generic[T]):
    """What `load` makes of a file, made anew when the file's time or size is another.

    Where there is no file to be, it is `nothing()`.
    """

    def __init__(
        self,
        path: Path | None,
        load: Callable[[Path], T],
        *,
        nothing: Callable[[], T] | None = None,
    ) -> None:
        assert path or nothing, "a file, or what stands for none"
        self._path = path
        self._load = load
        self._nothing = nothing
        self._read: tuple[tuple[int, int], T] | None = None

    @property
    def value(self) -> T:
        """What the file says now.

        Raises:
            BadInput: it cannot be read, or does not fit.
        """
        stamp = self._stamp()
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, self._made()
        return self._read[1]

    def _made(self) -> T:
        if self._path is not None:
            return self._load(self._path)
        assert self._nothing is not None
        return self._nothing()

    def _stamp(self) -> tuple[int, int]:
        if self._path is None:
            return 0, 0
        try:
            found = self._path.stat()
        except OSError:
            return 0, 0  # loading it says what is wrong
        return found.st_mtime_ns, found.st_size
