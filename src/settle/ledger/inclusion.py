"""Proof that lines stand in sealed blocks: for whoever they belong to, to be checked alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.ledger.blocks import Header
from settle.ledger.chain import Row, newest_head, rows_of, seals_of
from settle.ledger.leaves import Source, leaf_text
from settle.ledger.merkle import Tree, leaf_hash
from settle.ledger.sealing import sealed_content
from settle.ledger.tables import JOURNAL, journal, seal_blocks, sealed_rows

FORMAT = "settle-proof-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One sealed line: its leaf to the byte, its place among the block's, and its audit path."""

    index: int
    leaf: str
    path: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """The line as it stands in a proof."""
        return {"index": self.index, "leaf": self.leaf, "path": list(self.path)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """Lines and the blocks that they stand in, with every header from the first to the newest.

    `blocks`: (header, lines) in order; `unsealed`: lines of theirs that no block has yet.
    """

    of: str
    blocks: Sequence[tuple[str, Sequence[Line]]]
    head: str
    signer: str | None
    signature: str | None
    unsealed: int

    @property
    def lines(self) -> int:
        """How many lines are proved."""
        return sum(len(lines) for _, lines in self.blocks)

    def as_json(self) -> dict[str, Any]:
        """The proof as a JSON object (docs/reference/audit.md)."""
        blocks = [
            {"header": header, "lines": [line.as_json() for line in lines]}
            for header, lines in self.blocks
        ]
        return {
            "format": FORMAT, "of": self.of, "head": self.head, "signer": self.signer,
            "signature": self.signature, "unsealed": self.unsealed, "blocks": blocks,
        }  # fmt: skip


def prove(connection: Connection, accounts: Collection[str], *, of: str) -> Inclusion:
    """The inclusion proof of every sealed journal row that debits or credits one of the accounts.

    Raises:
        BadInput: no row is sealed that does, or one of its blocks is not as it was sealed.
    """
    mine = sa.or_(journal.c.debit.in_(accounts), journal.c.credit.in_(accounts))
    places = _places(connection, mine)
    if not places:
        raise BadInput(f"{of}: no sealed line of the journal is theirs", field="merchant")
    blocks = list(_blocks(connection, places))
    newest = newest_head(connection)
    assert newest is not None, "a row that is sealed is in a block"
    total = connection.scalar(sa.select(sa.func.count()).select_from(journal).where(mine)) or 0
    return Inclusion(
        of=of, blocks=blocks, head=newest.head, signer=newest.signer,
        signature=newest.signature, unsealed=total - sum(map(len, places.values())),
    )  # fmt: skip


def _places(connection: Connection, mine: sa.ColumnElement[bool]) -> dict[int, list[int]]:
    here = sa.and_(sealed_rows.c.source == JOURNAL.name, sealed_rows.c.key == journal.c.entry_id)
    query = sa.select(sealed_rows.c.block, sealed_rows.c.position).join(journal, here).where(mine)
    found: dict[int, list[int]] = defaultdict(list)
    for block, position in connection.execute(query):
        found[block].append(position)
    return found


def _blocks(
    connection: Connection, places: Mapping[int, Sequence[int]]
) -> Iterator[tuple[str, Sequence[Line]]]:
    query = (
        sa.select(seal_blocks.c.number, seal_blocks.c.header)
        .where(seal_blocks.c.number >= min(places))
        .order_by(seal_blocks.c.number)
    )
    for number, header in connection.execute(query).all():
        wanted = sorted(places.get(number, ()))
        yield header, list(_lines(connection, number, header, wanted)) if wanted else []


def _lines(connection: Connection, number: int, text: str, wanted: Sequence[int]) -> Iterator[Line]:
    header, seals = Header.read(text), seals_of(connection, number)
    tree = Tree([seal["leaf"] for seal in seals])
    rows = {row["entry_id"]: row for row in rows_of(connection, JOURNAL, number)}
    if header is None or tree.root.hex() != header.root:
        raise BadInput(f"block {number} is not as it was sealed: settle audit verify", block=number)
    for index in wanted:
        seal = seals[index]
        leaf = _leaf(JOURNAL, header, seal, rows[seal["key"]])
        if leaf_hash(leaf.encode()) != seal["leaf"]:
            why = f"journal {seal['key']} is not as it was sealed: settle audit verify"
            raise BadInput(why, block=number)
        yield Line(index=index, leaf=leaf, path=[each.hex() for each in tree.path(index)])


def _leaf(source: Source, header: Header, seal: Row, row: Row) -> str:
    columns = header.sources[source.name].columns
    return leaf_text(source.name, sealed_content(row, columns), salt=seal["salt"], digests={})
