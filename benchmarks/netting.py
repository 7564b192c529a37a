"""Netting files of records, as processes, against the same by hand.

Bare netting (`settle net RECORDS --out …`) stands against a group-by written by hand; the whole
way (`settle net RECORDS --agreements … --rates … --window …`) against one that drops copies too;
both against the loop of py-moneyed that everybody writes first. Then the whole way at several
sizes: how time and memory grow. Records are those of `world.py`.

    python benchmarks/netting.py --records 1000000 --runs 3
    python benchmarks/netting.py --records 10000000 --runs 3 --grow 1000000 100000000
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from moneyed import Money
from ratio import alternating, timed
from world import DAY, World, build

from settle.money import exponent

HERE = Path(__file__).resolve().parent
SETTLE = [sys.executable, "-c", "from settle.cli import main; main()", "net"]
QUARANTINED = 11
"""The exit code of a run that refused records, as the world has some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How long a process took, and the most memory it held."""

    seconds: float
    rss_gib: float


def run(command: Sequence[str | Path]) -> Run:
    """Run a process to its end. A code that tells of quarantined records is no failure."""
    began = time.perf_counter()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, QUARANTINED), process.returncode
    return Run(seconds=time.perf_counter() - began, rss_gib=usage.ru_maxrss / 2**20)


@dataclass(frozen=True, slots=True)
class Netting:
    """The four ways over one world's files."""

    dirty: World
    clean: World
    out: Path
    memory: str

    def bare(self) -> Run:
        """Ours, records taken as they are."""
        return run([*SETTLE, *self.clean.records, "--out", self.out / "bare.parquet"])

    def group(self) -> Run:
        """By hand, the same."""
        return self._by_hand("group", self.clean)

    def whole(self, world: World | None = None) -> Run:
        """Ours, the whole way."""
        dirty = world or self.dirty
        return run(
            [
                *SETTLE, *dirty.records, "--agreements", dirty.agreements, "--rates", dirty.rates,
                "--window", DAY, "--out", self.out / "whole.parquet", "--memory", self.memory,
                "--json",
            ]
        )  # fmt: skip

    def dedupe(self) -> Run:
        """By hand, copies dropped."""
        return self._by_hand("dedupe", self.dirty)

    def _by_hand(self, way: str, world: World) -> Run:
        out = self.out / f"{way}.parquet"
        script = HERE / "by_hand.py"
        return run([sys.executable, script, way, *world.records, "--out", out])


def money_loop(file: Path, *, size: int) -> float:
    """Seconds for the whole file, from a slice of it: a Money a record, added up."""
    rows = next(pq.ParquetFile(file).iter_batches(batch_size=size)).to_pylist()

    def work() -> None:
        sums: dict[tuple[str, str], Money] = {}
        counts: dict[tuple[str, str], int] = defaultdict(int)
        for row in rows:
            key = (row["agreement_id"], row["currency"])
            money = Money(row["amount_minor"], row["currency"]) / 10 ** exponent(row["currency"])
            money = money if row["kind"] == "sale" else -money
            sums[key] = sums[key] + money if key in sums else money
            counts[key] += 1

    records: int = pq.read_metadata(file).num_rows
    return timed(work) * records / len(rows)


def grown(ways: Netting, worlds: Path, sizes: Sequence[int], *, merchants: int) -> None:
    """The whole way at each size, once: time and memory, and the time for each record."""
    first: Run | None = None
    for size in sorted(sizes):
        world = build(worlds / f"{size}", records=size, merchants=merchants)
        took = ways.whole(world)
        first = first or took
        print(
            f"{size:>12,} records, the whole way: {took.seconds:8.1f} s, "
            f"{took.seconds / first.seconds:5.1f} times the first, {took.rss_gib:.2f} GiB resident"
        )


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--merchants", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3, help="alternating pairs")
    parser.add_argument("--slice", type=int, default=100_000, help="records of the Money loop")
    parser.add_argument("--grow", type=int, nargs="*", default=[], help="other sizes, run once")
    parser.add_argument("--memory", default="4GB", help="before the engine spills")
    parser.add_argument("--worlds", type=Path, help="where the files of each size are kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        worlds = options.worlds or Path(folder)
        size, merchants = options.records, options.merchants
        ways = Netting(
            build(worlds / f"{size}", records=size, merchants=merchants),
            build(worlds / f"{size}-clean", records=size, merchants=merchants, dirty=False),
            Path(folder),
            options.memory,
        )
        print(f"{size:,} records of {merchants:,} merchants in 14 currencies")
        seconds = alternating(
            lambda: ways.bare().seconds, lambda: ways.group().seconds, runs=options.runs
        )
        print(f"bare netting, against a group-by by hand: {seconds}")
        slow = alternating(
            lambda: ways.bare().seconds,
            lambda: money_loop(ways.clean.records[0], size=options.slice) * len(ways.clean.records),
            runs=1,
        )
        print(f"bare netting, against a loop of py-moneyed (extrapolated): 1/{1 / slow.middle:.0f}")
        seconds = alternating(
            lambda: ways.whole().seconds, lambda: ways.dedupe().seconds, runs=options.runs
        )
        print(f"the whole way, against dedupe and group-by by hand: {seconds}")
        if options.grow:
            grown(ways, worlds, [size, *options.grow], merchants=merchants)


if __name__ == "__main__":
    main()
