"""The sealer: takes what no block has yet and chains it, beside the workers and not before them.

Rows are read in a snapshot, hashed without a lock, and each block is stored in a transaction of
its own. A sealer that is killed has stored whole blocks only, and the next goes on after them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import Busy, ConfigError
from settle.ledger.blocks import Head
from settle.ledger.chain import newest_head, unsealed
from settle.ledger.leaves import Salts, Source
from settle.ledger.sealing import Block, Found, Seal, block_of
from settle.ledger.signing import Signer
from settle.ledger.tables import seal_blocks, sealed_rows
from settle.store import Store, exclusive, insert_columns

ENTRIES_MAX = 10_000
"""How many rows a block has at most: a tenth of a second of SQLite's one writer."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """What a sealing did: how many blocks and entries are new, and the chain's newest head."""

    blocks: int
    entries: int
    head: Head | None


def seal(
    store: Store, sources: Sequence[Source], *, now: datetime, signer: Signer | None = None,
    salts: Salts = secrets.token_bytes, entries_max: int = ENTRIES_MAX,
) -> Sealed:  # fmt: skip
    """Seal every row of the sources that no block has. This queues no worker.

    A row that is committed meanwhile, or whose transaction began before and commits after, is
    found by the next sealing. Without a signer the blocks are chained and not signed.

    Raises:
        Busy: another process seals this store just now.
        ConfigError: the newest block is signed, and there is no signer to go on.
    """
    at = (now - _EPOCH) // timedelta(microseconds=1)
    blocks = entries = 0
    with exclusive(store, "sealing"), store.reading() as snapshot:
        head = newest_head(snapshot)
        _refuse_unsigned(head, signer)
        for rows in _groups(_found(snapshot, sources), entries_max):
            block = block_of(rows, after=head, sealed_at=at, signer=signer, salts=salts)
            try:
                with store.transaction() as connection:
                    keep(connection, block)
            except sa.exc.IntegrityError:
                # Two sealers are possible where the lock's session was lost; two such blocks not.
                raise Busy("another sealing is under way on this store", name="sealing") from None
            head, blocks, entries = block.head, blocks + 1, entries + len(rows)
    return Sealed(blocks=blocks, entries=entries, head=head)


def _refuse_unsigned(head: Head | None, signer: Signer | None) -> None:
    # Whoever took the key away could else have everything since sealed without it.
    if signer is None and head is not None and head.signer is not None:
        raise ConfigError(
            f"audit.key: is not set, and the newest block is signed by {head.signer}; "
            "nothing is sealed without it",
            key="audit.key",
        )


def keep(connection: Connection, block: Block) -> None:
    """Store a block and the places of its rows, all or nothing with the caller's transaction."""
    row = {
        "number": block.header.block, "header": block.header.text, "head": block.head.head,
        "signature": block.head.signature,
    }  # fmt: skip
    connection.execute(sa.insert(seal_blocks), row)
    _insert(connection, block.header.block, block.seals)


def _insert(connection: Connection, number: int, seals: Sequence[Seal]) -> None:
    import pyarrow as pa

    keys = zip(*(seal.key for seal in seals), strict=True)
    columns = {
        "source": pa.array([seal.source for seal in seals], pa.string()),
        **dict(zip(("key", "key_2", "key_3"), map(list, keys), strict=True)),
        "block": pa.repeat(pa.scalar(number, pa.int64()), len(seals)),
        "position": pa.array(range(len(seals)), pa.int32()),
        "salt": pa.array([seal.salt for seal in seals], pa.binary()),
        "leaf": pa.array([seal.leaf for seal in seals], pa.binary()),
        "digests": pa.array([seal.digests for seal in seals], pa.string()),
    }
    insert_columns(connection, sealed_rows, pa.table(columns))


def _found(snapshot: Connection, sources: Sequence[Source]) -> Iterator[Found]:
    for source in sources:
        for row in unsealed(snapshot, source):
            yield source, row


def _groups(rows: Iterable[Found], size: int) -> Iterator[list[Found]]:
    each = iter(rows)
    while group := list(islice(each, size)):
        yield group
