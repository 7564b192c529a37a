"""Obligations become needs: nothing lost, nothing mixed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from itertools import product

from settle.clearing import Obligation
from settle.clearing.funding import CLIENTS, needs_of


def by(currency: str, day: date) -> datetime:
    """Dollars are paid later in the day than the rest."""
    return datetime.combine(day, time(20 if currency == "USD" else 14), UTC)


def obligation(index: int, currency: str, country: str, day: int, participant: str) -> Obligation:
    return Obligation(
        obligation_id=f"o{index:03}", window_id="2024-12-18", position_id=f"p{index}",
        agreement_id=f"a{index}", participant_id=participant, currency=currency,
        amount_minor=10**index, value_date=date(2024, 12, day), beneficiary_name="Kopi",
        beneficiary_country=country, beneficiary_town="Town", beneficiary_account="1",
        beneficiary_bic=None, beneficiary_bank_code=None,
    )  # fmt: skip


MIXED = [
    obligation(index, *facts)
    for index, facts in enumerate(product(["USD", "SGD"], ["SG", "DE"], [19, 20], ["m1", "m2"]))
]


def test_needs_are_the_sums_of_their_obligations() -> None:
    """One need a currency, country and value date, and each obligation in just one."""
    needs = needs_of(MIXED, by=by)
    assert 8 == len(needs)
    named = [name for need in needs for name in need.obligation_ids]
    assert sorted(each.obligation_id for each in MIXED) == sorted(named)
    amounts = {each.obligation_id: each.amount_minor for each in MIXED}
    for need in needs:
        assert need.amount_minor == sum(amounts[name] for name in need.obligation_ids)
        assert (CLIENTS, 20 if need.currency == "USD" else 14) == (need.owner, need.by.hour)


def test_a_participant_apart_has_needs_of_its_own() -> None:
    """Those who have accounts or claims of their own are not put together with others."""
    owners = [need.owner for need in needs_of(MIXED, by=by, apart={"m1"})]
    assert sorted([CLIENTS] * 8 + ["m1"] * 8) == sorted(owners)


def test_the_order_of_obligations_means_nothing() -> None:
    """The needs are the same and come in the order of their ids."""
    needs = needs_of(MIXED, by=by)
    assert needs == needs_of(reversed(MIXED), by=by)
    assert [need.need_id for need in needs] == sorted(need.need_id for need in needs)
    assert () == needs_of([], by=by)
