"""Clearing, told as text tables: an event a line with the expected answer, on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from settle.clearing import (
    Agreements,
    Cutoff,
    Explanation,
    Rates,
    close,
    due,
    explain,
    explain_open,
    positions,
    prove,
    records_under,
    take,
)
from settle.clearing.agreements import COLUMNS
from settle.clearing.lake import Lake
from settle.clearing.settled import settled_records
from settle.clearing.tables import claims
from settle.engine import Engine, Scratch
from settle.errors import BadInput
from settle.ledger import balances, clearing_is_empty, trial_balance
from settle.money import parse_rate, plain
from settle.store import Store

TYPES = {column.name: column.type for column in COLUMNS}
DEFAULTS = {column.name: column.default for column in COLUMNS}
TYPED: dict[str, Callable[[str], Any]] = {
    "text": str, "whole": int, "flag": lambda text: text == "true",
    "day": lambda text: date(2024, 12, int(text)),
}  # fmt: skip
SCENARIOS = sorted(Path(__file__).parent.glob("*.txt"))
PAYEE = {"name": "n", "country": "DE", "town": "Ulm", "account": "DE00", "bic": None,
         "bank_code": None}  # fmt: skip
TERMS = {
    "role": "merchant", "fee_ppm": 0, "fee_fixed_minor": 0, "tax_ppm": 0,
    "fee_back_on_refund": False, "reserve_ppm": 0, "reserve_days": 0, "payout_minimum_minor": 0,
    "fx_markup_ppm": 0, "rounding": "half_even", "hub_role": "principal",
    "valid_from": date(2024, 1, 1), **{f"beneficiary_{k}": v for k, v in PAYEE.items()},
}  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


def day_of(text: str) -> date:
    return date(2024, 12, int(text))


def instant(text: str) -> datetime:
    day, _, clock = text.partition("T")
    return datetime.combine(day_of(day), time.fromisoformat(clock), tzinfo=UTC)


def owner(name: str) -> str:
    """The participant of an agreement: `M1` of both `M1` and `M1.b`."""
    return name.partition(".")[0]


class Scenario:
    """A hub in one process, driven by the lines of a text table."""

    def __init__(self, store: Store, engine: Engine, lake: Path) -> None:
        self.where: dict[str, Any] = {"store": store, "engine": engine, "lake": lake}
        self.store = store
        self.terms = [
            {**TERMS, "agreement_id": "A-P1", "participant_id": "P1", "role": "partner",
             "settlement_currency": "EUR"}
        ]  # fmt: skip
        self.quotes: dict[date, dict[str, int]] = {}

    def run(self, line: str) -> str:
        words, _, _ = line.partition("=") if not line.startswith("agreement") else (line, "", "")
        verb, *arguments = words.split()
        return str(getattr(self, verb)(*arguments))

    @property
    def agreements(self) -> Agreements:
        return Agreements.of(pa.Table.from_pylist([{**DEFAULTS, **own} for own in self.terms]))

    def agreement(self, name: str, currency: str, *terms: str) -> str:
        given = dict(term.split("=") for term in terms)
        typed = {k: TYPED[TYPES[k]](v.replace("+", " ")) for k, v in given.items()}
        self.terms = [own for own in self.terms if own["agreement_id"] != f"A-{name}"]
        self.terms.append(
            {**TERMS, "agreement_id": f"A-{name}", "participant_id": owner(name),
             "settlement_currency": currency, **typed}
        )  # fmt: skip
        return ""

    def rate(self, day: str, currency: str, per_euro: str) -> str:
        self.quotes.setdefault(day_of(day), {})[currency] = parse_rate(per_euro)
        return ""

    def take(self, at: str, *records: str) -> str:
        intake = take(
            [self.record(each) for each in records], name="batch",
            received_at=instant(at), agreements=self.agreements, **self.where,
        )  # fmt: skip
        fields = ("accepted", "duplicates", "quarantined", "withdrawn")
        return " ".join(f"{field} {getattr(intake, field)}" for field in fields)

    def record(self, told: str) -> dict[str, Any]:
        name, kind, told_merchant, amount, currency, at = told.split(":", 5)
        merchant, _, partner = told_merchant.partition("@")
        return {
            "record_id": name, "participant_id": owner(merchant), "agreement_id": f"A-{merchant}",
            "counterparty_id": partner or "P1", "kind": kind, "amount": amount,
            "currency": currency, "occurred_at": instant(at),
        }  # fmt: skip

    def close(self, day: str) -> str:
        closed = close(
            day_of(day), as_of=instant(f"{day}T16:30"), agreements=self.agreements,
            rates=Rates(self.quotes), cutoff=Cutoff(), **self.where,
        )  # fmt: skip
        return f"records {closed.records} late {closed.late} positions {closed.positions}"

    def position(self, day: str, merchant: str, currency: str = "") -> str:
        found = self.explained(day, merchant, currency=currency).position
        net = plain(found.net_minor, found.currency)
        return f"net {net} carried {plain(found.carried_in_minor, found.currency)}"

    def told(self, day: str, merchant: str, part: str = "") -> str:
        found = self.explained(day, merchant, part=part)
        return " ".join(
            f"{line.component} {plain(line.amount_minor, line.currency)}"
            for line in (*found.steps, *found.ends)
        )

    def explained(
        self, day: str, merchant: str, *, currency: str = "", part: str = ""
    ) -> Explanation:
        with self.store.reading() as connection:
            (found,) = [
                p for p in positions(connection, day_of(day).isoformat())
                if (p.agreement_id, p.part) == (f"A-{merchant}", part)
                and currency in ("", p.currency)
            ]  # fmt: skip
            explained = explain(connection, position_id=found.position_id)
        assert explained.adds_up
        assert found.records == records_under(found, lake=self.where["lake"]).num_rows
        assert prove(explained, rates=Rates(self.quotes), **self.where).holds
        assert json.loads(json.dumps(explained.as_json()))["adds_up"]
        return explained

    def claimed(self, day: str) -> str:
        query = sa.select(claims).where(claims.c.window_id == day_of(day).isoformat())
        with self.store.reading() as connection:
            rows = sorted(connection.execute(query), key=lambda row: (row.agreement_id, row.part))
        return " ".join(
            f"{row.agreement_id[2:]}:{plain(row.amount_minor, row.currency)}:{row.reason}"
            for row in rows
        )

    def held(self, merchant: str) -> str:
        """What the ledger holds of a merchant's reserve."""
        with self.store.reading() as connection:
            ledger = balances(connection)
        own = [each for each in ledger if each.account == f"reserve/A-{merchant}"]
        return " ".join(f"{o.currency} {plain(-o.balance_minor, o.currency)}" for o in own)

    def payable(self, merchant: str) -> str:
        with self.store.reading() as connection:
            ledger = balances(connection)
        own = [each for each in ledger if each.account == f"payable/A-{merchant}"]
        return " ".join(f"{o.currency} {plain(abs(o.balance_minor), o.currency)}" for o in own)

    def due(self, day: str) -> str:
        with self.store.reading() as connection:
            owed = due(connection, as_of=day_of(day), agreements=self.agreements)
        told = []
        for o in owed:
            amount = plain(o.amount_minor, o.currency)
            told.append((o.window_id, f"{o.agreement_id[2:]}:{amount}:{o.currency}:{o.value_date}"))
        return " ".join(text for _, text in sorted(told))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_clearing_follows_the_table(
    path: Path, store: Store, engine: Engine, tmp_path: Path
) -> None:
    """Every line's answer is the one that stands behind it, and the ledger stays balanced."""
    scenario = Scenario(store, engine, tmp_path / "lake")
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#"]
    for line in lines:
        is_told = not line.startswith(("agreement", "rate"))
        expected = line.partition("=")[2].strip() if is_told else ""
        assert (line, expected) == (line, scenario.run(line))
        with store.reading() as connection:
            ledger = balances(connection)
        assert all(p.holds for p in (*clearing_is_empty(ledger), *trial_balance(ledger)))


def closing(scenario: Scenario, day: str, at: str) -> Any:
    return close(
        day_of(day), as_of=instant(at), agreements=scenario.agreements,
        rates=Rates(scenario.quotes), cutoff=Cutoff(), **scenario.where,
    )  # fmt: skip


def test_a_window_closed_again_is_the_stored_one(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    """Closing twice gives equal results, equal bytes in the lake and one set of postings."""
    scenario = Scenario(store, engine, tmp_path / "lake")
    scenario.agreement("M1", "EUR", "fee_ppm=10000")
    scenario.take("18T16:05", "a:sale:M1:10.00:EUR:18T09:00")
    first = closing(scenario, "18", "18T16:30")
    with store.reading() as connection:
        posted = balances(connection)
    scenario.take("18T16:40", "b:sale:M1:10.00:EUR:18T09:00")
    assert first == closing(scenario, "18", "18T20:00")
    with store.reading() as connection:
        assert posted == balances(connection)


def test_windows_close_in_order_and_not_before_their_cut_off(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    """A day cannot close after a later one, nor while its records still occur."""
    scenario = Scenario(store, engine, tmp_path / "lake")
    with pytest.raises(BadInput, match="before its cut-off"):
        closing(scenario, "18", "18T15:59:59")
    closing(scenario, "18", "18T16:00")
    with pytest.raises(BadInput, match="2024-12-18 is closed"):
        closing(scenario, "17", "18T16:30")


def test_a_close_that_was_cut_off_before_its_commit_ends_the_same(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    """A settled file that an aborted close left is replaced, and counts for nothing until then."""
    scenario = Scenario(store, engine, tmp_path / "lake")
    scenario.agreement("M1", "EUR")
    scenario.take("18T16:05", "a:sale:M1:10.00:EUR:18T09:00")
    left = tmp_path / "lake" / "settled" / "2024-12-18.parquet"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a file")
    assert scenario.take("18T16:06", "a:sale:M1:10.00:EUR:18T09:00", "a:sale:M1:10.00:EUR:18T09:00")
    closing(scenario, "18", "18T16:30")
    settled = settled_records(Lake(tmp_path / "lake"), "2024-12-18", engine=engine)
    assert ["a"] == settled.column("record_id").to_pylist()


def test_an_open_position_is_what_the_close_will_say(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    """A merchant asks before the cut-off and is told what the same views then settle."""
    scenario = Scenario(store, engine, tmp_path / "lake")
    scenario.agreement("M1", "EUR", "fee_ppm=10000", "reserve_ppm=50000")
    scenario.agreement("M2", "EUR")
    scenario.take("18T12:00", "a:sale:M1:10.00:EUR:18T09:00", "b:sale:M2:3.00:EUR:18T09:00")
    asked = explain_open(
        as_of=instant("18T15:00"), agreements=scenario.agreements, rates=Rates({}),
        cutoff=Cutoff(), participant_id="M1", **scenario.where,
    )  # fmt: skip
    closing(scenario, "18", "18T16:30")
    with store.reading() as connection:
        settled = positions(connection, "2024-12-18")
    assert [p for p in settled if p.participant_id == "M1"] == [e.position for e in asked]
    with pytest.raises(BadInput, match="'M9' has no agreement"):
        explain_open(
            as_of=instant("18T15:00"), agreements=scenario.agreements, rates=Rates({}),
            cutoff=Cutoff(), participant_id="M9", **scenario.where,
        )  # fmt: skip


def test_positions_are_in_one_order_whatever_the_locale_of_the_database(
    store: Store, engine: Engine, tmp_path: Path
) -> None:
    """Capitals, then signs, then small letters: the order of the code points, everywhere."""
    scenario = Scenario(store, engine, tmp_path / "lake")
    names = ["a-b", "B", "ab", "A", "a_c"]
    for name in names:
        scenario.agreement(name, "EUR")
    scenario.take("18T16:05", *(f"{name}:sale:{name}:1.00:EUR:18T09:00" for name in names))
    closing(scenario, "18", "18T16:30")
    with store.reading() as connection:
        found = [p.participant_id for p in positions(connection, "2024-12-18")]
    assert ["A", "B", "a-b", "a_c", "ab"] == found


class Interrupting(Engine):
    """An engine during each of whose computations a platform brings another batch."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(threads=1)
        self.scenario = scenario
        self.computed = 0

    @contextmanager
    def scratch(self) -> Iterator[Scratch]:
        with super().scratch() as scratch:
            yield scratch
        self.computed += 1
        assert self.computed < 9, "it is computed for ever"
        self.scenario.take("18T16:06", *self.batch())

    def batch(self) -> list[str]:
        return [f"new{self.computed}:sale:M1:1.00:EUR:18T09:00"]


class Withdrawing(Interrupting):
    """Each of its batches takes a record out of the window that is being closed."""

    def batch(self) -> list[str]:
        return [f"old{self.computed}:sale:M1:9.00:EUR:18T09:00"] if self.computed < 3 else []


@pytest.fixture
def busy(store: Store, engine: Engine, tmp_path: Path) -> Scenario:
    scenario = Scenario(store, engine, tmp_path / "lake")
    scenario.agreement("M1", "EUR")
    scenario.take("18T16:05", *(f"old{n}:sale:M1:1.00:EUR:18T09:00" for n in range(5)))
    return scenario


def test_a_batch_that_comes_while_a_window_closes_does_not_hold_it_up(busy: Scenario) -> None:
    """What is not in the manifest is late: the window is computed once, and the next one has it."""
    interrupting = Interrupting(busy)
    closed = close(
        day_of("18"), as_of=instant("18T16:30"), agreements=busy.agreements, rates=Rates({}),
        cutoff=Cutoff(), **{**busy.where, "engine": interrupting},
    )  # fmt: skip
    assert (1, 5) == (interrupting.computed, closed.records)
    assert closing(busy, "19", "19T16:30").late == 1
    interrupting.close()


def test_a_record_withdrawn_while_its_window_closes_is_not_in_it(busy: Scenario) -> None:
    """A conflict on a record of the window has it computed anew, as often as it must be."""
    withdrawing = Withdrawing(busy)
    closed = close(
        day_of("18"), as_of=instant("18T16:30"), agreements=busy.agreements, rates=Rates({}),
        cutoff=Cutoff(), **{**busy.where, "engine": withdrawing},
    )  # fmt: skip
    assert (3, 3) == (withdrawing.computed, closed.records)
    withdrawing.close()
