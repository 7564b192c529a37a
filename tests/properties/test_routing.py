"""Routing is pure: the same obligations, rails and conditions give the same routes, explained."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.payments.conftest import DUE, PlainRail

from settle.adapters import Cost, RailSettings
from settle.payments import Conditions, Due, Reached, Route, Router, route

RAILS = {
    name: PlainRail(RailSettings(base_url=f"//{name}", accounts=accounts))
    for name, accounts in (
        ("alpha", {"EUR": "a", "NOK": "a-nok"}),
        ("beta", {"EUR": "b"}),
        ("gamma", {"EUR": "g", "USD": "g-usd"}),
    )
}
PLACES = [(n, ref.account, ref.currency) for n, x in RAILS.items() for ref in x.accounts()]
DAY = DUE.value_date


def _some(values: st.SearchStrategy[Any], keys: list[Any]) -> st.SearchStrategy[dict[Any, Any]]:
    return st.dictionaries(st.sampled_from(keys), values)


COSTS = st.builds(
    Cost, currency=st.just("EUR"), fixed_minor=st.integers(0, 50), ppm=st.integers(0, 10_000)
)
REACHED = st.builds(
    Reached,
    value_date=st.dates(DAY - timedelta(2), DAY + timedelta(4)),
    why=st.just("a cut-off"),
)
CONDITIONS = st.builds(
    Conditions,
    costs=_some(COSTS, [(name, "EUR", where) for name in RAILS for where in ("*", "DE")]),
    reached=_some(REACHED, [(name, "EUR") for name in RAILS]),
    spendable=_some(st.integers(-100, 30_000), PLACES),
    down=_some(st.just("did not answer"), list(RAILS)),
)
DUES = st.lists(
    st.builds(
        lambda amount, currency, rail, days: replace(
            DUE, amount_minor=amount, currency=currency, rail=rail,
            value_date=DAY + timedelta(days),
        ),
        st.integers(1, 12_000),
        st.sampled_from(["EUR", "EUR", "EUR", "NOK", "USD", "JPY"]),
        st.sampled_from(["", "", "", *RAILS]),
        st.integers(-2, 2),
    ),
    max_size=12,
)  # fmt: skip


def walked(dues: list[Due], conditions: Conditions) -> list[Route]:
    """The routes of obligations in their order, each spending what it needs."""
    router, found = Router(RAILS, conditions), []
    for due in dues:
        found.append(router.route(due))
        router.spend(found[-1], due)
    return found


@given(DUES, CONDITIONS)
def test_the_same_inputs_give_the_same_routes(dues: list[Due], conditions: Conditions) -> None:
    """Whatever was routed before with another router, and to the letter of the reason."""
    assert walked(dues, conditions) == walked(dues, conditions)


@given(st.sampled_from(["EUR", "NOK"]), st.integers(1, 12_000), CONDITIONS, DUES)
def test_what_is_remembered_of_obligations_that_are_alike_changes_no_route(
    currency: str, amount_minor: int, conditions: Conditions, before: list[Due]
) -> None:
    """A router that has routed others says what a fresh one says."""
    due = replace(DUE, currency=currency, amount_minor=amount_minor)
    router = Router(RAILS, conditions)
    for other in before:
        router.route(other)
    assert route(due, RAILS, conditions) == router.route(due)


@given(DUES, CONDITIONS)
def test_every_rail_that_was_asked_is_in_the_reason_once_and_the_best_is_chosen(
    dues: list[Due], conditions: Conditions
) -> None:
    """No rail that loses beats the one that is chosen in all of what is weighed."""
    for due in dues:
        found = route(due, RAILS, conditions)
        asked = [name for name in RAILS if due.rail in ("", name)]
        assert asked == [part.partition(":")[0] for part in found.reason.split("; ")]
        if found.rail:
            best = standing(due, found.rail, conditions)
            assert all(best <= standing(due, name, conditions) for name in taking(due))
        else:
            assert [] == taking(due)


def taking(due: Due) -> list[str]:
    """The rails that take an obligation at all, told anew."""
    names = [name for name, x in RAILS.items() if due.currency in x.profile.currencies]
    over = due.currency == "EUR" and due.amount_minor > 10_000
    return [] if over else [name for name in names if due.rail in ("", name)]


def standing(due: Due, name: str, told: Conditions) -> tuple[bool, bool, date, bool, int]:
    """How a rail stands, told anew: down, short, when, and for how much."""
    (account,) = (x.account for x in RAILS[name].accounts() if x.currency == due.currency)
    held = told.spendable.get((name, account, due.currency), due.amount_minor)
    reached = told.reached.get((name, due.currency))
    day = max(due.value_date, reached.value_date) if reached else due.value_date
    of = told.costs.get
    cost = of((name, due.currency, "DE")) or of((name, due.currency, "*"))
    price = cost.fixed_minor * 10**6 + cost.ppm * due.amount_minor if cost else 0
    return name in told.down, held < due.amount_minor, day, cost is None, price
