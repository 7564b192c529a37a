"""The lake: a folder of immutable Parquet files, each in place whole or not at all."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

DRAFT_AGE_S_MAX = 24 * 60 * 60
"""An older draft is nobody's: a batch or a window takes seconds."""


@dataclass(frozen=True, slots=True)
class Lake:
    """Where each file of a batch or window lies under `root`."""

    root: Path

    def accepted(self, batch_id: str) -> Path:
        """The records of a batch that were accepted when it was taken."""
        return self.root / "accepted" / f"{batch_id}.parquet"

    def quarantine(self, batch_id: str) -> Path:
        """The records of a batch that were refused, with the reason."""
        return self.root / "quarantine" / f"{batch_id}.parquet"

    def settled(self, window_id: str) -> Path:
        """The records of a closed window."""
        return self.root / "settled" / f"{window_id}.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A file written and flushed beside its place. `publish` is what makes it exist."""

    written: Path
    place: Path
    digest: str

    def publish(self) -> None:
        """Put the file in its place at once. This replaces what an aborted run left there."""
        self.written.replace(self.place)
        _flush_folder(self.place.parent)

    def discard(self) -> None:
        """Remove what was written. This may be called after `publish`."""
        self.written.unlink(missing_ok=True)


def draft(table: pa.Table, place: Path) -> Draft:
    """Write a table beside `place`, on disk for good. Equal tables give equal bytes."""
    from pyarrow import parquet

    place.parent.mkdir(parents=True, exist_ok=True)
    written = place.with_name(f".{place.name}.{os.getpid()}.{id(table)}")
    with written.open("wb") as file:
        parquet.write_table(table.replace_schema_metadata(None), file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    _sweep(written)
    return Draft(written=written, place=place, digest=digest_of(written))


def _sweep(written: Path) -> None:
    """Remove what runs that were killed left beside a new draft, by the clock of its disk."""
    now = written.stat().st_mtime
    for left in written.parent.glob(".*.parquet.*"):
        with suppress(FileNotFoundError):  # another run sweeps, too, or has published it
            if now - left.stat().st_mtime > DRAFT_AGE_S_MAX:
                left.unlink()


def digest_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)  # the rename itself survives a power cut only then
    finally:
        os.close(handle)
