"""The cheapest plan of a night that can be worked out by hand, and what changes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from settle.clearing.funding import (
    OWN,
    Account,
    Claim,
    Funding,
    FundingPlan,
    Infeasible,
    Need,
    Transfer,
    naive_plan,
    plan,
)

HOUR = timedelta(hours=1)


def planned(funding: Funding) -> FundingPlan:
    found = plan(funding)
    assert isinstance(found, FundingPlan), found
    return found


def test_both_needs_are_funded_by_one_trade(night: Funding) -> None:
    """150,000 cents buy 186,000: 500 and 15 are charged, and 1,200 lost against mid."""
    found = planned(night)
    (move,) = found.moves
    assert ("trade", 150_000, 186_000) == (move.arc_id, move.sold_minor, move.bought_minor)
    assert (515, 1_200) == (move.charged_minor, move.spread_minor)
    assert (1_715, True) == (found.cost_minor, found.is_optimal)
    left = {"far-usd": 200_000, "ours-eur": 49_485, "pool-eur": 750_000, "pool-usd": 0}
    assert left == dict(found.closing)


def test_the_naive_plan_trades_for_each_need(night: Funding) -> None:
    """It pays the fixed cost twice, and just that is saved."""
    naive = naive_plan(night)
    assert naive is not None
    assert [50_000, 100_000] == sorted(move.sold_minor for move in naive.moves)
    assert (2_215, 500) == (naive.cost_minor, planned(night).saved_minor)


def test_a_fixed_cost_that_falls_moves_the_plan_elsewhere(night: Funding) -> None:
    """A transfer of money that is there loses nothing against mid."""
    cheap = tuple(
        replace(arc, fixed_minor=1_700) if isinstance(arc, Transfer) else arc for arc in night.arcs
    )
    found = planned(replace(night, arcs=cheap))
    assert (["transfer"], 1_700) == ([m.arc_id for m in found.moves], found.cost_minor)


def test_money_goes_two_ways_one_after_the_other(night: Funding) -> None:
    """What is traded settles before the transfer's cut-off, and goes on as it lands."""
    account = Account(
        account_id="last-usd", rail="last", currency="USD", balance_minor=0, owner="clients"
    )
    onward = Transfer(
        arc_id="onward", source="pool-usd", target="last-usd",
        closes_at=night.at + 4 * HOUR, lead=HOUR,
    )  # fmt: skip
    matrix = replace(night.matrix, rails={("USD", "SG"): ["last"]})
    found = planned(
        replace(
            night, accounts=(*night.accounts, account), arcs=(*night.arcs, onward), matrix=matrix
        )
    )
    assert [("trade", night.at), ("onward", night.at + 3 * HOUR)] == [
        (move.arc_id, move.sent_at) for move in found.moves
    ]


def test_nothing_moves_where_nothing_has_to(night: Funding) -> None:
    """The plan is empty and costs nothing."""
    found = planned(replace(night, needs=()))
    assert ((), 0, 0, True) == (
        found.moves, found.cost_minor, found.saved_minor, found.is_optimal
    )  # fmt: skip
    rich = tuple(replace(account, balance_minor=10**9) for account in night.accounts)
    assert () == planned(replace(night, accounts=rich)).moves


def test_a_deficit_of_one_client_is_ours_to_cover(night: Funding) -> None:
    """The pool keeps what another client is owed; what is missing is traded out of our money."""
    claims = (
        Claim(owner="clients", currency="USD", amount_minor=186_000),
        Claim(owner="other", currency="EUR", amount_minor=911_000),
    )
    assets_less_needs = 900_000 + 160_000 - 148_800
    spread = 1_200
    assert 911_000 == assets_less_needs - spread + 1_000
    top_up = Transfer(
        arc_id="top-up", source="ours-eur", target="pool-eur", closes_at=night.at, lead=HOUR
    )
    owed = replace(night, claims=claims, arcs=(*night.arcs, top_up))
    found = planned(owed)
    assert {"top-up": 1_000, "trade": 150_000} == {m.arc_id: m.sold_minor for m in found.moves}
    refused = plan(replace(owed, arcs=night.arcs, accounts=_without(owed, "far-usd")))
    assert isinstance(refused, Infeasible)


def test_what_is_owed_is_covered_even_after_the_last_need(night: Funding) -> None:
    """A top-up that lands the next morning is in time: only needs have a moment of their own."""
    claims = (Claim(owner="other", currency="EUR", amount_minor=950_000),)
    poor = replace(night, claims=claims, accounts=_without(night, "far-usd"), needs=())
    top_up = Transfer(
        arc_id="top-up", source="ours-eur", target="pool-eur", closes_at=night.at, lead=24 * HOUR
    )
    assert isinstance(plan(poor), Infeasible)
    (move,) = planned(replace(poor, arcs=(*night.arcs, top_up))).moves
    assert ("top-up", 50_000) == (move.arc_id, move.sold_minor)


def test_an_overdrawn_pool_is_brought_up_to_what_it_is_owed(night: Funding) -> None:
    """What is owed is little, and what has to be sent to cover it is much."""
    pool = replace(night.account("pool-eur"), balance_minor=-10_000_000)
    ours = replace(night.account("ours-eur"), balance_minor=20_000_000)
    top_up = Transfer(
        arc_id="top-up", source="ours-eur", target="pool-eur", closes_at=night.at, lead=HOUR
    )
    overdrawn = replace(
        night, needs=(), arcs=(top_up,), accounts=(pool, ours),
        claims=(Claim(owner="other", currency="EUR", amount_minor=50),),
    )  # fmt: skip
    assert [10_000_050] == [move.sold_minor for move in planned(overdrawn).moves]


def _without(funding: Funding, name: str) -> tuple[Account, ...]:
    return tuple(
        replace(a, balance_minor=0) if a.account_id == name else a for a in funding.accounts
    )


def test_our_fees_are_paid_from_our_money_only(night: Funding) -> None:
    """A need of ours in euros takes our account although the pool has more."""
    fee = Need(need_id="fee", currency="EUR", amount_minor=40_000, by=night.at + HOUR, owner=OWN)
    assert ("fee", "ours-eur") in planned(replace(night, needs=(*night.needs, fee))).payments


@pytest.mark.parametrize("limit", [0.0, 0.001])
def test_a_search_that_is_cut_short_says_how_far_it_may_be(night: Funding, limit: float) -> None:
    """Whatever was found holds, costs no more than the naive plan, and names its gap."""
    found = plan(night, time_limit_s=limit)
    assert isinstance(found, FundingPlan)
    assert 1_715 <= found.cost_minor <= 2_215
    assert found.gap_minor == found.cost_minor - found.bound_minor
    assert found.is_optimal == (found.gap_ppm <= 2 * len(found.moves) * 10**6 / found.cost_minor)
