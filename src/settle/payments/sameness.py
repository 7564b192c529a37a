"""Whether an obligation that is planned again is what its payment was made of, and if not, why."""

from __future__ import annotations

from collections.abc import Sequence

from settle.payments.instruction import Due, Row

_PAYEE = ("name", "country", "town", "account", "bic", "bank_code")
_INSTRUCTED = (
    "agreement_id", "amount_minor", "currency", "kind",
    *(f"beneficiary_{name}" for name in _PAYEE),
)  # fmt: skip
"""Columns that may not differ between two plans of one obligation."""

_NAMED = ("rail", "account")
"""What an obligation may name. Where it names none, any that routing found is the same."""


def difference(due: Due, row: Row, standing: Row) -> str | None:
    """The first field in which an obligation is not what a payment stands for; None: it is.

    `row`: the payment that it would be. A value date may have rolled.
    """
    for name in _INSTRUCTED:
        if row[name] != standing[name]:
            return name
    if row["remittance_information"] != standing["remittance_information"]:
        return "reference"
    for name in _NAMED:
        if getattr(due, name) and standing[name] not in ("", getattr(due, name)):
            return name
    rolled_to = max(standing["not_before"], standing["value_date"])
    return None if standing["not_before"] <= due.value_date <= rolled_to else "value_date"


def other_agreement(row: Row, earlier: Sequence[Row]) -> Row | None:
    """An earlier payment of the obligation for another agreement: no correction turns it over."""
    return next((r for r in earlier if r["agreement_id"] != row["agreement_id"]), None)
