"""Taking turns: what was computed from the store is written only if the store is as it was.

Work is done outside any transaction, then written under one lock; where another writer was
first, the work is done again on what stands now. Nobody waits while columns are computed.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing.tables import intake_batches, windows

_LOCK = 720_191_220  # any number that no other part of the library locks


class Edition(NamedTuple):
    """What clearing's decisions depend on; both only ever grow."""

    batches: int
    windows: int


def edition(connection: Connection) -> Edition:
    """The store's present edition. This changes with every batch taken and window closed."""
    count = sa.func.count
    return Edition(
        batches=connection.scalar(sa.select(count()).select_from(intake_batches)) or 0,
        windows=connection.scalar(sa.select(count()).select_from(windows)) or 0,
    )


def hold(connection: Connection) -> None:
    """Hold other writers of clearing off until this transaction ends. SQLite does it anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def is_my_turn(connection: Connection, *, seen: Edition) -> bool:
    """Whether the store still is as it was seen. This holds others off until the commit."""
    hold(connection)
    return edition(connection) == seen
