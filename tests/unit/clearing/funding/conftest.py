"""A night small enough to be worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from settle.clearing import DayRates
from settle.clearing.funding import (
    CLIENTS,
    OWN,
    Account,
    CountryMatrix,
    Funding,
    Need,
    Trade,
    Transfer,
)
from settle.money import Rate

AT = datetime(2024, 12, 18, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def night() -> Funding:
    """Two payouts in dollars from an empty account; euros of the clients elsewhere.

    One euro is a dollar and a quarter at mid, and 1.24 at the dealer's. The dearer way is by
    transfer from dollars that are there already.
    """
    accounts = (
        Account(
            account_id="ours-eur", rail="house", currency="EUR", balance_minor=50_000, owner=OWN
        ),
        Account(
            account_id="pool-eur", rail="house", currency="EUR", balance_minor=900_000,
            owner=CLIENTS,
        ),
        Account(
            account_id="pool-usd", rail="lark", currency="USD", balance_minor=0, owner=CLIENTS
        ),
        Account(
            account_id="far-usd", rail="far", currency="USD", balance_minor=200_000, owner=CLIENTS
        ),
    )  # fmt: skip
    needs = tuple(
        Need(
            need_id=name, currency="USD", amount_minor=amount, by=AT + 6 * HOUR, owner=CLIENTS,
            country="SG",
        )
        for name, amount in (("n1", 124_000), ("n2", 62_000))
    )  # fmt: skip
    rate = Rate(
        base="EUR", quote="USD", value_e8=124_000_000, as_of=AT.date(), source="dealer"
    )  # fmt: skip
    arcs = (
        Trade(
            arc_id="trade", source="pool-eur", target="pool-usd", closes_at=AT + HOUR,
            settles_at=AT + 3 * HOUR, fixed_minor=500, ppm=100, rate=rate,
        ),
        Transfer(
            arc_id="transfer", source="far-usd", target="pool-usd", closes_at=AT + 2 * HOUR,
            lead=HOUR, fixed_minor=4_000,
        ),
    )  # fmt: skip
    return Funding(
        at=AT,
        accounts=accounts,
        needs=needs,
        arcs=arcs,
        matrix=CountryMatrix({("USD", "SG"): ["lark"], ("EUR", "*"): ["house"]}),
        rates=DayRates(as_of=AT.date(), per_via_e8={"USD": 125_000_000}),
        costs_account="ours-eur",
    )
