"""What was counted is held against what was written and netted: a step that loses records stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from settle.clearing import Agreements, Calculation, Intake, Rates, Terms, calculate, take
from settle.clearing import sifting as sifting_module
from settle.clearing import sorting as sorting_module
from settle.engine import Engine, Scratch
from settle.errors import BadInput, NotConserved
from settle.store import Store

DAY, AFTER = date(2024, 12, 18), date(2024, 12, 19)
NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
TERMS = {
    "settlement_currency": "EUR", "fee_ppm": 10_000, "fee_fixed_minor": 0, "tax_ppm": 0,
    "fee_back_on_refund": False, "reserve_ppm": 0, "reserve_days": 0, "payout_minimum_minor": 0,
    "fx_markup_ppm": 0, "rounding": "half_even", "hub_role": "principal",
    "valid_from": date(2024, 1, 1), "beneficiary_name": "n", "beneficiary_country": "DE",
    "beneficiary_town": "Ulm", "beneficiary_account": "DE00", "beneficiary_bic": None,
    "beneficiary_bank_code": None,
}  # fmt: skip
AGREEMENTS = [
    {**TERMS, "agreement_id": f"A-{name}", "participant_id": name, "role": role}
    for name, role in (("M1", "merchant"), ("P1", "partner"))
]
RECORDS = [
    {"record_id": name, "participant_id": "M1", "agreement_id": "A-M1", "counterparty_id": "P1",
     "kind": "sale", "amount_minor": amount, "currency": "EUR", "occurred_at": NOW.replace(hour=9)}
    for name, amount in (("a", 1_00), ("b", 2_00), ("wrong", -1))
]  # fmt: skip

Taken = Callable[[], Intake]
Netted = Callable[[date], Calculation]
Break = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine(threads=1)
    yield made
    made.close()


@pytest.fixture
def terms() -> Terms:
    return Terms(agreements=Agreements.of(pa.Table.from_pylist(AGREEMENTS)), rates=Rates({}))


@pytest.fixture
def netted(engine: Engine, terms: Terms, tmp_path: Path) -> Netted:
    path = tmp_path / "records.parquet"
    pq.write_table(pa.Table.from_pylist(RECORDS), path)
    return lambda day: calculate(
        [path], day=day, terms=terms, engine=engine, quarantine=tmp_path / "refused.parquet"
    )


@pytest.fixture
def taken(engine: Engine, terms: Terms, tmp_path: Path) -> Iterator[Taken]:
    store = Store.open(f"sqlite:///{tmp_path / 'settle.db'}")
    yield lambda: take(
        RECORDS, name="records", received_at=NOW, store=store, engine=engine,
        lake=tmp_path / "lake", agreements=terms.agreements,
    )  # fmt: skip
    store.close()


def breaks(monkeypatch: pytest.MonkeyPatch, module: Any, views: str, *, of: str, but: str) -> None:
    """Make one view of a program forget records."""
    sound = getattr(module, views)()
    broken = {**sound, of: f"select * from ({sound[of]}) where {but}"}
    monkeypatch.setattr(module, views, lambda: dict(broken))


def loses_an_accepted_record(monkeypatch: pytest.MonkeyPatch) -> None:
    breaks(monkeypatch, sorting_module, "sorting_views", of="accepted", but="record_id <> 'b'")


def loses_a_refused_record(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = f"select * from ({sorting_module.QUARANTINED}) where record_id <> 'wrong'"
    for module in ("intake", "calculation"):
        monkeypatch.setattr(f"settle.clearing.{module}.QUARANTINED", broken)


def loses_a_sifted_record(monkeypatch: pytest.MonkeyPatch) -> None:
    breaks(monkeypatch, sifting_module, "sifting_views", of="sifted", but="record_id <> 'b'")


def test_nothing_is_lost_by_the_steps_as_they_are(taken: Taken, netted: Netted) -> None:
    """The records that the broken steps below lose are taken, refused and netted by the sound."""
    assert (2, 1) == ((intake := taken()).accepted, intake.quarantined)
    assert (2, 1, 2, 0) == (
        (found := netted(DAY)).accepted, found.quarantined, found.netted, found.elsewhere
    )  # fmt: skip
    assert (0, 2) == ((found := netted(AFTER)).netted, found.elsewhere)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (loses_an_accepted_record, "records: 1 records were written as accepted, not 2"),
        (loses_a_refused_record, "records: 0 records were written as quarantined, not 1"),
    ],
)
def test_a_batch_whose_files_lack_a_record_is_not_taken(
    taken: Taken, monkeypatch: pytest.MonkeyPatch, broken: Break, why: str
) -> None:
    """What is said to be accepted or quarantined is held against the files, before the commit."""
    with monkeypatch.context() as patched:
        broken(patched)
        with pytest.raises(NotConserved, match=why):
            taken()
    assert 2 == taken().accepted  # as if it had never come


@pytest.mark.parametrize(
    ("broken", "day", "why"),
    [
        (loses_an_accepted_record, DAY, "1 records were netted in window 2024-12-18, not 2"),
        (loses_an_accepted_record, AFTER, "2 records were accepted, 1 accounted for"),
        (loses_a_sifted_record, AFTER, "2 records were accepted, 1 accounted for"),
        (loses_a_refused_record, DAY, "0 records were written as quarantined, not 1"),
    ],
)
def test_files_of_which_a_step_lacks_a_record_are_not_netted(
    netted: Netted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, broken: Break, day: date,
    why: str,
) -> None:  # fmt: skip
    """In = accepted + duplicates + quarantined and accepted = netted + elsewhere can fail."""
    broken(monkeypatch)
    with pytest.raises(NotConserved, match=why):
        netted(day)
    assert not (tmp_path / "refused.parquet").exists()


def swaps_the_file(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """Between the search for ids and the reading of records another file takes its place."""
    other = path.with_name("other.parquet")
    rows = [{**row, "record_id": f"{row['record_id']}-again"} for row in RECORDS]
    pq.write_table(pa.Table.from_pylist([*rows, *rows]), other)

    def swapped(scratch: Scratch) -> None:
        other.replace(path)
        sorting_module.seek(scratch)

    for module in ("intake", "calculation"):
        monkeypatch.setattr(f"settle.clearing.{module}.seek", swapped)


def test_a_file_that_is_replaced_while_it_is_netted_is_refused(
    netted: Netted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copies that only the other file holds would else be netted twice."""
    swaps_the_file(monkeypatch, tmp_path / "records.parquet")
    with pytest.raises(BadInput, match=r"records.parquet was changed while it was read"):
        netted(DAY)
    assert not (tmp_path / "refused.parquet").exists()


def test_a_file_that_is_replaced_while_it_is_taken_leaves_nothing_behind(
    engine: Engine, terms: Terms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch is known by what the first file held, and nothing of the other is stored by it."""
    path, lake = tmp_path / "records.parquet", tmp_path / "lake"
    pq.write_table(pa.Table.from_pylist(RECORDS), path)
    swaps_the_file(monkeypatch, path)
    with (
        closing(Store.open(f"sqlite:///{tmp_path / 'settle.db'}")) as store,
        pytest.raises(BadInput, match="night was changed while it was read"),
    ):
        take(
            path, name="night", received_at=NOW, store=store, engine=engine, lake=lake,
            agreements=terms.agreements,
        )  # fmt: skip
    assert [] == [found for found in lake.rglob("*") if found.is_file()]
