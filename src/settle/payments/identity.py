"""Names that a payment carries outside, derived from what it is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any

from settle.store import derived, derived_uuid4

KEY_LENGTH = 32
"""128 bits in hexadecimal: within the key length of every rail seen, and within Max35Text."""

DERIVED = ("end_to_end_id", "uetr", "idempotency_key")
"""Columns of the names that are derived: another store has the same ones."""

REFERENCES = ("payment_id", *DERIVED)
"""Columns of all names by which evidence may be about a payment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The references of one attempt to carry out one obligation."""

    idempotency_key: str
    end_to_end_id: str
    uetr: str


def identity(tenant: str, obligation_id: str, *, attempt: int, leg: str = "pay") -> Identity:
    """The references of an attempt. This mints the same in a restored backup or a second store."""
    named = (tenant, obligation_id, leg, str(attempt))
    return Identity(
        idempotency_key=derived("key", *named)[:KEY_LENGTH],
        end_to_end_id=derived("end_to_end", *named)[:KEY_LENGTH].upper(),
        uetr=derived_uuid4("uetr", *named),
    )


SIGNED = (
    "beneficiary_name", "beneficiary_country", "beneficiary_town", "beneficiary_account",
    "beneficiary_bic", "beneficiary_bank_code", "amount_minor", "currency", "rail", "account",
    "not_before", "kind", "purpose", "remittance_information", "idempotency_key",
)  # fmt: skip
"""Columns of the canonical instruction, in the order in which its digest has them."""


def fingerprint(row: Mapping[str, Any]) -> str:
    """The digest of the canonical instruction, from its row. This is what an approval signs.

    Payee, amount, currency, rail, our account, the first value date, purpose, references: any
    change of them is another instruction. A value date later than `not_before` is not.
    """
    return derived(*map(_plain, _of_signed(row)))


_of_signed = itemgetter(*SIGNED)


def _plain(value: str | int | date | None) -> str:
    return "" if value is None else str(value)


def conversation(sendings: Iterable[tuple[str, int]]) -> str:
    """The id of the conversation that sends (idempotency key, release) pairs."""
    return derived("submit", *(f"{key}/{release}" for key, release in sorted(sendings)))


RECALLS_MAX = 9
"""How often one payment may be asked back: more is no request but a quarrel."""


def recall_conversation(key: str, *, number: int) -> str:
    """The id of the conversation with the nth recall of the payment with this key."""
    return derived("recall", key, str(number))


def recall(key: str, *, number: int) -> str:
    """The reference of the nth recall of the payment with this key. This fits Max35Text."""
    return recall_conversation(key, number=number)[:KEY_LENGTH].upper()


def batch(keys: Iterable[str], *, value_date: date) -> str:
    """The reference of the message that carries these payments. This fits Max35Text."""
    return derived("batch", value_date.isoformat(), *sorted(keys))[:KEY_LENGTH].upper()
