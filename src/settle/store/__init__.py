"""The store: connection, transaction, one MetaData, migrations; rows out as Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from settle.names import lazily

if TYPE_CHECKING:
    from settle.store.bulk import Rows, execute_each, insert_new, insert_new_tuples
    from settle.store.collecting import uncollected
    from settle.store.columns import arrow, insert_columns
    from settle.store.connection import Store
    from settle.store.exclusion import exclusive
    from settle.store.ids import Ids, derived, derived_each, derived_uuid4, uuid7
    from settle.store.schema import Id, Instant, Minor, metadata
    from settle.store.sums import exact_sum
    from settle.store.vault import Locked, Vault, vault_of
    from settle.store.watermark import Watermark, watermark_of

__all__ = [
    "Id",
    "Ids",
    "Instant",
    "Locked",
    "Minor",
    "Rows",
    "Store",
    "Vault",
    "Watermark",
    "arrow",
    "derived",
    "derived_each",
    "derived_uuid4",
    "exact_sum",
    "exclusive",
    "execute_each",
    "insert_columns",
    "insert_new",
    "insert_new_tuples",
    "metadata",
    "uncollected",
    "uuid7",
    "vault_of",
    "watermark_of",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Id": "settle.store.schema",
        "Ids": "settle.store.ids",
        "Instant": "settle.store.schema",
        "Locked": "settle.store.vault",
        "Minor": "settle.store.schema",
        "Rows": "settle.store.bulk",
        "Store": "settle.store.connection",
        "Vault": "settle.store.vault",
        "Watermark": "settle.store.watermark",
        "arrow": "settle.store.columns",
        "derived": "settle.store.ids",
        "derived_each": "settle.store.ids",
        "derived_uuid4": "settle.store.ids",
        "exact_sum": "settle.store.sums",
        "execute_each": "settle.store.bulk",
        "exclusive": "settle.store.exclusion",
        "insert_columns": "settle.store.columns",
        "insert_new": "settle.store.bulk",
        "insert_new_tuples": "settle.store.bulk",
        "metadata": "settle.store.schema",
        "uncollected": "settle.store.collecting",
        "uuid7": "settle.store.ids",
        "vault_of": "settle.store.vault",
        "watermark_of": "settle.store.watermark",
    },
)
