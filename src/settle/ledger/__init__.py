"""Double entry: chart of accounts, journal, proofs, and the seal over what is append-only."""

from settle.ledger import accounts
from settle.ledger.auditing import Audit, audit
from settle.ledger.blocks import Head
from settle.ledger.chain import Tail, has_head, newest_head
from settle.ledger.flaws import Flaw, Wrong
from settle.ledger.inclusion import Inclusion, Line, prove
from settle.ledger.journal import (
    AccountBalance,
    Posting,
    balances,
    post,
    post_columns,
    reverse_event,
    signed,
)
from settle.ledger.leaves import Contents, Source, digest_of
from settle.ledger.proofs import (
    Proof,
    clearing_is_empty,
    client_money_covered,
    in_transit_against_payments,
    nostro_against_statements,
    trial_balance,
)
from settle.ledger.sealer import Sealed, seal
from settle.ledger.signing import HmacSigner, Signer
from settle.ledger.tables import JOURNAL

__all__ = [
    "JOURNAL",
    "AccountBalance",
    "Audit",
    "Contents",
    "Flaw",
    "Head",
    "HmacSigner",
    "Inclusion",
    "Line",
    "Posting",
    "Proof",
    "Sealed",
    "Signer",
    "Source",
    "Tail",
    "Wrong",
    "accounts",
    "audit",
    "balances",
    "clearing_is_empty",
    "client_money_covered",
    "digest_of",
    "has_head",
    "in_transit_against_payments",
    "newest_head",
    "nostro_against_statements",
    "post",
    "post_columns",
    "prove",
    "reverse_event",
    "seal",
    "signed",
    "trial_balance",
]
