"""The audit: the whole chain walked, every sealed row looked at again, every balance rebuilt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.ledger.blocks import Head, Header
from settle.ledger.chain import (
    Row,
    Tail,
    blocks_named,
    rows_of,
    seals_of,
    stored_blocks,
    streamed,
    tail_of,
)
from settle.ledger.flaws import Flaw, Wrong
from settle.ledger.journal import balances
from settle.ledger.judging import Content, Entry, Links, entry_of, judge
from settle.ledger.leaves import Source, raw
from settle.ledger.signing import Signer
from settle.ledger.tables import journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit found: how much it looked at, each flaw with its place, and what is unsealed.

    `signed`: blocks with a signature, `checked`: whether there was a key to check those of it;
    `erased`: entries of whose content only the digest is left; `unread`: those of which nobody
    here has the key, so that their content was not looked at; `accounts`: balances rebuilt.
    """

    blocks: int
    entries: int
    signed: int
    checked: bool
    erased: int
    unread: int
    accounts: int
    head: Head | None
    tail: Mapping[str, Tail] = field(default_factory=dict)
    flaws: Sequence[Flaw] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing that is sealed was touched, and the balances are those of the rows."""
        return not self.flaws

    @property
    def unsealed(self) -> int:
        """How many rows no block has yet."""
        return sum(tail.count for tail in self.tail.values())

    @property
    def unsealed_since(self) -> int | None:
        """When the oldest of them was written, in microseconds since 1970."""
        return min((x.oldest for x in self.tail.values() if x.oldest is not None), default=None)


def audit(
    connection: Connection, sources: Sequence[Source], *, signer: Signer | None = None,
    heads: Sequence[Head] = (),
) -> Audit:  # fmt: skip
    """Look at everything that was sealed, in one view of the store.

    `heads`: exported ones, each of which the chain must still have: without one, blocks that were
    cut off at the end, or a chain that was made anew, cannot be told.
    """
    walk = _Walk(connection=connection, sources={x.name: x for x in sources}, signer=signer)
    flaws = [*walk.flaws(), *_heads(walk, heads)]
    accounts, wrong = _rebuilt(connection)
    return Audit(
        blocks=walk.blocks, entries=walk.entries, signed=walk.links.signed,
        checked=signer is not None, erased=walk.erased, unread=walk.unread, accounts=accounts,
        head=walk.head,
        tail={source.name: tail_of(connection, source) for source in sources},
        flaws=[*flaws, *wrong],
    )  # fmt: skip


@dataclass(slots=True, kw_only=True)
class _Walk:
    """The chain, walked from its first block; counts what it passes."""

    connection: Connection
    sources: Mapping[str, Source]
    signer: Signer | None
    blocks: int = 0
    entries: int = 0
    erased: int = 0
    unread: int = 0
    head: Head | None = None
    links: Links = field(init=False)
    heads: dict[int, str] = field(default_factory=dict)

    def flaws(self) -> Iterator[Flaw]:
        self.links = Links(signer=self.signer)
        named = blocks_named(self.connection)
        for row in list(stored_blocks(self.connection)):
            yield from self.links.judge(row)
            yield from judge(self._content(row))
            self._pass()
            named.pop(row["number"], None)
        yield from self.links.end()
        for number, count in sorted(named.items(), key=str):
            why = f"{count} entries say that they are in it"
            yield Flaw(
                block=number if isinstance(number, int) else None, wrong=Wrong.MISSING_BLOCK,
                why=why,
            )  # fmt: skip

    def _pass(self) -> None:
        self.blocks += 1
        self.heads[self.links.number] = self.links.head
        self.head = Head(block=self.links.number, head=self.links.head)

    def _content(self, row: Row) -> Content:
        header = Header.read(str(row["header"]))
        seals = seals_of(self.connection, row["number"])
        rows = self._rows(seals, row["number"])
        entries = [self._entry(seal, rows, header) for seal in seals]
        self.entries += len(entries)
        self.erased += sum(entry.erased for entry in entries)
        self.unread += sum(entry.unread for entry in entries)
        return Content(number=row["number"], header=header, entries=entries)

    def _rows(self, seals: Sequence[Row], number: object) -> Mapping[Any, Row]:
        present = {str(seal["source"]) for seal in seals}
        return {
            (name, *source.key_of(found)): found
            for name, source in self.sources.items() if name in present
            for found in rows_of(self.connection, source, number)
        }  # fmt: skip

    def _entry(self, seal: Row, rows: Mapping[Any, Row], header: Header | None) -> Entry:
        place = seal["source"], seal["key"], seal["key_2"], seal["key_3"]
        source = self.sources.get(str(seal["source"]))
        row, now = rows.get(place), None
        if row is not None and source is not None:
            now = source.found(self.connection, row)
        return entry_of(seal, row, source=source, header=header, now=now)


def _heads(walk: _Walk, heads: Sequence[Head]) -> Iterator[Flaw]:
    for head in heads:
        found = walk.heads.get(head.block)
        if found is None:
            why = f"it was exported, and the chain ends at block {max(walk.heads, default=0)}"
            yield Flaw(block=head.block, wrong=Wrong.CUT_OFF, why=why)
        elif found != head.head:
            why = "another head of it was exported: this chain was made anew"
            yield Flaw(block=head.block, wrong=Wrong.CUT_OFF, why=why)


def _rebuilt(connection: Connection) -> tuple[int, list[Flaw]]:
    """Every balance, added up row by row, and where the store's own sums say otherwise."""
    added, flaws = _added(connection)
    if flaws:
        return len(added), flaws  # the store could not add these up, either
    told = {(x.account, x.currency): x.balance_minor for x in balances(connection)}
    for account, currency in sorted(added.keys() | told.keys()):
        rebuilt, summed = added.get((account, currency), 0), told.get((account, currency), 0)
        if rebuilt != summed:
            why = f"{account} has {rebuilt} {currency} by its rows, and {summed} as summed"
            flaws.append(Flaw(wrong=Wrong.BALANCE, why=why))
    return len(added), flaws


def _added(connection: Connection) -> tuple[Mapping[tuple[str, str], int], list[Flaw]]:
    added: dict[tuple[str, str], int] = defaultdict(int)
    flaws = []
    columns = ("entry_id", "debit", "credit", "currency", "amount_minor")
    query = sa.select(*(raw(journal.c[name]).label(name) for name in columns))
    for row in streamed(connection, query):
        amount = row["amount_minor"]
        if _moves(row):
            added[row["debit"], row["currency"]] += amount
            added[row["credit"], row["currency"]] -= amount
        else:
            why = f"{amount!r} {row['currency']!r} is no amount that a row could have"
            entry = f"journal {row['entry_id']}"
            flaws.append(Flaw(wrong=Wrong.BALANCE, entry=entry, why=why))
    return added, flaws


def _moves(row: Row) -> bool:
    texts = all(isinstance(row[name], str) for name in ("debit", "credit", "currency"))
    return texts and isinstance(row["amount_minor"], int) and row["amount_minor"] > 0
