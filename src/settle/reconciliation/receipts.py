"""Money we expect on our accounts, known by its text: the rules are data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from settle.ledger import accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRule:
    """A text that says where money on a nostro account belongs.

    A text or reference that begins with the words of `prefix` is posted against the ledger
    account of `account`, where `{id}` stands for the one word after the prefix. `inflow` and
    `outflow` say which way such money may go; the other way is unexpected.
    """

    prefix: str
    account: str
    inflow: bool = True
    outflow: bool = False


RECEIPT_RULES: tuple[ReceiptRule, ...] = (
    ReceiptRule(prefix="DEPOSIT", account=accounts.deposit("{id}")),
    ReceiptRule(prefix="COLLATERAL", account=accounts.collateral("{id}"), outflow=True),
    ReceiptRule(prefix="OWN FUNDS", account=accounts.OWN_FUNDS, outflow=True),
    ReceiptRule(prefix="TREASURY", account=accounts.TREASURY, outflow=True),
)
"""Partners' prefunding, collateral received and returned, our own money, and transfers of it."""


def rule_rows(rules: Sequence[ReceiptRule]) -> dict[str, list[str] | list[bool]]:
    """The rules as columns for the views. This ends each prefix at a word, by a blank."""
    return {
        "prefix": [rule.prefix.rstrip() + " " for rule in rules],
        "account": [rule.account for rule in rules],
        "inflow": [rule.inflow for rule in rules],
        "outflow": [rule.outflow for rule in rules],
    }
