"""A payment once planned keeps its account, and the hours are those of the cells that have it."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime

import pytest

from settle.clearing import Obligation
from settle.clearing.funding import FundingReference, Place, assign

DAY = date(2024, 12, 19)
OLD: Place = ("bank", "1", "EUR")
HEAD = '[funding]\ncosts_account = "old"\n'
DUE = Obligation(
    obligation_id="O", window_id="2024-12-18", position_id="P", agreement_id="A",
    participant_id="M", currency="EUR", amount_minor=1, value_date=DAY, beneficiary_name="N",
    beneficiary_country="DE", beneficiary_town="T", beneficiary_account="A",
    beneficiary_bic=None, beneficiary_bank_code=None,
)  # fmt: skip
DEFAULT = datetime(2024, 12, 19, 15, tzinfo=UTC)
"""The calendars' own cut-off for euro."""


def account(name: str, number: str) -> str:
    return (
        f'[[account]]\naccount_id = "{name}"\nrail = "bank"\naccount = "{number}"\n'
        'currency = "EUR"\nowner = "own"\neffective_from = 2024-01-01\n'
    )


def pays(country: str, name: str, hour: int, *, month: int = 1) -> str:
    return (
        f'[[pays]]\ncurrency = "EUR"\ncountries = ["{country}"]\naccount_id = "{name}"\n'
        f'cutoff = "{hour:02}:00"\nzone = "UTC"\neffective_from = 2024-{month:02}-01\n'
    )


def told(*cells: str) -> tuple[str, datetime]:
    """From which account, and by when, an obligation goes whose payment was planned from OLD."""
    text = "".join([HEAD, account("old", "1"), account("new", "2"), *cells])
    reference = FundingReference.of(tomllib.loads(text), file="funding.toml")
    (found,) = assign([DUE], reference=reference, at=None, leaves={"O": OLD}).assigned
    return found.account.account_id, found.by


@pytest.mark.parametrize(
    ("cells", "by"),
    [
        pytest.param([], DEFAULT, id="none at all"),
        pytest.param([pays("DE", "new", 9)], DEFAULT, id="another account's only"),
        pytest.param([pays("DE", "old", 9)], 9, id="its own"),
        pytest.param([pays("FR", "old", 8)], 8, id="the account's of another country"),
        pytest.param([pays("FR", "old", 8), pays("*", "old", 7)], 7, id="of every country first"),
        pytest.param(
            [pays("DE", "old", 9), pays("DE", "new", 6, month=12)], 9, id="its own before"
        ),
        pytest.param(
            [pays("FR", "old", 8), pays("FR", "old", 7, month=11)], 7, id="the latest of them"
        ),
    ],
)
def test_a_planned_payment_has_the_hours_of_its_account(
    cells: list[str], by: int | datetime
) -> None:
    """Whatever became of its cell it is in the plan, and never by another account's hours."""
    hour = by if isinstance(by, datetime) else datetime(2024, 12, 19, by, tzinfo=UTC)
    assert ("old", hour) == told(*cells)


def test_a_planned_payment_of_an_account_that_is_gone_is_told_by_name() -> None:
    """The file has the pair, and not the account."""
    text = HEAD + account("old", "2") + pays("DE", "old", 9)
    reference = FundingReference.of(tomllib.loads(text), file="funding.toml")
    (found,) = assign([DUE], reference=reference, at=None, leaves={"O": OLD}).unassigned
    assert "account 1 of bank is not in force in funding.toml on 2024-12-19" == found.why
