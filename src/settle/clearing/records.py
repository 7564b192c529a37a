"""The columns of a record, as they come in and as the lake keeps them."""

from __future__ import annotations

from collections.abc import Mapping

TEXTS: tuple[str, ...] = (
    "record_id", "original_record_id", "participant_id", "agreement_id", "counterparty_id",
    "kind", "currency", "reference", "attributes",
)  # fmt: skip
AMOUNTS: tuple[str, ...] = ("amount_minor", "amount")
INSTANTS: tuple[str, ...] = ("occurred_at", "received_at")

KNOWN = frozenset((*TEXTS, *AMOUNTS, *INSTANTS))
OURS = frozenset(("row", "unreadable"))
"""What a reader of text puts beside the columns of its file."""

REQUIRED: tuple[str, ...] = (
    "record_id", "participant_id", "agreement_id", "counterparty_id", "kind", "currency",
    "occurred_at",
)  # fmt: skip
"""And one of `amount_minor` and `amount`. The others may be missing, as if blank."""

STORED: Mapping[str, str] = {
    "row": "bigint",
    **dict.fromkeys(TEXTS[:6], "varchar"),
    "amount_minor": "bigint",
    "currency": "varchar",
    "occurred_at": "timestamptz",
    "received_at": "timestamptz",
    "reference": "varchar",
    "attributes": "varchar",
    "original_on": "varchar",
    "content": "varchar",
    "batch_id": "varchar",
}
"""The columns of `lake/accepted/<batch>.parquet`; `content` is a digest of all that
was said, `original_on` the day of the sale that a refund gives back, where it was sought."""
