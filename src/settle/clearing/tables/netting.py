"""What a window came to: positions, the buckets under them, volume, and what netting saved."""

import sqlalchemy as sa

from settle.clearing.tables.columns import minor_zero
from settle.store import Id, Minor, metadata

PART = "'': all of it; 'credit' or 'debit' under gross settlement; or one counterparty"

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
    minor_zero("set_off_minor", doc="from (less to) other agreements of the participant"),
    minor_zero("reserve_recovered_minor", doc="taken from slices that were held"),
    minor_zero("collateral_used_minor"),
    minor_zero("claimed_minor", doc="owed to us and asked for, not carried"),
    minor_zero("paid_minor", doc="the obligation"),
    minor_zero("carried_out_minor", doc="to the next window that takes it up"),
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
    minor_zero("fx_result_minor", doc="at the mid rate of the window's day, less converted"),
    minor_zero("rounding_result_minor", doc="of conversion a record at a time"),
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
