"""Lists that come into force while other processes release: nothing leaves on an older word."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.unit.payments.conftest import DUE, NOW, PAYEE, Desk

from settle.payments.screening import Entry, Screener, ScreeningList, adopt, screen
from settle.payments.tables import payments
from settle.store import Store

COUNT = 60
LISTED = {f"Evil {letter * 6}" for letter in "abcdefghijklm"}

WORKER = """
import sys, time
from datetime import datetime, timedelta, UTC
from pathlib import Path
import sqlalchemy as sa
from settle.payments import claiming
from settle.store import Store
url, name, stop, plant = sys.argv[1:]
if plant == "yes":
    claiming.may_leave = lambda *of: sa.true()
    claiming.stand_still = lambda connection: None
store, now = Store.open(url), datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
lease = claiming.Lease(rail="single", worker=name, now=now, length=timedelta(minutes=5))
wish = claiming.Claim(lease=lease, count_max=1, batch_size_max=None, day=now.date())
while not Path(stop).exists():
    with store.transaction() as connection:
        claiming.claim(connection, [wish])
    time.sleep(0.02)
store.close()
"""


def screener(*names: str, day: int) -> Screener:
    entries = tuple(Entry(entry_id=name, names=(name,)) for name in names)
    return Screener([ScreeningList("own", date(2024, 12, day), str(len(names)), entries)])


def released(store: Store) -> dict[str, str]:
    query = sa.select(payments.c.payment_id, payments.c.beneficiary_name)
    with store.reading() as connection:
        return {row[0]: row[1] for row in connection.execute(query.where(payments.c.releases > 0))}


def wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not until():
        assert time.monotonic() < deadline, "the workers did nothing"
        time.sleep(0.02)


@contextmanager
def workers(url: str, folder: Path, *, plant: str = "no") -> Iterator[None]:
    stop = folder / "stop"
    command = [sys.executable, "-c", WORKER, url]
    running = [
        subprocess.Popen([*command, name, str(stop), plant], stderr=subprocess.PIPE)
        for name in ("one", "two")
    ]
    try:
        yield
    finally:
        stop.touch()
        errors = [worker.communicate(timeout=60)[1] for worker in running]
    assert [b"", b""] == errors


@pytest.fixture
def ready(store: Store) -> Store:
    """Payments that are ready and screened, a listed name now and then."""
    listed = sorted(LISTED)
    names = [listed[n // 9 % 13] if n % 9 == 8 else f"Good Soul {n}" for n in range(COUNT)]
    Desk(store).ready(
        *(
            replace(DUE, obligation_id=f"O-{n:03d}", beneficiary=replace(PAYEE, name=name))
            for n, name in enumerate(names)
        )
    )
    screen(store, screener("Somebody Else", day=1), tenant="t", now=NOW)
    return store


def test_nothing_leaves_on_the_word_of_older_lists(
    ready: Store, store_url: str, tmp_path: Path
) -> None:
    """From the commit that puts newer lists in force on, until they have seen who is paid."""
    newer = screener(*LISTED, day=2)
    with workers(store_url, tmp_path):
        wait(lambda: len(released(ready)) >= 5)
        assert adopt(ready, newer, tenant="t", now=NOW)
        before = released(ready)
        time.sleep(1)
        assert before == released(ready)
        done = screen(ready, newer, tenant="t", now=NOW)
        assert 0 < done.held
        wait(lambda: len(released(ready)) == COUNT - done.held)
    after = {key: name for key, name in released(ready).items() if key not in before}
    assert set() == LISTED & set(after.values())
    assert 0 == screen(ready, newer, tenant="t", now=NOW).screened


def test_workers_that_pass_no_gate_are_caught(ready: Store, store_url: str, tmp_path: Path) -> None:
    """With the condition taken out of the claim, listed names leave."""
    newer = screener(*LISTED, day=2)
    with workers(store_url, tmp_path, plant="yes"):
        wait(lambda: len(released(ready)) >= 5)
        screen(ready, newer, tenant="t", now=NOW)
        wait(lambda: len(released(ready)) == COUNT)
    assert set(released(ready).values()) & LISTED
