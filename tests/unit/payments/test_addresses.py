"""Structured addresses are asked for from a value date on, by field, and again as dates roll."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from settle.payments import roll
from settle.payments.beneficiaries import address_faults

BEFORE, FROM = date(2026, 11, 13), date(2026, 11, 14)
TOWN = "beneficiary.town: missing, which CBPR+ asks for from 2026-11-14"
COUNTRY = "beneficiary.country: missing"


@pytest.mark.parametrize(
    ("payee", "on", "faults"),
    [
        ({"town": ""}, BEFORE, []),
        ({"town": " "}, FROM, [TOWN]),
        ({"country": ""}, BEFORE, [COUNTRY]),
        ({"country": "", "town": ""}, FROM, [COUNTRY, TOWN]),
        ({}, FROM, []),
    ],
)
def test_what_an_address_lacks_is_named_by_field_from_its_day(
    desk: Any, payee: dict[str, str], on: date, faults: list[str]
) -> None:
    """The value date decides, and not the day on which somebody looks."""
    beneficiary = replace(desk.due.beneficiary, **payee)
    assert faults == list(address_faults(beneficiary.country, beneficiary.town, on))
    desk.plan(replace(desk.due, value_date=on, beneficiary=beneficiary))
    desk.approve()
    held = {"O-1": ("local check", "; ".join(faults))} if faults else {}
    assert held == desk.held()


def test_an_address_is_asked_for_again_once_its_value_date_has_rolled(desk: Any) -> None:
    """What was fit for Friday is not for Monday: it is held, and goes when it is corrected."""
    whole = replace(desk.due, value_date=BEFORE)
    lacking = replace(whole, beneficiary=replace(whole.beneficiary, town=""))
    desk.plan(lacking)
    desk.approve()
    assert 1 == desk.fund(0).scheduled
    roll(desk.store, value_dates={"EUR": date(2026, 11, 16)}, now=desk.now)
    assert 0 == desk.fund().funded
    assert {"O-1": ("local check", TOWN)} == desk.held()
    assert ["O-1"] == desk.release(replace(whole, value_date=date(2026, 11, 16)))
