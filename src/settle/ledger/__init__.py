"""Double entry: chart of accounts, journal, proofs."""

from settle.ledger import accounts
from settle.ledger.journal import (
    AccountBalance,
    Posting,
    balances,
    post,
    post_columns,
    reverse_event,
    signed,
)
from settle.ledger.proofs import (
    Proof,
    clearing_is_empty,
    client_money_covered,
    in_transit_against_payments,
    nostro_against_statements,
    trial_balance,
)

__all__ = [
    "AccountBalance",
    "Posting",
    "Proof",
    "accounts",
    "balances",
    "clearing_is_empty",
    "client_money_covered",
    "in_transit_against_payments",
    "nostro_against_statements",
    "post",
    "post_columns",
    "reverse_event",
    "signed",
    "trial_balance",
]
