"""PostgreSQL databases of one test server, emptied after a test and handed out again.

To make a database takes much longer than to empty one, and to drop the thousands that a session
would make takes a minute at its end. What a test left otherwise than a new one is dropped.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
import sqlalchemy as sa
from psycopg import sql

from settle.store import Store

QUICK = ("fsync", "full_page_writes", "synchronous_commit")
"""What makes a server survive a loss of power. Who proves that it does has a server of its own."""

SCHEMA: LiteralString = """
    with said(line) as (
        select concat_ws(' ', c.relname, c.relkind, a.attname, a.attnum, a.attnotnull,
            format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid))
        from pg_class c left join pg_attribute a
            on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = 'public'::regnamespace
        union all select concat_ws(' ', conname, pg_get_constraintdef(oid)) from pg_constraint
        where connamespace = 'public'::regnamespace
        union all select indexdef from pg_indexes where schemaname = 'public'
        union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
        union all select concat_ws(' ', tablename, rulename) from pg_rules
        where schemaname = 'public'
        union all select pg_get_functiondef(oid) from pg_proc
        where pronamespace = 'public'::regnamespace
        union all select nspname from pg_namespace where nspname !~ '^pg_'
        union all select array_to_string(setconfig, ' ') from pg_db_role_setting
        where setdatabase = (select oid from pg_database where datname = current_database())
    )
    select md5(string_agg(line, e'\n' order by line)) from said
"""
"""All that a migration or a test may have changed but rows, in one word."""

REVISION = "alembic_version"
TABLES: LiteralString = (
    "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
)
ADVANCED: LiteralString = "select sequencename from pg_sequences where last_value is not null"
TERMINATE: LiteralString = """
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
        and backend_type = 'client backend'
"""


_numbers = itertools.count(1)


def hurried(server: str) -> None:
    """Let a server wait for no disk."""
    with psycopg.connect(server, autocommit=True) as connection:
        for setting in QUICK:
            connection.execute(sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
        connection.execute("select pg_reload_conf()")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a database is but its rows."""

    schema: str
    revision: tuple[str, ...]


@dataclass(slots=True)
class Databases:
    """The databases of a server. Those that are free have the schema, and no rows."""

    server: str
    free: list[str] = field(default_factory=list)
    _template: str | None = None
    _shape: Shape | None = None

    def bare(self) -> str:
        """The URL of a new database without a schema."""
        return self._create(sql.SQL("template1"))

    def ready(self) -> str:
        """The URL of a database that has the schema and no rows."""
        if self.free:
            return self.free.pop()
        return self._create(sql.Identifier(self.template))

    @property
    def template(self) -> str:
        """The name of a database that has the schema, to be copied: upgrading each takes longer."""
        if self._template is None:
            url = self.bare()
            Store.open(url).close()
            with psycopg.connect(url) as connection:
                self._shape = shape(connection)
            self._template = str(sa.make_url(url).database)
        return self._template

    def take_back(self, url: str) -> bool:
        """Empty a database and keep it, or drop it if it is not as it was; was it kept?"""
        assert self.template
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TERMINATE)
            as_new = shape(connection) == self._shape
            if as_new:
                empty(connection)
        if as_new:
            self.free.append(url)
        else:
            self._drop(url)
        return as_new

    def _create(self, like: sql.SQL | sql.Identifier) -> str:
        name = f"settle_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("create database {} template {} strategy file_copy").format(
                    sql.Identifier(name), like
                )
            )
        return sa.make_url(self.server).set(database=name).render_as_string(hide_password=False)

    def _drop(self, url: str) -> None:
        name = sql.Identifier(str(sa.make_url(url).database))
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(sql.SQL("drop database {} with (force)").format(name))


def shape(connection: psycopg.Connection[Any]) -> Shape:
    """The schema of a database and the revision that it says it has."""
    (schema,) = _words(connection, sql.SQL(SCHEMA))
    has_revision = _words(connection, sql.SQL("select to_regclass({})::text").format(REVISION))
    if has_revision == ("None",):
        return Shape(schema, ())
    query = sql.SQL("select version_num from {} order by 1").format(sql.Identifier(REVISION))
    return Shape(schema, _words(connection, query))


def empty(connection: psycopg.Connection[Any]) -> None:
    """Leave no row in any table but the revision, and every sequence at its start.

    Most tests write to few of the tables, and to truncate one that is empty takes as long.
    """
    tables = [name for name in _words(connection, sql.SQL(TABLES)) if name != REVISION]
    asked = sql.SQL(" union all ").join(
        sql.SQL("select {} where exists (select from {})").format(name, sql.Identifier(name))
        for name in tables
    )
    written = _words(connection, asked)
    if written:
        names = sql.SQL(", ").join(map(sql.Identifier, written))
        connection.execute(sql.SQL("truncate {} restart identity cascade").format(names))
    for name in _words(connection, sql.SQL(ADVANCED)):
        connection.execute(sql.SQL("alter sequence {} restart").format(sql.Identifier(name)))


def _words(connection: psycopg.Connection[Any], query: sql.SQL | sql.Composed) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in connection.execute(query))
