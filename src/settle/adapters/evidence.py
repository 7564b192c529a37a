"""What proves something about a payment: the one currency that ends an `Unknown`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Fact(StrEnum):
    """What a piece of evidence says happened to the payment."""

    ACCEPTED = "accepted"  # the rail has it and took responsibility
    BOOKED = "booked"  # our account was debited
    CREDITED = "credited"  # the beneficiary's account was credited
    RETURNED = "returned"  # money came back, all or short of charges
    FAILED = "failed"  # the rail says it failed after acceptance
    REJECTED = "rejected"  # final and documented: nothing was created
    NOT_FOUND = "not_found"  # the rail does not know it now; proves nothing by itself


class Source(StrEnum):
    """Where the evidence comes from. Trust is asymmetric: any of these may prove execution."""

    SUBMIT = "submit"
    FIND = "find"
    NOTIFICATION = "notification"
    REPORT = "report"  # the rail's own report
    STATEMENT = "statement"  # the bank's statement of our account


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What one bank on the way kept, in minor units of `currency`. `agent` is its BIC, if said."""

    amount_minor: int
    currency: str
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One authenticated fact about one payment. This is what `payments.record` takes.

    `evidence_id` names the source's own item (statement line, delivery, answer), so that the
    same evidence twice changes nothing. `reference` is any one of our references: payment id,
    EndToEndId, UETR or idempotency key. `amount_minor` and `currency` are what the source
    booked, present for bookings and returns; `account` is the account of ours it was booked
    on; `charges_minor` is what was deducted on the way, and `charges` who kept what of it;
    `exchanged` says that the money was converted on its way back. An amount or a currency that is
    not the instructed one makes it a contradiction; what speaks of many payments is one item for
    each.
    """

    evidence_id: str
    source: Source
    fact: Fact
    reference: str
    occurred_at: datetime
    rail: str
    account: str | None = None
    rail_reference: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    charges_minor: int = 0
    charges: Sequence[Charge] = ()
    exchanged: bool = False
    code: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)
