"""What clearing keeps in the store: batches, findings, windows, positions, obligations.

Records themselves live in the lake; the store has their counts and digests.
"""

import sqlalchemy as sa

from settle.store import Id, Instant, Minor, metadata

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

windows = sa.Table(
    "windows",
    metadata,
    sa.Column("window_id", sa.String(10), primary_key=True, doc="ISO date of the day"),
    sa.Column("closed_at", Instant, nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("late", sa.BigInteger, nullable=False),
    sa.Column("positions", sa.BigInteger, nullable=False),
    sa.Column("postings", sa.BigInteger, nullable=False),
    sa.Column("currencies", sa.String, nullable=False, doc="that sum to zero, by space"),
    sa.Column("settled_digest", sa.String(64), nullable=False, doc="sha256 of the settled file"),
    sa.Column("manifest_digest", sa.String(64), nullable=False),
    sa.Column("agreements_digest", sa.String(64), doc="terms it was netted under, in the lake"),
    sa.Column("fees_digest", sa.String(64), doc="likewise"),
    sa.Column("rates_on", sa.Date, doc="day of the rates used"),
    sa.Column(
        "failed",
        sa.String,
        nullable=False,
        server_default="[]",
        doc="participants that could not pay, in order, JSON",
    ),
    sa.Column(
        "outcome",
        sa.Integer,
        nullable=False,
        server_default="1",
        doc="which one stands: one more each time that the window was unwound",
    ),
)

unwindings = sa.Table(
    "unwindings",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("outcome", sa.Integer, primary_key=True, doc="that no longer stands"),
    sa.Column("failed", sa.String, nullable=False, doc="participants named then, in order, JSON"),
    sa.Column("actor", Id, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("unwound_at", Instant, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, doc="of its rows, kept in the lake"),
)

manifests = sa.Table(
    "manifests",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("batch_id", Id, sa.ForeignKey("intake_batches.batch_id"), primary_key=True),
    sa.Column("records", sa.BigInteger, nullable=False, doc="of this batch in this window"),
    sa.Column("digest", sa.String(64), nullable=False, doc="sha256 of the accepted file"),
    sa.Column(
        "whole",
        sa.Boolean,
        nullable=False,
        server_default=sa.false(),
        doc="all of it, as it lies in the lake",
    ),
    sa.Index(None, "batch_id"),
)

deferrals = sa.Table(
    "deferrals",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("settles_in", sa.String(10), primary_key=True, doc="window they were left to"),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False, doc="sha256 of the window's deferred file"),
    sa.Column("taken_in", sa.String(10), doc="window that looked at them again"),
    sa.Index(None, "taken_in"),
)

corrections = sa.Table(
    "corrections",
    metadata,
    sa.Column("record_id", Id, primary_key=True, doc="the settled record that was wrong"),
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), nullable=False),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("replacement", sa.String, doc="what is other in the corrected record, JSON"),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("actor", Id, nullable=False),
    sa.Column("corrected_at", Instant, nullable=False),
)

left_out = sa.Table(
    "left_out",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("batch_id", Id, sa.ForeignKey("intake_batches.batch_id"), primary_key=True),
    sa.Column("participant_id", Id, primary_key=True, doc="who failed"),
    sa.Column("reason", Id, primary_key=True, doc="participant_failed | counterparty_failed"),
    sa.Column("records", sa.BigInteger, nullable=False),
)

PART = "'': all of it; 'credit' or 'debit' under gross settlement; or one counterparty"


def _minor_zero(name: str, *, doc: str = "") -> sa.Column[int]:
    return sa.Column(name, Minor, nullable=False, server_default="0", doc=doc)


positions = sa.Table(
    "positions",
    metadata,
    sa.Column("position_id", sa.String(64), primary_key=True, doc="agreement, currency, window"),
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), nullable=False),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("part", Id, nullable=False, server_default="", doc=PART),
    sa.Column("participant_id", Id, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("converted_minor", Minor, nullable=False, doc="all buckets, in the currency"),
    sa.Column("fees_fixed_minor", Minor, nullable=False),
    sa.Column("tax_fixed_minor", Minor, nullable=False),
    sa.Column("reserve_withheld_minor", Minor, nullable=False),
    sa.Column("reserve_released_minor", Minor, nullable=False),
    sa.Column("net_minor", Minor, nullable=False),
    sa.Column("carried_in_minor", Minor, nullable=False, doc="earlier windows' unpaid rest"),
    _minor_zero("set_off_minor", doc="from (less to) other agreements of the participant"),
    _minor_zero("reserve_recovered_minor", doc="taken from slices that were held"),
    _minor_zero("collateral_used_minor"),
    _minor_zero("claimed_minor", doc="owed to us and asked for, not carried"),
    _minor_zero("paid_minor", doc="the obligation"),
    _minor_zero("carried_out_minor", doc="to the next window that takes it up"),
    sa.UniqueConstraint("window_id", "agreement_id", "part", "currency"),
    sa.Index(None, "agreement_id"),
)

position_lines = sa.Table(
    "position_lines",
    metadata,
    sa.Column(
        "position_id", sa.String(64), sa.ForeignKey("positions.position_id"), primary_key=True
    ),
    sa.Column("currency", sa.String(3), primary_key=True, doc="of the records: one bucket"),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Column("sales_minor", Minor, nullable=False),
    sa.Column("refunds_minor", Minor, nullable=False),
    sa.Column("chargebacks_minor", Minor, nullable=False),
    sa.Column("reversals_minor", Minor, nullable=False),
    sa.Column("adjustments_minor", Minor, nullable=False),
    sa.Column("fees_percent_minor", Minor, nullable=False),
    sa.Column("fees_back_minor", Minor, nullable=False),
    sa.Column("fees_explicit_minor", Minor, nullable=False),
    sa.Column("tax_minor", Minor, nullable=False),
    sa.Column("net_minor", Minor, nullable=False, doc="of this bucket, in its currency"),
    sa.Column("rate_id", Id, primary_key=True, doc="source, day and pair: one bucket a rate"),
    sa.Column("mid_e8", sa.BigInteger, nullable=False),
    sa.Column("client_e8", sa.BigInteger, nullable=False),
    sa.Column("via", sa.String(3), nullable=False, server_default="", doc="between the legs"),
    sa.Column("leg_in_e8", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("leg_out_e8", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("markup_ppm", sa.BigInteger, nullable=False, server_default="0", doc="off both legs"),
    sa.Column("rounding", Id, nullable=False),
    sa.Column("convert_per", Id, nullable=False, server_default="bucket"),
    sa.Column("converted_minor", Minor, nullable=False),
    sa.Column("fx_party", Id, nullable=False, server_default="hub", doc="who has the result"),
    _minor_zero("fx_result_minor", doc="at the mid rate of the window's day, less converted"),
    _minor_zero("rounding_result_minor", doc="of conversion a record at a time"),
)

reserve_slices = sa.Table(
    "reserve_slices",
    metadata,
    sa.Column("slice_id", sa.String(64), primary_key=True, doc="the withholding position's id"),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("window_id", sa.String(10), nullable=False),
    sa.Column("part", Id, nullable=False, server_default="", doc="of the position"),
    sa.Column("amount_minor", Minor, nullable=False, doc="as it was withheld"),
    _minor_zero("used_minor", doc="recovered from it since"),
    sa.Column("release_on", sa.Date, doc="null: of a fixed reserve, held until termination"),
    sa.Column("released_in", sa.String(10), doc="window that gave the rest of it back"),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
    sa.CheckConstraint("used_minor between 0 and amount_minor", name="held"),
    sa.Index(None, "released_in"),
)

carries = sa.Table(
    "carries",
    metadata,
    sa.Column("carry_id", sa.String(64), primary_key=True, doc="the position's id"),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("part", Id, nullable=False, server_default="", doc="of the position"),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("window_id", sa.String(10), nullable=False),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.Column("reason", Id, nullable=False, doc="negative | below_minimum"),
    sa.Column("since", sa.Date, nullable=False, doc="first window of the unpaid rest"),
    sa.Column("taken_in", sa.String(10), doc="window that took it up"),
    sa.Index(None, "taken_in"),
)

obligations = sa.Table(
    "obligations",
    metadata,
    sa.Column("obligation_id", sa.String(64), primary_key=True),
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), nullable=False),
    sa.Column("position_id", sa.String(64), nullable=False),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("part", Id, nullable=False, server_default="", doc="of the position"),
    sa.Column("participant_id", Id, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.Column("value_date", sa.Date, nullable=False),
    sa.Column("beneficiary_name", sa.String, nullable=False),
    sa.Column("beneficiary_country", sa.String, nullable=False),
    sa.Column("beneficiary_town", sa.String, nullable=False),
    sa.Column("beneficiary_account", sa.String, nullable=False),
    sa.Column("beneficiary_bic", sa.String),
    sa.Column("beneficiary_bank_code", sa.String),
    sa.Column("covered_at", Instant, doc="when a payment took it up"),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
    sa.Index(None, "window_id"),
)

recoveries = sa.Table(
    "recoveries",
    metadata,
    sa.Column(
        "position_id", sa.String(64), sa.ForeignKey("positions.position_id"), primary_key=True,
        doc="whose negative due it was",
    ),
    sa.Column("source", sa.String(10), primary_key=True, doc="set_off | reserve | collateral"),
    sa.Column(
        "source_id", Id, primary_key=True,
        doc="the giving position, the reserve slice, or the agreement of the collateral",
    ),
    sa.Column("nth", sa.BigInteger, nullable=False, doc="its place in the order of recovery"),
    sa.Column("window_id", sa.String(10), nullable=False),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("part", Id, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
    sa.Index(None, "source", "agreement_id"),
    sa.Index(None, "source_id"),
)  # fmt: skip

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("claim_id", sa.String(64), primary_key=True, doc="derived, as an obligation's id"),
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), nullable=False),
    sa.Column("position_id", sa.String(64), nullable=False),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("part", Id, nullable=False),
    sa.Column("participant_id", Id, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.Column("since", sa.Date, nullable=False, doc="first window of the debt"),
    sa.Column("reason", Id, nullable=False, doc="gross | terminated | default"),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
    sa.Index(None, "window_id"),
)

covers = sa.Table(
    "covers",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("agreement_id", Id, primary_key=True, doc="of who defaulted"),
    sa.Column("currency", sa.String(3), primary_key=True),
    sa.Column("source", sa.String(10), primary_key=True, doc="collateral | reserve | own_funds"),
    sa.Column("source_id", Id, primary_key=True, doc="the reserve slice, or the agreement"),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
)

savings = sa.Table(
    "savings",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("currency", sa.String(3), primary_key=True),
    sa.Column("gross_count", sa.BigInteger, nullable=False, doc="records"),
    sa.Column("gross_minor", Minor, nullable=False, doc="all of them, each as positive"),
    sa.Column("net_count", sa.BigInteger, nullable=False, doc="positions that are not zero"),
    sa.Column("net_minor", Minor, nullable=False, doc="all of them, each as positive"),
    sa.Column("payments_saved", sa.BigInteger, nullable=False),
    sa.Column("efficiency_ppm", sa.BigInteger, nullable=False, doc="value that need not move"),
    sa.Column("peak_gross_minor", Minor, nullable=False, doc="funding if credits are paid first"),
    sa.Column("peak_net_minor", Minor, nullable=False),
)

fee_usage = sa.Table(
    "fee_usage",
    metadata,
    sa.Column("window_id", sa.String(10), sa.ForeignKey("windows.window_id"), primary_key=True),
    sa.Column("agreement_id", Id, primary_key=True),
    sa.Column("schedule_id", Id, primary_key=True),
    sa.Column("kind", Id, primary_key=True),
    sa.Column("currency", Id, primary_key=True),
    sa.Column("month", sa.String(7), primary_key=True, doc="of the records, YYYY-MM"),
    sa.Column("amount_minor", Minor, nullable=False, doc="added by this window"),
    sa.Column("records", sa.BigInteger, nullable=False),
    sa.Index(None, "month"),
)
