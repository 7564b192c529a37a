"""From the store to the plan: clients' money serves nobody else, and no unit is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from tests.properties.funding_store import (
    BANK,
    DAY,
    PARTNER_NOK,
    Client,
    fill,
    hub_on,
    set_own_need,
)
from tests.size import examples

from settle.clearing.funding import CLIENTS, OWN, Answer, FundingPlan, verify
from settle.hub import Hub, PlannedFunding

CODES = ("EUR", "NOK", "USD")
AMOUNTS = st.integers(0, 400_000)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One hub for all examples; each empties the store."""
    with hub_on(tmp_path_factory.mktemp("funding")) as opened:
        yield opened


@st.composite
def clients(draw: st.DrawFn) -> list[Client]:
    """Up to five, some of whom have come to owe us while something is due to them."""
    found = []
    for number in range(draw(st.integers(0, 5))):
        owed = draw(st.integers(-200_000, 800_000))
        due = draw(st.integers(0, max(owed, 0)) | st.just(max(owed, 0)) | st.integers(0, 800_000))
        currency = draw(st.sampled_from(("NOK", *CODES)))
        found.append(
            Client(
                name=f"A{number}", currency=currency, owed_minor=owed, due_minor=due,
                away=draw(st.booleans()),
            )
        )  # fmt: skip
    return found


OWNS = st.fixed_dictionaries(
    {(*BANK[code], code): AMOUNTS for code in CODES} | {(*PARTNER_NOK, "NOK"): AMOUNTS}
)
DEFICIT = [
    Client(name="A0", currency="EUR", owed_minor=-50_000, due_minor=100_000),
    Client(name="A1", currency="EUR", owed_minor=500_000, due_minor=0),
]
AWAY = [Client(name="A3", currency="NOK", owed_minor=800_000, due_minor=800_000, away=True)]
NO_MONEY = dict.fromkeys([*((*BANK[code], code) for code in CODES), (*PARTNER_NOK, "NOK")], 0)

FEES = {**NO_MONEY, (*BANK["EUR"], "EUR"): 1_000}


@settings(
    max_examples=examples(25, full=400), deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(owed=clients(), own=OWNS, need=st.tuples(st.sampled_from(CODES), st.just(0) | AMOUNTS))
@example(owed=DEFICIT, own=NO_MONEY, need=("EUR", 0))
@example(owed=AWAY, own=FEES, need=("EUR", 0))
@example(owed=[*AWAY, *DEFICIT], own=FEES, need=("EUR", 500))
@example(owed=DEFICIT, own=NO_MONEY, need=("EUR", 100_000))
def test_clients_money_serves_neither_us_nor_another_client(
    hub: Hub, owed: list[Client], own: dict[Any, int], need: tuple[str, int]
) -> None:
    """Whatever stands in the store, the plan leaves each client's money whole and loses no unit."""
    fill(hub, owed, own=own)
    set_own_need(hub, currency=need[0], amount_minor=need[1])
    planned = hub.plan_funding(DAY)
    assert "" == planned.failed
    assert planned.answer is not None
    event("whole" if planned.funding.is_whole else "short")
    assert_divided(planned.answer, owed, own)
    if planned.answer.plan is not None:
        event(f"moves {bool(planned.answer.plan.moves)}")
        assert_segregated(planned.answer, planned.answer.plan)
        assert_conserved(planned.answer, planned.answer.plan)
        assert_covered(planned, planned.answer.plan, owed)


def assert_divided(answer: Answer, owed: list[Client], own: dict[Any, int]) -> None:
    """What is on the accounts is what was put there, and ours no more than we put."""
    held, ours = Counter[str](), Counter[str]()
    for account in answer.asked.accounts:
        held[account.currency] += account.balance_minor
        ours[account.currency] += account.balance_minor if account.owner == OWN else 0
    for code in CODES:
        own_here = sum(amount for place, amount in own.items() if place[2] == code)
        of_clients = sum(max(x.owed_minor, 0) for x in owed if x.currency == code)
        assert of_clients + own_here == held[code]
        assert ours[code] <= own_here


def assert_segregated(answer: Answer, plan: FundingPlan) -> None:
    """No move makes clients' money ours, and no need of ours is paid from theirs."""
    owner = {account.account_id: account.owner for account in answer.asked.accounts}
    assert [] == [m for m in plan.moves if owner[m.source] == CLIENTS != owner[m.target]]
    needs = {need.need_id: need for need in answer.asked.needs}
    assert {OWN} >= {owner[at] for name, at in plan.payments if needs[name].owner == OWN}


def assert_conserved(answer: Answer, plan: FundingPlan) -> None:
    """What is left on all accounts of a currency is what was there less what left it."""
    asked = answer.asked
    cut = {each.subject: each.short_minor for each in answer.short}
    left, expected = Counter[str](), Counter[str]()
    for account in asked.accounts:
        left[account.currency] += dict(plan.closing)[account.account_id]
        expected[account.currency] += account.balance_minor
    for move in plan.moves:
        expected[asked.account(move.source).currency] -= move.sold_minor
        expected[asked.account(move.target).currency] += move.bought_minor
        expected[asked.currency] -= move.charged_minor
    paid = dict(plan.payments)
    for need in asked.needs:
        if need.need_id in paid:
            expected[need.currency] -= need.amount_minor - cut.get(need.need_id, 0)
    if not answer.short:
        assert +expected == +left
        assert () == verify(asked, plan)


def assert_covered(planned: PlannedFunding, plan: FundingPlan, owed: list[Client]) -> None:
    """The clients' accounts are worth what clients are still owed; debts of some lessen none."""
    answer = planned.answer
    assert answer is not None
    if answer.short:
        return
    asked, left = answer.asked, Fraction(0)
    for name, minor in plan.closing:
        account = asked.account(name)
        left += minor * asked.value_of(account.currency) if account.owner == CLIENTS else 0
    still = sum(
        ((max(x.owed_minor, 0) - x.payable_minor) * asked.value_of(x.currency) for x in owed),
        Fraction(0),
    )
    assert left >= still


def test_a_deficit_is_told_and_the_others_are_funded_without_it(hub: Hub) -> None:
    """A client that owes us is not paid out of another's money; the other is paid."""
    others = Client(name="A2", currency="EUR", owed_minor=300_000, due_minor=300_000)
    fill(hub, [*DEFICIT, others], own=NO_MONEY)
    set_own_need(hub, currency="EUR", amount_minor=0)
    funding = hub.plan_funding(DAY).funding
    (short,) = funding.short
    assert ("clients_money", 100_000) == (short.hindrance, short.short_minor)
    assert not funding.is_whole
    left = {each.account_id: each.after_minor for each in funding.holdings}
    assert 500_000 == left["bank EUR"]


def test_our_money_on_the_same_account_pays_the_deficit(hub: Hub) -> None:
    """What is ours there is worth as much as what the client has come to owe."""
    ours = {**NO_MONEY, (*BANK["EUR"], "EUR"): 100_000}
    fill(hub, DEFICIT, own=ours)
    set_own_need(hub, currency="EUR", amount_minor=0)
    assert hub.plan_funding(DAY).funding.is_whole


def test_one_cent_less_of_ours_does_not(hub: Hub, tmp_path: Path) -> None:
    """The border is exact: then one cent is short, and it is not another client's."""
    ours = {**NO_MONEY, (*BANK["EUR"], "EUR"): 99_999}
    fill(hub, DEFICIT, own=ours)
    set_own_need(hub, currency="EUR", amount_minor=0)
    (short,) = hub.plan_funding(DAY).funding.short
    assert ("EUR", 1) == (short.currency, short.short_minor)
