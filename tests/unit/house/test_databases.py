"""A database that is handed out again is as a new one, or it is not handed out again."""

from __future__ import annotations

from datetime import UTC, date, datetime

import psycopg
import pytest
import sqlalchemy as sa
from tests.databases import Databases, shape

from settle.ledger import Posting, post
from settle.store import Store, metadata

NOW = datetime(2024, 12, 18, tzinfo=UTC)
POSTING = Posting(
    event="test", subject="s", row="1", posted_on=date(2024, 12, 18), debit="clearing",
    credit="own_funds", currency="EUR", amount_minor=1,
)  # fmt: skip


@pytest.fixture(scope="module")
def databases(postgres_server: str) -> Databases:
    """Databases of these tests' own, none of which is free at first."""
    return Databases(postgres_server)


def rows(store: Store) -> dict[str, int]:
    """How many rows each table has, without those that have none."""
    with store.reading() as connection:
        counted = {
            table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar()
            for table in metadata.sorted_tables
        }
    return {name: count for name, count in counted.items() if count}


def write(store: Store) -> None:
    with store.transaction() as connection:
        post(connection, [POSTING], recorded_at=NOW)


def test_a_database_is_handed_out_again_without_a_row(databases: Databases) -> None:
    """The same database, written to by somebody else, and all that a new one is."""
    url = databases.ready()
    store = Store.open(url)
    write(store)
    assert {"journal"} <= rows(store).keys()
    store.close()
    assert databases.take_back(url)
    assert url == databases.ready()
    again = Store.open(url)
    assert {} == rows(again)
    again.close()


def test_sequences_begin_anew_even_where_no_row_is_left(databases: Databases) -> None:
    """A transaction that is rolled back leaves no row, and a sequence that went on."""
    url = databases.ready()
    with psycopg.connect(url) as connection:
        found = connection.execute("select sequencename from pg_sequences").fetchall()
        assert found
        for (name,) in found:
            assert (1,) == connection.execute("select nextval(%s)", (name,)).fetchone()
        connection.rollback()
    assert databases.take_back(url)
    with psycopg.connect(databases.ready()) as connection:
        for (name,) in found:
            assert (1,) == connection.execute("select nextval(%s)", (name,)).fetchone()


def test_a_transaction_that_a_test_left_open_blocks_nobody(databases: Databases) -> None:
    """Its connection is ended, and what it held with it."""
    url = databases.ready()
    store = Store.open(url)
    left = store.engine.connect()
    left.begin()
    post(left, [POSTING], recorded_at=NOW)
    left.exec_driver_sql("select pg_advisory_lock(7)")
    assert databases.take_back(url)
    again = Store.open(databases.ready())
    assert {} == rows(again)
    with again.transaction() as connection:
        assert connection.exec_driver_sql("select pg_try_advisory_lock(7)").scalar_one()
    again.close()
    left.invalidate()
    left.close()
    store.close()


CHANGES: dict[str, str] = {
    "table": "create table more (id integer)",
    "column": "alter table journal add column more integer",
    "index": "drop index ix_payments_repays",
    "default": "alter table journal alter column currency set default 'EUR'",
    "revision": "update alembic_version set version_num = '0001'",
    "trigger": """create function f() returns trigger language plpgsql as 'begin return new; end';
        create trigger t before insert on journal for each row execute function f()""",
    "schema": "create schema more",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_database_that_is_otherwise_is_dropped(databases: Databases, change: str) -> None:
    """Whatever a test did to the schema, nobody else meets it."""
    url = databases.ready()
    with psycopg.connect(url) as connection:
        connection.execute(CHANGES[change].encode())
    assert not databases.take_back(url)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(url)
    assert url != databases.ready()


def test_a_bare_database_has_no_schema_and_is_kept_when_it_got_one(databases: Databases) -> None:
    """Who upgrades it makes one like any other."""
    url = databases.bare()
    with psycopg.connect(url) as connection:
        assert () == shape(connection).revision
    Store.open(url).close()
    assert databases.take_back(url)
    assert url == databases.ready()


def test_the_shared_server_waits_for_no_disk(postgres_server: str) -> None:
    """What proves that a payment survives has a server of its own, where `fsync` is on."""
    with psycopg.connect(postgres_server) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            assert ("off",) == connection.execute(f"show {setting}".encode()).fetchone()
