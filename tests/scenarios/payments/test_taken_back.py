"""Payments taken back through the hub, from a bank that answers over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Beneficiary, Evidence, Fact, Source
from settle.errors import BadInput
from settle.hub import Hub
from settle.ledger import balances, trial_balance
from settle.payments import Due, ask_back, plan, record, returned, story
from settle.payments.tables import exchanges, payments, restores
from settle.reconciliation import account_days, reopened
from settle.simulation.client import RunningWorld, start_world
from settle.simulation.description import RailDescription, WorldDescription
from settle.store import uuid7

BANK = "iso20022_bank"
ACCOUNT = "DE89370400440532013000"
FIRST = date(2024, 12, 18)
PAYEE = Beneficiary(
    name="Mo", country="DE", town="Berlin", account="DE75512108001245126199", bic="SOGEDEFFXXX"
)
OTHER = replace(PAYEE, account="DE02120300000000202051", bic="BYLADEM1001", name="Mo again")
AGREEMENTS = (
    "agreement_id,participant_id,role,settlement_currency,fee_ppm,fee_fixed_minor,tax_ppm,"
    "fee_back_on_refund,reserve_ppm,reserve_days,payout_minimum_minor,fx_markup_ppm,rounding,"
    "hub_role,valid_from,beneficiary_name,beneficiary_country,beneficiary_town,"
    "beneficiary_account,beneficiary_bic,beneficiary_bank_code\n"
)
CONFIG = """
[settle]
tenant = "t"
store = "{store}"
[clearing]
agreements = "agreements.csv"
rates = "rates.csv"
[approval.limit_major]
EUR = 1000
[returns]
charges = "SHA"
own_banks = ["COBADEFFXXX"]
[rails.iso20022_bank]
plugin = "iso20022_bank"
base_url = "{url}"
accounts = {{ EUR = "{account}" }}
bic = "COBADEFFXXX"
debtor_name = "Hub"
debtor_country = "DE"
debtor_town = "Berlin"
user = "hub"
password = "env:TAKEN_BACK_PASSWORD"
part_inherits = true
"""


class Days:
    """A hub on a bank of its own, a business day after the other."""

    def __init__(self, hub: Hub, world: RunningWorld, clock: list[datetime]) -> None:
        self.hub, self.world, self._clock = hub, world, clock
        self.day = FIRST

    def turn(self, day: date) -> None:
        """Let it be the evening of a day."""
        self.day = day
        self._clock[0] = datetime.combine(day, time(20), tzinfo=UTC)
        self.world.set_clock(self._clock[0])

    def read(self, upto: date | None = None) -> None:
        """Fetch every statement since the first day, and reconcile it."""
        if upto is not None:
            while self.day < upto:
                self.turn(self.day + timedelta(days=1))
                self.read()
            return
        with self.hub.night(self.day - timedelta(days=1)):
            self.hub.fetch(self.day)
            self.hub.reconcile(self.day)

    def pay(self, *names: str) -> list[str]:
        """Pay 10.00 EUR to each; gives the payments, by name in order."""
        dues = [
            Due(
                obligation_id=f"O-{n}", agreement_id="A", currency="EUR", amount_minor=1000,
                value_date=FIRST + timedelta(days=1), beneficiary=replace(PAYEE, name=name),
            )
            for n, name in enumerate(names)
        ]  # fmt: skip
        plan(
            self.hub.store, dues, rails=self.hub.adapters, tenant="t", now=self.hub.now(),
            ids=uuid7,
        )  # fmt: skip
        self.send()
        by_obligation = {r["obligation_id"]: r["payment_id"] for r in self.rows()}
        return [by_obligation[due.obligation_id] for due in dues]

    def send(self) -> None:
        self.hub.release(self.day)
        self.hub.pay(self.day)

    def rows(self) -> list[Any]:
        with self.hub.store.reading() as connection:
            query = sa.select(payments).order_by(payments.c.payment_id)
            return [dict(row) for row in connection.execute(query).mappings()]

    def row(self, payment_id: str) -> Any:
        (row,) = [r for r in self.rows() if r["payment_id"] == payment_id]
        return row

    def books(self) -> dict[str, int]:
        with self.hub.store.reading() as connection:
            found = balances(connection)
            assert all(proof.holds for proof in trial_balance(found))
            last = next((x for x in account_days(connection) if x.day == self.day), None)
        told = {b.account: b.balance_minor for b in found if b.balance_minor}
        if last is not None:
            assert last.closing_minor == told[f"nostro/{BANK}/{ACCOUNT}"]
        return told

    def asked(self) -> int:
        """How many requests for a payment back left."""
        with self.hub.store.reading() as connection:
            query = sa.select(sa.func.count()).where(exchanges.c.target == "/cancellations")
            return int(connection.execute(query).scalar_one())


Opens = Callable[..., Days]


@pytest.fixture
def days(store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opens]:
    """Opens a hub against a bank with the faults given, on each database in turn."""
    monkeypatch.setenv("TAKEN_BACK_PASSWORD", "hush")
    (tmp_path / "agreements.csv").write_text(AGREEMENTS)
    (tmp_path / "rates.csv").write_text("as_of,currency,per_euro\n2024-12-18,USD,1.0510\n")
    (tmp_path / "bank-lines.csv").write_text(
        "rail,day,currency,amount_minor,reference,counterparty\n"
        f"{BANK},{FIRST},EUR,100000,OWN FUNDS,Hub\n"
    )
    open_ones: list[Any] = []

    def opens(*faults: dict[str, Any]) -> Days:
        (tmp_path / "faults.json").write_text(json.dumps([{"rail": BANK, **x} for x in faults]))
        description = WorldDescription(
            memory=tmp_path / "world", now=datetime.combine(FIRST, time(20), tzinfo=UTC),
            rails={BANK: RailDescription(
                simulator=BANK, accounts={"EUR": ACCOUNT},
                secrets={"user": "hub", "password": "hush"},
            )},
            outside=tmp_path / "bank-lines.csv", faults=tmp_path / "faults.json",
        )  # fmt: skip
        running = start_world(description)
        world = running.__enter__()
        open_ones.append(running)
        file = tmp_path / "settle.toml"
        file.write_text(CONFIG.format(store=store_url, url=world.base_urls[BANK], account=ACCOUNT))
        clock = [datetime.combine(FIRST, time(20), tzinfo=UTC)]
        hub = Hub.open(file, clock=lambda: clock[0])
        open_ones.append(hub)
        made = Days(hub, world, clock)
        made.read()
        return made

    yield opens
    for each in reversed(open_ones):
        each.__exit__(None, None, None)


WHO: dict[str, Any] = {"actor": "ada", "reason": "wrong payee"}


def test_a_recall_that_is_accepted_is_money_only_once_a_statement_shows_it(days: Opens) -> None:
    """The state stays; then the bank's line brings it back, short, and the match is reopened."""
    each = days()
    (name,) = each.pay("Mo SANDBOX RECALL ACCR SHORT 30")
    before = each.books()
    done = each.hub.recall(name, code="DUPL", **WHO)
    assert dict(done.standing) == {"accepted": 1}
    assert (each.row(name)["state"], each.row(name)["recall"]) == ("accepted", "accepted")
    assert before == each.books()
    with pytest.raises(BadInput, match="nothing of it is owed again"):
        each.hub.repay(name, beneficiary=OTHER, **WHO)
    with pytest.raises(BadInput, match="is accepted already"):
        each.hub.recall(name, **WHO)
    each.read(FIRST + timedelta(days=1))
    assert each.row(name)["state"] == "returned"
    with each.hub.store.reading() as connection:
        (undone,) = reopened(connection)
        (owed,) = returned(connection)
        told = [line.what for line in story(connection, name).lines]
    assert (undone.payment_id, undone.reopened_on) == (name, each.day)
    assert (owed.back_minor, owed.charges_minor, owed.code) == (970, 30, "FOCR")
    assert {"commits POST /cancellations", "recall_asked (engine)", "recall_accepted (engine)",
            "returned (statement)", "borne (engine)", "posted return"} <= set(told)  # fmt: skip
    made = each.hub.repay(name, beneficiary=OTHER, **WHO)
    each.send()
    each.read(FIRST + timedelta(days=2))
    assert each.row(made.payment_id)["state"] == "booked"
    assert (1, 0) == (each.asked(), each.world.executions()["executed_more_than_once"])
    assert each.books() == {
        "charges/returns": 30, f"nostro/{BANK}/{ACCOUNT}": 98970, "own_funds": -100000,
        "payable/A": 1000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "stands"),
    [
        ("lose_answer", "accepted"),
        ("status_500_after", "accepted"),
        ("lose_request", "unknown"),
        ("garbage", "accepted"),
    ],
)
def test_a_recall_is_sent_once_whatever_becomes_of_its_answer(
    days: Opens, fault: str, stands: str
) -> None:
    """Nobody knows at first; asked again it is found, and never sent a second time."""
    each = days({"method": "POST", "path": "/cancellations", "fault": fault})
    (name,) = each.pay("Mo SANDBOX RECALL ACCR")
    first = dict(each.hub.recall(name, **WHO).standing)
    assert first == ({"accepted": 1} if fault == "garbage" else {"unknown": 1})
    each.hub.pursue_recalls()
    assert (stands, 1) == (each.row(name)["recall"], each.asked())
    assert each.row(name)["state"] == "accepted"


def test_a_wish_that_was_kept_before_a_crash_is_sent_by_the_next_night(days: Opens) -> None:
    """Killed between the commit and the wire: the night sends it, once, and the next only asks."""
    each = days()
    (name,) = each.pay("Mo SANDBOX RECALL PDCR")
    with each.hub.store.transaction() as connection:
        ask_back(connection, name, rails=each.hub.adapters, code="CUST", at=each.hub.now(), **WHO)
    assert (0, "asked") == (each.asked(), each.row(name)["recall"])
    for _ in range(2):
        each.hub.pursue_recalls()
        assert (1, "pending") == (each.asked(), each.row(name)["recall"])


def test_a_store_that_was_put_back_pursues_no_recall(days: Opens) -> None:
    """It may have forgotten that it left; once a person lets the store go on, it is sent."""
    each = days()
    (name,) = each.pay("Mo SANDBOX RECALL PDCR")
    at = each.hub.now()
    with each.hub.store.transaction() as connection:
        ask_back(connection, name, rails=each.hub.adapters, code="CUST", at=at, **WHO)
        row = {"restore_id": "r", "taken_at": at, "restored_at": at}
        connection.execute(restores.insert(), row)
    assert {} == each.hub.pursue_recalls().standing
    assert (0, "asked") == (each.asked(), each.row(name)["recall"])
    each.hub.epoch.accept(actor="ada", at=at)
    each.hub.pursue_recalls()
    assert (1, "pending") == (each.asked(), each.row(name)["recall"])


def test_a_recall_that_never_left_is_asked_anew(days: Opens) -> None:
    """A bank that cannot be reached is named; the next wish is another request."""
    each = days()
    (name,) = each.pay("Mo SANDBOX RECALL RJCR")
    each.world.kill()
    done = each.hub.recall(name, **WHO)
    assert (dict(done.standing), list(done.silent)) == ({"not_sent": 1}, [BANK])
    assert each.row(name)["state"] == "accepted"


@pytest.mark.parametrize(("answer", "stands"), [("RJCR", "rejected"), ("PDCR", "pending")])
def test_an_answer_that_gives_nothing_back_changes_nothing(
    days: Opens, answer: str, stands: str
) -> None:
    """What is pondered is asked about again; what was refused may be asked anew."""
    each = days()
    (name,) = each.pay(f"Mo SANDBOX RECALL {answer}")
    before = each.books()
    for _ in range(2):
        assert dict(each.hub.recall(name, **WHO).standing) == {stands: 1}
    assert (2 if answer == "RJCR" else 1) == each.asked()
    each.read(FIRST + timedelta(days=1))
    assert each.row(name)["state"] == "booked"
    assert before["payable/A"] == each.books()["payable/A"]


def test_what_somebody_wants_back_is_never_sent_once_more(days: Opens) -> None:
    """Its first sending was lost; nor is the message sent again that it left in with another."""
    each = days({"method": "POST", "path": "/payments", "fault": "lose_request"})
    name, other = each.pay("Mo", "Bo")
    assert ["unknown", "unknown"] == [row["state"] for row in each.rows()]
    assert dict(each.hub.recall(name, **WHO).standing) == {"rejected": 1}
    each.hub.look_up(each.day)
    assert ("unknown", "unknown") == (each.row(name)["state"], each.row(other)["state"])
    assert 0 == each.world.executions()["executed"]


def test_charges_are_borne_hop_by_hop_as_the_policy_says(days: Opens) -> None:
    """Under SHA the hub bears what its own bank kept, and the payee what the other kept."""
    each = days()
    (name,) = each.pay("Mo SANDBOX RETURN AC04 CHASUS33=25 COBADEFF=5")
    each.read(FIRST + timedelta(days=1))
    with each.hub.store.reading() as connection:
        (owed,) = returned(connection)
        told = [x.detail for x in story(connection, name).lines if x.what == "borne (engine)"]
    assert (owed.back_minor, owed.charges_minor, owed.borne_minor) == (970, 5, 25)
    assert owed.amount_minor == 975
    assert any("0.25 EUR kept by CHASUS33, borne by the payee" in words for words in told)
    books = each.books()
    assert (books["charges/returns"], books["returned/A"]) == (5, -975)
    assert each.hub.repay(name, beneficiary=OTHER, **WHO).amount_minor == 975


def test_what_failed_is_let_go_on_statements_without_a_gap_and_two_names(days: Opens) -> None:
    """A day short of the horizon it is refused, and so it is with one name, or with a gap."""
    each = days({"method": "POST", "path": "/payments", "fault": "lose_request"})
    (name,) = each.pay("Mo")
    said = [
        Evidence(
            evidence_id=fact.value, source=Source.FIND, fact=fact, reference=name,
            occurred_at=each.hub.now(), rail=BANK,
        )
        for fact in (Fact.ACCEPTED, Fact.FAILED)
    ]  # fmt: skip
    record(each.hub.store, said, recorded_at=each.hub.now())
    last = FIRST + timedelta(days=8)
    each.turn(last)
    with pytest.raises(BadInput, match="no statement of 2024-12-19 is kept"):
        each.hub.let_go(name, second="bob", **WHO)
    each.turn(FIRST)
    each.read(last - timedelta(days=1))
    with pytest.raises(BadInput, match="the rail's horizon ends on 2024-12-25"):
        each.hub.let_go(name, second="bob", **WHO)
    each.read(last)
    with pytest.raises(BadInput, match="a second person must agree"):
        each.hub.let_go(name, **WHO)
    assert each.hub.let_go(name, second="bob", **WHO)
    made = each.hub.repay(name, beneficiary=None, **WHO)
    each.send()
    each.read(last + timedelta(days=1))
    assert (each.row(name)["state"], each.row(made.payment_id)["state"]) == ("failed", "booked")
    assert 1 == each.world.executions()["executed"]
