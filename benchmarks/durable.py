"""Payments through the outbox, against one payment per workflow on a general durable engine.

The engine is DBOS with its own store, SQLite or PostgreSQL, installed apart by `make bench`; the
rail and what is posted to it are the same. Which of its ways and how many at once is tried first,
and the fastest taken. Its start is not counted.

    python benchmarks/durable.py --python .venv-bench/bin/python --store sqlite --runs 5
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loopback import serving
from night import SINGLE, adapter, orders_of, paid, prepare
from paying import composed
from ratio import alternating
from results import Compared, note

from databases import KINDS, NewUrl, databases
from settle.adapters import Request
from settle.store import Store

HERE = Path(__file__).parent
PYTHON = HERE.parent / ".venv-bench" / "bin" / "python"
AIM = 5
"""Times as many payments a second."""

WAYS = tuple(itertools.product(("start", "queue"), (4, 16, 64)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The other engine: its Python, the rail, and where its stores are."""

    python: Path
    rail: str
    new_url: NewUrl

    def pays(self, requests: Sequence[Request], way: tuple[str, int]) -> float:
        """Seconds for the requests on a new store."""
        how, at_once = way
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
            for request in requests:
                key = request.headers["Idempotency-Key"]
                file.write(json.dumps([request.path, key, request.content.decode()]) + "\n")
            file.flush()
            done = subprocess.run(
                [self.python, HERE / "by_dbos.py", "--requests", file.name, "--rail", self.rail,
                 "--store", self.new_url(), "--how", how, "--at-once", str(at_once)],
                capture_output=True, text=True, check=False, timeout=3600,
            )  # fmt: skip
        assert done.returncode == 0, done.stderr
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("{")]
        return float(json.loads(line)["seconds"])


def compare(options: argparse.Namespace, rail: str, new_url: NewUrl) -> Iterator[Compared]:
    """Ours against the fastest way of theirs."""
    size: int = options.size
    spoken = adapter(SINGLE, rail)
    engine = Engine(python=options.python, rail=rail, new_url=new_url)
    numbers = itertools.count()

    def store_of_payments() -> Store:
        store = Store.open(new_url())
        first = next(numbers) * size
        prepare(store, spoken, SINGLE, range(first, first + size))
        return store

    def ours() -> float:
        store = store_of_payments()
        seconds, accepted = asyncio.run(paid(store, spoken, SINGLE))
        store.close()
        assert accepted == size
        return seconds

    store = store_of_payments()
    requests = composed(spoken, list(orders_of(store)))
    store.close()
    ours()
    fastest = min(WAYS[:: options.skip], key=lambda way: engine.pays(requests, way))
    found = alternating(ours, lambda: engine.pays(requests, fastest), runs=options.runs)
    how, at_once = fastest
    yield Compared(
        ours=f"pay {size:,}, one call each, from {options.store} with full sync",
        against=f"a workflow each on DBOS, {options.store}, {how} with {at_once} at once",
        pairs=options.runs, ratio=found, most=1 / AIM,
    )  # fmt: skip


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", type=Path, default=PYTHON, help="of the environment with dbos")
    parser.add_argument("--store", choices=KINDS, default="sqlite")
    parser.add_argument("--runs", type=int, default=5, help="alternating pairs")
    parser.add_argument("--size", type=int, default=1_000, help="payments")
    parser.add_argument("--skip", type=int, default=1, help="try every so many of its ways only")
    options = parser.parse_args()
    if not options.python.exists():
        parser.error(f"{options.python}: not there; `make bench-durable` installs it")
    with serving() as url, databases(options.store) as new_url:
        for found in compare(options, url, new_url):
            print(f"paying durably, against {found.against}: {found.ratio}")
            note(found)


if __name__ == "__main__":
    main()
