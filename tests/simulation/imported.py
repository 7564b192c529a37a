"""Importing this imports what a night needs, so that who is forked afterwards need not."""

from __future__ import annotations

import importlib
import pkgutil

HOUSE = (
    "settle.adapters", "settle.calendars", "settle.clearing", "settle.cli", "settle.hub",
    "settle.ledger", "settle.money", "settle.nightly", "settle.payments", "settle.reconciliation",
    "settle.report", "settle.store", "settle_adyen_transfers", "settle_iso20022_bank",
)  # fmt: skip
FOREIGN = (
    "alembic.command", "alembic.runtime.migration", "duckdb", "highspy", "jinja2", "lxml.etree",
    "psycopg", "pyarrow.parquet", "rich.console", "rich.progress", "schwifty",
    "sqlalchemy.dialects.postgresql.psycopg", "sqlalchemy.dialects.sqlite.pysqlite",
    "settle.engine.duck",
)  # fmt: skip
APART = (".tests", ".migrations", "simulator", "simulate", ".demo", ".rehearsal")
"""What no night imports: tests, revisions (Alembic loads them by path), and the other side."""


def everything() -> list[str]:
    """The names of all modules of the house that a night may import."""
    found = [*FOREIGN]
    for name in HOUSE:
        found.append(name)
        paths = getattr(importlib.import_module(name), "__path__", [])
        found += [each.name for each in pkgutil.walk_packages(paths, f"{name}.")]
    return [name for name in found if not any(part in name for part in APART)]


for _name in everything():
    importlib.import_module(_name)
