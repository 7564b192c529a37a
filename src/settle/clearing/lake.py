"""The lake: a folder of immutable Parquet files, each in place whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from settle.engine import AnyScratch, Compression, Scratch
from settle.errors import BadInput

DRAFT_AGE_S_MAX = 24 * 60 * 60
"""An older draft is nobody's: a batch or a window takes seconds."""

_DRAFT = re.compile(r"\.(?:.+\.parquet|[0-9a-f]{64})\.\d+\.\d+")
"""How a draft is called. What else is hidden beside a file that a caller named is not ours."""


def outcome_name(window_id: str, outcome: int) -> str:
    """What the files of a window's outcome are called. This is its date, for the first one."""
    return window_id if outcome == 1 else f"{window_id}.{outcome}"


def window_named(name: str) -> str:
    """The window of an outcome's name. This undoes `outcome_name`."""
    return name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Lake:
    """Where each file of a batch or window lies under `root`.

    `name`: of a window's outcome, see `outcome_name`. Those that no longer stand stay.
    """

    root: Path

    def accepted(self, batch_id: str) -> Path:
        """The records of a batch that were accepted when it was taken."""
        return self.root / "accepted" / f"{batch_id}.parquet"

    def quarantine(self, batch_id: str) -> Path:
        """The records of a batch that were refused, with the reason."""
        return self.root / "quarantine" / f"{batch_id}.parquet"

    def ids(self, batch_id: str) -> Path:
        """The ids of a batch with the digests of what they say, in parts by the id's hash."""
        return self.root / "ids" / batch_id

    def settled(self, name: str) -> Path:
        """Records of a closed window, of batches that are not settled whole."""
        return self.root / "settled" / f"{name}.parquet"

    def deferred(self, name: str) -> Path:
        """The records that the close of a window left to later ones."""
        return self.root / "deferred" / f"{name}.parquet"

    def terms(self, digest: str) -> Path:
        """The agreements or the fees of this digest, as a window was netted under them."""
        return self.root / "terms" / f"{digest}.parquet"

    def manifest(self, name: str) -> Path:
        """What a closed window is made of, as a table of files."""
        return self.root / "manifest" / f"{name}.parquet"

    def superseded(self, name: str, *, table: str) -> Path:
        """The rows that the store had of an outcome which no longer stands, of one table."""
        return self.root / "superseded" / name / f"{table}.parquet"


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A file, or a folder of files, written and flushed beside its place.

    `publish` is what makes it exist.
    """

    written: Path
    place: Path

    @cached_property
    def digest(self) -> str:
        """The sha256 of a file, whether it is in its place yet or not."""
        return digest_of(self.written if self.written.exists() else self.place)

    @property
    def rows(self) -> int:
        """How many rows the written file holds, as it says itself."""
        from pyarrow import parquet

        return int(parquet.read_metadata(self.written).num_rows)

    def publish(self) -> None:
        """Put it in its place at once. This replaces what an aborted run left there."""
        if self.written.is_dir() and self.place.is_dir():
            shutil.rmtree(self.place)
        self.written.replace(self.place)
        _flush_folder(self.place.parent)

    def discard(self) -> None:
        """Remove what was written. This may be called after `publish`."""
        _remove(self.written)


def drafted(
    scratch: AnyScratch, query: str, place: Path, *, compression: Compression = "zstd"
) -> Draft:
    """Write a query's rows beside `place`, on disk for good. This holds no table in memory.

    Raises:
        BadInput: `place` is a folder, which nothing here replaces, or its folder cannot be made.
    """
    if place.is_dir():
        raise BadInput(f"{place} is a folder: name a file", file=str(place))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"{place} cannot be written: its folder cannot be made ({error.strerror})",
            file=str(place),
        ) from None
    written = place.with_name(f".{place.name}.{os.getpid()}.{time.monotonic_ns()}")
    scratch.write(query, written, compression=compression)
    with written.open("rb") as file:
        os.fsync(file.fileno())
    _sweep(written)
    return Draft(written=written, place=place)


def drafted_parts(scratch: Scratch, query: str, place: Path, *, by: str, within: str) -> Draft:
    """The same as a folder `place/within` of files, one or more for each value of `by`."""
    written = place.with_name(f".{place.name}.{os.getpid()}.{time.monotonic_ns()}")
    written.mkdir(parents=True)
    scratch.write_parts(query, written / within, by=by)
    for path in sorted(written.rglob("*.parquet")):
        with path.open("rb") as file:
            os.fsync(file.fileno())
        _flush_folder(path.parent)
    _sweep(written)
    return Draft(written=written, place=place)


def _sweep(written: Path) -> None:
    """Remove what runs that were killed left beside a new draft, by the clock of its disk."""
    now = written.stat().st_mtime
    for left in filter(_is_draft, written.parent.glob(".*")):
        with suppress(FileNotFoundError):  # another run sweeps, too, or has published it
            if now - left.stat().st_mtime > DRAFT_AGE_S_MAX:
                _remove(left)


def _is_draft(path: Path) -> bool:
    return _DRAFT.fullmatch(path.name) is not None


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


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
