"""Does a plan hold? Asked of integers, after every solver, and of nothing that it says of itself.

The solver computes in floats. A plan is exact all the same, because its amounts are integers, and
what they have to satisfy is recomputed here from the question alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from settle.clearing.funding.accounts import may_move
from settle.clearing.funding.costs import cost_of
from settle.clearing.funding.needs import may_pay
from settle.clearing.funding.plan import FundingPlan, Move
from settle.clearing.funding.question import Funding
from settle.clearing.funding.timeline import Timeline, timeline


class Check(StrEnum):
    """What is asked of a plan. Each of these is a promise of its own."""

    WAYS = "ways"
    CUTOFF = "cutoff"
    LIMITS = "limits"
    EXCHANGE = "exchange"
    NEEDS = "needs"
    MATRIX = "matrix"
    BALANCE = "balance"
    CONSERVATION = "conservation"
    SEGREGATION = "segregation"
    COST = "cost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """One promise that a plan breaks, and where."""

    check: Check
    subject: str
    detail: str


def verify(funding: Funding, plan: FundingPlan) -> tuple[Flaw, ...]:
    """Everything wrong with a plan; nothing, if it may be carried out.

    Checked are: every move is a way of the question; sent and landed in time; within the limits;
    bought at the exact rate; every need paid once, from an account that may; no balance below its
    floor at any moment; what is said to be left is what is left; clients' money stays its
    owner's and covers what they are owed; the costs add up.
    """
    ways = tuple(_ways(funding, plan))
    if ways:
        return ways
    line = timeline(funding, moves=plan.moves, payments=plan.payments)
    return (
        *_cutoffs(funding, plan),
        *_limits(funding, plan),
        *_exchanges(funding, plan),
        *_needs(funding, plan),
        *_balances(funding, plan, line),
        *_segregation(funding, plan, line),
        *_costs(funding, plan),
    )


def _ways(funding: Funding, plan: FundingPlan) -> Iterator[Flaw]:
    arcs = {arc.arc_id: (arc.source, arc.target) for arc in funding.arcs}
    for move in plan.moves:
        if arcs.get(move.arc_id) != (move.source, move.target):
            ends = f"there is no such way from {move.source} to {move.target}"
            yield Flaw(check=Check.WAYS, subject=move.arc_id, detail=ends)
    accounts = {account.account_id for account in funding.accounts}
    for need_id, account_id in plan.payments:
        if account_id not in accounts:
            yield Flaw(check=Check.WAYS, subject=need_id, detail=f"{account_id} is no account")


def _cutoffs(funding: Funding, plan: FundingPlan) -> Iterator[Flaw]:
    arcs = {arc.arc_id: arc for arc in funding.arcs}
    for move in plan.moves:
        arc = arcs[move.arc_id]
        if not funding.at <= move.sent_at <= arc.closes_at:
            detail = f"sent at {move.sent_at}, open from {funding.at} to {arc.closes_at}"
            yield Flaw(check=Check.CUTOFF, subject=move.arc_id, detail=detail)
        elif move.lands_at != arc.lands_at(move.sent_at):
            detail = f"lands at {arc.lands_at(move.sent_at)}, not at {move.lands_at}"
            yield Flaw(check=Check.CUTOFF, subject=move.arc_id, detail=detail)


def _limits(funding: Funding, plan: FundingPlan) -> Iterator[Flaw]:
    arcs = {arc.arc_id: arc for arc in funding.arcs}
    sums = Counter[str]()
    for move in plan.moves:
        sums[move.arc_id] += move.sold_minor
        least = arcs[move.arc_id].minimum_minor
        if move.sold_minor < least:
            detail = f"{move.sold_minor} is below the least, {least}"
            yield Flaw(check=Check.LIMITS, subject=move.arc_id, detail=detail)
    for arc_id, total in sums.items():
        most = arcs[arc_id].capacity_minor
        if most is not None and total > most:
            detail = f"{total} is above the most, {most}"
            yield Flaw(check=Check.LIMITS, subject=arc_id, detail=detail)


def _exchanges(funding: Funding, plan: FundingPlan) -> Iterator[Flaw]:
    arcs = {arc.arc_id: arc for arc in funding.arcs}
    for move in plan.moves:
        due = arcs[move.arc_id].bought_minor(move.sold_minor)
        if move.bought_minor != due:
            detail = f"{move.sold_minor} buys {due}, not {move.bought_minor}"
            yield Flaw(check=Check.EXCHANGE, subject=move.arc_id, detail=detail)


def _needs(funding: Funding, plan: FundingPlan) -> Iterator[Flaw]:
    paid = Counter(need_id for need_id, _ in plan.payments)
    known = {need.need_id: need for need in funding.needs}
    for need_id in sorted({*known, *paid}):
        if paid[need_id] != (need_id in known):
            detail = f"paid {paid[need_id]} times"
            yield Flaw(check=Check.NEEDS, subject=need_id, detail=detail)
    for need_id, account_id in plan.payments:
        need, account = known.get(need_id), funding.account(account_id)
        if need is not None and not funding.matrix.pays(account, need):
            detail = f"{account_id} does not pay {need.currency} to {need.country}"
            yield Flaw(check=Check.MATRIX, subject=need_id, detail=detail)


def _balances(funding: Funding, plan: FundingPlan, line: Timeline) -> Iterator[Flaw]:
    said = Counter[str]()
    for account_id, closing in plan.closing:
        said[account_id] += closing
    for account in funding.accounts:
        name = account.account_id
        lowest, closing = line.lowest(name, since=funding.at), line.closing(name)
        if lowest < account.floor_minor:
            detail = f"falls to {lowest}, below {account.floor_minor}"
            yield Flaw(check=Check.BALANCE, subject=name, detail=detail)
        if said.pop(name, None) != closing:
            detail = f"{closing} is left, and the plan says otherwise"
            yield Flaw(check=Check.CONSERVATION, subject=name, detail=detail)
    for name in said:
        detail = "a balance of no account"
        yield Flaw(check=Check.CONSERVATION, subject=name, detail=detail)


def _segregation(funding: Funding, plan: FundingPlan, line: Timeline) -> Iterator[Flaw]:
    for move in plan.moves:
        source, target = funding.account(move.source), funding.account(move.target)
        if not may_move(source, target):
            detail = f"money of {source.owner} becomes that of {target.owner}"
            yield Flaw(check=Check.SEGREGATION, subject=move.arc_id, detail=detail)
    known = {need.need_id: need for need in funding.needs}
    for need_id, account_id in plan.payments:
        need, account = known.get(need_id), funding.account(account_id)
        if need is not None and not may_pay(account, need, accounts=funding.accounts):
            detail = f"money of {account.owner} pays for {need.owner}"
            yield Flaw(check=Check.SEGREGATION, subject=need_id, detail=detail)
    for group in funding.groups():
        if (missing := uncovered(funding, group, line)) > 0:
            detail = f"what clients are still owed is not covered by {missing} {funding.currency}"
            yield Flaw(check=Check.SEGREGATION, subject=group, detail=detail)


def uncovered(funding: Funding, group: str, line: Timeline) -> int:
    """By how much a group's assets fall short of what it is owed at the end; below zero: over."""
    assets = sum(
        line.closing(account.account_id) * funding.value_of(account.currency)
        for account in funding.accounts
        if account.owner == group
    )
    owed = funding.owed_after(group)
    return -int((assets - owed) // 1) if owed else 0


def _costs(funding: Funding, plan: FundingPlan) -> Iterator[Flaw]:
    total = 0
    for move in plan.moves:
        due = _cost(funding, move)
        total += sum(due)
        if (move.charged_minor, move.spread_minor) != due:
            detail = f"costs {due}, not {(move.charged_minor, move.spread_minor)}"
            yield Flaw(check=Check.COST, subject=move.arc_id, detail=detail)
    if plan.cost_minor != total or plan.currency != funding.currency:
        detail = f"all moves cost {total} {funding.currency}, not {plan.cost_minor} {plan.currency}"
        yield Flaw(check=Check.COST, subject="plan", detail=detail)


def _cost(funding: Funding, move: Move) -> tuple[int, int]:
    arc = next(arc for arc in funding.arcs if arc.arc_id == move.arc_id)
    cost = cost_of(arc, sold_minor=move.sold_minor, bought_minor=move.bought_minor, funding=funding)
    return cost.charged_minor, cost.spread_minor
