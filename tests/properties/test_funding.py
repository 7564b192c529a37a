"""Funding keeps its promises for any accounts, ways and needs; a checker of its own says so."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, example, given, settings
from hypothesis import strategies as st
from tests.properties.funding_checker import complaints, every_plan
from tests.properties.funding_found import (
    COVER_LANDS_AFTER_THE_LAST_NEED,
    COVER_LANDS_AFTER_WHAT_IS_LEFT,
    LITTLE_BESIDE_BILLIONS,
    NEXT_TO_NOTHING_ON_A_WIDE_WAY,
)
from tests.properties.funding_world import AT, HOUR, RATES, SCALES, fundings
from tests.size import examples

from settle.clearing.funding import (
    CLIENTS,
    OWN,
    Account,
    Claim,
    CountryMatrix,
    Funding,
    FundingPlan,
    Infeasible,
    Need,
    Trade,
    naive_plan,
    plan,
    verify,
)
from settle.money import Rate

SLOW = settings(
    max_examples=examples(40, full=600), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # fmt: skip


@SLOW
@given(funding=fundings(SCALES))
def test_every_plan_holds_and_costs_no_more_than_the_naive_one(funding: Funding) -> None:
    """Both checkers find nothing, and what is saved is never negative."""
    found = plan(funding, time_limit_s=5)
    event(type(found).__name__)
    if isinstance(found, FundingPlan):
        assert [] == complaints(funding, found)
        assert () == verify(funding, found)
        assert found.saved_minor is None or found.saved_minor >= 0
        assert found.bound_minor <= found.cost_minor


@SLOW
@given(funding=fundings(SCALES))
def test_a_naive_plan_holds_as_well(funding: Funding) -> None:
    """What the plan is compared with could have been carried out."""
    naive = naive_plan(funding)
    event("some" if naive else "none")
    if naive is not None:
        assert [] == complaints(funding, naive)
        assert isinstance(plan(funding, time_limit_s=5), FundingPlan)


@SLOW
@given(funding=fundings(SCALES), seed=st.integers(0, 99))
def test_the_order_of_what_is_given_means_nothing(funding: Funding, seed: int) -> None:
    """Shuffled accounts, needs, ways and claims give the same answer."""
    random = Random(seed)

    def shuffled(things: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(things, len(things)))

    other = replace(
        funding,
        accounts=shuffled(funding.accounts),
        needs=shuffled(funding.needs),
        arcs=shuffled(funding.arcs),
        claims=shuffled(funding.claims),
    )
    assert plan(funding) == plan(other)


@SLOW
@given(funding=fundings(SCALES))
@example(funding=COVER_LANDS_AFTER_WHAT_IS_LEFT)
@example(funding=NEXT_TO_NOTHING_ON_A_WIDE_WAY)
@example(funding=LITTLE_BESIDE_BILLIONS)
def test_what_is_left_out_is_just_what_is_missing(funding: Funding) -> None:
    """With each need that falls short cut by its shortfall, the rest can be funded."""
    found = plan(funding, time_limit_s=5)
    assume(isinstance(found, Infeasible))
    assert isinstance(found, Infeasible)
    short = {each.subject: each.short_minor for each in found.unfunded}
    assume(not {"m1", CLIENTS} & short.keys())  # what they are owed is not cut
    needs = (
        replace(need, amount_minor=left)
        for need in funding.needs
        if (left := need.amount_minor - short.get(need.need_id, 0)) > 0
    )
    owed = tuple(_kept(funding, claim, short) for claim in funding.claims)
    rest = replace(funding, needs=tuple(needs), claims=owed)
    assert isinstance(plan(rest, time_limit_s=5), FundingPlan)


def _kept(funding: Funding, claim: Claim, short: dict[str, int]) -> Claim:
    """The claim as it is when the needs are cut: what was owed after them still is."""
    cut = sum(
        min(short.get(need.need_id, 0), need.amount_minor)
        for need in funding.needs
        if (need.owner, need.currency) == (claim.owner, claim.currency)
    )
    return replace(claim, amount_minor=max(claim.amount_minor - cut, 0))


@settings(SLOW, max_examples=examples(50, full=400), suppress_health_check=list(HealthCheck))
@given(funding=fundings(st.just(6), needs_max=2, arcs_max=3, richest=0))
@example(funding=COVER_LANDS_AFTER_THE_LAST_NEED)
def test_no_plan_is_cheaper_where_all_of_them_can_be_tried(funding: Funding) -> None:
    """On tiny questions the cost is that of the best of all plans, to the unit."""
    costs = [
        each.cost_minor for each in every_plan(funding, most=7) if not complaints(funding, each)
    ]
    found = plan(funding)
    event(
        type(found).__name__ + (f" {bool(found.moves)}" if isinstance(found, FundingPlan) else "")
    )
    if isinstance(found, Infeasible):
        assert [] == costs
    else:
        assert min(costs, default=found.cost_minor) >= found.cost_minor
        small = all(move.sold_minor <= 7 for move in found.moves)
        assert not small or min(costs) == found.cost_minor
        assert found.is_optimal


@pytest.mark.parametrize("scale", [10**13, 10**15])
def test_amounts_of_many_digits_are_funded_to_the_unit(scale: int) -> None:
    """A need that takes just what is there is met, and one unit more is refused."""
    pool = Account(
        account_id="pool", rail="r1", currency="USD", owner=CLIENTS, balance_minor=3 * scale + 7
    )
    there = Account(account_id="there", rail="r1", currency="EUR", owner=CLIENTS, balance_minor=1)
    costs = Account(account_id="costs", rail="r0", currency="EUR", owner=OWN, balance_minor=scale)
    rate = Rate(base="USD", quote="EUR", value_e8=95_123_457, as_of=AT.date(), source="dealer")
    trade = Trade(
        arc_id="trade", source="pool", target="there", closes_at=AT, settles_at=AT + HOUR,
        rate=rate, ppm=3, fixed_minor=99,
    )  # fmt: skip
    most = (3 * scale + 7) * 95_123_457 // 10**8 + 1
    for amount, kind in ((most, FundingPlan), (most + 1, Infeasible)):
        need = Need(
            need_id="need", currency="EUR", amount_minor=amount, by=AT + HOUR, owner=CLIENTS
        )
        funding = Funding(
            at=AT, accounts=(pool, there, costs), needs=(need,), arcs=(trade,),
            matrix=CountryMatrix({}), rates=RATES, costs_account="costs",
        )  # fmt: skip
        assert kind is type(plan(funding))
