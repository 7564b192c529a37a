"""One, two and four worker processes on one PostgreSQL, which has the same processors.

Each worker is told to begin once all have loaded; the time ends when the last has nothing left to
claim. The rail counts what it was sent: every payment once.

    python benchmarks/workers.py --runs 5 --size 4000
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial

from loopback import counts, serving
from night import SINGLE, adapter, paid, prepare
from ratio import alternating
from results import Compared, note

from databases import NewUrl, databases
from settle.store import Store

AIM = 0.9
"""Of the payments per second of one worker."""


def work(url: str, rail: str, name: str) -> None:
    """Be a worker: load, say so, wait to be told, pay."""
    store, spoken = Store.open(url), adapter(SINGLE, rail)
    print("ready", flush=True)
    sys.stdin.readline()
    _, accepted = asyncio.run(paid(store, spoken, SINGLE, worker=name))
    print(accepted, flush=True)
    store.close()


def together(url: str, rail: str, *, workers: int) -> tuple[float, list[int]]:
    """Seconds for so many workers to pay all that may go, and how much each of them paid."""
    started = [
        subprocess.Popen(
            [sys.executable, __file__, "--work", url, rail, f"w{nth}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for nth in range(workers)
    ]  # fmt: skip
    assert ["ready"] * workers == [_line(process) for process in started]
    began = time.perf_counter()
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    shares = [int(_line(process)) for process in started]
    seconds = time.perf_counter() - began
    for process in started:
        process.communicate()
        assert process.returncode == 0
    return seconds, shares


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def compare(workers: Sequence[int], *, rail: str, new_url: NewUrl, runs: int, size: int) -> None:
    """Print how each number of workers does against one."""
    numbers = itertools.count()
    shares: list[int] = []

    def run(count: int) -> float:
        url, first = new_url(), next(numbers) * size
        store = Store.open(url)
        prepare(store, adapter(SINGLE, rail), SINGLE, range(first, first + size))
        store.close()
        before, _ = counts(rail)
        seconds, shares[:] = together(url, rail, workers=count)
        after, twice = counts(rail)
        assert (size, size, 0) == (sum(shares), after - before, twice)
        return seconds

    for count in workers:
        found = alternating(partial(run, count), partial(run, 1), runs=runs)
        per_s = size / found.ours_s, size / found.other_s
        print(f"{count} workers {per_s[0]:,.0f} a second, one {per_s[1]:,.0f} a second: {found}")
        note(
            Compared(
                ours=f"pay {size:,} on PostgreSQL by {count} workers, none twice",
                against="one worker", pairs=runs, ratio=found, most=1 / AIM,
            )
        )  # fmt: skip


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--runs", type=int, default=5, help="alternating pairs")
    parser.add_argument("--size", type=int, default=4_000, help="payments")
    parser.add_argument("--work", nargs=3, metavar=("URL", "RAIL", "NAME"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    with serving() as rail, databases("postgresql") as new_url:
        compare(options.workers, rail=rail, new_url=new_url, runs=options.runs, size=options.size)


if __name__ == "__main__":
    main()
