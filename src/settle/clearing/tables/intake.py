"""What came in: batches, what was wrong in them, and what a conflict took out again."""

import sqlalchemy as sa

from settle.store import Id, Instant, metadata

intake_batches = sa.Table(
    "intake_batches",
    metadata,
    sa.Column("batch_id", Id, primary_key=True, doc="derived from what was taken"),
    sa.Column("content_id", Id, nullable=False, doc="batch as which this content first came"),
    sa.Column("agreements_digest", sa.String(64), nullable=False, doc="it was judged under"),
    sa.Column("name", Id, nullable=False, doc="the file, as the caller calls it"),
    sa.Column("taken_at", Instant, nullable=False),
    sa.Column("records_in", sa.BigInteger, nullable=False),
    sa.Column("accepted", sa.BigInteger, nullable=False),
    sa.Column("duplicates", sa.BigInteger, nullable=False),
    sa.Column("quarantined", sa.BigInteger, nullable=False),
    sa.Column("withdrawn", sa.BigInteger, nullable=False, doc="of earlier batches, by a conflict"),
    sa.CheckConstraint("records_in = accepted + duplicates + quarantined", name="sums"),
    sa.UniqueConstraint("content_id", "agreements_digest"),
)

findings = sa.Table(
    "findings",
    metadata,
    sa.Column("batch_id", Id, sa.ForeignKey("intake_batches.batch_id"), primary_key=True),
    sa.Column("row", sa.BigInteger, primary_key=True, doc="line of the file, from 1"),
    sa.Column("file", Id, nullable=False),
    sa.Column("field", Id, nullable=False),
    sa.Column("value", sa.String, nullable=False, doc="what stood there, cut to 80 characters"),
    sa.Column("reason", Id, nullable=False),
    sa.Column("record_id", Id),
)

withdrawals = sa.Table(
    "withdrawals",
    metadata,
    sa.Column("record_id", Id, primary_key=True),
    sa.Column("batch_id", Id, nullable=False, doc="that had accepted it"),
    sa.Column("withdrawn_by", Id, nullable=False, doc="batch that holds other content"),
    sa.Column("withdrawn_at", Instant, nullable=False),
    sa.Index(None, "batch_id"),
)
