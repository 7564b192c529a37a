"""The verifier bites: each of these planners breaks one promise, and is caught by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from settle.clearing.funding import (
    OWN,
    Claim,
    CountryMatrix,
    Funding,
    FundingPlan,
    Need,
    Trade,
    plan,
    verify,
)

HOUR = timedelta(hours=1)
Planner = Callable[[Funding], FundingPlan]


def planned(funding: Funding) -> FundingPlan:
    found = plan(funding)
    assert isinstance(found, FundingPlan), found
    return found


def forgets_the_cut_off(night: Funding) -> FundingPlan:
    """Believes that yesterday's hours are today's."""
    later = (replace(arc, closes_at=night.at + HOUR) for arc in night.arcs)
    return planned(replace(night, arcs=tuple(later)))


def forgets_conservation(night: Funding) -> FundingPlan:
    """Books what arrives, and not what leaves."""
    found = planned(night)
    kept = {move.source: move.sold_minor for move in found.moves}
    closing = tuple((name, left + kept.get(name, 0)) for name, left in found.closing)
    return replace(found, closing=closing)


def spends_what_is_not_there(night: Funding) -> FundingPlan:
    """Plans on yesterday's balances."""
    rich = (replace(account, balance_minor=10**9) for account in night.accounts)
    wrong = planned(replace(night, accounts=tuple(rich)))
    opening = {account.account_id: account.balance_minor for account in night.accounts}
    closing = tuple((name, left - 10**9 + opening[name]) for name, left in wrong.closing)
    return replace(wrong, closing=closing)


def uses_clients_money(night: Funding) -> FundingPlan:
    """Takes all money for ours."""
    ours = (replace(account, owner=OWN) for account in night.accounts)
    return planned(replace(night, accounts=tuple(ours), claims=()))


def covers_a_deficit_with_others_money(night: Funding) -> FundingPlan:
    """Never asks what the others are owed."""
    return planned(replace(night, claims=()))


def drops_the_fixed_cost(night: Funding) -> FundingPlan:
    """Compares ways by their rates alone, and states the cost so."""
    free = (replace(arc, fixed_minor=0) for arc in night.arcs)
    return planned(replace(night, arcs=tuple(free)))


def trades_at_mid(night: Funding) -> FundingPlan:
    """Believes the screen, not the dealer."""
    arcs = tuple(
        replace(arc, rate=replace(arc.rate, value_e8=125_000_000))
        for arc in night.arcs
        if isinstance(arc, Trade)
    )
    return planned(replace(night, arcs=arcs))


def ignores_the_least_amount(night: Funding) -> FundingPlan:
    """Asks for less than the dealer trades."""
    return planned(replace(night, arcs=tuple(replace(a, minimum_minor=1) for a in night.arcs)))


def pays_by_any_rail(night: Funding) -> FundingPlan:
    """Looks at the currency and not at the country."""
    matrix = CountryMatrix({("USD", "*"): ["far", "lark"]})
    return planned(replace(night, matrix=matrix))


def leaves_a_need_out(night: Funding) -> FundingPlan:
    """Is cheap by paying less."""
    return planned(replace(night, needs=night.needs[:1]))


def invents_a_way(night: Funding) -> FundingPlan:
    """Sends on a line that nobody offers."""
    found = planned(night)
    return replace(found, moves=tuple(replace(move, arc_id="x") for move in found.moves))


def as_it_is(night: Funding) -> Funding:
    return night


def closed(night: Funding) -> Funding:
    """The trade's hour is over; the transfer's is not."""
    return replace(
        night,
        arcs=tuple(
            replace(arc, closes_at=night.at - HOUR) if isinstance(arc, Trade) else arc
            for arc in night.arcs
        ),
    )


def with_a_fee(night: Funding) -> Funding:
    fee = Need(need_id="fee", currency="EUR", amount_minor=60_000, by=night.at + HOUR, owner=OWN)
    return replace(night, needs=(*night.needs, fee))


def with_others_owed(night: Funding) -> Funding:
    return replace(night, claims=(Claim(owner="other", currency="EUR", amount_minor=1_000_000),))


def with_a_least_amount(night: Funding) -> Funding:
    return replace(night, arcs=tuple(replace(a, minimum_minor=180_000) for a in night.arcs))


BROKEN: list[tuple[Planner, Callable[[Funding], Funding], set[str]]] = [
    (forgets_the_cut_off, closed, {"cutoff"}),
    (forgets_conservation, as_it_is, {"conservation"}),
    (spends_what_is_not_there, as_it_is, {"balance"}),
    (uses_clients_money, with_a_fee, {"segregation"}),
    (covers_a_deficit_with_others_money, with_others_owed, {"segregation"}),
    (drops_the_fixed_cost, as_it_is, {"cost"}),
    (trades_at_mid, as_it_is, {"exchange"}),
    (ignores_the_least_amount, with_a_least_amount, {"limits"}),
    (pays_by_any_rail, as_it_is, {"matrix"}),
    (leaves_a_need_out, as_it_is, {"needs"}),
    (invents_a_way, as_it_is, {"ways"}),
]


@pytest.mark.parametrize(
    ("planner", "change", "checks"), BROKEN, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_broken_planner_is_caught_by_its_check(
    planner: Planner, change: Callable[[Funding], Funding], checks: set[str], night: Funding
) -> None:
    """Its plan breaks what it forgets, and nothing that it does not touch."""
    asked = change(night)
    assert checks == {flaw.check.value for flaw in verify(asked, planner(asked))}


def test_every_check_of_the_verifier_has_a_planner_that_it_catches() -> None:
    """Nobody adds a check without showing that it bites."""
    from settle.clearing.funding import Check

    assert {check.value for check in Check} == set().union(*(checks for *_, checks in BROKEN))


def test_the_planner_itself_breaks_nothing(night: Funding) -> None:
    """The same questions, asked of the library, are answered without a flaw or refused."""
    for _, change, _ in BROKEN:
        asked = change(night)
        found = plan(asked)
        if isinstance(found, FundingPlan):
            assert () == verify(asked, found)
