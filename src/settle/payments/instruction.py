"""What a payment is asked to do, in the shapes it takes: due, instruction, row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from settle.adapters import Adapter, Beneficiary, Ending, Payment, PaymentKind
from settle.adapters.exchange import Conversation
from settle.adapters.recorder import Recorder
from settle.payments.identity import fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One obligation to be carried out by a payment. Amounts are minor units of `currency`.

    `rail`: the one that is to carry it; blank for the best that takes it. `account`: ours at the
    rail that is to pay; blank for the rail's first in the currency.
    """

    obligation_id: str
    agreement_id: str
    currency: str
    amount_minor: int
    value_date: date
    beneficiary: Beneficiary
    kind: PaymentKind = PaymentKind.PAYOUT
    reference: str = ""
    rail: str = ""
    account: str = ""


class Sends(Protocol):
    """What runs a conversation against a rail. `settle.adapters.Sender` is one."""

    @property
    def down(self) -> bool:
        """Whether the rail is being left alone after too many failures in a row."""
        ...

    async def run(
        self,
        conversation: Conversation[Any],
        *,
        conversation_id: str,
        recorder: Recorder = ...,
        resend: bool = False,
    ) -> Ending[Any]:
        """Run a conversation to its end, replaying what is stored of it."""
        ...


@dataclass(frozen=True, slots=True)
class Rail:
    """One rail: what speaks its language, and what sends."""

    adapter: Adapter[Any]
    sender: Sends


Row = Mapping[str, Any]
"""A row of the payments table, by column name."""


def payee_of(row: Row) -> Beneficiary:
    """Who is paid."""
    return Beneficiary(
        name=row["beneficiary_name"],
        country=row["beneficiary_country"],
        town=row["beneficiary_town"],
        account=row["beneficiary_account"],
        bic=row["beneficiary_bic"],
        bank_code=row["beneficiary_bank_code"],
    )


def payment_of(row: Row) -> Payment:
    """The payment as its rail sees it."""
    return Payment(
        payment_id=row["payment_id"],
        kind=PaymentKind(row["kind"]),
        amount_minor=row["amount_minor"],
        currency=row["currency"],
        beneficiary=payee_of(row),
        value_date=row["value_date"],
        idempotency_key=row["idempotency_key"],
        end_to_end_id=row["end_to_end_id"],
        uetr=row["uetr"],
        remittance_information=row["remittance_information"],
        purpose=row["purpose"],
        account=row["account"],
    )


def fingerprint_of(row: Row) -> str:
    """The digest of the instruction as it stands in the row now."""
    return fingerprint(row)


def is_as_approved(row: Row) -> bool:
    """Whether the row still says what its approval signed, and no earlier date."""
    unchanged = bool(fingerprint_of(row) == row["approved_fingerprint"])
    return unchanged and row["value_date"] >= row["not_before"]
