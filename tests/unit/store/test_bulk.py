"""Many rows by one statement: the same as SQLAlchemy writes, on either database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from settle.ledger.tables import journal
from settle.payments.tables import exchanges
from settle.store import Store, execute_each, insert_new, insert_new_tuples

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
