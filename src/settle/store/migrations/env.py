"""Alembic's entry: runs the revisions on the engine it is given, in one transaction."""

from __future__ import annotations

from alembic import context

engine = context.config.attributes["engine"]
with engine.connect().execution_options(settle_writes=True) as connection:
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # Two workers that open a new store at once upgrade one after the other.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(720191219)")
        context.run_migrations()
