"""The most memory that paying takes, as there are more payments: each size in its own process.

Obligations come as a stream and are planned, approved, let go and paid ten thousand at a time, in
batches of as many; the store keeps them all.

    python benchmarks/memory.py --sizes 10000 100000 1000000
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time

from loopback import counts, serving
from night import BATCH_SIZE, BATCHES, adapter, paid, prepare
from results import Peak, note

from databases import KINDS, databases
from settle.store import Store


def pay(url: str, rail: str, *, size: int, part: int) -> None:
    """Pay so many and print what it took."""
    store, spoken = Store.open(url), adapter(BATCHES, rail)
    began = time.perf_counter()
    for first in range(0, size, part):
        numbers = range(first, min(first + part, size))
        prepare(store, spoken, BATCHES, numbers)
        _, accepted = asyncio.run(paid(store, spoken, BATCHES))
        assert len(numbers) == accepted
    seconds = time.perf_counter() - began
    store.close()
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "peak_mib": peak_kib / 1024}))


def measured(kind: str, *, size: int, part: int) -> Peak:
    """What paying so many took, in a process of its own."""
    with serving() as rail, databases(kind) as new_url:
        done = subprocess.run(
            [sys.executable, __file__, "--pay", new_url(), rail, "--sizes", str(size),
             "--part", str(part)],
            stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        assert (size, 0) == counts(rail)
    return Peak(payments=size, store=kind, **json.loads(done.stdout))


def main() -> None:
    """Print the peaks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--part", type=int, default=BATCH_SIZE, help="payments at a time")
    parser.add_argument("--store", choices=KINDS, default="sqlite")
    parser.add_argument("--pay", nargs=2, metavar=("URL", "RAIL"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.pay:
        url, rail = options.pay
        pay(url, rail, size=options.sizes[0], part=options.part)
        return
    for size in options.sizes:
        found = measured(options.store, size=size, part=options.part)
        print(f"{size:,} payments: {found.peak_mib:.0f} MiB at most, {found.seconds:.1f} s")
        note(found)


if __name__ == "__main__":
    main()
