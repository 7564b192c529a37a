"""The answers: a plan that verifies, or what cannot be funded and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One instruction: an amount sent on a way at a moment.

    `sold_minor` leaves `source`, `bought_minor` arrives on `target` (the same for a transfer),
    each in its account's currency; the costs are in the plan's currency.
    """

    arc_id: str
    source: str
    target: str
    sent_at: datetime
    lands_at: datetime
    sold_minor: int
    bought_minor: int
    charged_minor: int
    spread_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPlan:
    """What to send when, and from which account each need is paid. This is verified.

    `payments`: (need id, account id), by need. `closing`: (account id, minor units when all is
    done), by account. `bound_minor`: no plan costs less, as far as the solver has proved;
    `naive_minor`: what the naive plan costs, where there is one.
    """

    currency: str
    moves: tuple[Move, ...]
    payments: tuple[tuple[str, str], ...]
    closing: tuple[tuple[str, int], ...]
    cost_minor: int
    bound_minor: int = 0
    naive_minor: int | None = None

    @property
    def saved_minor(self) -> int | None:
        """What the plan costs less than the naive one; none where people would find none."""
        return None if self.naive_minor is None else self.naive_minor - self.cost_minor

    @property
    def gap_minor(self) -> int:
        """By how much a plan nobody has found could be cheaper."""
        return max(self.cost_minor - self.bound_minor, 0)

    @property
    def gap_ppm(self) -> int:
        """The gap as parts of a million of the cost, rounded up."""
        return -(-self.gap_minor * 10**6 // self.cost_minor) if self.gap_minor else 0

    @property
    def is_optimal(self) -> bool:
        """Whether the gap is no more than rounding.

        That is two units a move, and of large costs the eighth digit, which floats end the
        solver's own proof at.
        """
        return self.gap_minor <= 2 * len(self.moves) + self.cost_minor // 10**8


class Hindrance(StrEnum):
    """What stands in the way of a need. This is the first of these whose absence would help."""

    NOT_IN_MATRIX = "not_in_matrix"
    NO_ACCOUNT = "no_account"
    LIMIT = "limit"
    CUTOFF = "cutoff"
    CLIENTS_MONEY = "clients_money"
    BALANCE = "balance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfunded:
    """A need that cannot be met whole: by how much, and what stands in the way.

    `subject` is the need's id, or the owner whose money does not cover what it is owed.
    """

    subject: str
    currency: str
    short_minor: int
    hindrance: Hindrance
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Infeasible:
    """Not everything can be funded. This names the least that has to be left out, by subject."""

    unfunded: tuple[Unfunded, ...]
