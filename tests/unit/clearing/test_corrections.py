"""A settled record is put right in a later window, exactly, and the closed one stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from settle.clearing import (
    Agreements,
    Closing,
    Cutoff,
    Position,
    Rates,
    close,
    positions,
    records_under,
    stored_closing,
    take,
)
from settle.clearing.correction import Correction, correct, corrections
from settle.clearing.fees import Fees
from settle.engine import Engine
from settle.errors import BadInput
from settle.money import parse_rate
from settle.store import Store

FIRST, SECOND = date(2024, 12, 18), date(2024, 12, 19)
DAY = timedelta(days=1)
TERMS = {
    "settlement_currency": "EUR", "fee_ppm": 29_000, "fee_fixed_minor": 30, "tax_ppm": 200_000,
    "fee_back_on_refund": True, "reserve_ppm": 0, "reserve_days": 0, "payout_minimum_minor": 0,
    "fx_markup_ppm": 0, "rounding": "half_even", "hub_role": "principal",
    "valid_from": date(2024, 1, 1), "beneficiary_name": "n", "beneficiary_country": "DE",
    "beneficiary_town": "Ulm", "beneficiary_account": "DE00", "beneficiary_bic": None,
    "beneficiary_bank_code": None,
}  # fmt: skip
RATES = Rates(
    {
        FIRST: {"USD": parse_rate("1.0500"), "CNY": parse_rate("7.6")},
        SECOND: {"USD": parse_rate("1.2500"), "CNY": parse_rate("8.1")},
        SECOND + DAY: {"USD": parse_rate("1.1000"), "CNY": parse_rate("7.9")},
    }
)


def agreements(**other: Any) -> Agreements:
    parties = (("M1", "merchant"), ("P1", "partner"), ("P2", "partner"))
    return Agreements.of(
        pa.Table.from_pylist(
            [
                {**TERMS, **(other if role == "merchant" else {}), "agreement_id": f"A-{name}",
                 "participant_id": name, "role": role}
                for name, role in parties
            ]
        )
    )  # fmt: skip


def record(name: str, day: date, **other: Any) -> dict[str, Any]:
    return {
        "record_id": name, "original_record_id": None, "participant_id": "M1",
        "agreement_id": "A-M1", "counterparty_id": "P1", "kind": "sale", "amount_minor": 10_000,
        "currency": "EUR", "occurred_at": Cutoff().ends_at(day) - timedelta(hours=5), **other,
    }  # fmt: skip


@dataclass
class World:
    """A store with its lake, whose agreements may change."""

    store: Store
    engine: Engine
    lake: Path
    agreements: Agreements
    fees: Fees | None = None

    @property
    def where(self) -> dict[str, Any]:
        return {"store": self.store, "engine": self.engine, "lake": self.lake}

    def take(self, *records: Mapping[str, Any], day: date) -> None:
        intake = take(
            pa.Table.from_pylist([dict(each) for each in records]), name="batch",
            received_at=Cutoff().ends_at(day), agreements=self.agreements, **self.where,
        )  # fmt: skip
        assert len(records) == intake.accepted

    def close(self, day: date) -> Closing:
        return close(
            day, as_of=Cutoff().ends_at(day) + timedelta(hours=1), agreements=self.agreements,
            rates=RATES, fees=self.fees, cutoff=Cutoff(), **self.where,
        )  # fmt: skip

    def correct(
        self, name: str, replacement: Mapping[str, Any] | None, *, at: datetime | None = None
    ) -> Correction:
        return correct(
            name, replacement=replacement, reason="keyed wrongly", actor="ops@example",
            at=at or Cutoff().ends_at(FIRST) + timedelta(hours=3), agreements=self.agreements,
            rates=RATES, cutoff=Cutoff(), **self.where,
        )  # fmt: skip

    def position(self, day: date) -> Position:
        with self.store.reading() as connection:
            (found,) = positions(connection, day.isoformat())
        return found

    def net(self, *days: date) -> int:
        return sum(self.position(day).net_minor for day in days)


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(threads=1)
    yield made
    made.close()


@pytest.fixture
def world_anywhere(store: Store, engine: Engine, tmp_path: Path) -> World:
    return World(store, engine, tmp_path / "lake", agreements())


@pytest.fixture
def world(engine: Engine, tmp_path: Path) -> Iterator[World]:
    store = Store.open(f"sqlite:///{tmp_path / 'settle.db'}")
    yield World(store, engine, tmp_path / "lake", agreements())
    store.close()


def other_world(tmp_path: Path, engine: Engine, terms: Agreements) -> World:
    store = Store.open(f"sqlite:///{tmp_path / 'other.db'}")
    return World(store, engine, tmp_path / "other", terms)


SINGLE = {
    "convert_per": "record", "settlement_currency": "CNY", "fee_ppm": 6_000, "fee_fixed_minor": 0,
    "tax_ppm": 0,
}  # fmt: skip
MISTAKES = [
    ({}, {"amount_minor": 12_300}, {"amount_minor": 21_300}),
    ({"rounding": "half_up"}, {"currency": "USD"}, {"currency": "CNY", "amount_minor": 70_000}),
    (SINGLE, {"currency": "USD", "amount_minor": 36_930}, {"amount_minor": 36_390}),
    ({"reserve_ppm": 100_000, "reserve_days": 5}, {"kind": "refund"}, {"kind": "sale"}),
    ({"fee_back_on_refund": False, "tax_ppm": 0}, {"kind": "refund"}, None),
    ({}, {"kind": "chargeback"}, None),
]
"""Terms, what was wrong in a record, and what is right; None: that it was not at all."""


@pytest.mark.parametrize(("terms", "wrong", "right"), MISTAKES, ids=range(len(MISTAKES)))
def test_two_windows_with_a_correction_come_to_what_they_had_come_to_without_the_mistake(
    engine: Engine, tmp_path: Path, terms: dict[str, Any], wrong: dict[str, Any],
    right: dict[str, Any] | None,
) -> None:  # fmt: skip
    """The later window differs by exactly the correction: amount, fees, tax, and the old rate."""
    beside = record("beside", FIRST, amount_minor=50_000)
    later = record("later", SECOND, amount_minor=70_000)
    made = agreements(**terms)
    store = Store.open(f"sqlite:///{tmp_path / 'settle.db'}")
    mistaken = World(store, engine, tmp_path / "lake", made)
    mistaken.take(beside, record("r", FIRST, **wrong), day=FIRST)
    mistaken.close(FIRST)
    mistaken.correct("r", right)
    mistaken.take(later, day=SECOND)
    mistaken.close(SECOND)
    sound = other_world(tmp_path, engine, made)
    own = [] if right is None else [record("r", FIRST, **{**wrong, **right})]
    sound.take(beside, *own, day=FIRST)
    sound.close(FIRST)
    sound.take(later, day=SECOND)
    sound.close(SECOND)
    # A bucket and its tax are rounded once a window, and here stand in two.
    assert abs(sound.net(FIRST, SECOND) - mistaken.net(FIRST, SECOND)) <= 2
    mistaken.store.close()
    sound.store.close()


def test_the_later_window_differs_by_exactly_the_correction(world: World) -> None:
    """A sale of 100.00 was 90.00: counted by hand with its fees and the tax on them."""
    world.take(record("r", FIRST), day=FIRST)
    world.close(FIRST)
    world.correct("r", {"amount_minor": 9_000})
    world.take(record("later", SECOND, amount_minor=20_000), day=SECOND)
    closing = world.close(SECOND)
    # later: 200.00 - 5.80 - 0.30 - tax 1.22; back: -100.00 + 2.90 + 0.30 + 0.64; again: 90.00
    # - 2.61 - 0.30 - 0.58. Tax on percent fees is rounded once a bucket, on fixed ones apart.
    assert (5, 4) == (closing.records, closing.late)
    fees_percent, explicit, fixed = 580 + 261, 290 + 30, 60
    tax, tax_fixed = -104, -12
    expected = 20_000 - 10_000 + 9_000 - fees_percent + explicit - fixed + tax + tax_fixed
    assert expected == world.position(SECOND).net_minor


def test_the_closed_window_stays_as_it_was_to_the_byte(world_anywhere: World) -> None:
    """Rows and files of the first window are the same before and after the correction."""
    world = world_anywhere
    world.take(record("r", FIRST), record("s", FIRST + DAY), day=FIRST + DAY)
    world.close(FIRST)
    files = {path: sha256(path.read_bytes()).digest() for path in _files(world.lake)}
    with world.store.reading() as connection:
        before = stored_closing(connection, FIRST), positions(connection, str(FIRST))
    world.correct("r", {"amount_minor": 1}, at=Cutoff().ends_at(FIRST + DAY))
    world.close(SECOND)
    with world.store.reading() as connection:
        assert before == (stored_closing(connection, FIRST), positions(connection, str(FIRST)))
    assert files == {path: sha256(path.read_bytes()).digest() for path in files}


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_correction_done_again_changes_nothing(world_anywhere: World) -> None:
    """The ids are derived: after a crash it is simply done again, by whoever, whenever."""
    world = world_anywhere
    world.take(record("r", FIRST), day=FIRST)
    world.close(FIRST)
    first = world.correct("r", {"amount_minor": 1})
    assert first == world.correct("r", {"amount_minor": 1})
    assert first == world.correct("r", {"amount_minor": 1}, at=Cutoff().ends_at(SECOND))
    assert 4 == world.close(SECOND).records
    assert first == world.correct("r", {"amount_minor": 1}, at=Cutoff().ends_at(SECOND))
    with pytest.raises(BadInput, match="corrected otherwise"):
        world.correct("r", {"amount_minor": 2})
    with pytest.raises(BadInput, match="corrected otherwise"):
        world.correct("r", None)


def test_a_correction_tells_what_it_corrects_who_did_it_and_why(world: World) -> None:
    """From the position down to the record that was wrong, and from there to the reason."""
    world.take(record("r", FIRST), day=FIRST)
    world.close(FIRST)
    made = world.correct("r", None)
    world.close(SECOND)
    under = records_under(world.position(SECOND), lake=world.lake).to_pylist()
    assert {"sale_correction", "fee_returned", "fee_correction"} == {row["kind"] for row in under}
    assert {"r"} == {row["original_record_id"] for row in under}
    assert {"r"} == {json.loads(row["attributes"])["corrects"] for row in under}
    assert {"late"} == {row["reason"] for row in under}
    with world.store.reading() as connection:
        assert [made] == corrections(connection, window_id=str(FIRST))
        assert [] == corrections(connection, window_id=str(SECOND))
    assert ("keyed wrongly", "ops@example", str(FIRST)) == (
        made.reason, made.actor, made.window_id,
    )  # fmt: skip


def test_the_very_fee_that_was_taken_is_given_back_though_the_terms_have_changed(
    world: World,
) -> None:
    """The terms of the closed window are kept with it."""
    world.take(record("r", FIRST), day=FIRST)
    world.close(FIRST)
    world.agreements = agreements(fee_ppm=500_000, fee_fixed_minor=999, tax_ppm=200_000)
    world.correct("r", None)
    world.close(SECOND)
    assert 0 == world.net(FIRST, SECOND)


def test_what_took_the_place_of_a_record_can_be_corrected_in_turn(world: World) -> None:
    """A mistaken correction is itself put right, again in a later window."""
    world.take(record("r", FIRST), day=FIRST)
    world.close(FIRST)
    world.correct("r", {"amount_minor": 9_000})
    world.close(SECOND)
    under = records_under(world.position(SECOND), lake=world.lake).to_pylist()
    (replaced,) = [row["record_id"] for row in under if row["kind"] == "sale"]
    (back,) = [row["record_id"] for row in under if row["kind"] == "sale_correction"]
    world.correct(replaced, None, at=Cutoff().ends_at(SECOND) + timedelta(hours=3))
    world.close(SECOND + DAY)
    assert 0 == world.net(FIRST, SECOND, SECOND + DAY)
    with pytest.raises(BadInput, match="correct what took the place"):
        world.correct(back, None)


ORIGINAL = {"refund_rate": "original", "fee_ppm": 100_000, "fee_fixed_minor": 0, "tax_ppm": 0}
SCHEDULE = {**ORIGINAL, "fee_schedule": "S1"}


@pytest.mark.parametrize(
    "terms",
    [ORIGINAL, {**ORIGINAL, "refund_rate": "next_day"}, {**ORIGINAL, "conversion": "next_day"},
     SCHEDULE, {**ORIGINAL, "convert_per": "record"}],
    ids=["original", "next_day", "sales_next_day", "charged", "a_record"],
)  # fmt: skip
def test_a_refund_that_is_taken_back_leaves_no_exchange_gain(
    world: World, terms: dict[str, Any]
) -> None:
    """Its fee goes back at the rate that it came at, though the rates of refunds are other ones."""
    world.agreements = agreements(**terms)
    rule = {"schedule_id": "S1", "kind": "refund", "valid_from": date(2024, 1, 1), "ppm": 50_000}
    world.fees = Fees.of(pa.Table.from_pylist([rule]))
    sale = {"currency": "USD", "amount_minor": 1_000_000}
    world.take(record("s", FIRST, **sale), day=FIRST)
    world.close(FIRST)
    refund = {**sale, "kind": "refund", "original_record_id": "s"}
    world.take(record("f", SECOND, **refund), day=SECOND)
    world.close(SECOND)
    world.close(SECOND + DAY)
    before = _nets(world)
    world.correct("f", None, at=Cutoff().ends_at(SECOND + DAY) + timedelta(hours=3))
    world.close(SECOND + 2 * DAY)
    (without_the_refund,) = {net for net in before if net > 0}
    assert without_the_refund == sum(_nets(world))


def _nets(world: World) -> list[int]:
    with world.store.reading() as connection:
        days = (FIRST + n * DAY for n in range(4))
        return [one.net_minor for day in days for one in positions(connection, str(day))]


REFUSED: list[tuple[str, dict[str, Any] | None, str]] = [
    ("nobody", None, "in no closed window"),
    ("open", None, "in no closed window"),
    ("r", {"amount_minor": 0}, "amount_minor"),
    ("r", {"amount_minor": 1.5}, "amount_minor"),
    ("r", {"agreement_id": "A-P1"}, "agreement_id"),
    ("r", {"counterparty_id": "M1"}, "counterparty_id"),
    ("r", {"currency": "XXX"}, "currency"),
    ("r", {"kind": "gift"}, "kind"),
    ("r", {"kind": "fee_returned"}, "kind"),
    ("r", {"kind": "sale_correction"}, "kind"),
    ("r", {"reference": 7}, "reference"),
    ("r", {"counterparty_id": None}, "counterparty unknown"),
    ("r", {"occurred_at": "2024-01-01"}, "cannot change 'occurred_at'"),
]


def test_a_correction_that_cannot_be_is_refused_and_leaves_nothing(world: World) -> None:
    """The message says why, and the next window has no trace of it."""
    world.take(record("r", FIRST), day=FIRST)
    world.close(FIRST)
    world.take(record("open", SECOND), day=SECOND)
    for name, replacement, why in REFUSED:
        with pytest.raises(BadInput, match=why):
            world.correct(name, replacement)
    assert 1 == world.close(SECOND).records
    with world.store.reading() as connection:
        assert [] == corrections(connection)


def test_a_correction_of_which_one_record_is_refused_moves_nothing_and_can_be_mended(
    world_anywhere: World,
) -> None:
    """Intake refuses the replacement alone: the record is not taken back for nothing."""
    world = world_anywhere
    world.take(record("r", FIRST), day=FIRST)
    world.close(FIRST)
    own = next(row for row in agreements().table.to_pylist() if row["role"] == "merchant")
    later = {**own, "agreement_id": "A2", "valid_from": SECOND}
    rows = [*agreements().table.to_pylist(), later]
    world.agreements = Agreements.of(pa.Table.from_pylist(rows))
    with pytest.raises(BadInput, match=r"correction of 'r', row 4.*'A2': agreement not valid yet"):
        world.correct("r", {"agreement_id": "A2"})
    assert 0 == world.close(SECOND).records
    with world.store.reading() as connection:
        assert [] == corrections(connection)
    mended = world.correct("r", {"amount_minor": 9_000}, at=Cutoff().ends_at(SECOND))
    assert 4 == world.close(SECOND + DAY).records
    with world.store.reading() as connection:
        assert [mended] == corrections(connection)


def test_the_same_correction_from_many_hands_is_one(world_anywhere: World) -> None:
    """Who comes second finds what stands; who wants another one is told so."""
    world = world_anywhere
    world.take(record("r", FIRST), day=FIRST)
    world.close(FIRST)
    wanted = [{"amount_minor": 1}, {"amount_minor": 1}, {"amount_minor": 2}]

    def attempt(replacement: dict[str, int]) -> Correction | str:
        try:
            return world.correct("r", replacement)
        except BadInput as error:
            return str(error)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(attempt, wanted))
    assert 4 == world.close(SECOND).records
    with world.store.reading() as connection:
        (made,) = corrections(connection)
    assert {made.replacement} == {a.replacement for a in answers if isinstance(a, Correction)}
    assert all("corrected otherwise" in a for a in answers if isinstance(a, str))
