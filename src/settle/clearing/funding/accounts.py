"""Accounts and whose money is in them."""

from __future__ import annotations

from dataclasses import dataclass

from settle.clearing.funding.whole import whole
from settle.errors import BadInput
from settle.money import exponent

OWN = "own"
"""The owner of what is ours."""

CLIENTS = "clients"
"""The owner of what is held for all clients together; any other owner is one participant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of ours at a rail. This holds one currency, for one owner.

    `balance_minor` is what may be spent now: booked less what is in transit. `minimum_minor` is
    what has to stay there; an account that starts below it gives nothing and is not topped up for
    that (a top-up is a need of its own).
    """

    account_id: str
    rail: str
    currency: str
    balance_minor: int
    owner: str
    minimum_minor: int = 0

    def __post_init__(self) -> None:
        exponent(self.currency)
        whole(self.balance_minor, f"account {self.account_id}, balance_minor")
        if whole(self.minimum_minor, f"account {self.account_id}, minimum_minor") < 0:
            raise BadInput(f"account {self.account_id}, minimum_minor: below zero")

    @property
    def client_money(self) -> bool:
        """Whether it holds clients' money, pooled or of one of them."""
        return self.owner != OWN

    @property
    def floor_minor(self) -> int:
        """What the balance never goes below."""
        return min(self.minimum_minor, self.balance_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a client is owed in a currency before the plan, needs of the plan included.

    Without a claim, a client is taken to be owed just its needs. A need above the claim is a
    deficit of that client.
    """

    owner: str
    currency: str
    amount_minor: int

    def __post_init__(self) -> None:
        exponent(self.currency)
        where = f"claim of {self.owner} in {self.currency}, amount_minor"
        if whole(self.amount_minor, where) < 0:
            raise BadInput(f"{where}: below zero")
        if self.owner == OWN:
            raise BadInput(f"{where}: what is ours is no claim")


def may_move(source: Account, target: Account) -> bool:
    """Whether money of one may become money of the other.

    This is yes within one owner, and from ours to anybody: clients' money stays its owner's.
    """
    return source.owner in (target.owner, OWN)
