"""`[routing]`: costs and cut-offs of rails are read, refused by key, and weighed by the night."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.properties.funding_store import DAY, NIGHT, Client, fill
from tests.scenarios.payments.test_planned_again import (
    BALANCE_ACCOUNT,
    BANK,
    EUR,
    FILE,
    PARTNER,
    PARTNER_RAIL,
    PAYEE,
)

from settle.clearing.tables import obligations
from settle.errors import ConfigError
from settle.hub import Hub, routing
from settle.payments import unwell
from settle.payments.tables import payments

CHEAP = """
[[routing.costs]]
rail = "iso20022_bank"
currency = "EUR"
fixed_minor = 25
[[routing.costs]]
rail = "adyen_transfers"
currency = "EUR"
country = "DE"
fixed_minor = 5
ppm = 100
"""
CUTOFF = """
[[routing.cutoffs]]
rail = "{rail}"
currency = "EUR"
time = "14:00"
zone = "Europe/Berlin"
"""
ON_ITS_DAY = datetime(2024, 12, 19, 14, tzinfo=UTC)
"""The value date of what is owed, an hour after 14:00 in Berlin."""


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLE_BANK_PASSWORD", "p")
    monkeypatch.setenv("SETTLE_ADYEN_API_KEY", "ab" * 32)


def opened(folder: Path, more: str, *, at: datetime = ON_ITS_DAY) -> Hub:
    """A hub with a bank and a partner, told what `more` says of them."""
    rails = PARTNER_RAIL.format(partner="http://127.0.0.1:2") + more
    text = FILE.format(
        night=NIGHT, bank="http://127.0.0.1:1", accounts=f'EUR = "{EUR}"', more=rails
    )
    (folder / "settle.toml").write_text(text, encoding="utf-8")
    return Hub.open(folder / "settle.toml", clock=lambda: at)


def planned(hub: Hub, *, bank: int = 10**7, partner: int = 10**7) -> dict[str, Any]:
    """The payment of 700.00 to Germany that the night plans, with so much money at each."""
    own = {(BANK, EUR, "EUR"): bank, (PARTNER, BALANCE_ACCOUNT, "EUR"): partner}
    fill(hub, [Client(name="A-1", currency="EUR", owed_minor=0, due_minor=700_00)], own=own)
    with hub.store.transaction() as connection:
        connection.execute(sa.update(obligations).values(**PAYEE))
    hub.plan(DAY)
    hub.release(DAY)
    with hub.store.reading() as connection:
        (row,) = connection.execute(sa.select(payments)).mappings()
        return dict(row)


def test_the_night_pays_by_the_cheaper_rail_and_says_what_the_other_costs(tmp_path: Path) -> None:
    """0.05 and a hundred millionths of 700.00 are 0.12, less than 0.25."""
    with opened(tmp_path, CHEAP, at=ON_ITS_DAY - timedelta(days=1)) as hub:
        row = planned(hub)
    expected = f"{BANK}: costs 0.25 EUR; {PARTNER}: best of the 2 that take it, costs 0.12 EUR"
    assert (PARTNER, expected) == (row["rail"], row["routing_reason"])


def test_the_night_pays_by_the_rail_that_still_makes_the_value_date(tmp_path: Path) -> None:
    """Where the cheaper one is past its cut-off, the dearer one has it, for its own day."""
    late = CUTOFF.format(rail=BANK).replace("14:00", "15:30")
    with opened(tmp_path, CHEAP + CUTOFF.format(rail=PARTNER) + late) as hub:
        row = planned(hub)
    assert (BANK, date(2024, 12, 19)) == (row["rail"], row["value_date"])
    assert f"{PARTNER}: has value on 2024-12-20 at the earliest" in row["routing_reason"]


def test_where_no_rail_makes_the_value_date_the_payment_rolls(tmp_path: Path) -> None:
    """To the next business day, and never before: it is approved as it was instructed."""
    both = CUTOFF.format(rail=PARTNER) + CUTOFF.format(rail=BANK)
    with opened(tmp_path, CHEAP + both) as hub:
        row = planned(hub)
    assert (PARTNER, date(2024, 12, 20), date(2024, 12, 19), "approved") == (
        row["rail"], row["value_date"], row["not_before"], row["state"],
    )  # fmt: skip


def test_a_minute_before_the_cut_off_nothing_rolls(tmp_path: Path) -> None:
    """The cheaper rail has it for its own day."""
    before = ON_ITS_DAY - timedelta(hours=1, minutes=1)
    with opened(tmp_path, CHEAP + CUTOFF.format(rail=PARTNER), at=before) as hub:
        row = planned(hub)
    assert (PARTNER, date(2024, 12, 19)) == (row["rail"], row["value_date"])


def test_the_night_pays_from_the_account_that_holds_enough(tmp_path: Path) -> None:
    """Also where it is the dearer rail's."""
    with opened(tmp_path, CHEAP) as hub:
        row = planned(hub, partner=699_99)
    assert BANK == row["rail"]
    assert f"{PARTNER}: {BALANCE_ACCOUNT} does not hold enough" in row["routing_reason"]


def test_the_night_passes_over_a_rail_that_is_silent_and_one_that_is_paused(
    tmp_path: Path,
) -> None:
    """What the night met before it plans counts, and so does the switch."""
    with opened(tmp_path, CHEAP) as hub:
        hub.nights.begin(DAY, as_of=hub.now(DAY))
        hub.nights.silence(DAY, {PARTNER: "503"})
        row = planned(hub)
    assert (BANK, True) == (
        row["rail"], f"{PARTNER}: did not answer: 503" in row["routing_reason"],
    )  # fmt: skip
    paused = CHEAP + f'[controls]\npaused_rails = ["{PARTNER}"]\n'
    with opened(tmp_path, paused) as hub, hub.store.reading() as connection:
        told = routing.weighed(hub, DAY, spendable={})
        assert {PARTNER: "is paused"} == told.down
        assert {} == unwell(connection, since=ON_ITS_DAY)


def test_a_rail_that_answered_none_of_its_last_payments_is_unwell(tmp_path: Path) -> None:
    """Three without an answer make it so, one answer to any of them ends it."""
    with opened(tmp_path, CHEAP) as hub:
        planned(hub)
        with hub.store.transaction() as connection:
            (row,) = connection.execute(sa.select(payments)).mappings()
            for nth in range(3):
                names = ("payment_id", "obligation_id", "idempotency_key", "end_to_end_id", "uetr")
                other = {name: f"{name[:2]}{nth}" for name in names}
                sent = {"state": "unknown", "releases": 1, "released_at": ON_ITS_DAY}
                connection.execute(payments.insert(), {**row, **other, **sent})
        told = routing.weighed(hub, DAY, spendable={}).down
        assert {PARTNER: "answered none of 3 payments since 2024-12-18 14:00 UTC"} == told
        with hub.store.transaction() as connection:
            one = payments.c.payment_id == "pa0"
            connection.execute(sa.update(payments).where(one).values(state="accepted"))
        assert {} == routing.weighed(hub, DAY, spendable={}).down


@pytest.mark.parametrize(
    ("more", "key"),
    [
        (CHEAP.replace(BANK, "nobody"), "routing.costs.0: no rail 'nobody'"),
        (CHEAP.replace('"EUR"', '"EUX"'), "routing.costs.0: currency 'EUX'"),
        (CHEAP.replace("25", "-1"), "routing.costs.0.fixed_minor"),
        (CHEAP.replace("25", "0.25"), "routing.costs.0.fixed_minor"),
        (CHEAP.replace('"DE"', '"Germany"'), "routing.costs.1.country"),
        (CHEAP.replace("ppm", "bps"), "routing.costs.1.bps: no such key"),
        (CHEAP + CHEAP.split("[[")[1].join(["[[", ""]), "routing.costs.2: is told twice"),
        (CUTOFF.format(rail=BANK).replace("Berlin", "Nowhere"), "routing.cutoffs.0"),
        (CUTOFF.format(rail=BANK).replace('time = "14:00"', ""), "routing.cutoffs.0"),
        (CUTOFF.format(rail=BANK) + 'provider = "ibanfirst"', "routing.cutoffs.0"),
        (
            '[[routing.cutoffs]]\nrail = "iso20022_bank"\ncurrency = "EUR"\nprovider = "x"\n',
            "routing.cutoffs.0: cut-off of iso20022_bank: no payment cut-off of 'x'",
        ),
    ],
)
def test_what_routing_cannot_use_is_refused_by_its_key(tmp_path: Path, more: str, key: str) -> None:
    """Before anything is opened, with the place in the file."""
    with pytest.raises(ConfigError) as refused:
        opened(tmp_path, more)
    assert key in str(refused.value)
