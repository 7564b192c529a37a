"""The manifest of a backup: what is in it, by digest, and what it was taken of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from settle.errors import BadInput

NAME = "manifest.json"
FORMAT = 1
_NOT_KEPT = frozenset({"epochs", "heads", "spilled"})
"""What stands beside the lake and is not of it: how often the store has sent, and scratch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFile:
    """One file: its path from the folder it is in, its size, its SHA-256."""

    path: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupManifest:
    """What a backup holds. `head`: the newest sealed block, none before the first one.

    `store`: the files in it; `lake`: those that the store speaks of, which it does not hold.
    """

    taken_at: datetime
    kind: str
    schema: str
    head: str | None
    store: tuple[BackupFile, ...]
    lake: tuple[BackupFile, ...]
    signature: str | None = None

    @property
    def text(self) -> str:
        """What is signed: all of it but the signature, in one way only."""
        told = self.as_json()
        del told["signature"]
        return json.dumps(told, sort_keys=True, separators=(",", ":"))

    @property
    def digest(self) -> str:
        """The SHA-256 of what is signed."""
        return sha256(self.text.encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """The manifest as it is written."""
        return {
            "format": FORMAT, "taken_at": self.taken_at.isoformat(), "kind": self.kind,
            "schema": self.schema, "head": self.head, "signature": self.signature,
            "store": [[x.path, x.size, x.digest] for x in self.store],
            "lake": [[x.path, x.size, x.digest] for x in self.lake],
        }  # fmt: skip

    @classmethod
    def read(cls, folder: Path) -> BackupManifest:
        """The manifest of a backup.

        Raises:
            BadInput: there is none, or it is none that this library could have written.
        """
        path = folder / NAME
        try:
            told = json.loads(path.read_text("utf-8"))
            if told["format"] != FORMAT:
                raise BadInput(f"{path}: format {told['format']!r} is not known", file=str(path))
            return _told(told)
        except OSError as error:
            raise BadInput(f"{path}: {error.strerror}: no backup", file=str(path)) from None
        except (KeyError, TypeError, ValueError, RecursionError):
            raise BadInput(f"{path}: is damaged: no manifest", file=str(path)) from None


def _told(told: Mapping[str, Any]) -> BackupManifest:
    return BackupManifest(
        taken_at=datetime.fromisoformat(told["taken_at"]), kind=str(told["kind"]),
        schema=str(told["schema"]), head=told["head"], signature=told["signature"],
        store=tuple(_file(*x) for x in told["store"]), lake=tuple(_file(*x) for x in told["lake"]),
    )  # fmt: skip


def _file(path: str, size: int, digest: str) -> BackupFile:
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ValueError(path)
    return BackupFile(path=path, size=int(size), digest=str(digest))


def files_in(folder: Path) -> Iterator[BackupFile]:
    """Every file below a folder, by path. Drafts are hidden, and are nobody's yet."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if path.is_file() and not hidden and relative.parts[0] not in _NOT_KEPT:
            size, digest = _measured(path)
            yield BackupFile(path=relative.as_posix(), size=size, digest=digest)


def refuse_damaged(folder: Path, files: tuple[BackupFile, ...], *, what: str) -> None:
    """Refuse files that are not as they were.

    Raises:
        BadInput: one is missing or changed; the message names it and says how many are.
    """
    wrong = [x.path for x in files if not _is_as_it_was(folder / x.path, x)]
    if wrong:
        more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
        why = f"{folder / wrong[0]}: is missing or is not as it was in the {what}{more}"
        raise BadInput(why, file=str(folder / wrong[0]))


def _is_as_it_was(path: Path, kept: BackupFile) -> bool:
    return path.is_file() and _measured(path) == (kept.size, kept.digest)


def _measured(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, file_digest(file, "sha256").hexdigest()
