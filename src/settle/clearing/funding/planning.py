"""The cheapest plan: searched by HiGHS, drawn up in integers, verified, compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import ceil

from settle.clearing.funding.building import key_of
from settle.clearing.funding.diagnosis import diagnose, least_missing
from settle.clearing.funding.drawing import drawn, move_of
from settle.clearing.funding.naive import naive_plan
from settle.clearing.funding.plan import FundingPlan, Infeasible
from settle.clearing.funding.program import PAYS, SHORT, SOLD, Key
from settle.clearing.funding.question import Funding
from settle.clearing.funding.searching import Search
from settle.clearing.funding.sendings import Sending, latest, sendings
from settle.clearing.funding.solver import Solved, SolverTime
from settle.clearing.funding.tidying import tidied
from settle.clearing.funding.verifying import verify
from settle.errors import NotVerified

TIME_LIMIT_S = 20.0
"""For all calls of the solver together; the first has half of it."""


def plan(funding: Funding, *, time_limit_s: float = TIME_LIMIT_S) -> FundingPlan | Infeasible:
    """The cheapest moves that fund every need on an account that may pay it, in time.

    This gives the same for the same question, whatever the order of its parts, unless the time
    limit (of the solver, for the whole plan) ends the search; `gap_ppm` then says how far from
    proved the plan is. Where not everything can be funded, it says what cannot and why.

    Raises:
        NotVerified: a plan was found that does not hold in integers, or none in time.
    """
    time = SolverTime(left_s=time_limit_s)
    if any(not funding.payers(need) for need in funding.needs):
        return diagnose(funding, time=time)
    moments = sendings(funding)
    ways = latest(funding, moments)
    solved = Search(funding=funding, sendings=ways, time=time).best()
    found, naive = _drawn(funding, ways, solved.point), naive_plan(funding)
    plans = _holding(funding, [found, naive])
    if not plans:
        missing = least_missing(funding, time=time)
        if _is_short(missing) and (solved.is_impossible or missing.bound >= 1):
            return diagnose(funding, time=time)
        spared = _drawn(funding, ways, missing.point)
        plans = _holding(funding, [spared])
        if not plans:
            raise _refusal(funding, found or spared)
    best = tidied(funding, min(plans, key=lambda each: each.cost_minor), ways=moments)
    return replace(
        best,
        bound_minor=min(max(ceil(solved.bound - 1e-6), 0), best.cost_minor),
        naive_minor=None if naive is None else naive.cost_minor,
    )


def _drawn(
    funding: Funding, ways: Sequence[Sending], point: Mapping[Key, int] | None
) -> FundingPlan | None:
    if point is None:
        return None
    amounts = [(each, point.get(key_of(SOLD, each), 0)) for each in ways]
    return drawn(
        funding,
        moves=(move_of(each, sold, funding=funding) for each, sold in amounts if sold > 0),
        payments={key.of: key.at for key, on in point.items() if key.kind == PAYS and on},
    )


def _holding(funding: Funding, plans: Iterable[FundingPlan | None]) -> list[FundingPlan]:
    return [each for each in plans if each is not None and not verify(funding, each)]


def _is_short(missing: Solved) -> bool:
    point = missing.point or {}
    return any(key.kind == SHORT and amount > 0 for key, amount in point.items())


def _refusal(funding: Funding, found: FundingPlan | None) -> NotVerified:
    if found is None:
        return NotVerified("no funding plan was found in the time given", flaws=())
    flaws = verify(funding, found)
    first = flaws[0]
    return NotVerified(
        f"a funding plan does not hold: {first.check}, {first.subject}: {first.detail}",
        flaws=tuple((flaw.check.value, flaw.subject, flaw.detail) for flaw in flaws),
    )
