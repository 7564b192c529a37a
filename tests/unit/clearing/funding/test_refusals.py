"""What cannot be funded is named, with how much and why; what does not fit is refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from settle.clearing.funding import (
    OWN,
    Claim,
    CountryMatrix,
    Funding,
    Hindrance,
    Infeasible,
    Need,
    Transfer,
    plan,
)
from settle.errors import BadInput, MoneyError

HOUR = timedelta(hours=1)


def refused(funding: Funding) -> list[tuple[str, int, str]]:
    found = plan(funding)
    assert isinstance(found, Infeasible), found
    return [(each.subject, each.short_minor, each.hindrance.value) for each in found.unfunded]


def changed(funding: Funding, **fields: Any) -> Funding:
    """The same with these fields on every arc."""
    return replace(funding, arcs=tuple(replace(arc, **fields) for arc in funding.arcs))


def test_a_cut_off_that_has_passed_is_named(night: Funding) -> None:
    """Both needs fall short whole, for nothing else stands in their way."""
    late = changed(night, closes_at=night.at - HOUR)
    assert [("n1", 124_000, "cutoff"), ("n2", 62_000, "cutoff")] == refused(late)


def test_a_lead_time_beyond_the_deadline_is_a_cut_off_missed(night: Funding) -> None:
    """Money that lands after the need does not fund it."""
    soon = tuple(replace(need, by=night.at) for need in night.needs)
    assert {"cutoff"} == {why for _, _, why in refused(replace(night, needs=soon))}


def test_limits_of_the_ways_are_named(night: Funding) -> None:
    """What is missing is what no way lets through."""
    found = refused(changed(night, capacity_minor=50_000))
    assert 186_000 - 62_000 - 50_000 == sum(short for _, short, _ in found)
    assert {"limit"} == {why for _, _, why in found}


def test_too_little_money_is_a_matter_of_balances(night: Funding) -> None:
    """No cut-off, limit or owner would help where there is nothing."""
    poor = tuple(replace(account, balance_minor=20_000) for account in night.accounts)
    rich_in_nothing = replace(night, accounts=poor)
    assert {"balance"} == {why for _, _, why in refused(rich_in_nothing)}


def test_money_of_clients_does_not_stand_in_for_ours(night: Funding) -> None:
    """A fee above what we have is short although the pool could pay it."""
    fee = Need(need_id="fee", currency="EUR", amount_minor=60_000, by=night.at + HOUR, owner=OWN)
    assert [("fee", 10_000, "clients_money")] == refused(replace(night, needs=(fee,)))


def test_what_clients_are_owed_already_has_to_be_there(night: Funding) -> None:
    """A pool that does not cover its claims is named by its owner."""
    owed = (Claim(owner="other", currency="EUR", amount_minor=10**7),)
    found = refused(replace(night, needs=(), claims=owed))
    assert [("clients", 10**7 - 900_000 - 160_000, "clients_money")] == found


def test_a_client_with_an_account_of_its_own_is_not_served_from_the_pool(night: Funding) -> None:
    """Its need has to be met from its account or ours."""
    theirs = replace(night.account("far-usd"), account_id="theirs", owner="m1", rail="far")
    need = replace(night.needs[0], owner="m1")
    found = refused(replace(night, accounts=(*night.accounts, theirs), needs=(need,)))
    assert [("n1", 124_000, "clients_money")] == found


def test_a_pair_outside_the_matrix_is_refused_by_name(night: Funding) -> None:
    """Dollars go to Singapore, not to Brazil, and the rest is planned as if alone."""
    needs = (replace(night.needs[0], country="BR"), night.needs[1])
    found = plan(replace(night, needs=needs))
    assert isinstance(found, Infeasible)
    (only,) = found.unfunded
    assert ("n1", Hindrance.NOT_IN_MATRIX) == (only.subject, only.hindrance)
    assert "USD is not paid to BR" == only.detail


def test_a_row_of_its_own_goes_before_that_for_every_country() -> None:
    """A currency that goes everywhere by one rail may go home by another, or not at all."""
    matrix = CountryMatrix({("SGD", "*"): ["far"], ("SGD", "SG"): ["near"], ("SGD", "KP"): []})
    rails = [matrix.of("SGD", country) for country in ("SG", "DE", "KP")]
    assert [{"near"}, {"far"}, set()] == rails
    assert frozenset() == matrix.of("EUR", "DE")


def test_a_rail_without_an_account_is_told_from_a_pair_without_a_rail(night: Funding) -> None:
    """The matrix names a rail at which we hold no such currency."""
    need = replace(night.needs[0], currency="EUR", country="DE")
    elsewhere = replace(night, needs=(need,), matrix=CountryMatrix({("EUR", "*"): ["moon"]}))
    assert [("n1", 124_000, "no_account")] == refused(elsewhere)


def test_questions_that_make_no_sense_are_refused(night: Funding) -> None:
    """Each of these names what does not fit."""
    transfer = next(arc for arc in night.arcs if isinstance(arc, Transfer))
    trade = next(arc for arc in night.arcs if not isinstance(arc, Transfer))
    naive = datetime(2024, 12, 18, 8)  # noqa: DTZ001  # that is the point
    wrong: list[tuple[str, Any]] = [
        ("pool-eur is given 2 times", lambda: replace(
            night, accounts=(*night.accounts, night.account("pool-eur")))),
        ("clients' money bears none", lambda: replace(night, costs_account="pool-eur")),
        ("nobody is not there", lambda: replace(night, costs_account="nobody")),
        ("transfers EUR into USD", lambda: replace(
            night, arcs=(replace(transfer, source="pool-eur"),))),
        ("trades EUR/USD where USD/USD", lambda: replace(
            night, arcs=(replace(trade, source="far-usd"),))),
        ("goes from far-usd to itself", lambda: replace(transfer, target="far-usd")),
        ("not there as it is sent", lambda: replace(transfer, lead=timedelta(0))),
        ("settles before it closes", lambda: replace(trade, settles_at=trade.closes_at)),
        ("int is due, not float", lambda: changed(night, fixed_minor=0.5)),
        ("int is due, not bool", lambda: replace(night.needs[0], amount_minor=True)),
        ("beyond 64 bits", lambda: replace(night.needs[0], amount_minor=2**63)),
        ("not above zero", lambda: replace(night.needs[0], amount_minor=0)),
        ("with its zone", lambda: replace(night, at=naive)),
        ("what is ours is no claim", lambda: Claim(owner=OWN, currency="EUR", amount_minor=1)),
        ("below zero", lambda: replace(night.account("pool-eur"), minimum_minor=-1)),
    ]  # fmt: skip
    for why, ask in wrong:
        with pytest.raises(BadInput, match=why):
            ask()


def test_a_currency_without_a_rate_is_refused(night: Funding) -> None:
    """Costs in different currencies are not compared by guess."""
    need = replace(night.needs[0], currency="JPY")
    with pytest.raises(MoneyError, match="JPY"):
        replace(night, needs=(need,))
