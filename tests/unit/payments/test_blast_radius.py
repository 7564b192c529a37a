"""A night that releases far more than recent ones stops until a person confirms it by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settle.errors import BadInput
from settle.payments import Basis, BlastRadius, Controls, confirm
from settle.payments.gate.confirming import cap
from settle.payments.gate.usage import NightTotal

MONDAY = date(2024, 12, 16)
TWICE = BlastRadius(factor=Fraction(2), nights=3, nights_min=2)


def over(rule: BlastRadius = TWICE) -> Controls:
    return Controls(blast_radius=rule)


def night(desk: Any, nth: int, count: int, rule: BlastRadius | None = None) -> list[str]:
    """A night that is to release so many payments of EUR 1.00."""
    named = [replace(due, obligation_id=f"{nth}/{due.obligation_id}") for due in desk.dues(count)]
    rules = {"controls": over(rule)} if rule else {}
    return list(desk.release(*named, day=MONDAY + timedelta(days=nth), **rules))


def test_a_night_beyond_recent_ones_stops_and_a_person_confirms_it(desk: Any) -> None:
    """What fits has left in order, the rest waits with the reason, and goes once confirmed."""
    for nth, count in enumerate((2, 1, 2)):
        night(desk, nth, count)
    assert 4 == len(night(desk, 3, 6, TWICE))
    why = "this night would release more than EUR 4.00 or 4 payments in EUR"
    assert {("blast radius", why)} == set(desk.held().values())
    assert [] == night(desk, 3, 0, TWICE)
    done = confirm(desk.store, day=MONDAY + timedelta(3), currency="EUR", actor="ann", now=desk.now)
    assert (600, 6) == (done.up_to_minor, done.up_to_count)
    assert 2 == len(night(desk, 3, 0, TWICE))


def test_a_confirmation_covers_what_was_seen_and_that_night_only(desk: Any) -> None:
    """One more payment stops again, and another night is asked for itself."""
    for nth in range(2):
        night(desk, nth, 1)
    assert 2 == len(night(desk, 2, 4, TWICE))
    confirm(desk.store, day=MONDAY + timedelta(2), currency="EUR", actor="ann", now=desk.now)
    more = night(desk, 2, 6, TWICE)
    assert 2 == len(more)
    assert 2 == len(desk.held())
    with pytest.raises(BadInput, match="nothing in NOK waits"):
        confirm(desk.store, day=MONDAY, currency="NOK", actor="ann", now=desk.now)
    with pytest.raises(BadInput, match="blank"):
        confirm(desk.store, day=MONDAY, currency="EUR", actor="\u200b ", now=desk.now)


def test_nothing_overtakes_what_the_night_stopped_at(desk: Any) -> None:
    """The release stops: a smaller payment behind a huge one may be the mistake's other half."""
    huge, small = desk.dues(2)
    rule = BlastRadius(factor=Fraction(1), first_minor={"EUR": 5_000})
    dues = replace(huge, amount_minor=9_000), replace(small, amount_minor=1)
    assert [] == desk.release(*dues, controls=over(rule), day=MONDAY)
    assert {"O-1", "O-2"} == desk.held().keys()


@pytest.mark.parametrize(("first", "left"), [({"EUR": 300}, 3), ({"NOK": 300}, 0), ({}, 0)])
def test_first_nights_have_a_cap_of_their_own_or_a_person(
    desk: Any, first: dict[str, int], left: int
) -> None:
    """Without a history nothing is far from it; a currency without a cap waits for somebody."""
    rule = BlastRadius(factor=Fraction(1), first_minor=first)
    assert left == len(night(desk, 0, 5, rule))
    assert 5 - left == len(desk.held())


nights = st.lists(
    st.builds(NightTotal, amount_minor=st.integers(1, 10**15), count=st.integers(1, 10**6)),
    min_size=1, max_size=12,
)  # fmt: skip


@given(nights, st.fractions(1, 10), st.integers(0, 10**15), st.sampled_from(Basis))
def test_the_cap_is_the_factor_of_the_basis_and_never_below_the_floor(
    recent: list[NightTotal], factor: Fraction, floor: int, basis: Basis
) -> None:
    """Exactly, in whole minor units; the maximum is never less than the median."""
    rule = BlastRadius(
        factor=factor, nights_min=len(recent), basis=basis, floor_minor={"EUR": floor}
    )
    most = cap(rule, "EUR", recent).amount_minor
    assert most is not None
    assert most >= floor
    over_basis = [
        night.amount_minor for night in recent if int(factor * night.amount_minor) <= most
    ]
    assert len(over_basis) * 2 >= len(recent) or most == floor
    if basis is Basis.MAXIMUM:
        assert len(over_basis) == len(recent) or most == floor
