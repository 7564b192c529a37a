"""How rows become a block. This is pure: chance, time and the signer are arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from settle.ledger.blocks import GENESIS, Head, Header, Share, head_of
from settle.ledger.leaves import (
    SALT_BYTES,
    Key,
    Salts,
    Source,
    canonical,
    leaf_text,
    value_of,
)
from settle.ledger.merkle import Tree, leaf_hash
from settle.ledger.signing import Signer

Found = tuple[Source, Mapping[str, Any]]
"""A row that is to be sealed, and whose it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The place of one row in a block: whose it is, its key, and what its leaf was made with."""

    source: str
    key: Key
    salt: bytes
    leaf: bytes
    digests: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block that is to be stored: its header, its head, and its seals in order."""

    header: Header
    head: Head
    seals: Sequence[Seal]


def block_of(
    rows: Sequence[Found], *, after: Head | None, sealed_at: int, signer: Signer | None,
    salts: Salts,
) -> Block:  # fmt: skip
    """The next block of a chain. Its leaves stand in the order of their source and key.

    `after`: the head of the block before, none for the first; `sealed_at`: microseconds.
    """
    assert rows, "a block seals something"
    salt = salts(SALT_BYTES * len(rows))
    parts = (salt[at : at + SALT_BYTES] for at in range(0, len(salt), SALT_BYTES))
    found = [_seal(source, row, part) for (source, row), part in zip(rows, parts, strict=True)]
    seals = sorted(found, key=lambda seal: (seal.source, seal.key))
    header = Header(
        block=after.block + 1 if after else 1,
        previous=after.head if after else GENESIS,
        root=Tree([seal.leaf for seal in seals]).root.hex(),
        count=len(seals),
        sealed_at=sealed_at,
        signer=signer.name if signer else None,
        sources=_shares(rows),
    )
    return Block(header=header, head=_signed(header, signer), seals=seals)


def _signed(header: Header, signer: Signer | None) -> Head:
    head = head_of(header.text)
    if signer is None:
        return Head(block=header.block, head=head)
    return Head(block=header.block, head=head, signer=signer.name, signature=signer.sign(head))


def _seal(source: Source, row: Mapping[str, Any], salt: bytes) -> Seal:
    digests = source.written(row)
    content = sealed_content(row, source.columns)
    text = leaf_text(source.name, content, salt=salt, digests=digests)
    return Seal(
        source=source.name, key=source.key_of(row), salt=salt, leaf=leaf_hash(text.encode()),
        digests=canonical(digests) if digests else None,
    )  # fmt: skip


def sealed_content(row: Mapping[str, Any], columns: Iterable[str]) -> dict[str, Any]:
    """What a leaf has of a row: its columns, as they stand in leaves."""
    return {name: value_of(row[name]) for name in columns}


def _shares(rows: Iterable[Found]) -> dict[str, Share]:
    times: dict[str, list[int]] = {}
    columns: dict[str, tuple[str, ...]] = {}
    for source, row in rows:
        at = row[source.recorded]
        # What is no instant is sealed as it is; a sealer does not judge.
        times.setdefault(source.name, []).append(at if isinstance(at, int) else 0)
        columns[source.name] = tuple(source.columns)
    return {
        name: Share(columns=columns[name], count=len(at), first=min(at), last=max(at))
        for name, at in sorted(times.items())
    }
