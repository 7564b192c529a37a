"""The instruction that an adapter carries out: who is paid what, under which references."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class PaymentKind(StrEnum):
    """What a payment is for. This decides which rails may carry it."""

    PAYOUT = "payout"
    TAX_REFUND = "tax_refund"
    REMITTANCE = "remittance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beneficiary:
    """Who is paid, and where. This is what an approval signs.

    `account` is an IBAN where the country has them, else the local account number; `bic` is
    the ISO 9362 code of its bank; `town` and `country` are the structured address that CBPR+
    asks for from 2026-11-14; `bank_code` is the local routing number where the country has one.
    """

    name: str
    country: str
    town: str
    account: str
    bic: str | None = None
    bank_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One payment as a rail sees it. This never changes once its key is stored.

    `amount_minor` is in minor units of `currency`. `idempotency_key`, `end_to_end_id` (at most
    35 characters, ISO 20022 Max35Text) and `uetr` (RFC 4122 version 4 form) are derived from
    the tenant, the obligation, the leg and the attempt. `account` is ours at the rail, which the
    payment leaves from; blank where a rail has one in the currency.
    """

    payment_id: str
    kind: PaymentKind
    amount_minor: int
    currency: str
    beneficiary: Beneficiary
    value_date: date
    idempotency_key: str
    end_to_end_id: str
    uetr: str
    remittance_information: str
    purpose: str = "SUPP"
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Payments of one account, currency and value date sent as one message. This is one `commits`.

    `batch_id` is the message's own reference (at most 35 characters) and, on a rail that
    deduplicates messages, its key; it is derived from the payments in it. `created_on` is the
    business day of the night that made it.
    """

    batch_id: str
    currency: str
    value_date: date
    created_on: date
    payments: Sequence[Payment]

    def __iter__(self) -> Iterator[Payment]:
        return iter(self.payments)

    def __len__(self) -> int:
        return len(self.payments)

    @property
    def account(self) -> str:
        """Ours, which all of the payments leave from, as they say it."""
        return self.payments[0].account if self.payments else ""

    @property
    def total_minor(self) -> int:
        """The sum of the payments, in minor units of `currency`."""
        return sum(payment.amount_minor for payment in self.payments)
