"""Why not everything can be funded: the least that is missing, and what stands in the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from settle.clearing.funding.accounts import OWN
from settle.clearing.funding.arcs import Trade, Transfer
from settle.clearing.funding.needs import Need
from settle.clearing.funding.plan import Hindrance, Infeasible, Unfunded
from settle.clearing.funding.program import SHORT
from settle.clearing.funding.question import Funding
from settle.clearing.funding.searching import Search
from settle.clearing.funding.sendings import HOPS_MAX, latest, sendings
from settle.clearing.funding.solver import Solved, SolverTime
from settle.errors import NotVerified

SECOND = timedelta(seconds=1)

HELPS = 1000
"""What leaves less than this part of a need unfunded has helped: the rest is rounding."""


def diagnose(funding: Funding, *, time: SolverTime) -> Infeasible:
    """What has to be left out at least, by mid value, and what stands in its way.

    Each hindrance is tried by asking the same question without it: the first whose absence funds
    a need is the one that is named, and `balance` where none alone does.

    Raises:
        NotVerified: nothing is missing after all, or no answer was found in time.
    """
    hopeless = tuple(need for need in funding.needs if not funding.payers(need))
    rest = replace(funding, needs=tuple(x for x in funding.needs if x not in hopeless))
    missing = shortfalls(rest, time=time)
    if not missing and not hopeless:
        raise NotVerified("the solver finds no funding plan, and nothing that is missing", flaws=())
    eased = {
        hindrance: shortfalls(ease(rest), time=time) if missing else Counter()
        for hindrance, ease in EASED.items()
    }
    found = [_hopeless(funding, need) for need in hopeless]
    for subject, short_minor in missing.items():
        hindrance = next(
            (h for h in EASED if eased[h][subject] * HELPS <= short_minor), Hindrance.BALANCE
        )
        found.append(_short(rest, subject, short_minor, hindrance))
    return Infeasible(unfunded=tuple(sorted(found, key=lambda each: each.subject)))


def least_missing(funding: Funding, *, time: SolverTime) -> Solved:
    """The point at which least is missing. Where that is nothing, it is a plan, if a dear one."""
    ways = latest(funding, sendings(funding))
    return Search(funding=funding, sendings=ways, time=time, short=True).best()


def shortfalls(funding: Funding, *, time: SolverTime) -> Counter[str]:
    """The least that is missing, by need or owner, in minor units; empty if nothing is.

    Raises:
        NotVerified: no answer was found in time.
    """
    point = least_missing(funding, time=time).point
    if point is None:
        raise NotVerified("what is missing could not be told in the time given", flaws=())
    missing = Counter[str]()
    for key, amount in point.items():
        if key.kind == SHORT and amount > 0:
            missing[key.of] += amount
    return missing


def without_cutoffs(funding: Funding) -> Funding:
    """The same question, were every way open and quick enough."""
    arcs: list[Transfer | Trade] = []
    for arc in funding.arcs:
        if isinstance(arc, Transfer):
            quick = replace(arc, closes_at=funding.at + HOPS_MAX * SECOND, lead=SECOND / 1000)
            arcs.append(quick)
            continue
        for hop in range(HOPS_MAX):  # one after the other, as long as a chain of trades may be
            closes_at = funding.at + hop * SECOND + SECOND / 2
            settles_at = funding.at + (hop + 1) * SECOND
            name = f"{arc.arc_id} #{hop}"
            arcs.append(replace(arc, arc_id=name, closes_at=closes_at, settles_at=settles_at))
    later = funding.at + 2 * HOPS_MAX * SECOND
    needs = tuple(replace(need, by=later) for need in funding.needs)
    return replace(funding, arcs=tuple(arcs), needs=needs)


def without_limits(funding: Funding) -> Funding:
    """The same question, were there no least and no most amounts on any way."""
    arcs = (replace(arc, minimum_minor=1, capacity_minor=None) for arc in funding.arcs)
    return replace(funding, arcs=tuple(arcs))


def without_segregation(funding: Funding) -> Funding:
    """The same question, were all money ours."""
    accounts = tuple(replace(account, owner=OWN) for account in funding.accounts)
    return replace(funding, accounts=accounts, claims=())


EASED: dict[Hindrance, Callable[[Funding], Funding]] = {
    Hindrance.LIMIT: without_limits,
    Hindrance.CUTOFF: without_cutoffs,
    Hindrance.CLIENTS_MONEY: without_segregation,
}

_DETAILS = {
    Hindrance.CUTOFF: "there is money, but no way that is still open lands by {by}",
    Hindrance.LIMIT: "the least or most amounts of the ways do not let it through",
    Hindrance.CLIENTS_MONEY: "only clients' money that is not for this could cover it",
    Hindrance.BALANCE: "there is not enough money that can get there",
}


def _short(funding: Funding, subject: str, short_minor: int, hindrance: Hindrance) -> Unfunded:
    need = next((need for need in funding.needs if need.need_id == subject), None)
    if need is None:
        return Unfunded(
            subject=subject,
            currency=funding.currency,
            short_minor=short_minor,
            hindrance=Hindrance.CLIENTS_MONEY,
            detail=f"the accounts of {subject} hold less than their clients are still owed",
        )
    return Unfunded(
        subject=subject,
        currency=need.currency,
        short_minor=short_minor,
        hindrance=hindrance,
        detail=_DETAILS[hindrance].format(by=need.by.isoformat()),
    )


def _hopeless(funding: Funding, need: Need) -> Unfunded:
    hindrance, detail = (
        Hindrance.NO_ACCOUNT,
        f"no account of its owner or ours pays {need.currency}",
    )
    if need.country is not None and not funding.matrix.of(need.currency, need.country):
        hindrance = Hindrance.NOT_IN_MATRIX
        detail = f"{need.currency} is not paid to {need.country}"
    elif any(funding.matrix.pays(account, need) for account in funding.accounts):
        hindrance = Hindrance.CLIENTS_MONEY
        detail = "every account that could pay it holds clients' money that is not for this"
    return Unfunded(
        subject=need.need_id,
        currency=need.currency,
        short_minor=need.amount_minor,
        hindrance=hindrance,
        detail=detail,
    )
