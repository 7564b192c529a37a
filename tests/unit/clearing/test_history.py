"""An id is known again over the horizon, and a refund finds the day of its sale."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from settle.clearing import Agreements, Intake, seen, take
from settle.clearing.tables import withdrawals
from settle.engine import Engine
from settle.errors import BadInput
from settle.store import Store

from .test_caps import AGREEMENTS

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)


def record(name: str, *, at: datetime = NOW, **more: Any) -> dict[str, Any]:
    return {
        "record_id": name, "participant_id": "M1", "agreement_id": "A-M1",
        "counterparty_id": "P1", "kind": "sale", "amount_minor": "100", "currency": "EUR",
        "occurred_at": at.isoformat(), **more,
    }  # fmt: skip


def original_terms() -> Agreements:
    """The same agreements, and a second one of M1, with refunds at the rate of their sale."""
    rows = AGREEMENTS.table.to_pylist()
    second = {**rows[0], "agreement_id": "A-M1-2"}
    table = pa.Table.from_pylist([*rows, second], AGREEMENTS.table.schema)
    place = table.column_names.index("refund_rate")
    rates = pa.array(["original"] * table.num_rows)
    return Agreements.of(table.set_column(place, "refund_rate", rates))


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


class House:
    """A store and a lake of their own, taking day after day."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.store = Store.open(f"sqlite:///{folder / 'one.db'}")
        self.lake, self.engine = folder / "lake", engine

    def take(
        self, *rows: dict[str, Any], now: datetime = NOW, agreements: Agreements = AGREEMENTS,
        horizon: timedelta = timedelta(days=400),
    ) -> Intake:  # fmt: skip
        return take(
            rows, name="batch", received_at=now, store=self.store, engine=self.engine,
            lake=self.lake, agreements=agreements, horizon=horizon,
        )  # fmt: skip

    def accepted(self, intake: Intake) -> pa.Table:
        return pq.read_table(self.lake / "accepted" / f"{intake.batch_id}.parquet")


@pytest.fixture
def house(tmp_path: Path, engine: Engine) -> Iterator[House]:
    house = House(tmp_path, engine)
    yield house
    house.store.close()


def test_an_id_is_known_again_in_another_file_months_later(house: House) -> None:
    """The same content is a duplicate; other content under the id is a conflict."""
    house.take(record("a"), record("b"))
    later = NOW + timedelta(days=200)
    again = house.take(record("a"), record("b", amount_minor="7"), record("c"), now=later)
    assert (1, 1, {"conflict": 1}) == (again.accepted, again.duplicates, dict(again.reasons))


def test_what_occurred_before_the_horizon_is_refused(house: House) -> None:
    """It could be a copy of a record that nobody remembers: late, and told so."""
    old = record("a", at=NOW - timedelta(days=11))
    intake = house.take(old, record("b"), horizon=timedelta(days=10))
    assert {"occurred_at_beyond_horizon": 1} == dict(intake.reasons)


def test_a_copy_can_never_pass_the_horizon(house: House) -> None:
    """As long as an id is forgotten, its content is too old to be taken."""
    horizon = timedelta(days=10)
    assert 1 == house.take(record("a"), horizon=horizon).accepted
    for days in (9, 10, 11, 400):
        again = house.take(
            record("a"), record(f"new {days}", at=NOW + timedelta(days=days)),
            now=NOW + timedelta(days=days), horizon=horizon,
        )  # fmt: skip
        assert 1 == again.accepted


def test_parts_cut_by_another_hash_are_still_read(house: House) -> None:
    """An engine that hashes otherwise finds the ids all the same, in whatever part they lie."""
    intake = house.take(*(record(f"r{n}") for n in range(40)))
    folder = house.lake / "ids" / intake.batch_id
    (cut_now,) = folder.iterdir()
    parts = sorted(cut_now.iterdir())
    names = [part.name for part in parts]
    other = folder / "by-another"
    for part, name in zip(parts, [*names[1:], names[0]], strict=True):
        shutil.copytree(part, other / name)
    shutil.rmtree(cut_now)
    seen_in_parts = seen.PART_ROWS_MAX
    seen.PART_ROWS_MAX = 10
    try:
        again = house.take(*(record(f"r{n}") for n in range(40)), record("new"))
    finally:
        seen.PART_ROWS_MAX = seen_in_parts
    assert (1, 40) == (again.accepted, again.duplicates)


def test_many_ids_are_held_against_earlier_ones_part_by_part(house: House) -> None:
    """A batch larger than memory allows at once gives what one at once gives."""
    house.take(*(record(f"r{n}") for n in range(40)))
    seen_in_parts = seen.PART_ROWS_MAX
    seen.PART_ROWS_MAX = 7
    try:
        again = house.take(*(record(f"r{n}") for n in range(30, 50)))
    finally:
        seen.PART_ROWS_MAX = seen_in_parts
    assert (10, 10) == (again.accepted, again.duplicates)


def test_ids_that_the_lake_has_lost_are_named(house: House) -> None:
    """Without them a copy would be taken as new: the batch stops, and says what to put back."""
    intake = house.take(record("a"))
    shutil.rmtree(house.lake / "ids" / intake.batch_id)
    with pytest.raises(BadInput, match=r"ids.*is missing; put it back from a backup"):
        house.take(record("a"), record("b"))


def test_a_refund_finds_the_day_of_its_sale(house: House) -> None:
    """In its own batch, or in one of days before; the zone's day, not UTC's."""
    terms = original_terms()
    sold = record("s1", at=datetime(2024, 12, 10, 16, tzinfo=UTC))  # the 11th in UTC+8
    house.take(sold, agreements=terms)
    intake = house.take(
        record("s2"),
        record("x", kind="refund", original_record_id="s1"),
        record("y", kind="refund", original_record_id="s2"),
        agreements=terms,
    )
    rows = house.accepted(intake)
    found = {row["record_id"]: row["original_on"] for row in rows.to_pylist()}
    assert {"s2": None, "x": "2024-12-11", "y": "2024-12-19"} == found


def test_a_refund_whose_sale_nobody_knows_is_quarantined(house: House) -> None:
    """At the original rate means that there is one; a guess would be a wrong figure."""
    rows = (
        record("x", kind="refund", original_record_id="gone"),
        record("y", kind="refund"),
    )
    intake = house.take(*rows, agreements=original_terms())
    assert {"original_unknown": 2} == dict(intake.reasons)
    assert 2 == house.take(*rows, record("z")).accepted - 1


REFUND = record("x", kind="refund", original_record_id="s")
NO_SALES = {
    "it is the refund itself": [{**REFUND, "original_record_id": "x"}],
    "it is quarantined": [REFUND, record("s", amount_minor="0")],
    "it is no sale": [REFUND, record("s", kind="chargeback")],
    "it is of another agreement": [REFUND, record("s", agreement_id="A-M1-2")],
    "its versions differ": [
        REFUND, record("s"), record("s", at=NOW - timedelta(days=2), amount_minor="7"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("rows", NO_SALES.values(), ids=NO_SALES)
@pytest.mark.parametrize("days", [0, 1])
def test_what_is_not_the_sound_sale_of_the_same_agreement_gives_a_refund_no_rate(
    house: House, rows: list[dict[str, Any]], days: int
) -> None:
    """In the refund's own batch or in one before, it is as if there were none."""
    terms = original_terms()
    refund, *others = rows
    if days:
        house.take(*others, agreements=terms)
    now = NOW + timedelta(days=days)
    intake = house.take(refund, *([] if days else others), now=now, agreements=terms)
    assert 1 == dict(intake.reasons)["original_unknown"]
    assert "x" not in house.accepted(intake).column("record_id").to_pylist()


def test_a_sale_that_this_very_batch_puts_in_doubt_gives_a_refund_no_rate(house: House) -> None:
    """Its first version is withdrawn, its second one refused: no version of it stands."""
    terms = original_terms()
    house.take(record("s", at=NOW - timedelta(days=2)), agreements=terms)
    intake = house.take(record("s", amount_minor="7"), REFUND, agreements=terms)
    assert {"conflict": 1, "original_unknown": 1} == dict(intake.reasons)
    assert 1 == intake.withdrawn


@pytest.mark.parametrize("step", [1, -1])
def test_refunds_that_contest_each_others_sales_leave_the_sales_standing(
    house: House, step: int
) -> None:
    """Whether a version stands never hangs on itself: the refunds are refused, in any order."""
    rows = [
        record("a"),
        record("b"),
        record("a", kind="refund", original_record_id="b"),
        record("b", kind="refund", original_record_id="a"),
    ]
    intake = house.take(*rows[::step], agreements=original_terms())
    assert (2, {"original_unknown": 2}) == (intake.accepted, dict(intake.reasons))


def test_a_copy_of_the_sale_beside_its_refund_is_no_other_version(house: House) -> None:
    """The sale that stands gives its day, however often it came."""
    terms = original_terms()
    sold = record("s", at=NOW - timedelta(days=2))
    house.take(sold, agreements=terms)
    intake = house.take(sold, REFUND, record("t"), record("t"), agreements=terms)
    rows = house.accepted(intake).to_pylist()
    found = {row["record_id"]: row["original_on"] for row in rows}
    assert {"t": None, "x": "2024-12-17"} == found


def test_an_id_is_traced_to_the_very_batch_that_had_it(house: House) -> None:
    """All batches are read together, and what is withdrawn is withdrawn from its own."""
    taken = [house.take(record(f"r{n}"), record(f"q{n}")) for n in range(5)]
    house.take(*(record(f"r{n}", amount_minor="7") for n in (3, 1)))
    with house.store.reading() as connection:
        rows = connection.execute(sa.select(withdrawals.c.record_id, withdrawals.c.batch_id))
        found = {row.record_id: row.batch_id for row in rows}
    assert {f"r{n}": taken[n].batch_id for n in (3, 1)} == found


def test_ids_of_any_shape_are_ids(house: House) -> None:
    """Blanks within, other scripts, very long ones: each is itself and no other."""
    names = [
        "a",
        "A",
        " a",
        "a ",
        "ä",
        "a\u0308",
        "x" * 5000,
        "'; drop table ids; --",
        "𝄞",
        "0",
        "00",
    ]
    intake = house.take(*(record(name) for name in names))
    assert len(names) == intake.accepted
    again = house.take(*(record(name) for name in names), record("one more"))
    assert len(names) == again.duplicates
    assert pc.all(pc.is_valid(house.accepted(intake).column("content"))).as_py()
