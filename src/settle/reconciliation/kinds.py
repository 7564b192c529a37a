"""The kinds of break, each with what a person does next and who that is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BreakKind(StrEnum):
    """What does not fit. This is the vocabulary of `docs/reference/breaks.md`."""

    MISSING_AT_BANK = "missing_at_bank"
    UNEXPECTED = "unexpected"
    DUPLICATE = "duplicate"
    AMOUNT = "amount"
    FEE = "fee"
    CURRENCY = "currency"
    STATUS_CONTRADICTION = "status_contradiction"
    UNLINKED_RETURN = "unlinked_return"
    SHORT_RETURN = "short_return"
    REFERENCE = "reference"
    PARTIAL = "partial"
    MISSING_FILE = "missing_file"
    STATEMENT_DOES_NOT_BALANCE = "statement_does_not_balance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What to do about a break of some kind, and whose work it is."""

    next_action: str
    owner: str


HANDLING: dict[BreakKind, Handling] = {
    BreakKind.MISSING_AT_BANK: Handling(
        next_action="Ask the bank by the payment's reference; do not pay again.",
        owner="payments",
    ),
    BreakKind.UNEXPECTED: Handling(
        next_action="Find out who sent or took it; keep it in suspense until then.",
        owner="reconciliation",
    ),
    BreakKind.DUPLICATE: Handling(
        next_action="Stop the rail and ask the bank at once: this may be a double payment.",
        owner="payments",
    ),
    BreakKind.AMOUNT: Handling(
        next_action="Compare with the instruction and ask the bank for the details.",
        owner="reconciliation",
    ),
    BreakKind.FEE: Handling(
        next_action="Check against the bank's tariff and book it as a charge.",
        owner="finance",
    ),
    BreakKind.CURRENCY: Handling(
        next_action="Ask the bank which rate it used, and why it converted.",
        owner="treasury",
    ),
    BreakKind.STATUS_CONTRADICTION: Handling(
        next_action="Stop any new payment of the obligation; ask the rail which answer stands.",
        owner="payments",
    ),
    BreakKind.UNLINKED_RETURN: Handling(
        next_action="Find the payment it returns by amount, party and date.",
        owner="reconciliation",
    ),
    BreakKind.SHORT_RETURN: Handling(
        next_action="The hub has borne the charges; reclaim them from the bank or charge them on.",
        owner="finance",
    ),
    BreakKind.REFERENCE: Handling(
        next_action="Ask the bank which payment the line belongs to.",
        owner="reconciliation",
    ),
    BreakKind.PARTIAL: Handling(
        next_action="Wait for the rest, then link the parts.",
        owner="reconciliation",
    ),
    BreakKind.MISSING_FILE: Handling(
        next_action="Fetch the statement again; ask the bank where it is not there.",
        owner="operations",
    ),
    BreakKind.STATEMENT_DOES_NOT_BALANCE: Handling(
        next_action="Fetch the statement again; ask the bank for a corrected one.",
        owner="operations",
    ),
}
"""One handling for every kind."""

CURED_BY: dict[BreakKind, str] = {
    BreakKind.MISSING_AT_BANK: "The bank booked it, or the payment is no longer said to be sent",
    BreakKind.MISSING_FILE: "The statement came",
    BreakKind.STATEMENT_DOES_NOT_BALANCE: "A sound statement came",
}
"""What explained a break that is not about a line; a line's own outcome says it for lines."""
