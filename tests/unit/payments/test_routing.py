"""A payment leaves from the account that is said, from the first where none is, or not at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.payments.conftest import DUE, PlainRail

from settle.adapters import RailSettings
from settle.payments.routing import Route, route

RAILS = {
    name: PlainRail(
        RailSettings(base_url=f"//{name}", accounts={"EUR": first}, further_accounts=further)
    )
    for name, first, further in (
        ("single", "s1", {}),
        ("several", "a1", {"EUR": ("a2", "a3")}),
    )
}


def to(**changes: Any) -> Route:
    """The way of an obligation that is otherwise plain."""
    return route(replace(DUE, **changes), RAILS)


@pytest.mark.parametrize("account", ["a1", "a2", "a3"])
def test_the_account_that_is_said_pays(account: str) -> None:
    """Whichever of the rail's it is, and no reason speaks of another."""
    assert Route(rail="several", account=account, reason="several: first that takes it") == to(
        rail="several", account=account
    )


def test_an_account_without_a_rail_finds_the_rail_that_has_it() -> None:
    """The rail before it is passed over by name."""
    reason = "single: no account a2 in EUR; several: first that takes it"
    assert Route(rail="several", account="a2", reason=reason) == to(account="a2")


@pytest.mark.parametrize("account", ["s1", "A2", "a2 "])
def test_an_account_that_the_rail_has_not_is_refused_by_name(account: str) -> None:
    """Money of another account never stands in for it."""
    reason = f"several: no account {account} in EUR"
    assert Route(reason=reason) == to(rail="several", account=account)


def test_where_no_account_is_said_the_first_pays_and_the_reason_says_so() -> None:
    """The first, as configured; one that is alone needs no word."""
    told = "several: first that takes it, from a1, the first of 3 accounts in EUR"
    assert Route(rail="several", account="a1", reason=told) == to(rail="several")
    both = "single: first that takes it; several: comes later in the order"
    assert Route(rail="single", account="s1", reason=both) == to()


def test_a_payment_whose_account_there_is_not_is_held(desk: Any) -> None:
    """It is kept with the reason, and neither approved nor sent."""
    (held,) = desk.plan(replace(desk.due, rail="single", account="elsewhere")).held
    assert "rail: single: no account elsewhere in EUR" == held.reason
    assert 0 == desk.approve().approved
    desk.fund()
    assert [] == desk.claim()


def test_a_payment_that_no_rail_took_is_replaced_when_one_does(desk: Any, states: Any) -> None:
    """Named a right account it goes from there; the other is cancelled, and none is made again."""
    desk.plan(replace(desk.due, rail="single", account="elsewhere"))
    right = replace(desk.due, rail="single", account="acc")
    assert (1, []) == ((done := desk.plan(right)).planned, list(done.held))
    assert (0, 1) == ((again := desk.plan(right)).planned, again.already)
    assert {"cancelled": 1, "planned": 1} == states()
    assert 1 == desk.approve().approved


@pytest.mark.parametrize(
    ("further", "why"),
    [
        ({"NOK": ("n",)}, "NOK has no first account in accounts"),
        ({"EUR": ("b", " ")}, "one of EUR is blank"),
        ({"EUR": ("b", "a")}, "EUR has an account twice"),
        ({"EUR": ("b", "b")}, "EUR has an account twice"),
    ],
)
def test_further_accounts_are_others_than_the_first_one(further: Any, why: str) -> None:
    """What is none, or said before, is refused where it is written."""
    with pytest.raises(ValueError, match=f"further_accounts: {why}"):
        RailSettings(base_url="x", accounts={"EUR": "a"}, further_accounts=further)
