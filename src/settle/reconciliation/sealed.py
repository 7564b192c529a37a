"""What reconciliation has sealed: the documents that came in, byte for byte by their digest."""

from __future__ import annotations

from settle.ledger import Source
from settle.reconciliation.tables import statement_documents

SEALED = (
    Source(
        name="statement_documents",
        table=statement_documents,
        recorded="received_at",
        columns=(
            "document_id", "rail", "account", "currency", "day", "format", "digest", "received_at",
        ),
        # Whether a day is over is told anew with each copy of its document.
        erasable=("content",),
    ),
)  # fmt: skip
"""A document is sealed once it is kept; its statements and lines are what it is read as."""
