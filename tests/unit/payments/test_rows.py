"""One of the values given: one statement, however many they are, and by the index."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from settle.payments.rows import among, these
from settle.payments.tables import payment_events
from settle.store import Store, insert_new

from .conftest import NOW

QUERY = sa.select(payment_events.c.payment_id).where(among(payment_events.c.payment_id))


def event(payment_id: str) -> dict[str, Any]:
    return {
        "payment_id": payment_id, "event_id": "e", "kind": "planned", "occurred_at": NOW,
        "recorded_at": NOW, "source": "engine", "ordinal": 1, "charges_minor": 0, "code": "",
        "detail": "",
    }  # fmt: skip


@pytest.mark.parametrize("values", [[], ["a"], ["b", "a"], ["a", "x", "{}", "b", "a"]])
def test_those_among_the_values_are_found(store: Store, values: list[str]) -> None:
    """Each once, whatever else is asked for."""
    names = ["a", "b", "c", "{}"]
    with store.transaction() as connection:
        insert_new(connection, payment_events, [event(name) for name in names])
        found = connection.scalars(QUERY, these(values)).all()
    assert sorted(set(values) & set(names)) == sorted(found)


def test_they_are_found_by_the_index(store: Store) -> None:
    """Neither a plan for one value nor that for many reads the table."""
    said: list[tuple[str, Any]] = []

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def listen(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        said.append((statement, parameters))

    explain = "EXPLAIN QUERY PLAN" if store.is_sqlite else "EXPLAIN"
    with store.transaction() as connection:
        if not store.is_sqlite:  # of an empty table PostgreSQL would read all
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        said.clear()
        connection.scalars(QUERY, these(["a", "b", "c"])).all()
        statement, parameters = said[-1]
        plan = connection.exec_driver_sql(f"{explain} {statement}", parameters).all()
    told = " ".join(str(row) for row in plan)
    assert "pk_payment_events" in told or "sqlite_autoindex_payment_events" in told
    assert "SCAN payment_events" not in told
    assert "Filter" not in told


def test_postgresql_sees_one_statement_of_any_number(store: Store) -> None:
    """It prepares and plans once what SQLite, which prepares at once, sees in eleven sizes."""
    said: set[str] = set()

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def listen(_: Any, __: Any, statement: str, *___: Any) -> None:
        said.add(statement)

    with store.transaction() as connection:
        said.clear()
        for count in range(1, 10):
            connection.scalars(QUERY, these([str(nth) for nth in range(count)])).all()
    assert (5 if store.is_sqlite else 1) == len([each for each in said if "SELECT" in each])
