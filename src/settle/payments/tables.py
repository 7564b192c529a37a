"""The tables of payments: instructions, their events, their exchanges, what came back."""

import sqlalchemy as sa

from settle.store import Id, Instant, Minor, metadata

WAITING = "waiting_for_beneficiary"
REPAID = "repaid"
"""How a returned payable stands."""

payments = sa.Table(
    "payments",
    metadata,
    sa.Column("payment_id", Id, primary_key=True, doc="time-ordered"),
    sa.Column("tenant", Id, nullable=False),
    sa.Column("obligation_id", Id, nullable=False),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, doc="1, and one more after each rejection"),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount_minor", Minor, nullable=False),
    sa.Column("value_date", sa.Date, nullable=False),
    sa.Column("not_before", sa.Date, nullable=False, doc="its first value date, as approved"),
    sa.Column("beneficiary_name", sa.String, nullable=False),
    sa.Column("beneficiary_country", sa.String, nullable=False),
    sa.Column("beneficiary_town", sa.String, nullable=False),
    sa.Column("beneficiary_account", sa.String, nullable=False),
    sa.Column("beneficiary_bic", sa.String),
    sa.Column("beneficiary_bank_code", sa.String),
    sa.Column("remittance_information", sa.String, nullable=False),
    sa.Column("purpose", sa.String, nullable=False),
    sa.Column("rail", Id, nullable=False, doc="empty: no rail takes it"),
    sa.Column("account", Id, nullable=False, doc="ours, at the rail"),
    sa.Column("routing_reason", sa.String, nullable=False),
    sa.Column("idempotency_key", Id, nullable=False, unique=True),
    sa.Column("end_to_end_id", sa.String(35), nullable=False, unique=True),
    sa.Column("uetr", sa.String(36), nullable=False, unique=True),
    sa.Column("fingerprint", Id, nullable=False, doc="of what is approved"),
    sa.Column("approved_fingerprint", Id, doc="what the approval signed"),
    sa.Column("approved_by", Id),
    sa.Column("hold_reason", sa.String, nullable=False, server_default="", doc="field: why"),
    sa.Column("state", sa.String(24), nullable=False, doc="projection of the events"),
    sa.Column("steps", sa.Integer, nullable=False, server_default="0", doc="before release"),
    sa.Column("funded", sa.Boolean, nullable=False, doc="covered, and free to be released"),
    sa.Column("live", sa.Boolean, nullable=False, doc="it stands for its obligation"),
    sa.Column("in_transit", sa.Boolean, nullable=False, doc="released, no statement line yet"),
    sa.Column("contradiction", sa.String, nullable=False, server_default=""),
    sa.Column("recall", sa.String(24), nullable=False, server_default="", doc="how it stands"),
    sa.Column("repays", Id, index=True, doc="the payment whose money came back or never left"),
    sa.Column("owed_from", sa.String(16), nullable=False, server_default="payable", doc="account"),
    sa.Column("releases", sa.Integer, nullable=False, server_default="0"),
    sa.Column("resends", sa.Integer, nullable=False, server_default="0"),
    sa.Column("released_at", Instant, doc="of the last release: the key's life begins"),
    sa.Column("released_on", sa.Date, index=True, doc="its business day: limits count by it"),
    sa.Column("conversation_id", Id, index=True, doc="of the last release"),
    sa.Column("batch_id", sa.String(35), index=True),
    sa.Column("batch_on", sa.Date, doc="the business day the batch was made on"),
    sa.Column("worker", Id, doc="who holds it now"),
    sa.Column("lease_until", Instant),
    sa.CheckConstraint("amount_minor > 0", name="positive"),
    sa.Index(None, "state", "rail"),
    sa.Index(None, "tenant", "obligation_id"),
    sa.Index(None, "beneficiary_account"),
    sa.Index(None, "agreement_id", "currency"),
    sa.Index(
        "ix_payments_claim",
        "rail",
        "funded",
        "value_date",
        "payment_id",
        sqlite_where=sa.text("state = 'approved'"),
        postgresql_where=sa.text("state = 'approved'"),
    ),
    sa.Index(
        "uq_payments_live_obligation",
        "tenant",
        "obligation_id",
        unique=True,
        sqlite_where=sa.text("live"),
        postgresql_where=sa.text("live"),
    ),
)

payment_events = sa.Table(
    "payment_events",
    metadata,
    sa.Column("payment_id", Id, nullable=False, primary_key=True),
    sa.Column(
        "event_id", Id, primary_key=True, doc="the evidence's own id, or the step's: once is once"
    ),
    sa.Column("kind", sa.String(24), nullable=False),
    sa.Column("occurred_at", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column(
        "ordinal", sa.Integer, nullable=False, doc="of the sending, or of the step before it"
    ),
    sa.Column("amount_minor", Minor),
    sa.Column("account", Id),
    sa.Column("charges_minor", Minor, nullable=False),
    sa.Column("code", sa.String, nullable=False),
    sa.Column("detail", sa.String, nullable=False),
)

exchanges = sa.Table(
    "exchanges",
    metadata,
    sa.Column("conversation_id", Id, primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True),
    sa.Column("turn", sa.Integer, primary_key=True, doc="0, and one more for each re-sending"),
    sa.Column("effect", sa.String(16), nullable=False),
    sa.Column("method", sa.String(16), nullable=False),
    sa.Column("target", sa.String, nullable=False),
    sa.Column("fingerprint", Id, nullable=False),
    sa.Column("headers", sa.String, nullable=False, doc="JSON, without credentials"),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("intent_at", Instant, nullable=False),
    sa.Column("answered_at", Instant),
    sa.Column("status", sa.Integer),
    sa.Column("answer_headers", sa.String, doc="JSON"),
    sa.Column("answer_content", sa.LargeBinary),
    sa.Column("silence", sa.String, doc="why there is no answer"),
    sa.Column("sent", sa.Boolean, nullable=False, doc="false only where the socket proved it"),
    sa.Column("subject", Id, index=True, doc="the payment or batch it is about"),
    sa.Column("key_id", Id, doc="of the request: what `content` is encrypted by; none: plain"),
    sa.Column("digests", sa.String, doc="JSON: of what was sent, taken when it was written"),
    sa.Column("answer_key_id", Id, doc="of the answer"),
    sa.Column("answer_digests", sa.String, doc="JSON: of what was answered"),
    sa.Column("erasure_id", Id, doc="what emptied it; none: nothing has"),
    sa.Column(
        "unheard", sa.Boolean, nullable=False, server_default=sa.false(),
        doc="it was answered, and nobody has acted on it yet",
    ),
    sa.Index(
        "ix_exchanges_unheard",
        "conversation_id",
        sqlite_where=sa.text("unheard"),
        postgresql_where=sa.text("unheard"),
    ),
)  # fmt: skip

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("erasure_id", Id, primary_key=True, doc="time-ordered"),
    sa.Column("erased_at", Instant, nullable=False),
    sa.Column("actor", Id, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("scope", sa.String, nullable=False, doc="payment, agreement or age, and which"),
    sa.Column("exchanges", sa.BigInteger, nullable=False, doc="how many were emptied"),
)

fences = sa.Table(
    "fences",
    metadata,
    sa.Column("name", Id, primary_key=True, doc="of a worker"),
    sa.Column("number", sa.BigInteger, nullable=False, doc="of the last run that took it"),
    sa.Column("taken_at", Instant, nullable=False),
    sa.Column("sent", sa.BigInteger, nullable=False, server_default="0", doc="groups of intents"),
)

epochs = sa.Table(
    "epochs",
    metadata,
    sa.Column("one", sa.Integer, primary_key=True, doc="there is one row"),
    sa.Column("store_id", Id, nullable=False, doc="of this store, and of its backups"),
    sa.Column("count", sa.BigInteger, nullable=False, doc="runs that sent"),
    sa.Column("accepted_by", Id, doc="who last let it go on after a restore"),
)

restores = sa.Table(
    "restores",
    metadata,
    sa.Column("restore_id", Id, primary_key=True, doc="time-ordered"),
    sa.Column("taken_at", Instant, nullable=False, doc="when the backup was taken"),
    sa.Column("restored_at", Instant, nullable=False),
    sa.Column("searched_at", Instant, doc="when the last search ended that left nothing open"),
    sa.Column("resumed_at", Instant),
    sa.Column("resumed_by", Id, doc="who let it go on"),
    sa.Column("reason", sa.String),
)

searches = sa.Table(
    "searches",
    metadata,
    sa.Column("payment_id", Id, primary_key=True, doc="asked for after a backup was put back"),
    sa.Column("searched_at", Instant, nullable=False),
    sa.Column(
        "answer", sa.String(16), nullable=False, doc="found, not_found, not_asked, elsewhere"
    ),
)

returned_payables = sa.Table(
    "returned_payables",
    metadata,
    sa.Column("payment_id", Id, primary_key=True),
    sa.Column("agreement_id", Id, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("amount_minor", Minor, nullable=False, doc="owed again"),
    sa.Column("back_minor", Minor, nullable=False, doc="what came back"),
    sa.Column("charges_minor", Minor, nullable=False, doc="what the hub bears"),
    sa.Column("borne_minor", Minor, nullable=False, server_default="0", doc="what the payee bears"),
    sa.Column("returned_on", sa.Date, nullable=False),
    sa.Column("code", sa.String, nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("repaid_by", Id, doc="the payment that pays it again"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("rail", Id, primary_key=True),
    sa.Column("delivery_id", Id, primary_key=True, doc="the rail's own name of the delivery"),
    sa.Column("digest", sa.String(64), nullable=False, doc="SHA-256 of what came first"),
    sa.Column("received_at", Instant, nullable=False, doc="when it first came"),
    sa.Column("copies", sa.Integer, nullable=False, doc="how often it came, the first included"),
    sa.Column("others", sa.Integer, nullable=False, doc="of those, with another content"),
    sa.Column("look_up", sa.Boolean, nullable=False, doc="it tells what only find can prove"),
    sa.Column("taken", sa.Boolean, nullable=False, doc="nothing in it was unmatched"),
)

find_wishes = sa.Table(
    "find_wishes",
    metadata,
    sa.Column("payment_id", Id, primary_key=True, doc="about which the rail is to be asked"),
    sa.Column("wished_at", Instant, nullable=False, doc="the last time"),
    sa.Column("why", sa.String, nullable=False),
    sa.Column("answered_at", Instant, index=True, doc="none: nobody has asked since"),
)

refused_deliveries = sa.Table(
    "refused_deliveries",
    metadata,
    sa.Column("rail", Id, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True, doc="UTC: a row a day, however many come"),
    sa.Column("reason", Id, primary_key=True),
    sa.Column("times", sa.BigInteger, nullable=False),
    sa.Column("last_at", Instant, nullable=False),
)
