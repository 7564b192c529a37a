"""A plan without what it does not need: no more money sent than serves, and none later than it can.

Where ways cost nothing, many plans cost the same; of these one moves the least.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil

from settle.clearing.funding.accounts import OWN
from settle.clearing.funding.arcs import Trade
from settle.clearing.funding.drawing import drawn, move_of
from settle.clearing.funding.plan import FundingPlan, Move
from settle.clearing.funding.question import Funding
from settle.clearing.funding.sendings import Sending
from settle.clearing.funding.timeline import timeline
from settle.clearing.funding.verifying import uncovered, verify


def tidied(funding: Funding, plan: FundingPlan, *, ways: Sequence[Sending]) -> FundingPlan:
    """The same payments with every move cut to what serves and sent as its money is there.

    Each change is verified and never costs more; the last moves are cut first, so that those
    before them need to bring less.
    """
    by_key = {(each.arc.arc_id, each.sent_at): each for each in ways}
    ordered = sorted(plan.moves, key=lambda move: (move.lands_at, move.arc_id), reverse=True)
    for move in ordered:
        least = _least(funding, plan, move, way=by_key[move.arc_id, move.sent_at])
        if least < move.sold_minor:
            way = by_key[move.arc_id, move.sent_at]
            cut = [move_of(way, least, funding=funding)] if least else []
            plan = _better(funding, plan, instead_of=move, moves=cut)
    for move in plan.moves:
        plan = _sooner(funding, plan, move, ways=ways)
    return plan


def _least(funding: Funding, plan: FundingPlan, move: Move, *, way: Sending) -> int:
    """The least of the move that still serves: what its target has to spare is not needed."""
    line = timeline(funding, moves=plan.moves, payments=plan.payments)
    target, arc = funding.account(move.target), way.arc
    spare = line.lowest(target.account_id, since=move.lands_at) - target.floor_minor
    if target.owner != OWN and funding.account(move.source).owner == OWN:
        over = -uncovered(funding, target.owner, line)
        if funding.owed_after(target.owner):
            spare = min(spare, int(over / funding.value_of(target.currency)))
    kept = max(move.bought_minor - max(spare, 0), 0)
    if not kept:
        return 0
    factor = Fraction(*arc.rate.factor) if isinstance(arc, Trade) else Fraction(1)
    return min(max(ceil(kept / factor), arc.minimum_minor), move.sold_minor)


def _sooner(
    funding: Funding, plan: FundingPlan, move: Move, *, ways: Sequence[Sending]
) -> FundingPlan:
    taken = {(other.arc_id, other.sent_at) for other in plan.moves}
    for each in ways:
        earlier = each.arc.arc_id == move.arc_id and each.sent_at < move.sent_at
        if earlier and (each.arc.arc_id, each.sent_at) not in taken:
            sooner = replace(move, sent_at=each.sent_at, lands_at=each.lands_at)
            tried = _better(funding, plan, instead_of=move, moves=[sooner])
            if tried is not plan:
                return tried
    return plan


def _better(
    funding: Funding, plan: FundingPlan, *, instead_of: Move, moves: Iterable[Move]
) -> FundingPlan:
    """The plan with a move replaced, if that holds and costs no more."""
    others = list(plan.moves)
    others.remove(instead_of)
    tried = drawn(funding, moves=[*others, *moves], payments=dict(plan.payments))
    holds = tried.cost_minor <= plan.cost_minor and not verify(funding, tried)
    return tried if holds else plan
