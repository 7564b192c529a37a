"""Many rows by one statement: the same as SQLAlchemy writes, on either database."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from settle.ledger.tables import journal
from settle.payments.tables import exchanges
from settle.store import Store, execute_each, insert_new, insert_new_tuples
from settle.store.arrays import FEW
from settle.store.bulk import ROWS_MAX

AT = datetime(2024, 12, 18, 16, 30, 0, 7, tzinfo=UTC)


def entry(name: str, **given: Any) -> dict[str, Any]:
    return {
        "entry_id": name, "event": "e", "subject": "100% :sure ?", "posted_on": date(2024, 12, 18),
        "recorded_at": AT, "debit": "a", "credit": "b", "currency": "EUR", "amount_minor": 2**53,
    } | given  # fmt: skip


def test_rows_are_stored_as_sqlalchemy_stores_them(store: Store) -> None:
    """Every type: text, days, instants, whole numbers, bytes, truth and nothing."""
    said = {
        "step": 1, "turn": 0, "effect": "reads", "method": "GET", "target": "/", "headers": "{}",
        "fingerprint": "f", "content": b"\x00\xff", "intent_at": AT, "answered_at": None,
        "sent": False,
    }  # fmt: skip
    with store.transaction() as connection:
        connection.execute(sa.insert(exchanges), [{**said, "conversation_id": "A"}])
        assert 2 == insert_new(
            connection,
            exchanges,
            [{**said, "conversation_id": "B"}, {**said, "conversation_id": "C"}],
        )
        first, *others = connection.execute(sa.select(exchanges).order_by(exchanges.c[0])).all()
    assert [tuple(first)[1:]] * 2 == [tuple(row)[1:] for row in others]


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_there_stays_and_is_not_counted(store: Store, count: int) -> None:
    """A key that is there already, or comes twice, is inserted once."""
    rows = [entry(f"E{nth}") for nth in range(count)]
    with store.transaction() as connection:
        assert count == insert_new(connection, journal, rows)
        again = [{**row, "event": "other"} for row in rows]
        assert 1 == insert_new(connection, journal, [*again, entry("N"), entry("N")])
        events = connection.scalars(sa.select(journal.c.event).order_by("entry_id")).all()
    assert ["e"] * (count + 1) == events
    with store.transaction() as connection:
        assert 0 == insert_new(connection, journal, [])


def test_tuples_may_come_in_any_order_of_their_names(store: Store) -> None:
    """The names say which value is which, whatever the order of the columns."""
    names = tuple(reversed(entry("")))
    rows = [tuple(entry(name, amount_minor=nth)[key] for key in names)
            for nth, name in enumerate("AB", start=1)]  # fmt: skip
    with store.transaction() as connection:
        assert 2 == insert_new_tuples(connection, journal, names, rows)
        assert 0 == insert_new_tuples(connection, journal, names, [])
        found = connection.execute(sa.select(journal).order_by("entry_id")).mappings().all()
    assert [entry("A", amount_minor=1), entry("B", amount_minor=2)] == [dict(row) for row in found]


def test_an_update_has_its_constants_and_says_what_it_touched(store: Store) -> None:
    """A value of the statement itself is the same for each row."""
    statement = (
        sa.update(journal)
        .where(journal.c.entry_id == sa.bindparam("of"))
        .values(event="50%", amount_minor=sa.bindparam("new"))
    )
    with store.transaction() as connection:
        insert_new(connection, journal, [entry("A"), entry("B")])
        rows = [{"of": "A", "new": 1}, {"of": "B", "new": 2}, {"of": "C", "new": 3}]
        assert 2 == execute_each(connection, statement, rows)
        found = connection.execute(sa.select(journal.c.event, journal.c.amount_minor)).all()
    assert {("50%", 1), ("50%", 2)} == {tuple(row) for row in found}


ODD = (
    "",
    "NULL",
    "null",
    "{}",
    '"',
    "\\",
    "a,b",
    " x ",
    "50%",
    "\n\t",
    "\u2003",
    "Łódź",
    "%(x)s",
    "'",
)
"""What an array of text might take for something else."""


def said(name: str, nth: int) -> dict[str, Any]:
    """An exchange that differs from the next one in each kind of value, nothing among them."""
    at = AT if nth % 2 else AT.replace(year=1960)
    return {
        "conversation_id": name, "step": nth, "turn": 0, "effect": "reads", "method": "GET",
        "target": ODD[nth % len(ODD)], "fingerprint": "f", "headers": "{}",
        "content": bytes([nth % 256, 0, 255]), "intent_at": at,
        "answered_at": None, "status": [None, 2**31 - 1, -1][nth % 3], "sent": bool(nth % 2),
        "silence": None if nth % 2 else ODD[-nth % len(ODD)],
    }  # fmt: skip


@pytest.mark.parametrize("count", [FEW - 1, FEW, ROWS_MAX + 1])
def test_however_many_rows_are_stored_as_sqlalchemy_stores_them(store: Store, count: int) -> None:
    """Odd text, bytes, instants, whole numbers, truth, and nothing between them."""
    with store.transaction() as connection:
        connection.execute(sa.insert(exchanges), [said("A", nth) for nth in range(count)])
        assert count == insert_new(connection, exchanges, [said("B", nth) for nth in range(count)])
        rows = connection.execute(sa.select(exchanges).order_by("conversation_id", "step")).all()
    assert [tuple(row)[1:] for row in rows[:count]] == [tuple(row)[1:] for row in rows[count:]]
    assert {"A": count, "B": count} == Counter(row.conversation_id for row in rows)


def test_what_comes_twice_among_many_is_written_in_turn(store: Store) -> None:
    """The last one stands, and each counts, as if each row had a statement of its own."""
    statement = (
        sa.update(journal)
        .where(journal.c.entry_id == sa.bindparam("of"))
        .values(amount_minor=sa.bindparam("new"))
    )
    with store.transaction() as connection:
        insert_new(connection, journal, [entry(name) for name in "ABCDE"])
        rows = [{"of": of, "new": new} for new, of in enumerate("ABCDEAB", start=1)]
        assert 7 == execute_each(connection, statement, rows)
        found = connection.execute(sa.select(journal.c.entry_id, journal.c.amount_minor)).all()
    assert {"A": 6, "B": 7, "C": 3, "D": 4, "E": 5} == {row[0]: row[1] for row in found}


def test_what_comes_twice_among_many_is_upserted_in_turn(store: Store) -> None:
    """PostgreSQL refuses one statement that would write a row twice."""
    rows = [said("A", nth) for nth in (0, 1, 2, 3, 4, 0)]
    rows[-1] |= {"target": "/last"}
    kind = {"sqlite": sqlite, "postgresql": postgresql}
    with store.transaction() as connection:
        inserted = kind[connection.dialect.name].insert(exchanges)
        keys = ["conversation_id", "step", "turn"]
        upsert = inserted.on_conflict_do_update(
            index_elements=keys, set_={"target": inserted.excluded.target, "silence": sa.null()}
        )
        execute_each(connection, upsert, rows)
        found = connection.execute(sa.select(exchanges).order_by("step")).all()
    assert ["/last", *(said("A", nth)["target"] for nth in (1, 2, 3, 4))] == [
        r.target for r in found
    ]
    assert found[0].silence is None


def test_text_that_is_too_long_is_refused_and_not_cut(store: Store) -> None:
    """A cast to the type of the column would cut it, and say nothing."""
    if store.is_sqlite:
        pytest.skip("SQLite has no length")
    rows = [entry(f"E{nth}", currency="EURO") for nth in range(FEW)]
    with pytest.raises(sa.exc.DataError), store.transaction() as connection:
        insert_new(connection, journal, rows)


def test_many_rows_are_one_statement_of_postgresql(store: Store) -> None:
    """Neither inserting nor updating goes to the server row by row."""
    said: list[tuple[str, bool]] = []

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def listen(_: Any, __: Any, statement: str, ___: Any, ____: Any, many: bool) -> None:  # noqa: FBT001
        said.append((statement.partition(" ")[0], many))

    statement = (
        sa.update(journal)
        .where(journal.c.entry_id == sa.bindparam("of"))
        .values(amount_minor=sa.bindparam("new"))
    )
    with store.transaction() as connection:
        said.clear()
        insert_new(connection, journal, [entry(f"E{nth}") for nth in range(FEW)])
        execute_each(connection, statement, [{"of": f"E{n}", "new": 1} for n in range(FEW)])
    assert [("INSERT", store.is_sqlite), ("UPDATE", store.is_sqlite)] == said
