"""What no rail took, and what a rail rejected for its own sake, is paid once by a later night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.properties.funding_store import AT, DAY, NIGHT, Client, fill

from settle.clearing.tables import obligations
from settle.hub import Hub
from settle.payments.tables import payments
from settle.simulation.client import RunningWorld, start_world
from settle.simulation.description import RailDescription, WorldDescription

BANK, PARTNER = "iso20022_bank", "adyen_transfers"
EUR, USD = "DE95100100107000000059", "DE34100100107000000090"
BALANCE_ACCOUNT = "BASETTLEDEMOEUR0000000000"
MORNING_AFTER = timedelta(days=1)
OWED = Client(name="A-1", currency="USD", owed_minor=0, due_minor=700_00)
FILE = """
[settle]
tenant = "t"
clock = "real"
[clearing]
agreements = "{night}/agreements.parquet"
rates = "{night}/rates.csv"
[approval.limit_major]
USD = 1000000
EUR = 1000000
[rails.iso20022_bank]
plugin = "iso20022_bank"
base_url = "{bank}"
bic = "ZSETDEFF"
debtor_name = "Settle"
debtor_country = "SG"
debtor_town = "Singapore"
user = "settle"
password = "env:SETTLE_BANK_PASSWORD"
part_inherits = true
accounts = {{ {accounts} }}
{more}
"""
PARTNER_RAIL = """
[rails.adyen_transfers]
plugin = "adyen_transfers"
base_url = "{partner}"
api_key = "env:SETTLE_ADYEN_API_KEY"
[rails.adyen_transfers.accounts]
EUR = "BASETTLEDEMOEUR0000000000"
"""
PAYEE = {
    "beneficiary_account": "DE95100100107000000059", "beneficiary_bic": "COBADEFFXXX",
    "beneficiary_name": "Mo", "beneficiary_town": "Ulm", "beneficiary_country": "DE",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLE_BANK_PASSWORD", "p")
    monkeypatch.setenv("SETTLE_ADYEN_API_KEY", "ab" * 32)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RunningWorld]:
    """A bank that holds euros and dollars for us, and a partner that holds euros."""
    rails = {
        BANK: RailDescription(
            simulator=BANK, accounts={"EUR": EUR, "USD": USD},
            secrets={"user": "settle", "password": "p"},
        ),
        PARTNER: RailDescription(
            simulator=PARTNER, accounts={"EUR": BALANCE_ACCOUNT},
            secrets={"api_key": "ab" * 32, "hmac_key": "ab" * 32},
        ),
    }  # fmt: skip
    description = WorldDescription(memory=tmp_path / "world", now=AT, rails=rails)
    with start_world(description) as running:
        yield running


class Nights:
    """A platform's nights on one store, under a configuration that may change between them."""

    def __init__(self, folder: Path, world: RunningWorld) -> None:
        self.config, self.world = folder / "settle.toml", world

    def configure(self, accounts: str, *, more: str = "") -> None:
        urls = self.world.base_urls
        told = more.format(partner=urls[PARTNER])
        text = FILE.format(night=NIGHT, bank=urls[BANK], accounts=accounts, more=told)
        self.config.write_text(text, encoding="utf-8")

    def hub(self, at: datetime = AT) -> Hub:
        return Hub.open(self.config, clock=lambda: at)

    def run(self, at: datetime = AT) -> tuple[int, int, int, int]:
        """Plan, release, pay; planned, held, accepted and rejected."""
        with self.hub(at) as hub:
            planned = hub.plan(DAY)
            hub.release(DAY)
            paid = hub.pay(DAY)
        return planned.payments, planned.held, paid.accepted, paid.rejected

    def rows(self) -> list[tuple[str, str]]:
        with self.hub() as hub, hub.store.reading() as connection:
            found = connection.execute(sa.select(payments).order_by(payments.c.attempt)).mappings()
            return [(row["rail"], row["state"]) for row in found]

    def executed(self) -> int:
        rails: dict[str, Any] = self.world.executions()["rails"]
        return sum(rail["executed"] for rail in rails.values())


@pytest.fixture
def nights(world: RunningWorld, tmp_path: Path) -> Nights:
    """The nights of a platform that owes 700.00, and has no account for it yet."""
    found = Nights(tmp_path, world)
    found.configure(f'EUR = "{EUR}"')
    with found.hub() as hub:
        fill(hub, [OWED], own={(BANK, USD, "USD"): 10**7, (BANK, EUR, "EUR"): 10**7})
        with hub.store.transaction() as connection:
            connection.execute(sa.update(obligations).values(**PAYEE))
    return found


def test_what_no_rail_took_is_paid_once_by_the_night_that_has_one(nights: Nights) -> None:
    """Held without a rail, looked at again each night, and paid by the first that has one."""
    assert [(1, 1, 0, 0), (0, 0, 0, 0)] == [nights.run(), nights.run()]
    assert [("", "planned")] == nights.rows()
    nights.configure(f'EUR = "{EUR}", USD = "{USD}"')
    assert (1, 0, 1, 0) == nights.run(AT + MORNING_AFTER)
    assert (0, 0, 0, 0) == nights.run(AT + MORNING_AFTER)
    assert [("", "cancelled"), (BANK, "accepted")] == nights.rows()
    assert 1 == nights.executed()  # expected before actual


def test_a_held_obligation_may_still_be_unwound_and_one_paid_may_not(nights: Nights) -> None:
    """To be held is not to be released, however often it is looked at; to be paid is."""
    from settle import payments as room

    nights.run()
    with nights.hub() as hub, hub.store.reading() as connection:
        assert {"O-A-1": False} == room.released(connection, ["O-A-1"], tenant="t", locks=False)
    nights.configure(f'EUR = "{EUR}", USD = "{USD}"')
    nights.run(AT + MORNING_AFTER)
    with nights.hub() as hub, hub.store.reading() as connection:
        assert {"O-A-1": True} == room.released(connection, ["O-A-1"], tenant="t", locks=False)


@pytest.mark.parametrize(("code", "again"), [("AM04", [PARTNER]), ("AC04", [])])
def test_what_a_rail_rejects_for_its_own_sake_goes_by_another_and_else_waits(
    nights: Nights, code: str, again: list[str]
) -> None:
    """Too little money there says nothing of the payee; a closed account does, at every rail."""
    with nights.hub() as hub, hub.store.transaction() as connection:
        changed = {"currency": "EUR", "beneficiary_name": f"SANDBOX REJECT {code}"}
        connection.execute(sa.update(obligations).values(**changed))
    assert (1, 0, 0, 1) == nights.run()
    assert [(BANK, "rejected")] == nights.rows()
    nights.configure(f'EUR = "{EUR}"', more=PARTNER_RAIL)
    planned, held, *_ = nights.run(AT + MORNING_AFTER)
    assert (len(again), 0) == (planned, held)
    assert (0, 0, 0, 0) == nights.run(AT + MORNING_AFTER)
    assert again == [rail for rail, _ in nights.rows()[1:]]
