"""Backups: a copy of the store with its digests, and a store put back that pays nothing yet."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.hub.auditing import signer_of
from settle.hub.backup_manifest import NAME, BackupManifest, files_in, refuse_damaged
from settle.hub.config import Config
from settle.ledger import newest_head
from settle.payments import note_restore
from settle.store import Store
from settle.store.copying import SQLITE_FILE, copy_in, copy_out, is_empty
from settle.store.migrations import knows, revision_of, upgrade_to

if TYPE_CHECKING:
    from settle.hub.auditing import Audited

_STORE = "store"


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """A store that was put back, from a backup of when, and the newest sealed block it has."""

    taken_at: datetime
    head: str | None


def back_up(hub: Audited, target: Path, *, at: datetime) -> BackupManifest:
    """Copy the store, and write down what the lake has. Whoever works goes on.

    `at`: just before the copy is begun. The copy is in place whole or not at all.

    Raises:
        BadInput: there is something at the target already.
        ConfigError: the key of `[audit]` cannot be read.
    """
    if target.exists():
        raise BadInput(f"{target}: exists already; give a new place", file=str(target))
    draft = target.with_name(f".{target.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / _STORE).mkdir(parents=True)
    schema, head = copy_out(hub.store, draft / _STORE, tell=_told)
    # Files of the lake are there before the store speaks of them: so it is looked at afterwards.
    manifest = BackupManifest(
        taken_at=at, kind=_kind(hub.store), schema=schema, head=head,
        store=tuple(files_in(draft / _STORE)),
        lake=tuple(files_in(hub.lake)),
    )  # fmt: skip
    signer = hub.signer
    if signer is not None:
        manifest = replace(manifest, signature=signer.sign(f"backup:{manifest.digest}"))
    (draft / NAME).write_text(json.dumps(manifest.as_json(), indent=1) + "\n", "utf-8")
    _settle_down(draft)
    draft.rename(target)
    return manifest


def put_back(config: Config, source: Path, *, at: datetime) -> PutBack:
    """Make the store of a configuration out of a backup. It releases nothing until `resume`.

    Raises:
        BadInput: the backup is damaged, not of this kind of store, or of a newer library; files
            of the lake are missing; or the store is there already.
        ConfigError: the store or a key cannot be used.
    """
    manifest = BackupManifest.read(source)
    refuse_damaged(source / _STORE, manifest.store, what="backup")
    _refuse_forged(config, manifest, source)
    if not knows(manifest.schema):
        why = f"{source}: its schema {manifest.schema} is of a newer settle; use that one"
        raise BadInput(why, file=str(source))
    refuse_damaged(config.path(config.settings.settle.lake), manifest.lake, what="lake")
    url = sa.make_url(config.store_url)
    if url.get_backend_name() != manifest.kind:
        why = f"{source}: is of {manifest.kind}, and the store is {url.get_backend_name()}"
        raise BadInput(why, file=str(source))
    if manifest.kind == "sqlite":
        return _put_file_back(manifest, source, Path(str(url.database)), at)
    return _fill(config, manifest, source, at)


def _put_file_back(manifest: BackupManifest, source: Path, target: Path, at: datetime) -> PutBack:
    leftovers = [target, *(Path(f"{target}{tail}") for tail in ("-wal", "-shm", "-journal"))]
    for there in leftovers:
        if there.exists():
            raise BadInput(f"{there}: exists; move it away first, and keep it", file=str(there))
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.draft")
    shutil.copyfile(source / _STORE / SQLITE_FILE, draft)
    store = Store.unready(f"sqlite:///{draft}")
    try:
        with store.transaction() as connection:
            _mark(connection, manifest, at)
    finally:
        store.close()
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    draft.rename(target)
    return PutBack(taken_at=manifest.taken_at, head=manifest.head)


def _fill(config: Config, manifest: BackupManifest, source: Path, at: datetime) -> PutBack:
    store = Store.unready(config.store_url)
    try:
        if not is_empty(store):
            raise BadInput("settle.store: the database has tables; give an empty one", file="store")
        upgrade_to(store.engine, manifest.schema)
        tables = [Path(x.path).stem for x in manifest.store]
        copy_in(
            store, source / _STORE, tables,
            then=lambda connection: _mark(connection, manifest, at),
        )  # fmt: skip
    finally:
        store.close()
    return PutBack(taken_at=manifest.taken_at, head=manifest.head)


def _mark(connection: Connection, manifest: BackupManifest, at: datetime) -> None:
    """Write into the store that it is a backup, before anybody else can open it."""
    _, head = _told(connection)
    if head != manifest.head:
        why = f"the store ends at block {head}, and its manifest says {manifest.head}"
        raise BadInput(why, file=NAME)
    note_restore(connection, taken_at=manifest.taken_at, at=at)


def _told(connection: Connection) -> tuple[str, str | None]:
    head = newest_head(connection)
    return revision_of(connection), str(head) if head else None


def _refuse_forged(config: Config, manifest: BackupManifest, source: Path) -> None:
    signer = signer_of(config)
    if signer is None:
        return
    good = manifest.signature is not None and signer.signed(
        f"backup:{manifest.digest}", manifest.signature
    )
    if not good:
        why = f"{source / NAME}: is not signed by the key of [audit], or was changed"
        raise BadInput(why, file=str(source / NAME))


def _kind(store: Store) -> str:
    return "sqlite" if store.is_sqlite else "postgresql"


def _settle_down(folder: Path) -> None:
    """Have every file on the disk before the backup is said to be there."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
