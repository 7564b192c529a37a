"""The chart of accounts: names are paths, and the first part says what an account is."""

from __future__ import annotations

CLIENT_MONEY = frozenset({"payable", "reserve", "deposit", "returned", "in_transit", "collateral"})
"""First parts of accounts that hold what we owe to merchants and partners."""

CLEARING = "clearing"
FX_POSITION = "fx/position"
FEES = "revenue/fees"
TAX = "tax/payable"
ADJUSTMENTS = "adjustments"
OWN_FUNDS = "own_funds"
TREASURY = "treasury_transit"
SUSPENSE = "suspense"
RETURN_CHARGES = "charges/returns"
FX_RESULT = "revenue/fx"


def nostro(rail: str, account: str) -> str:
    """Our money at a bank or partner, as its statements say. An asset."""
    return f"nostro/{rail}/{account}"


def in_transit(rail: str) -> str:
    """Released to the rail and not yet booked by it. We still owe it until it is."""
    return f"in_transit/{rail}"


def payable(agreement_id: str) -> str:
    """What we owe under an agreement."""
    return f"payable/{agreement_id}"


def reserve(agreement_id: str) -> str:
    """What we hold back from an agreement until its release date."""
    return f"reserve/{agreement_id}"


def collateral(agreement_id: str) -> str:
    """What is pledged to us under an agreement and lies on our accounts, less what was used."""
    return f"collateral/{agreement_id}"


def claims(agreement_id: str) -> str:
    """What an agreement owes us and was asked for. An asset."""
    return f"claims/{agreement_id}"


def deposit(participant_id: str) -> str:
    """What a partner has prefunded, less what its payers have bought."""
    return f"deposit/{participant_id}"


def returned(agreement_id: str) -> str:
    """Payments that came back, waiting for a corrected beneficiary or an approval."""
    return f"returned/{agreement_id}"


def of_agreement(agreement_id: str) -> list[str]:
    """Every account of one agreement. What moves on these is its own business and no other's."""
    return [account(agreement_id) for account in (payable, reserve, collateral, claims, returned)]
