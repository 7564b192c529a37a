"""Reconciliation: statements in, lines explained, what is left named as a break."""

from settle.reconciliation.account_days import AccountDay, account_days, closings, last_days
from settle.reconciliation.breaks import Break, Refreshed, all_breaks, open_breaks, refresh
from settle.reconciliation.debits import Debit, unexplained_debits
from settle.reconciliation.keeping import Kept, keep
from settle.reconciliation.kinds import HANDLING, BreakKind, Handling
from settle.reconciliation.match_rate import MatchRate, PassRate, pass_rates, rates
from settle.reconciliation.matching import Match, Matched, match
from settle.reconciliation.parting import Part, Ruling, give, part, part_of, strike
from settle.reconciliation.proof import confirm, unconfirmed
from settle.reconciliation.reading import StatementFinding
from settle.reconciliation.receipts import RECEIPT_RULES, ReceiptRule
from settle.reconciliation.reopening import Reopened, reopened
from settle.reconciliation.sealed import SEALED
from settle.reconciliation.silence import Silence

__all__ = [
    "HANDLING",
    "RECEIPT_RULES",
    "SEALED",
    "AccountDay",
    "Break",
    "BreakKind",
    "Debit",
    "Handling",
    "Kept",
    "Match",
    "MatchRate",
    "Matched",
    "Part",
    "PassRate",
    "ReceiptRule",
    "Refreshed",
    "Reopened",
    "Ruling",
    "Silence",
    "StatementFinding",
    "account_days",
    "all_breaks",
    "closings",
    "confirm",
    "give",
    "keep",
    "last_days",
    "match",
    "open_breaks",
    "part",
    "part_of",
    "pass_rates",
    "rates",
    "refresh",
    "reopened",
    "strike",
    "unconfirmed",
    "unexplained_debits",
]
