"""Whether a block is as it was sealed, and if not, which of its entries. This is pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from settle.ledger.blocks import GENESIS, Header, head_of
from settle.ledger.flaws import Flaw, Wrong
from settle.ledger.leaves import Key, Source, leaf_text
from settle.ledger.merkle import Tree, leaf_hash
from settle.ledger.sealing import sealed_content
from settle.ledger.signing import Signer

Row = Mapping[str, Any]
Digests = Mapping[str, str | None]

PLACES_MAX = 100_000
"""How many positions of one block are looked for by number; a block has a tenth of it at most."""


@dataclass(slots=True, kw_only=True)
class Links:
    """The chain as far as it has been walked: each block is held against the one before."""

    signer: Signer | None = None
    number: int = 0
    head: str = GENESIS
    signed: int = 0
    is_signed: bool = False

    def judge(self, row: Row) -> Iterator[Flaw]:
        """What is wrong with the next block of the chain, its entries apart."""
        number, header = row["number"], Header.read(str(row["header"]))
        if number != self.number + 1:
            yield _flaw(number, Wrong.MISSING_BLOCK, f"it follows block {self.number}")
        head = head_of(str(row["header"]))
        if header is None or header.block != number:
            yield _flaw(number, Wrong.HEADER, "its header is none that this block could have")
        elif header.previous != self.head:
            yield _flaw(number, Wrong.LINK, f"it does not go on from block {self.number} as it is")
        if row["head"] != head:
            yield _flaw(number, Wrong.HEADER, "its header is not the one that was hashed")
        yield from self._judge_signature(row, header, head)
        self.number, self.head = number if isinstance(number, int) else self.number + 1, head

    def _judge_signature(self, row: Row, header: Header | None, head: str) -> Iterator[Flaw]:
        number, signature = row["number"], row["signature"]
        name = header.signer if header else None
        self.is_signed = False
        if (name is None) != (signature is None):
            yield _flaw(number, Wrong.SIGNATURE, "header and signature do not go together")
        elif name is None:
            if self.signed:
                yield _flaw(number, Wrong.UNSIGNED, "blocks before it are signed")
        elif self.signer is None or name != self.signer.name:
            self.signed += 1
        elif self.signer.signed(head, signature):
            self.signed, self.is_signed = self.signed + 1, True
        else:
            yield _flaw(number, Wrong.SIGNATURE, "the signature is not of this head")

    def end(self) -> Iterator[Flaw]:
        """What is wrong with the chain as a whole: with a key, its newest block is signed by it."""
        if self.signer is not None and self.number and not self.is_signed:
            why = f"the newest block is not signed by {self.signer.name}"
            yield _flaw(self.number, Wrong.UNSIGNED, why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One place of a block: what the seal says, and what the row that is there comes to."""

    source: str
    key: Key
    position: int
    stored: bytes
    found: bytes | None
    is_known: bool = True
    erased: bool = False
    unread: bool = False

    @property
    def name(self) -> str:
        """The entry for people."""
        return f"{self.source} {'/'.join(part for part in self.key if part)}"

    @property
    def order(self) -> tuple[str, Key]:
        """What leaves are ordered by."""
        return self.source, self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A block's entries as they are in the store, by position, and what its header says."""

    number: int
    header: Header | None
    entries: Sequence[Entry] = field(default_factory=list)


def entry_of(
    seal: Row, row: Row | None, *, source: Source | None, header: Header | None, now: Digests | None
) -> Entry:
    """An entry from its seal and its row, if that is there.

    `now`: the digests of what its row holds that may be erased; none where nobody can read it.
    """
    key = str(seal["key"]), str(seal["key_2"]), str(seal["key_3"])
    found, erased = None, False
    share = header.sources.get(str(seal["source"])) if header else None
    if row is not None and source is not None:
        columns = share.columns if share else tuple(source.columns)
        found, erased = _leaf(seal, row, source=source, columns=columns, now=now)
    position = seal["position"]
    return Entry(
        source=str(seal["source"]), key=key,
        position=position if isinstance(position, int) else -1,
        stored=_bytes(seal["leaf"]), found=found, is_known=source is not None, erased=erased,
        unread=row is not None and now is None,
    )  # fmt: skip


def _leaf(
    seal: Row, row: Row, *, source: Source, columns: Sequence[str], now: Digests | None
) -> tuple[bytes, bool]:
    known = [name for name in columns if name in row]
    kept = _digests(seal["digests"])
    text = leaf_text(
        source.name, sealed_content(row, known), salt=_bytes(seal["salt"]), digests=kept
    )
    # What was emptied since is taken at its digest; what is there must still give it.
    if now is None:
        return leaf_hash(text.encode()), False
    if any(digest and digest != kept.get(name) for name, digest in now.items()):
        text += " and other content"
    erased = any(digest and not now.get(name) for name, digest in kept.items())
    return leaf_hash(text.encode()), erased


def judge(content: Content) -> Iterator[Flaw]:
    """What is wrong with the entries of a block."""
    number, header, entries = content.number, content.header, content.entries
    if header is None:
        return  # there is nothing to hold them against; the header's flaw is told
    if _gives(header, [entry.stored for entry in _placed(header, entries)]):
        yield from _against_seals(number, entries)
    elif _gives(header, [entry.found for entry in sorted(entries, key=lambda x: x.order)]):
        yield from _seals(number, entries)
    else:
        flaws = [*_places(number, header, entries), *_against_seals(number, entries)]
        why = f"its {len(entries)} entries do not give its root over {header.count}"
        yield from [*flaws, _flaw(number, Wrong.ENTRIES, why)]


def _gives(header: Header, leaves: Sequence[bytes | None]) -> bool:
    whole = [leaf for leaf in leaves if leaf is not None]
    return len(whole) == len(leaves) == header.count and Tree(whole).root.hex() == header.root


def _placed(header: Header, entries: Sequence[Entry]) -> Sequence[Entry]:
    if len(entries) != header.count:
        return []
    places = [entry.position for entry in entries]
    return entries if places == list(range(len(entries))) else []


def _against_seals(number: int, entries: Sequence[Entry]) -> Iterator[Flaw]:
    for entry in entries:
        if not entry.is_known:
            yield _flaw(number, Wrong.UNKNOWN, "nobody here knows what it is of", entry.name)
        elif entry.found is None:
            yield _flaw(number, Wrong.DELETED, "the row is gone", entry.name)
        elif entry.found != entry.stored:
            why = "the row, with what is kept of its leaf, is not as it was sealed"
            yield _flaw(number, Wrong.EDITED, why, entry.name)


def _seals(number: int, entries: Sequence[Entry]) -> Iterator[Flaw]:
    """The rows are as they were sealed; what was touched is where the seal is kept."""
    for place, entry in enumerate(sorted(entries, key=lambda x: x.order)):
        if entry.position != place:
            why = f"it is at position {entry.position} and was sealed at {place}"
            yield _flaw(number, Wrong.MOVED, why, entry.name)
        if entry.found != entry.stored:
            why = "the kept hash of its leaf was changed, the row is as it was sealed"
            yield _flaw(number, Wrong.SEAL_EDITED, why, entry.name)


def _places(number: int, header: Header, entries: Sequence[Entry]) -> Iterator[Flaw]:
    taken = Counter(entry.position for entry in entries)
    # A header that somebody wrote may count to the moon.
    for place in sorted(set(range(min(header.count, PLACES_MAX))) - taken.keys()):
        yield _flaw(number, Wrong.TAKEN_OUT, "no entry says that it is there", f"position {place}")
    for entry in entries:
        if not 0 <= entry.position < header.count or taken[entry.position] > 1:
            why = f"no entry was sealed at position {entry.position}, or another one was"
            yield _flaw(number, Wrong.INSERTED, why, entry.name)
    ordered = sorted(entries, key=lambda x: x.order)
    for entry, other in zip(entries, ordered, strict=True):
        if entry is not other:
            yield _flaw(number, Wrong.MOVED, "it stands out of order", entry.name)
            return


def _digests(text: object) -> dict[str, Any]:
    try:
        found = json.loads(str(text)) if text is not None else {}
    except (ValueError, RecursionError):
        return {"unreadable": str(text)}
    return found if isinstance(found, dict) else {"unreadable": str(text)}


def _bytes(value: object) -> bytes:
    match value:
        case bytes() | bytearray() | memoryview():
            return bytes(value)
        case other:
            return repr(other).encode()


def _flaw(number: object, wrong: Wrong, why: str, entry: str | None = None) -> Flaw:
    if isinstance(number, int):
        return Flaw(block=number, entry=entry, wrong=wrong, why=why)
    return Flaw(entry=entry, wrong=wrong, why=f"a block is numbered {number!r}; {why}")
