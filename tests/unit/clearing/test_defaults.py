"""A participant fails where the hub is principal: what the close books, and what it leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.size import examples

from settle.clearing import Agreements, Cutoff, Rates, close, due, positions, take, unwind
from settle.clearing.tables import carries, claims, covers, reserve_slices
from settle.engine import Engine
from settle.ledger import (
    Posting,
    accounts,
    balances,
    clearing_is_empty,
    client_money_covered,
    post,
    trial_balance,
)
from settle.ledger.tables import journal
from settle.store import Store

DAYS = [date(2024, 12, day) for day in (16, 17, 18, 19)]
TERMS: dict[str, Any] = {
    "settlement_currency": "EUR", "fee_ppm": 0, "fee_fixed_minor": 0, "tax_ppm": 0,
    "fee_back_on_refund": False, "reserve_ppm": 0, "reserve_days": 20, "payout_minimum_minor": 0,
    "fx_markup_ppm": 0, "rounding": "half_even", "hub_role": "principal", "recovery": "carry",
    "valid_from": date(2024, 1, 1), "collateral_minor": 0, "beneficiary_name": "n",
    "beneficiary_country": "DE", "beneficiary_town": "Ulm", "beneficiary_account": "DE00",
    "beneficiary_bic": None, "beneficiary_bank_code": None,
}  # fmt: skip
NOSTRO = accounts.nostro("bank", "1")


def agreement(name: str, **other: Any) -> dict[str, Any]:
    own = {"agreement_id": f"A-{name}", "participant_id": name, "role": "merchant"}
    return {**TERMS, **own, **other}


class House:
    """A store whose windows are closed day by day."""

    def __init__(self, store: Store, engine: Engine, folder: Path, *rows: dict[str, Any]) -> None:
        self.store = store
        self.terms = Agreements.of(pa.Table.from_pylist([*rows, agreement("P1", role="partner")]))
        self.where: dict[str, Any] = {
            "store": store, "engine": engine, "lake": folder / "lake", "agreements": self.terms
        }  # fmt: skip

    def day(self, day: date, *moves: tuple[str, str, int], failed: Sequence[str] = ()) -> None:
        """Take records, (merchant, kind, amount) each, and close the window of a day."""
        ends_at = Cutoff().ends_at(day)
        rows = [
            {
                "record_id": f"{day}/{n}", "participant_id": name, "agreement_id": f"A-{name}",
                "counterparty_id": "P1", "kind": kind, "amount_minor": amount, "currency": "EUR",
                "occurred_at": ends_at - timedelta(hours=5),
            }
            for n, (name, kind, amount) in enumerate(moves)
        ]  # fmt: skip
        if rows:
            take(rows, name=f"{day}", received_at=ends_at, **self.where)
        close(
            day, as_of=ends_at, rates=Rates({}), cutoff=Cutoff(), failed=failed, **self.where
        )  # fmt: skip

    def unwind(self, day: date, *failed: str) -> None:
        """Name who failed after the close of a day."""
        where = {name: self.where[name] for name in ("store", "engine", "lake")}
        unwind(
            day, failed=failed, actor="ada", reason="insolvent", rates=Rates({}), cutoff=Cutoff(),
            at=Cutoff().ends_at(day) + timedelta(hours=1), **where,
        )  # fmt: skip

    def book(self, debit: str, credit: str, amount_minor: int, *, row: str) -> None:
        """Post what a statement line would."""
        posting = Posting(
            event="receipt", subject="line", row=row, posted_on=DAYS[0], debit=debit,
            credit=credit, currency="EUR", amount_minor=amount_minor,
        )  # fmt: skip
        with self.store.transaction() as connection:
            post(connection, [posting], recorded_at=Cutoff().ends_at(DAYS[0]))

    def balance(self, account: str) -> int:
        """Debits less credits."""
        with self.store.reading() as connection:
            found = {each.account: each.balance_minor for each in balances(connection)}
        return found.get(account, 0)

    def rows(self, table: sa.Table) -> list[dict[str, Any]]:
        with self.store.reading() as connection:
            return [dict(row) for row in connection.execute(sa.select(table)).mappings()]

    def losses(self, event: str = "default") -> dict[str, int]:
        """The rows of event default, by what was debited."""
        found = Counter[str]()
        for row in self.rows(journal):
            if row["event"] == event:
                found[row["debit"]] += row["amount_minor"]
        return found

    def assert_sound(self) -> None:
        """Every currency balances, and what clearing passed on is all that it took."""
        with self.store.reading() as connection:
            found = balances(connection)
        proofs = [*trial_balance(found), *clearing_is_empty(found)]
        assert [] == [proof for proof in proofs if not proof.holds]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = Engine(threads=1)
    yield made
    made.close()


M1 = agreement("M1", reserve_ppm=100_000)
M2 = agreement("M2")
AGENT = agreement("M3", hub_role="agent")


@pytest.fixture
def house(store: Store, engine: Engine, tmp_path: Path) -> House:
    """M1 has 100.00 in reserve, and has been paid the rest; M2 sells as well."""
    built = House(store, engine, tmp_path, M1, M2, AGENT)
    built.day(DAYS[0], ("M1", "sale", 1_000_00), ("M2", "sale", 500_00))
    return built


def test_the_loss_falls_on_collateral_then_reserve_then_us(house: House) -> None:
    """In that order, and all of it; what is due to it of an earlier window stays due."""
    house.book(NOSTRO, accounts.collateral("A-M1"), 50_00, row="in")
    house.day(DAYS[1], ("M1", "chargeback", 400_00), ("M2", "sale", 500_00), failed=["M1"])
    expected = {
        accounts.claims("A-M1"): 400_00, accounts.collateral("A-M1"): 50_00,
        accounts.reserve("A-M1"): 100_00, accounts.OWN_FUNDS: 250_00,
    }  # fmt: skip
    assert expected == house.losses()
    assert [0, 0, 0, -900_00] == [
        house.balance(account)
        for account in (accounts.claims("A-M1"), accounts.collateral("A-M1"),
                        accounts.reserve("A-M1"), accounts.payable("A-M1"))
    ]  # fmt: skip
    house.assert_sound()


def test_what_is_covered_is_carried_no_further_and_its_reserve_is_used(house: House) -> None:
    """The next window takes up nothing of it, and gives back no slice that paid for it."""
    house.day(DAYS[1], ("M1", "chargeback", 400_00), failed=["M1"])
    (claim,) = house.rows(claims)
    assert ("A-M1", 400_00, "default") == (
        claim["agreement_id"], claim["amount_minor"], claim["reason"]
    )  # fmt: skip
    assert [DAYS[1].isoformat()] == [row["taken_in"] for row in house.rows(carries)]
    assert [100_00] == [row["used_minor"] for row in house.rows(reserve_slices)]
    house.day(DAYS[2], ("M1", "sale", 10_00))
    with house.store.reading() as connection:
        found = positions(connection, DAYS[2].isoformat())
    assert [(0, 9_00)] == [(each.carried_in_minor, each.paid_minor) for each in found]


def test_who_fails_twice_is_covered_once(house: House) -> None:
    """Named again at the next close, it owes nothing new, and nothing is booked."""
    house.day(DAYS[1], ("M1", "chargeback", 400_00), failed=["M1"])
    before = house.losses()
    house.day(DAYS[2], ("M2", "sale", 1_00), failed=["M1"])
    assert before == house.losses()


def test_a_partner_that_fails_is_claimed_what_its_payers_bought(house: House) -> None:
    """The merchants are owed all the same; what it did not prefund is ours to bear."""
    house.book(NOSTRO, accounts.deposit("P1"), 1_200_00, row="in")
    house.book(NOSTRO, accounts.collateral("A-P1"), 100_00, row="pledge")
    house.day(DAYS[1], ("M2", "sale", 20_00), failed=["P1"])
    assert {
        accounts.claims("A-P1"): 320_00, accounts.collateral("A-P1"): 100_00,
        accounts.OWN_FUNDS: 220_00,
    } == house.losses()  # fmt: skip
    assert 0 == house.balance(accounts.deposit("P1")) == house.balance(accounts.claims("A-P1"))
    house.assert_sound()


def test_where_the_hub_is_an_agent_it_bears_nothing(house: House) -> None:
    """The debt of one whose agent we are stays its own."""
    house.day(DAYS[1], ("M3", "chargeback", 400_00))
    house.day(DAYS[2], failed=["M3"])
    assert {} == house.losses()


def test_an_unwinding_books_the_default_and_a_further_one_gives_it_back(house: House) -> None:
    """Named one after the other, they are covered as if both had been named at once, and once."""
    house.book(NOSTRO, accounts.collateral("A-M1"), 50_00, row="in")
    house.day(DAYS[1], ("M1", "chargeback", 400_00), ("M2", "sale", 500_00))
    house.unwind(DAYS[1], "M1")
    by_m1 = {
        accounts.claims("A-M1"): 400_00, accounts.collateral("A-M1"): 50_00,
        accounts.reserve("A-M1"): 100_00, accounts.OWN_FUNDS: 250_00,
    }  # fmt: skip
    assert by_m1 == house.losses("default/2")
    house.unwind(DAYS[1], "P1")
    assert by_m1 | {accounts.claims("A-P1"): 1_600_00, accounts.OWN_FUNDS: 1_850_00} == (
        house.losses("default/3")
    )
    expected = {
        accounts.claims("A-M1"): 0, accounts.claims("A-P1"): 0, accounts.deposit("P1"): 0,
        accounts.collateral("A-M1"): 0, accounts.reserve("A-M1"): 0,
        accounts.OWN_FUNDS: 1_850_00, accounts.payable("A-M2"): -1_000_00,
    }  # fmt: skip
    assert expected == {account: house.balance(account) for account in expected}
    assert [100_00] == [row["used_minor"] for row in house.rows(reserve_slices)]
    assert [50_00, 100_00, 250_00, 1_600_00] == sorted(
        row["amount_minor"] for row in house.rows(covers)
    )
    house.assert_sound()


def test_an_unwinding_takes_the_collateral_that_is_there_by_then(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    """What was booked since the close is taken, and what went back since is not."""
    house = House(store, engine, tmp_path, agreement("M1", recovery="collateral carry"), M2)
    house.book(NOSTRO, accounts.collateral("A-M1"), 30_00, row="in")
    house.day(DAYS[0], ("M1", "chargeback", 100_00), ("M2", "sale", 1_00))
    house.book(NOSTRO, accounts.collateral("A-M1"), 20_00, row="more")
    house.book(accounts.collateral("A-M1"), NOSTRO, 5_00, row="out")
    house.unwind(DAYS[0], "M2")
    with house.store.reading() as connection:
        found = positions(connection, DAYS[0].isoformat())
    assert [45_00, 0] == [each.collateral_used_minor for each in found]
    assert 0 == house.balance(accounts.collateral("A-M1"))
    house.assert_sound()


def test_booked_collateral_is_there_for_recovery_and_what_is_returned_is_not(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    """30.00 came, 10.00 went back: a debt of 50.00 takes the 20.00 and carries the rest."""
    house = House(store, engine, tmp_path, agreement("M1", recovery="collateral carry"))
    house.book(NOSTRO, accounts.collateral("A-M1"), 30_00, row="in")
    house.book(accounts.collateral("A-M1"), NOSTRO, 10_00, row="out")
    house.day(DAYS[0], ("M1", "chargeback", 50_00))
    house.day(DAYS[1], ("M1", "chargeback", 5_00))
    with house.store.reading() as connection:
        found = [positions(connection, day.isoformat())[0] for day in DAYS[:2]]
    assert [(20_00, -30_00), (0, -35_00)] == [
        (each.collateral_used_minor, each.carried_out_minor) for each in found
    ]
    assert 0 == house.balance(accounts.collateral("A-M1"))


def test_collateral_that_lies_with_us_is_clients_money(house: House) -> None:
    """What is pledged is counted among what our accounts have to cover."""
    house.book(NOSTRO, accounts.collateral("A-M1"), 77_00, row="in")
    with house.store.reading() as connection:
        (proof,) = client_money_covered(balances(connection))
    owed = 900_00 + 500_00 + 100_00 + 77_00
    assert owed == proof.other_minor


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each example of a property keeps its store."""
    return tmp_path_factory.mktemp("defaults")


@settings(
    max_examples=examples(2, full=100), deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    loss=st.integers(1, 60_000),
    pledged=st.integers(0, 10_000),
    booked=st.integers(0, 10_000),
    order=st.sampled_from(["carry", "reserve collateral carry", "collateral carry"]),
)
@example(loss=25_001, pledged=5_000, booked=10_000, order="carry")
@example(loss=25_001, pledged=5_000, booked=10_000, order="reserve collateral carry")
def test_no_unit_is_lost_and_nobody_elses_figures_change(  # noqa: PLR0917  # fixtures, and draws
    engine: Engine, small: Path, sqlite_template: Path, loss: int, pledged: int, booked: int,
    order: str,
) -> None:  # fmt: skip
    """Own funds bear just what collateral and reserve do not, and M2 is paid the same."""
    ours, others = [], []
    for failed in ([], ["M1"]):
        folder = small / f"{len(list(small.iterdir()))}"
        folder.mkdir()
        (folder / "settle.db").write_bytes(sqlite_template.read_bytes())
        store = Store.open(f"sqlite:///{folder / 'settle.db'}")
        terms = {**M1, "collateral_minor": pledged, "recovery": order}
        house = House(store, engine, folder, terms, M2)
        house.day(DAYS[0], ("M1", "sale", 100_000), ("M2", "sale", 500_00))
        if booked:
            house.book(NOSTRO, accounts.collateral("A-M1"), booked, row="in")
        house.day(DAYS[1], ("M1", "chargeback", loss), ("M2", "sale", 1_00), failed=failed)
        house.assert_sound()
        ours.append(house.balance(accounts.OWN_FUNDS))
        with store.reading() as connection:
            found = due(connection, as_of=DAYS[1])
        owed = {x.obligation_id: x.amount_minor for x in found if x.participant_id == "M2"}
        others.append((owed, house.balance(accounts.payable("A-M2"))))
        if failed:
            left = house.balance(accounts.collateral("A-M1")) - pledged
            assert left <= 0
            assert house.balance(accounts.reserve("A-M1")) <= 0
        store.close()
    assert [0, max(loss - pledged - booked - 10_000, 0)] == ours
    assert others[0] == others[1]
