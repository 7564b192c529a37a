"""What must hold each night, per currency, and what it is compared with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from settle.ledger.accounts import CLIENT_MONEY
from settle.ledger.journal import AccountBalance


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One check: what the ledger says, what it is held against, and whether they agree."""

    name: str
    currency: str
    subject: str
    ledger_minor: int
    other_minor: int
    holds: bool


def trial_balance(balances: Sequence[AccountBalance]) -> list[Proof]:
    """Debits equal credits in each currency."""
    totals: dict[str, int] = defaultdict(int)
    for balance in balances:
        totals[balance.currency] += balance.balance_minor
    return [
        _equal("trial balance", currency, "all accounts", total, 0)
        for currency, total in sorted(totals.items())
    ]


def nostro_against_statements(
    balances: Sequence[AccountBalance], closings: Mapping[tuple[str, str], int]
) -> list[Proof]:
    """Each nostro account equals the closing balance of its last statement.

    `closings`: by (nostro account, currency), in minor units. Every statement line is posted,
    to suspense where nobody expected it, so there are no other listed items.
    """
    ledger = {
        (balance.account, balance.currency): balance.balance_minor
        for balance in balances
        if balance.account.startswith("nostro/")
    }
    return [
        _equal("nostro against statement", key[1], key[0], ledger.get(key, 0), closings.get(key, 0))
        for key in sorted(ledger.keys() | closings.keys())
    ]


def in_transit_against_payments(
    balances: Sequence[AccountBalance], open_payments: Mapping[tuple[str, str], int]
) -> list[Proof]:
    """What is in transit equals the open payments. Keys: (in-transit account, currency)."""
    ledger = {
        (balance.account, balance.currency): -balance.balance_minor
        for balance in balances
        if balance.account.startswith("in_transit/")
    }
    return [
        _equal(
            "in transit against open payments", key[1], key[0], ledger.get(key, 0),
            open_payments.get(key, 0),
        )
        for key in sorted(ledger.keys() | open_payments.keys())
    ]  # fmt: skip


def clearing_is_empty(balances: Sequence[AccountBalance]) -> list[Proof]:
    """After a close nothing stays on the clearing account: both sides of every record agree."""
    return [
        _equal("clearing account", balance.currency, balance.account, balance.balance_minor, 0)
        for balance in balances
        if balance.account == "clearing"
    ]


def client_money_covered(balances: Sequence[AccountBalance]) -> list[Proof]:
    """What we hold in each currency is at least what we owe clients in it."""
    held: dict[str, int] = defaultdict(int)
    owed: dict[str, int] = defaultdict(int)
    for balance in balances:
        kind = balance.account.partition("/")[0]
        if kind == "nostro":
            held[balance.currency] += balance.balance_minor
        elif kind in CLIENT_MONEY and balance.balance_minor < 0:
            # One client's debt to us never covers what we owe another.
            owed[balance.currency] -= balance.balance_minor
    return [
        Proof(
            name="client money covered", currency=currency, subject="nostro ≥ client liabilities",
            ledger_minor=held[currency], other_minor=owed[currency],
            holds=held[currency] >= owed[currency],
        )
        for currency in sorted(held.keys() | owed.keys())
    ]  # fmt: skip


def _equal(name: str, currency: str, subject: str, ledger: int, other: int) -> Proof:
    return Proof(
        name=name, currency=currency, subject=subject, ledger_minor=ledger, other_minor=other,
        holds=ledger == other,
    )  # fmt: skip
