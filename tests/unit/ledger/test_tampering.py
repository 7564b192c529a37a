"""Whatever is done to what was sealed is found, with the block and the entry it was done to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection
from tests.size import examples

from settle.ledger import Flaw, Head, Wrong, audit
from settle.ledger.chain import newest_head
from settle.ledger.tables import journal, seal_blocks, sealed_rows
from settle.payments.tables import exchanges, payment_events
from settle.store import Store

from .conftest import SIGNER, SOURCES, postings, touched

pytestmark = pytest.mark.soak

# There is no silence where there is an answer; how content is kept changes with the key, and what
# was emptied is told by its digest. Whether somebody has heard an answer yet is no part of it.
NOT_SEALED = (
    "silence", "key_id", "digests", "answer_key_id", "answer_digests", "erasure_id", "unheard",
)  # fmt: skip
ROOMS = {"journal": journal, "payment_events": payment_events, "exchanges": exchanges}
KEYS = ("source", "key", "key_2", "key_3")

shared = settings(
    max_examples=examples(8, full=400),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
"""Each example is rolled back, so that all of them may share one store."""


def rows(connection: Connection, table: sa.Table) -> Sequence[Mapping[str, Any]]:
    """Every row of a table, by its key."""
    found = connection.execute(sa.select(table)).mappings().all()
    return sorted((dict(row) for row in found), key=lambda row: str(at(table, row)))


def at(table: sa.Table, row: Mapping[str, Any]) -> list[Any]:
    return [row[column.name] for column in table.primary_key]


def where(table: sa.Table, row: Mapping[str, Any]) -> sa.ColumnElement[bool]:
    return sa.and_(*(column == row[column.name] for column in table.primary_key))


def other(value: Any) -> Any:
    """A value that is not this one, and that its column takes."""
    if isinstance(value, datetime | date):
        short = isinstance(value, datetime)
        return value + (timedelta(microseconds=1) if short else timedelta(days=1))
    match value:
        case None:
            return 1
        case bool():
            return not value
        case int():
            return value + 1
        case bytes():
            return value + b"x"
        case text:
            return text[:-1] + ("y" if text.endswith("x") else "x")


def flaws(connection: Connection, *, heads: Sequence[Head] = ()) -> Sequence[Flaw]:
    return audit(connection, SOURCES, signer=SIGNER, heads=heads).flaws


def seal_of(connection: Connection, name: str, row: Mapping[str, Any]) -> tuple[int, str]:
    """The block of a row, and what an audit calls it."""
    key = [str(part) for part in at(ROOMS[name], row)]
    names = [sealed_rows.c.source == name, *(sealed_rows.c[k] == v for k, v in
             zip(KEYS[1:], [*key, "", ""], strict=False))]  # fmt: skip
    block = connection.execute(sa.select(sealed_rows.c.block).where(*names)).scalar_one()
    return int(block), f"{name} {'/'.join(key)}"


def places(found: Sequence[Flaw], wrong: Wrong) -> set[tuple[int | None, str | None]]:
    return {(flaw.block, flaw.entry) for flaw in found if flaw.wrong is wrong}


@shared
@given(data=st.data())
def test_an_edited_row_is_named(chain: Store, data: st.DataObject) -> None:
    """Any column of any sealed row of any source, changed by as little as there is."""
    with touched(chain) as connection:
        name = data.draw(st.sampled_from(sorted(ROOMS)))
        row = data.draw(st.sampled_from(rows(connection, ROOMS[name])))
        column = data.draw(st.sampled_from([column.name for column in ROOMS[name].c]))
        if name == "exchanges" and column in NOT_SEALED:
            return
        block, entry = seal_of(connection, name, row)
        changed = sa.update(ROOMS[name]).where(where(ROOMS[name], row))
        connection.execute(changed.values({column: other(row[column])}))
        key = column in ROOMS[name].primary_key
        expected = Wrong.DELETED if key else Wrong.EDITED
        assert {(block, entry)} == places(flaws(connection), expected)


@shared
@given(data=st.data())
def test_deleted_rows_are_named(chain: Store, data: st.DataObject) -> None:
    """As many as there are, up to all of them."""
    with touched(chain) as connection:
        name = data.draw(st.sampled_from(sorted(ROOMS)))
        choice = st.lists(st.sampled_from(rows(connection, ROOMS[name])), min_size=1,
                          unique_by=lambda row: str(at(ROOMS[name], row)))  # fmt: skip
        gone = data.draw(choice)
        expected = {seal_of(connection, name, row) for row in gone}
        for row in gone:
            connection.execute(sa.delete(ROOMS[name]).where(where(ROOMS[name], row)))
        assert expected == places(flaws(connection), Wrong.DELETED)


@shared
@given(data=st.data())
def test_two_rows_that_change_places_are_named(chain: Store, data: st.DataObject) -> None:
    """The same figures are there, and the same totals; each stands under another's name."""
    with touched(chain) as connection:
        choice = st.lists(st.sampled_from(rows(connection, journal)), min_size=2, max_size=2,
                          unique_by=lambda row: row["entry_id"])  # fmt: skip
        one, two = data.draw(choice)
        for row, into in ((one, two), (two, one)):
            values = {"amount_minor": row["amount_minor"], "credit": row["credit"]}
            connection.execute(sa.update(journal).where(where(journal, into)).values(values))
        expected = {seal_of(connection, "journal", row) for row in (one, two)}
        assert expected == places(flaws(connection), Wrong.EDITED)


@shared
@given(data=st.data())
def test_a_touched_seal_is_found_in_its_block(chain: Store, data: st.DataObject) -> None:
    """Its place, its salt, its leaf, its digests: the block it stood in is named."""
    with touched(chain) as connection:
        row = data.draw(st.sampled_from(rows(connection, sealed_rows)))
        column = data.draw(st.sampled_from([column.name for column in sealed_rows.c]))
        value = row[column] + 1000 if column in {"block", "position"} else other(row[column])
        value = '{"content":"00"}' if column == "digests" else value
        changed = sa.update(sealed_rows).where(where(sealed_rows, row))
        connection.execute(changed.values({column: value}))
        assert row["block"] in {flaw.block for flaw in flaws(connection)}


@shared
@given(data=st.data())
def test_a_row_taken_out_of_its_block_is_found(chain: Store, data: st.DataObject) -> None:
    """With its row or without: the position that nobody has is told."""
    with touched(chain) as connection:
        row = data.draw(st.sampled_from(rows(connection, sealed_rows)))
        connection.execute(sa.delete(sealed_rows).where(where(sealed_rows, row)))
        if data.draw(st.booleans()) and row["source"] == "journal":
            connection.execute(sa.delete(journal).where(journal.c.entry_id == row["key"]))
        expected = (row["block"], f"position {row['position']}")
        assert {expected} == places(flaws(connection), Wrong.TAKEN_OUT)


@shared
@given(data=st.data())
def test_two_seals_that_change_places_are_named(chain: Store, data: st.DataObject) -> None:
    """Entries of one block in another order are not what was sealed."""
    with touched(chain) as connection:
        block = data.draw(st.integers(1, 6))
        mine = [row for row in rows(connection, sealed_rows) if row["block"] == block]
        one, two = data.draw(st.permutations(mine))[:2]
        moves = ((one, 1000), (two, one["position"]), (one, two["position"]))
        for row, place in moves:
            changed = sa.update(sealed_rows).where(where(sealed_rows, row))
            connection.execute(changed.values(position=place))
        expected = {(block, f"{row['source']} {'/'.join(filter(None, at(sealed_rows, row)[1:]))}")
                    for row in (one, two)}  # fmt: skip
        assert expected == places(flaws(connection), Wrong.MOVED)


@shared
@given(data=st.data())
def test_a_row_put_into_a_sealed_block_is_named(chain: Store, data: st.DataObject) -> None:
    """With a seal that is well made, at the end of its block or beyond it."""
    with touched(chain) as connection:
        block = data.draw(st.integers(1, 6))
        (new,) = postings(1000, 1, event="forged")
        template = rows(connection, journal)[0]
        connection.execute(journal.insert(), {**template, "entry_id": new.entry_id})
        size = connection.execute(
            sa.select(sa.func.count()).where(sealed_rows.c.block == block)
        ).scalar_one()
        forged = {"source": "journal", "key": new.entry_id, "key_2": "", "key_3": "",
                  "block": block, "position": size + data.draw(st.integers(0, 3)),
                  "salt": b"s" * 16, "leaf": b"l" * 32, "digests": None}  # fmt: skip
        connection.execute(sealed_rows.insert(), forged)
        expected = (block, f"journal {new.entry_id}")
        assert {expected} == places(flaws(connection), Wrong.INSERTED)


@shared
@given(data=st.data())
def test_a_touched_block_is_named(chain: Store, data: st.DataObject) -> None:
    """Any of its columns, and each figure of its header."""
    with touched(chain) as connection:
        row = data.draw(st.sampled_from(rows(connection, seal_blocks)))
        header = json.loads(row["header"])
        column = data.draw(st.sampled_from([*row, *(f"header.{name}" for name in header)]))
        value = row[column] + 1000 if column == "number" else other(row.get(column))
        if column.startswith("header."):
            name = column.removeprefix("header.")
            was = header[name]
            header[name] = other(was) if not isinstance(was, dict) else {}
            column, value = "header", json.dumps(header, sort_keys=True, separators=(",", ":"))
        changed = sa.update(seal_blocks).where(where(seal_blocks, row))
        connection.execute(changed.values({column: value}))
        assert row["number"] in {flaw.block for flaw in flaws(connection)}


@shared
@given(data=st.data())
def test_a_block_that_is_gone_is_named(chain: Store, data: st.DataObject) -> None:
    """Out of the middle, the next one shows it; at the end, the entries that name it do."""
    with touched(chain) as connection:
        number = data.draw(st.integers(1, 6))
        connection.execute(sa.delete(seal_blocks).where(seal_blocks.c.number == number))
        alone = data.draw(st.booleans()) or number == 6
        if not alone:
            connection.execute(sa.delete(sealed_rows).where(sealed_rows.c.block == number))
        found = flaws(connection)
        assert number in {flaw.block for flaw in found} if alone else found
        assert places(found, Wrong.MISSING_BLOCK)


@shared
@given(data=st.data())
def test_two_blocks_that_change_places_are_named(chain: Store, data: st.DataObject) -> None:
    """Whole blocks, each with its entries, in another order."""
    with touched(chain) as connection:
        one, two = data.draw(st.permutations(range(1, 7)))[:2]
        for table, column in ((seal_blocks, "number"), (sealed_rows, "block")):
            for was, becomes in ((one, 1000), (two, one), (1000, two)):
                changed = sa.update(table).where(table.c[column] == was)
                connection.execute(changed.values({column: becomes}))
        assert {one, two} <= {flaw.block for flaw in flaws(connection)}


@shared
@given(data=st.data())
def test_newest_blocks_that_were_cut_off_are_told_by_a_head(
    chain: Store, data: st.DataObject
) -> None:
    """Rows, seals and blocks alike are gone; only who kept a head elsewhere can know."""
    with touched(chain) as connection:
        head = newest_head(connection)
        assert head is not None
        first = data.draw(st.integers(1, 6))
        connection.execute(sa.delete(sealed_rows).where(sealed_rows.c.block >= first))
        connection.execute(sa.delete(seal_blocks).where(seal_blocks.c.number >= first))
        assert [] == flaws(connection)
        assert {(6, None)} == places(flaws(connection, heads=[head]), Wrong.CUT_OFF)


def test_a_chain_made_anew_is_told_by_the_key_and_by_a_head(chain: Store) -> None:
    """Whoever holds the database and no key can rewrite all of it, and cannot sign it."""
    from settle.ledger.sealer import keep
    from settle.ledger.sealing import block_of

    with touched(chain) as connection:
        head = newest_head(connection)
        assert head is not None
        for table in (sealed_rows, seal_blocks):
            connection.execute(sa.delete(table))
        connection.execute(sa.update(journal).values(amount_minor=7))
        raw = connection.execute(sa.text("select * from journal")).mappings().all()
        found = [(SOURCES[0], dict(row)) for row in raw]
        made = block_of(found, after=None, sealed_at=0, signer=None, salts=bytes)
        keep(connection, made)
        assert audit(connection, SOURCES).is_sound
        assert {Wrong.UNSIGNED} == {flaw.wrong for flaw in flaws(connection)}
        assert audit(connection, SOURCES, heads=[head]).flaws


def test_content_that_was_erased_is_told_and_is_no_flaw(chain: Store) -> None:
    """Retention empties bodies; their digests are still what was sealed."""
    with touched(chain) as connection:
        emptied = {"target": "", "headers": "", "content": b"", "answer_headers": None}
        connection.execute(sa.update(exchanges).values(**emptied, answer_content=None))
        found = audit(connection, SOURCES, signer=SIGNER)
        assert found.is_sound
        assert 9 == found.erased


@pytest.mark.parametrize("value", ["abc", 1.5, b"\0\xff", ""])
@pytest.mark.parametrize("column", ["amount_minor", "posted_on", "recorded_at", "currency"])
def test_a_value_of_another_kind_stops_no_audit(chain: Store, column: str, value: object) -> None:
    """SQLite keeps what it is given; what cannot be read as its column says is named, too."""
    if not chain.is_sqlite:
        pytest.skip("PostgreSQL refuses it")
    with touched(chain) as connection:
        row = rows(connection, journal)[5]
        block, entry = seal_of(connection, "journal", row)
        connection.exec_driver_sql(
            f"update journal set {column} = ? where entry_id = ?", (value, row["entry_id"])
        )
        assert (block, entry) in places(flaws(connection), Wrong.EDITED)


def test_a_header_that_counts_to_the_moon_stops_no_audit(chain: Store) -> None:
    """What it says of itself is believed by nobody before it is held against its head."""
    with touched(chain) as connection:
        row = rows(connection, seal_blocks)[2]
        header = row["header"].replace('"count":', '"count":99999999999', 1)
        changed = sa.update(seal_blocks).where(where(seal_blocks, row))
        connection.execute(changed.values(header=header))
        assert {3} <= {flaw.block for flaw in flaws(connection)}


@pytest.mark.parametrize("header", ["", "[]", "{}", "null", "[" * 3000, '{"sources":{"a":1}}'])
def test_a_header_that_is_none_stops_no_audit(chain: Store, header: str) -> None:
    """The rest of the chain is looked at all the same."""
    with touched(chain) as connection:
        connection.execute(
            sa.update(seal_blocks).where(seal_blocks.c.number == 3).values(header=header)
        )
        (row,) = (x for x in rows(connection, sealed_rows) if (x["block"], x["position"]) == (5, 0))
        connection.execute(sa.delete(ROOMS[row["source"]]).where(
            next(iter(ROOMS[row["source"]].primary_key)) == row["key"]))  # fmt: skip
        assert {3, 5} <= {flaw.block for flaw in flaws(connection)}
