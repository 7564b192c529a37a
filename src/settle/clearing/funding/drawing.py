"""A plan drawn up from amounts: everything else in it follows from them, in integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from settle.clearing.funding.costs import cost_of
from settle.clearing.funding.plan import FundingPlan, Move
from settle.clearing.funding.question import Funding
from settle.clearing.funding.sendings import Sending
from settle.clearing.funding.timeline import timeline


def move_of(sending: Sending, sold_minor: int, *, funding: Funding) -> Move:
    """The instruction that sends an amount. This converts and costs it exactly."""
    arc = sending.arc
    bought = arc.bought_minor(sold_minor)
    cost = cost_of(arc, sold_minor=sold_minor, bought_minor=bought, funding=funding)
    return Move(
        arc_id=arc.arc_id,
        source=arc.source,
        target=arc.target,
        sent_at=sending.sent_at,
        lands_at=sending.lands_at,
        sold_minor=sold_minor,
        bought_minor=bought,
        charged_minor=cost.charged_minor,
        spread_minor=cost.spread_minor,
    )


def drawn(funding: Funding, *, moves: Iterable[Move], payments: Mapping[str, str]) -> FundingPlan:
    """The plan of these moves and payments (account by need), in a fixed order. This is unproved.

    Whoever hands it on verifies it first.
    """
    ordered = tuple(sorted(moves, key=lambda move: (move.sent_at, move.arc_id)))
    pairs = tuple(sorted(payments.items()))
    line = timeline(funding, moves=ordered, payments=pairs)
    names = [account.account_id for account in funding.accounts]
    return FundingPlan(
        currency=funding.currency,
        moves=ordered,
        payments=pairs,
        closing=tuple((name, line.closing(name)) for name in names),
        cost_minor=sum(move.charged_minor + move.spread_minor for move in ordered),
    )
