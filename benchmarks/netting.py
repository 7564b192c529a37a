"""Netting files of records, as processes, against the same by hand.

Bare netting (`settle net RECORDS --out …`) stands against a group-by written by hand; the whole
way (`settle net RECORDS --agreements … --rates … --window …`) against one that drops copies too;
bare netting also against the loop of py-moneyed that everybody writes first. Then the whole way
at several sizes: how time and memory grow. Records are those of `world.py`.

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
from ratio import Ratio, alternating, timed
from results import Compared, Grown, note
from world import DAY, World, build

from settle.money import exponent

HERE = Path(__file__).resolve().parent
SETTLE = [sys.executable, "-c", "from settle.cli import main; main()", "net"]
QUARANTINED = 11
"""The exit code of a run that refused records, as the world has some."""

BARE_MOST, MONEY_MOST, WHOLE_MOST = 1.25, 1 / 50, 2.0
"""What we aim at: times as long as the other side."""

SUMMED = ["agreement_id", "currency", "kind", "amount_minor"]
CREDITS = {"sale", "chargeback_reversal", "adjustment_credit"}
"""What the loop reads, and the kinds that it adds."""

LOOK_EVERY_S, WAIT_S = 0.2, 0.01
"""How often the spilled bytes are counted, and how exactly the end of a process is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How long a process took, the most memory it held, and the most it spilled to disk."""

    seconds: float
    rss_gib: float
    spilled_gib: float


def run(command: Sequence[str | Path], *, spill: Path) -> Run:
    """Run a process to its end. A code that tells of quarantined records is no failure."""
    began, spilled = time.perf_counter(), 0
    looked = began
    environment = {**os.environ, "TMPDIR": str(spill)}
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, env=environment
    )
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.perf_counter() - looked > LOOK_EVERY_S:
            spilled, looked = max(spilled, _bytes_in(spill)), time.perf_counter()
        time.sleep(WAIT_S)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, QUARANTINED), process.returncode
    return Run(
        seconds=time.perf_counter() - began,
        rss_gib=usage.ru_maxrss / 2**20,
        spilled_gib=spilled / 2**30,
    )


def _bytes_in(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_blocks * 512
        except FileNotFoundError:  # it was there a moment ago
            continue
    return total


@dataclass(frozen=True, slots=True)
class Netting:
    """The ways over one world's files."""

    dirty: World
    clean: World
    out: Path
    memory: str

    def bare(self) -> float:
        """Ours, records taken as they are."""
        command = [*SETTLE, *self.clean.records, "--out", self.out / "bare.parquet"]
        return run(command, spill=self._spill()).seconds

    def whole(self, world: World | None = None) -> Run:
        """Ours, the whole way."""
        dirty = world or self.dirty
        return run(
            [
                *SETTLE, *dirty.records, "--agreements", dirty.agreements, "--rates", dirty.rates,
                "--window", DAY, "--out", self.out / "whole.parquet", "--memory", self.memory,
                "--json",
            ],
            spill=self._spill(),
        )  # fmt: skip

    def by_hand(self, way: str) -> float:
        """By hand: the `group` over records as they are; `dedupe` or `narrow`, copies dropped."""
        world = self.clean if way == "group" else self.dirty
        script, out = HERE / "by_hand.py", self.out / f"{way}.parquet"
        command = [
            sys.executable, script, way, *world.records, "--out", out, "--memory", self.memory,
        ]  # fmt: skip
        return run(command, spill=self._spill()).seconds

    def _spill(self) -> Path:
        folder = self.out / "spill"
        folder.mkdir(exist_ok=True)
        return folder


def money_loop(files: Sequence[Path], *, size: int) -> float:
    """Seconds for all the files, from a slice of one: read, a Money a record, added up."""
    read = 0

    def work() -> None:
        nonlocal read
        sums: dict[tuple[str, str], Money] = {}
        counts: dict[tuple[str, str], int] = defaultdict(int)
        batches = pq.ParquetFile(files[0]).iter_batches(batch_size=size, columns=SUMMED)
        for row in next(batches).to_pylist():
            key = (row["agreement_id"], row["currency"])
            money = Money(row["amount_minor"], row["currency"]) / 10 ** exponent(row["currency"])
            money = money if row["kind"] in CREDITS else -money
            sums[key] = sums[key] + money if key in sums else money
            counts[key] += 1
        read = sum(counts.values())

    took = timed(work)
    return took * sum(pq.read_metadata(file).num_rows for file in files) / read


def grown(ways: Netting, worlds: Path, sizes: Sequence[int], *, merchants: int) -> None:
    """The whole way at each size, once: time and memory, and the time for each record."""
    first: Run | None = None
    for size in sorted(sizes):
        took = ways.whole(build(worlds / f"{size}", records=size, merchants=merchants))
        first = first or took
        print(
            f"{size:>12,} records, the whole way: {took.seconds:8.1f} s, "
            f"{took.seconds / first.seconds:5.1f} times the first, {took.rss_gib:.2f} GiB "
            f"resident, {took.spilled_gib:.2f} GiB spilled",
            flush=True,
        )
        note(
            Grown(
                records=size, seconds=took.seconds, rss_gib=took.rss_gib,
                spilled_gib=took.spilled_gib,
            )
        )  # fmt: skip


def told(ours: str, against: str, ratio: Ratio, *, pairs: int, most: float | None = None) -> None:
    """Print a ratio, and note it."""
    print(f"{ours}, against {against}: {ratio}", flush=True)
    note(Compared(ours=ours, against=against, pairs=pairs, ratio=ratio, most=most))


def compared(ways: Netting, *, records: int, runs: int, money_slice: int) -> None:
    """All ratios at one size. One untimed run first: who looks first brings files into memory."""
    ways.by_hand("group"), ways.by_hand("dedupe")
    name = f"net {records:,} records"
    ratio = alternating(ways.bare, lambda: ways.by_hand("group"), runs=runs)
    told(f"{name}, bare", "the group-by by hand", ratio, pairs=runs, most=BARE_MOST)
    ratio = alternating(ways.bare, lambda: money_loop(ways.clean.records, size=money_slice), runs=1)
    loop = f"a loop of py-moneyed, extrapolated from {money_slice:,}"
    told(f"{name}, bare", loop, ratio, pairs=1, most=MONEY_MOST)
    whole = f"{name}, the whole way"
    ratio = alternating(lambda: ways.whole().seconds, lambda: ways.by_hand("dedupe"), runs=runs)
    told(whole, "dedupe and group-by by hand", ratio, pairs=runs, most=WHOLE_MOST)
    ratio = alternating(lambda: ways.whole().seconds, lambda: ways.by_hand("narrow"), runs=runs)
    told(whole, "the same, dedupe over the columns summed only", ratio, pairs=runs)


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--merchants", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3, help="alternating pairs")
    parser.add_argument("--slice", type=int, default=500_000, help="records of the Money loop")
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
        print(f"{size:,} records of {merchants:,} merchants in 14 currencies", flush=True)
        compared(ways, records=size, runs=options.runs, money_slice=options.slice)
        if options.grow:
            grown(ways, worlds, [size, *options.grow], merchants=merchants)


if __name__ == "__main__":
    main()
