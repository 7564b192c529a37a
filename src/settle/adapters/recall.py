"""Asking a rail for a payment back, and the answers to it. None of them is money.

Match on the type, and close the match with `assert_never`. What came back is on a statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from settle.adapters.payment import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A wish to have a payment back. This never changes once it is stored.

    `recall_id` (at most 35 characters) is derived from the payment's key and the number of the
    recall; `code` is of ISO 20022's ExternalCancellationReason1Code (DUPL, TECH, FRAD, CUST …);
    `batch_id` is the message that the payment left in, where it left in one.
    """

    recall_id: str
    payment: Payment
    batch_id: str | None
    code: str
    asked_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallAccepted:
    """The rail says that the payment is cancelled, or will be sent back. Nothing is back yet."""

    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRejected:
    """The rail says, finally, that the money stays where it is."""

    code: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallPending:
    """The rail has the request, and somebody still has to answer it."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallUnknown:
    """Nobody knows whether the rail has the request, or what it says. It is asked again."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallNotTaken:
    """The rail documents its answer as: this request was not taken. It may be asked anew."""

    code: str
    reason: str = ""


RecallAnswer = RecallAccepted | RecallRejected | RecallPending | RecallUnknown | RecallNotTaken
"""What a rail may say to a recall."""
