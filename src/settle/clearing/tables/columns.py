"""A column that several tables of clearing have in one form."""

import sqlalchemy as sa

from settle.store import Minor


def minor_zero(name: str, *, doc: str = "") -> sa.Column[int]:
    """An amount that is zero where nothing is said. This suits what came with a later migration."""
    return sa.Column(name, Minor, nullable=False, server_default="0", doc=doc)
