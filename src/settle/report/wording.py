"""The words and colours of states, exceptions and breaks, for people who do not run the system."""

from __future__ import annotations

from settle.report.payments import ExceptionKind

STATES: dict[str, tuple[str, str]] = {
    "booked": ("Booked", "#2f8f6b"),
    "credited": ("Credited", "#1f6f54"),
    "accepted": ("Accepted", "#4f86c6"),
    "sending": ("Sending", "#8fb3dd"),
    "unknown": ("Unknown", "#8b5cf6"),
    "awaiting_authorisation": ("Awaiting authorisation", "#e0a458"),
    "approved": ("Approved", "#9db4c8"),
    "scheduled": ("Scheduled", "#d9a441"),
    "planned": ("Planned", "#c3ccd6"),
    "returned": ("Returned", "#e07a5f"),
    "failed": ("Failed", "#9f1239"),
    "rejected": ("Rejected", "#c2413b"),
    "cancelled": ("Cancelled", "#8a94a3"),
}
"""Each state of a payment: its name and its colour, in the order of the table's columns."""

EXCEPTIONS: dict[ExceptionKind, tuple[str, str]] = {
    ExceptionKind.CONTRADICTION: (
        "Evidence contradicts itself",
        "What was said of it cannot all be true. Nothing is paid again until a person has asked.",
    ),
    ExceptionKind.UNKNOWN_OPEN: (
        "Outcome unknown",
        "No trustworthy answer came. The money stays reserved until evidence says what happened.",
    ),
    ExceptionKind.RETURNED: (
        "Returned",
        "Booked, then sent back. We owe the amount again and wait for a corrected beneficiary.",
    ),
    ExceptionKind.REJECTED: (
        "Rejected by the bank",
        "The bank refused and moved nothing. The beneficiary's details need a correction.",
    ),
    ExceptionKind.FAILED: (
        "Failed after acceptance",
        "Accepted first, failed later. Not paid again without proof that the money is back.",
    ),
    ExceptionKind.LISTED: (
        "In flight, and on a list",
        "Released before a screening list named somebody like it. It was not stopped.",
    ),
    ExceptionKind.HELD: (
        "Held by our own check",
        "Stopped before it was sent, because a rule of ours or of the rail would not allow it.",
    ),
    ExceptionKind.AWAITING_APPROVAL: (
        "Waiting for approval",
        "A person has to approve it before it may be sent.",
    ),
    ExceptionKind.CONTROLLED: (
        "Held by a control",
        "A switch is off, or a limit is reached. Nothing is lost: each says what lets it go.",
    ),
    ExceptionKind.SCHEDULED: (
        "Waiting for funds",
        "The account does not hold enough yet; it is paid as soon as it is funded.",
    ),
    ExceptionKind.UNKNOWN_CLOSED: (
        "Was unknown, now known",
        "The outcome was unknown for a time and stored evidence has ended that.",
    ),
}
"""Each kind of exception: its name, and what it means for somebody new to it."""

PRESSING = frozenset(
    {
        ExceptionKind.CONTRADICTION,
        ExceptionKind.UNKNOWN_OPEN,
        ExceptionKind.RETURNED,
        ExceptionKind.REJECTED,
        ExceptionKind.FAILED,
        ExceptionKind.LISTED,
    }
)
"""Kinds that a person has to act on; their lists stand open."""

BREAKS: dict[str, str] = {
    "missing_at_bank": "Missing at the bank",
    "unexpected": "Unexpected line",
    "duplicate": "Duplicate",
    "amount": "Amount differs",
    "fee": "Fee differs",
    "currency": "Currency differs",
    "timing": "Timing",
    "status_contradiction": "Status contradicts the line",
    "unlinked_return": "Return without a payment",
    "short_return": "Returned short",
    "reference": "Reference differs",
    "partial": "Part only",
    "missing_file": "Statement missing",
    "statement_does_not_balance": "Statement does not add up",
}

REASONS: dict[str, str] = {
    "AC01": "account number is wrong",
    "AC03": "creditor's account number is wrong",
    "AC04": "account is closed",
    "AC06": "account is blocked",
    "AG01": "transactions are forbidden on this account",
    "AG02": "operation code is wrong",
    "AM02": "amount is not allowed",
    "AM04": "funds are insufficient",
    "AM05": "duplicate",
    "BE04": "creditor's address is missing",
    "BE05": "party is not recognised",
    "CNOR": "creditor's bank is not registered",
    "CUST": "at the customer's request",
    "FF01": "file format is wrong",
    "FOCR": "following a cancellation request",
    "MD07": "the holder has died",
    "MS02": "no reason given by the customer",
    "MS03": "no reason given by the bank",
    "NARR": "see the bank's text",
    "RC01": "bank identifier is wrong",
    "RR04": "regulatory reason",
    "TM01": "after the cut-off",
}
"""Reason codes of the ISO 20022 external code set, in words."""

AGE_COLOURS: tuple[str, ...] = ("#cfe0d8", "#a9cbbd", "#f0d48a", "#e3a857", "#d9743f", "#b3312c")


def state(name: str) -> str:
    """A payment state in words; one that is not in the table is shown as it is."""
    return STATES.get(name, (name.replace("_", " ").capitalize(), ""))[0]


def break_kind(name: str) -> str:
    """A kind of break in words."""
    return BREAKS.get(name, name.replace("_", " ").capitalize())


def reason(code: str, text: str = "") -> str:
    """A reason in words: the given text, or what the code means."""
    return text or REASONS.get(code, "")


def words(name: str) -> str:
    """Any other name of ours, `503_storm`, as a person reads it."""
    return name.replace("_", " ")[:1].upper() + name.replace("_", " ")[1:]
