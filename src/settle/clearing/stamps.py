"""Files that are read where they lie, more than once, and have to be the same each time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from settle.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Which file was found under a path, and when it was last written to."""

    path: Path
    name: str
    found: tuple[int, ...]

    @classmethod
    def of(cls, path: Path, status: os.stat_result, *, name: str) -> Stamp:
        """The stamp of a file that is open: `status` is what it says of itself."""
        return cls(path=path, name=name, found=_found(status))

    @property
    def is_same(self) -> bool:
        """Whether that very file still lies there, and nobody has written to it."""
        try:
            return _found(self.path.stat()) == self.found
        except OSError:
            return False


def _found(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


@contextmanager
def unchanged(stamps: Sequence[Stamp]) -> Iterator[None]:
    """What is done here with files counts only if they are the same afterwards.

    The ids of one file and the records of another would be taken for one.

    Raises:
        BadInput: a file was replaced, removed or written to; the message names it. This stands
            for whatever else went wrong over it.
    """
    try:
        yield
    except Exception:
        _refuse_changed(stamps)
        raise
    _refuse_changed(stamps)


def _refuse_changed(stamps: Sequence[Stamp]) -> None:
    for stamp in stamps:
        if not stamp.is_same:
            raise BadInput(
                f"{stamp.name} was changed while it was read: give it again once it is whole",
                file=stamp.name,
            ) from None
