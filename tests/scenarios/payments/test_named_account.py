"""The account that the funding file names pays, by real rails; the rail's others are left alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.properties.funding_store import AT, BANK, DAY, NIGHT, Client, fill

from settle import payments
from settle.adapters import Evidence, Fact, Source
from settle.clearing.tables import obligations
from settle.hub import Hub
from settle.hub.outcomes import Released
from settle.ledger import accounts, balances
from settle.payments.tables import payments as payment_rows
from settle.report.funding import Holding, ObligationAccount
from settle.simulation.client import RunningWorld, start_world
from settle.simulation.description import RailDescription, WorldDescription

RAIL, FIRST = BANK["EUR"]
SECOND = "DE89370400440532013000"
HOURS = 'cutoff = "11:00"\nzone = "Europe/Berlin"\n'
WAY = """
[[transfer]]
source = "first"
target = "second"
zone = "Europe/Berlin"
opens = "06:00"
cutoff = "17:00"
lead_minutes = 60
effective_from = 2024-01-01
"""
NOSTROS = [accounts.nostro(RAIL, account) for account in (FIRST, SECOND)]
OWED = Client(name="A-1", currency="EUR", owed_minor=0, due_minor=700_00)
LATER = Client(name="A-2", currency="EUR", owed_minor=0, due_minor=300_00)
FILE = """
[funding]
costs_account = "first"
[[account]]
account_id = "first"
rail = "iso20022_bank"
account = "{first}"
currency = "EUR"
owner = "own"
effective_from = 2024-01-01
[[account]]
account_id = "second"
rail = "iso20022_bank"
account = "{second}"
currency = "EUR"
owner = "clients"
effective_from = 2024-01-01
[[pays]]
currency = "EUR"
countries = ["*"]
account_id = "{pays}"
lead_minutes = 30
effective_from = 2024-01-01
"""
PAYEE = {
    "beneficiary_account": "DE95100100107000000059", "beneficiary_bic": "COBADEFFXXX",
    "beneficiary_name": "Mo", "beneficiary_town": "Ulm",
}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RunningWorld]:
    """A bank that debits the second account only: an order on the first is refused."""
    rail = RailDescription(
        simulator=RAIL, accounts={"EUR": SECOND}, secrets={"user": "settle", "password": "p"}
    )
    with start_world(
        WorldDescription(memory=tmp_path / "world", now=AT, rails={RAIL: rail})
    ) as running:
        yield running


def opened(folder: Path, *, base_url: str = "http://127.0.0.1:1") -> Hub:
    """A hub on a store in a folder, at the night of the 18th; the bank holds two accounts."""
    config = folder / "settle.toml"
    config.write_text(
        f'extends = "{NIGHT}/settle.toml"\n[clearing]\n'
        f'agreements = "{NIGHT}/agreements.parquet"\nrates = "{NIGHT}/rates.csv"\n'
        f'funding = "funding.toml"\nrecords = "{NIGHT}/records-{{date}}*"\n'
        f'[rails.{RAIL}]\nbase_url = "{base_url}"\nfurther_accounts = {{ EUR = ["{SECOND}"] }}\n',
        encoding="utf-8",
    )
    names(folder, "second")
    return Hub.open(config, clock=lambda: AT)


def names(folder: Path, pays: str, *, more: str = "") -> None:
    """Have the funding file name an account as the one that pays; `more` are its further lines."""
    text = FILE.format(first=FIRST, second=SECOND, pays=pays) + more
    (folder / "funding.toml").write_text(text, encoding="utf-8")


def owe(hub: Hub, *, first: int, second: int, to: Sequence[Client] = (OWED,)) -> None:
    """An obligation of 700.00, and so much money of ours on each of the accounts."""
    fill(hub, to, own={(RAIL, FIRST, "EUR"): first, (RAIL, SECOND, "EUR"): second})
    with hub.store.transaction() as connection:
        connection.execute(sa.update(obligations).values(**PAYEE))


def owe_from_both(folder: Path, hub: Hub, *, second: int, more: str = "") -> None:
    """700.00 planned from the second account, and 300.00 not yet that the first is to pay."""
    owe(hub, first=10**7, second=second, to=(OWED, LATER))
    later = sa.update(obligations).where(obligations.c.agreement_id == LATER.name)
    with hub.store.transaction() as connection:
        connection.execute(later.values(covered_at=AT))
    hub.plan(DAY)
    with hub.store.transaction() as connection:
        connection.execute(later.values(covered_at=None))
    names(folder, "first", more=more)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTLE_BANK_PASSWORD", "p")
    for name in ("SETTLE_ADYEN_API_KEY", "SETTLE_ADYEN_HMAC_KEY"):
        monkeypatch.setenv(name, "ab" * 32)


def payment(hub: Hub) -> dict[str, Any]:
    with hub.store.reading() as connection:
        (row,) = connection.execute(sa.select(payment_rows)).mappings()
        return dict(row)


def held(hub: Hub) -> list[int]:
    """What the ledger has on the first and on the second account."""
    with hub.store.reading() as connection:
        found = {each.account: each.balance_minor for each in balances(connection)}
    return [found.get(nostro, 0) for nostro in NOSTROS]


def spendable(hub: Hub) -> dict[str, int]:
    """What may be spent of each account, as the plan of the funding tells it."""
    holdings: Sequence[Holding] = hub.plan_funding(DAY).funding.holdings
    return {each.account_id: each.balance_minor for each in holdings}


def told(hub: Hub) -> ObligationAccount:
    (found,) = hub.plan_funding(DAY).obligations()
    return found


def book(hub: Hub, reference: str) -> None:
    """The bank's statement shows the payment, and names no account."""
    line = Evidence(
        evidence_id="line", source=Source.STATEMENT, fact=Fact.BOOKED, reference=reference,
        occurred_at=AT, rail=RAIL, amount_minor=700_00, currency="EUR",
    )  # fmt: skip
    assert {Fact.BOOKED: 1} == payments.record(hub.store, [line], recorded_at=AT).counts


def test_the_second_account_of_a_rail_pays_and_its_balance_falls(
    world: RunningWorld, tmp_path: Path
) -> None:
    """From the matrix to the bank, which takes orders on no other account, and to the ledger."""
    with opened(tmp_path, base_url=world.base_urls[RAIL]) as hub:
        owe(hub, first=10**7, second=1000_00)
        hub.plan(DAY)
        assert Released(funded=1, waiting=0) == hub.release(DAY)
        assert 1 == hub.pay(DAY).accepted
        row = payment(hub)
        assert (RAIL, SECOND, "accepted") == (row["rail"], row["account"], row["state"])
        assert {"first": 10**7, "second": 300_00} == spendable(hub)
        book(hub, row["end_to_end_id"])
        assert [10**7, 300_00] == held(hub)
        assert {"first": 10**7, "second": 300_00} == spendable(hub)


def test_money_on_another_account_of_the_rail_funds_nothing(tmp_path: Path) -> None:
    """The payment waits for its own account, however much lies beside it."""
    with opened(tmp_path) as hub:
        owe(hub, first=10**7, second=699_99)
        hub.plan(DAY)
        assert Released(funded=0, waiting=1, held={"funds": 1}) == hub.release(DAY)


def test_a_file_changed_after_the_plan_tells_the_account_that_the_payment_leaves(
    tmp_path: Path,
) -> None:
    """The plan of the funding and the payment never name two accounts."""
    with opened(tmp_path) as hub:
        owe(hub, first=0, second=1000_00)
        assert ("second", SECOND) == (told(hub).account_id, told(hub).account)
        hub.plan(DAY)
        names(tmp_path, "first")
        assert SECOND == payment(hub)["account"]
        assert ("second", SECOND) == (told(hub).account_id, told(hub).account)


def test_money_beside_the_account_that_pays_is_sent_there_first(tmp_path: Path) -> None:
    """What the payment waits for is what the plan of the funding brings."""
    with opened(tmp_path) as hub:
        names(tmp_path, "second", more=WAY)
        owe(hub, first=10**7, second=699_99)
        hub.plan(DAY)
        assert Released(funded=0, waiting=1, held={"funds": 1}) == hub.release(DAY)
        found = hub.plan_funding(DAY).funding
        assert ((), "") == (found.short, found.failed)
        assert [("first", "second", 1)] == [
            (move.source, move.target, move.bought.amount_minor) for move in found.moves
        ]


def test_without_a_way_to_the_account_that_pays_the_need_is_short(tmp_path: Path) -> None:
    """It is told under the account that waits, however much lies beside it."""
    with opened(tmp_path) as hub:
        owe(hub, first=10**7, second=699_99)
        (short,) = hub.plan_funding(DAY).funding.short
        assert ("clients/EUR/DE/2024-12-19/second", 1) == (short.subject, short.short_minor)


def test_what_leaves_an_account_that_is_ours_no_more_lessens_the_others(
    world: RunningWorld, tmp_path: Path
) -> None:
    """Until it is booked nobody may spend it, wherever the bank takes it from."""
    with opened(tmp_path, base_url=world.base_urls[RAIL]) as hub:
        owe(hub, first=10**7, second=1000_00)
        hub.plan(DAY)
        hub.release(DAY)
        hub.pay(DAY)
        assert 10**7 == spendable(hub)["first"]
    config, funding = tmp_path / "settle.toml", tmp_path / "funding.toml"
    config.write_text(config.read_text("utf-8").partition("further_accounts")[0], "utf-8")
    kept = (x for x in funding.read_text("utf-8").split("[[") if SECOND not in x)
    funding.write_text("[[".join(kept).replace('"second"', '"first"'), "utf-8")
    with Hub.open(config, clock=lambda: AT) as hub:
        assert {"first": 10**7 - 700_00} == spendable(hub)


def test_a_payment_of_an_older_file_is_a_need_of_its_own(tmp_path: Path) -> None:
    """Two accounts of one cell, each with its moment: the plan funds both."""
    with opened(tmp_path) as hub:
        owe_from_both(tmp_path, hub, second=699_99, more=HOURS + WAY)
        planned = hub.plan_funding(DAY)
        assert ("", 2) == (planned.failed, len({each.by for each in planned.obligations()}))
        assert [("second", 1)] == [
            (move.target, move.bought.amount_minor) for move in planned.funding.moves
        ]


def test_each_account_is_told_with_what_it_pays(tmp_path: Path) -> None:
    """What leaves one is never added to what leaves another."""
    with opened(tmp_path) as hub:
        owe_from_both(tmp_path, hub, second=1000_00)
        assert [("first", 1, 300_00), ("second", 1, 700_00)] == [
            (each.account_id, each.obligations, each.amount_minor)
            for each in hub.plan_funding(DAY).funding.paid_from
        ]
