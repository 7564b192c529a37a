"""The store: connection, transaction, one MetaData, migrations; rows out as Arrow."""

from settle.store.columns import arrow, insert_columns
from settle.store.connection import Rows, Store, insert_new
from settle.store.exclusive import exclusive
from settle.store.ids import Ids, derived, derived_each, derived_uuid4, uuid7
from settle.store.schema import Id, Instant, Minor, metadata

__all__ = [
    "Id",
    "Ids",
    "Instant",
    "Minor",
    "Rows",
    "Store",
    "arrow",
    "derived",
    "derived_each",
    "derived_uuid4",
    "exclusive",
    "insert_columns",
    "insert_new",
    "metadata",
    "uuid7",
]
