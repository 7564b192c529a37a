"""Why a line matched, or did not, in a sentence a person can act on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from settle.money import plain
from settle.reconciliation.kinds import BreakKind

PASSES: dict[str, str] = {
    "exact_reference": "Reference, account, currency and amount are equal",
    "batch_reference": "The batch it names has this count and sum",
    "batch_unique": "Account, value date, count and sum fit one set of payments, and no other",
    "amount_date_party": "Account, value date, amount and party fit one payment, and no other",
    "return_reference": "The reference is of a booked payment, and what came back fits",
    "receipt": "The text is one we expect",
}
"""What each pass compared."""

REASONS: dict[str, tuple[BreakKind, str]] = {
    "two_payments": (BreakKind.REFERENCE, "Its references name {count} payments"),
    "booked_before": (
        BreakKind.DUPLICATE,
        "Payment {payment} was booked by another line: is it paid twice?",
    ),
    "batch_booked_before": (
        BreakKind.DUPLICATE,
        "The batch was booked by another line: is it paid twice?",
    ),
    "batch_refused": (BreakKind.STATUS_CONTRADICTION, "No payment of its batch was accepted"),
    "other_currency": (BreakKind.CURRENCY, "Payment {payment} is in another currency"),
    "other_account": (BreakKind.REFERENCE, "Payment {payment} was sent from another account"),
    "charges_netted": (
        BreakKind.FEE,
        "Payment {payment} is of {expected}; the bank's charges make the difference",
    ),
    "other_amount": (BreakKind.AMOUNT, "Payment {payment} is of {expected}"),
    "batch_differs": (
        BreakKind.AMOUNT,
        "What is open of its batch is {count} payments of {expected}",
    ),
    "returned_before": (
        BreakKind.UNLINKED_RETURN,
        "Payment {payment} was returned by another line",
    ),
    "more_than_paid": (BreakKind.AMOUNT, "Payment {payment} was of {expected} only"),
    "charges_do_not_add_up": (
        BreakKind.AMOUNT,
        "Payment {payment} is of {expected}; what came back and the charges stated do not make it",
    ),
    "part_came_back": (
        BreakKind.PARTIAL,
        "Payment {payment} is of {expected}; this is a part, and not called a return",
    ),
    "not_booked_yet": (BreakKind.UNLINKED_RETURN, "Payment {payment} was never booked"),
    "return_of_nothing": (BreakKind.UNLINKED_RETURN, "No reference of ours is on it"),
    "charge": (BreakKind.FEE, "The bank calls it a charge; no payment is named"),
    "outcome_unknown": (
        BreakKind.REFERENCE,
        "Without a reference: it looks like payment {payment}, of which nobody knows the outcome",
    ),
    "outcomes_unknown": (
        BreakKind.REFERENCE,
        "Without a reference: it looks like {count} payments, of which nobody knows all outcomes",
    ),
    "not_unique": (BreakKind.UNEXPECTED, "Refused, for more than one explanation fits"),
    "nothing_fits": (BreakKind.UNEXPECTED, "No payment, batch or expected receipt fits"),
}
"""The views' one-word reasons: the kind of break, and the sentence."""


def matched_why(pass_name: str, *, shortfall_minor: int, currency: str) -> str:
    """The sentence of a match. This names the difference where there is one."""
    sentence = PASSES[pass_name]
    if shortfall_minor:
        sentence += f"; {plain(shortfall_minor, currency)} {currency} of charges is missing"
    return sentence


def unexplained_why(
    reason: str,
    *,
    payment_id: str | None,
    expected_minor: int,
    expected_count: int,
    currency: str,
    alternatives: Sequence[Mapping[str, Any]],
) -> str:
    """The sentence of a line that nothing explains. This lists what was weighed and refused.

    `alternatives`: the first refused explanations, and in each how many there are.
    """
    sentence = REASONS[reason][1].format(
        payment=payment_id, expected=plain(expected_minor, currency), count=expected_count
    )
    if alternatives:
        rest = alternatives[0]["explanations"] - len(alternatives)
        sentence += ": " + ", ".join(shown["explanation"] for shown in alternatives)
        sentence += f" and {rest} more" if rest else ""
    return sentence
