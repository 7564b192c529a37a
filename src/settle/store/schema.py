"""The one MetaData that every room's tables join, and the column types they share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Tables are declared by the rooms, in their `tables`; migrations import no room."""


class Instant(TypeDecorator[datetime]):
    """An aware datetime kept as microseconds since 1970, the same on every database.

    SQLite has no zone, and text does not sort across zones; an integer does both.
    """

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """This turns an aware datetime into microseconds; a naive one is a bug."""
        if value is None:
            return None
        assert value.tzinfo is not None, "an instant has a zone"
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """This turns microseconds into a datetime in UTC."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


Minor = sa.BigInteger
"""Minor units of a currency: 64 bits, exact."""

Id = sa.String
"""Identifiers are strings of any shape; UUIDv7 where this library mints them."""
