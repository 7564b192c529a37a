"""Killed at any moment, or run by two at once, clearing ends in the same state."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pyarrow as pa

from settle.clearing import Agreements, Cutoff, Intake, Rates, close, due, take
from settle.clearing.lake import Lake
from settle.clearing.settled import settled_records
from settle.engine import Engine
from settle.ledger import balances
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
DAY = date(2024, 12, 18)
TERMS = {
    "settlement_currency": "EUR", "fee_ppm": 10_000, "fee_fixed_minor": 5, "tax_ppm": 0,
    "fee_back_on_refund": False, "reserve_ppm": 50_000, "reserve_days": 1,
    "payout_minimum_minor": 0, "fx_markup_ppm": 0, "rounding": "half_even",
    "hub_role": "principal", "valid_from": date(2024, 1, 1), "beneficiary_name": "n",
    "beneficiary_country": "DE", "beneficiary_town": "Ulm", "beneficiary_account": "DE00",
    "beneficiary_bic": None, "beneficiary_bank_code": None,
}  # fmt: skip
AGREEMENTS = Agreements.of(
    pa.Table.from_pylist(
        [
            {**TERMS, "agreement_id": f"A-{name}", "participant_id": name, "role": role}
            for name, role in (("M1", "merchant"), ("M2", "merchant"), ("P1", "partner"))
        ]
    )
)
RUN = """
import sys, runpy
from pathlib import Path
test = runpy.run_path(sys.argv[1])
print("ready", flush=True)
test["night"](sys.argv[2], Path(sys.argv[3]))
"""


def batch(number: int, *, amount: int = 1000) -> pa.Table:
    rows = [
        {
            "record_id": f"{number}-{n}", "participant_id": f"M{n % 2 + 1}",
            "agreement_id": f"A-M{n % 2 + 1}", "counterparty_id": "P1", "kind": "sale",
            "amount_minor": amount + n, "currency": "EUR",
            "occurred_at": datetime(2024, 12, 18, 9, tzinfo=UTC),
        }
        for n in range(200)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def taken(table: pa.Table, store: Store, engine: Engine, lake: Path) -> Intake:
    return take(
        table, name="batch", received_at=NOW, store=store, engine=engine, lake=lake,
        agreements=AGREEMENTS,
    )  # fmt: skip


def closed(store: Store, engine: Engine, lake: Path) -> object:
    return close(
        DAY, as_of=NOW, store=store, engine=engine, lake=lake, agreements=AGREEMENTS,
        rates=Rates({}), cutoff=Cutoff(),
    )  # fmt: skip


def night(url: str, lake: Path) -> None:
    """Two batches and a close, as a process that may be killed anywhere in it."""
    store, engine = Store.open(url), Engine(threads=1)
    for number in (1, 2):
        taken(batch(number), store, engine, lake)
    closed(store, engine, lake)


def state(store: Store, lake: Path) -> object:
    with store.reading() as connection, closing(Engine(threads=1)) as engine:
        settled = settled_records(Lake(lake), "2024-12-18", engine=engine)
        return due(connection, as_of=DAY), balances(connection), settled


def new_store(url: str) -> Store:
    return Store.open(url)


def test_killed_at_random_moments_it_ends_the_same(tmp_path: Path) -> None:
    """SIGKILL while taking and closing, then run again: the state of a run nobody disturbed."""
    calm = f"sqlite:///{tmp_path / 'calm.db'}"
    undisturbed = new_store(calm)
    night(calm, tmp_path / "calm")
    rough, lake = f"sqlite:///{tmp_path / 'rough.db'}", tmp_path / "rough"
    disturbed = new_store(rough)
    chance = Random(20241218)
    command = [sys.executable, "-c", RUN, __file__, rough, str(lake)]
    for _ in range(6):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(chance.random() * 0.9)
            process.kill()
    night(rough, lake)
    assert state(undisturbed, tmp_path / "calm") == state(disturbed, lake)
    undisturbed.close()
    disturbed.close()


def test_records_taken_while_a_window_closes_are_in_exactly_one_window(
    store: Store, tmp_path: Path
) -> None:
    """Takers and closers race on one store: no record is lost, none is settled twice."""
    engine, lake = Engine(threads=1), tmp_path / "lake"
    taken(batch(0), store, engine, lake)
    with ThreadPoolExecutor(4) as pool:
        takers = [pool.submit(taken, batch(n), store, engine, lake) for n in (1, 2, 3)]
        closers = [pool.submit(closed, store, engine, lake) for _ in (1, 2)]
    assert closers[0].result() == closers[1].result()
    assert [200] * 3 == [taker.result().accepted for taker in takers]
    close(
        date(2024, 12, 19), as_of=datetime(2024, 12, 19, 16, 30, tzinfo=UTC), store=store,
        engine=engine, lake=lake, agreements=AGREEMENTS, rates=Rates({}), cutoff=Cutoff(),
    )  # fmt: skip
    settled = [
        name
        for path in (lake / "manifest").glob("*.parquet")
        for name in settled_records(Lake(lake), path.stem, engine=engine)
        .column("record_id")
        .to_pylist()
    ]
    assert sorted(f"{b}-{n}" for b in range(4) for n in range(200)) == sorted(settled)
    engine.close()


def test_two_takers_of_one_id_do_not_both_accept_it(store: Store, tmp_path: Path) -> None:
    """Two batches at once with other content under the same ids: no version stands."""
    engine, lake = Engine(threads=1), tmp_path / "lake"
    with ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(taken, batch(1, amount=amount), store, engine, lake)
            for amount in (1_000, 9_000)
        ]
    intakes = [one.result() for one in both]
    assert [0, 200] == sorted(intake.accepted for intake in intakes)
    assert [0, 200] == sorted(intake.withdrawn for intake in intakes)
    engine.close()
