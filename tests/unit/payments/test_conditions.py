"""Between rails that take a payment health, money, time and cost decide, and the reason says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from tests.unit.payments.conftest import DUE, PlainRail

from settle.adapters import Cost, Cutoff, RailSettings
from settle.errors import BadInput
from settle.payments import Conditions, CutoffRow, Reached, Router, conditions_of, route

RAILS = {
    name: PlainRail(RailSettings(base_url=f"//{name}", accounts={"EUR": name[0]}))
    for name in ("alpha", "beta", "gamma")
}
NOON = datetime(2024, 12, 18, 12, tzinfo=UTC)
LATE = Reached(value_date=date(2024, 12, 20), why="cut-off passed")


def costs(**fixed: int | tuple[int, int]) -> Mapping[tuple[str, str, str], Cost]:
    """A cost in every country for each rail: fixed, or fixed and millionths."""
    pairs = {n: each if isinstance(each, tuple) else (each, 0) for n, each in fixed.items()}
    return {
        (name, "EUR", "*"): Cost(currency="EUR", fixed_minor=minor, ppm=ppm)
        for name, (minor, ppm) in pairs.items()
    }


def chosen(conditions: Conditions, **changes: Any) -> tuple[str, str]:
    """The rail and the reason of an obligation that is otherwise plain."""
    found = route(replace(DUE, **changes), RAILS, conditions)
    return found.rail, found.reason


def test_the_cheapest_rail_carries_it_and_every_other_says_what_it_costs() -> None:
    """One whose cost nobody knows comes after those that say theirs."""
    reason = (
        "alpha: costs 0.30 EUR; beta: best of the 3 that take it, costs 0.20 EUR; "
        "gamma: its cost is not known"
    )
    assert ("beta", reason) == chosen(Conditions(costs=costs(alpha=30, beta=20)))


@pytest.mark.parametrize(("amount_minor", "rail"), [(999, "alpha"), (1_001, "beta")])
def test_a_fixed_cost_and_one_by_amount_cross_where_they_are_equal(
    amount_minor: int, rail: str
) -> None:
    """One per cent is less than ten cents below ten euros, and more above, to the unit."""
    told = Conditions(costs=costs(alpha=(0, 10_000), beta=10))
    assert rail == chosen(told, amount_minor=amount_minor)[0]


def test_the_cost_of_the_country_stands_before_that_of_everywhere() -> None:
    """It is asked for the beneficiary's."""
    dear = Cost(currency="EUR", country="DE", fixed_minor=99)
    told = Conditions(costs={**costs(alpha=1, beta=2), ("alpha", "EUR", "DE"): dear})
    assert "beta" == chosen(told)[0]


def test_a_rail_that_misses_the_value_date_loses_to_a_dearer_one_that_makes_it() -> None:
    """The reason has the date that it could have had, and the rule."""
    told = Conditions(costs=costs(alpha=1, beta=9), reached={("alpha", "EUR"): LATE})
    rail, reason = chosen(told)
    assert "beta" == rail
    assert "alpha: has value on 2024-12-20 at the earliest (cut-off passed)" in reason


def test_where_every_rail_misses_the_value_date_the_earliest_carries_it_and_it_rolls() -> None:
    """The reason of the one that is chosen says so, too."""
    later = Reached(value_date=date(2024, 12, 23), why="closed")
    told = {("alpha", "EUR"): later, ("beta", "EUR"): LATE, ("gamma", "EUR"): later}
    rail, reason = chosen(Conditions(reached=told))
    assert "beta" == rail
    assert "though has value on 2024-12-20" in reason


def test_an_account_that_cannot_cover_it_loses_to_one_that_can() -> None:
    """Where none can, it is routed as if all could, and waits for the money."""
    short = {("alpha", "a", "EUR"): 99, ("beta", "b", "EUR"): 100, ("gamma", "g", "EUR"): 0}
    rail, reason = chosen(Conditions(spendable=short))
    assert ("beta", True) == (rail, "alpha: a does not hold enough" in reason)
    rail, reason = chosen(Conditions(spendable=dict.fromkeys(short, 0)))
    assert ("alpha", True) == (rail, "though a does not hold enough" in reason)


def test_what_one_payment_takes_is_not_there_for_the_next() -> None:
    """The second goes from another account, the third waits at the first rail."""
    money = {("alpha", "a", "EUR"): 150, ("beta", "b", "EUR"): 100, ("gamma", "g", "EUR"): 0}
    router, found = Router(RAILS, Conditions(spendable=money)), []
    for due in (DUE, DUE, DUE):
        way = router.route(due)
        router.spend(way, due)
        found.append(way.rail)
    assert ["alpha", "beta", "alpha"] == found


def test_a_rail_that_is_down_loses_to_any_that_is_up() -> None:
    """Were all of them down, the first would have it, with the reason."""
    rail, reason = chosen(Conditions(down={"alpha": "did not answer: 503"}, costs=costs(alpha=1)))
    assert ("beta", True) == (rail, "alpha: did not answer: 503" in reason)
    rail, reason = chosen(Conditions(down=dict.fromkeys(RAILS, "is paused")))
    assert ("alpha", True) == (rail, "alpha: first that takes it, though is paused" in reason)


def test_every_rail_that_is_asked_stands_in_the_reason() -> None:
    """In the order given, whatever it lost by; a rail that is said is asked alone."""
    _, reason = chosen(Conditions())
    assert list(RAILS) == [part.partition(":")[0] for part in reason.split("; ")]
    _, reason = chosen(Conditions(), rail="beta")
    assert "beta: first that takes it" == reason


def test_a_cut_off_is_asked_of_the_calendars_at_the_instant() -> None:
    """A second after it the value date is the next business day; before, today."""
    row = CutoffRow(
        currency="EUR",
        cutoff=Cutoff(currency="EUR", zone="Europe/Berlin", time=time(14)),
        lead_time=timedelta(minutes=60),
    )
    dates = [
        conditions_of(RAILS, at=at, cutoffs={"alpha": [row]}).reached["alpha", "EUR"].value_date
        for at in (NOON, NOON + timedelta(seconds=1))
    ]
    assert [date(2024, 12, 18), date(2024, 12, 19)] == dates


def test_a_cut_off_of_a_provider_that_the_calendars_have_not_is_refused_by_rail() -> None:
    """Nothing is guessed in its place."""
    row = CutoffRow(currency="EUR", provider="nobody")
    with pytest.raises(BadInput, match=r"cut-off of beta: .*'nobody'"):
        conditions_of(RAILS, at=NOON, cutoffs={"beta": [row]})


def test_rails_are_weighed_once_for_obligations_that_differ_in_amount_only() -> None:
    """A hundred thousand of them ask a rail for its profile as often as one does."""
    asked = 0

    class Counting(PlainRail):
        @property
        def profile(self) -> Any:
            nonlocal asked
            asked += 1
            return super().profile

    rails = {"alpha": Counting(RailSettings(base_url="//alpha", accounts={"EUR": "a"}))}
    router = Router(rails, Conditions())
    router.route(DUE)
    once = asked
    for amount_minor in range(1, 1_000):
        router.route(replace(DUE, amount_minor=amount_minor))
    assert once == asked
