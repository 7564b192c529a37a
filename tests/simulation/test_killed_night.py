"""A night killed at any moment and run again ends in the same state: none twice, none lost.

Real processes, a real store, real HTTP. The rails run beside, remember what they truly executed
and count it. Each step of the night is killed at random moments while it is under way for the
first time; `make check` kills a small night, and the committed night once while it pays.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

import pytest
from tests.simulation.warm import commanded
from tests.size import SEED, examples

from settle.simulation.rehearsal import Rehearsal, rehearse

ROOT = Path(__file__).resolve().parents[2]
DAYS = (date(2024, 12, 18), date(2024, 12, 19))
SOAK = examples(1, full=5)
ENDED = {0, 10, 11}  # 12 would be a rail that is down, and none is
STEP = re.compile(r"^  (\S.*?)  +.*\((\d+\.\d) s\)$")
"""A step that has ended, as the command prints it: its title, and how long it took."""

BUSY = ("Take records", "Close the window", "Obligations", "Approve", "Pay", "Report")
"""Steps that do something on their first run; the others are killed as well."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an untouched night."""

    title: str
    took_s: float


def command(rehearsal: Rehearsal, day: date) -> list[str]:
    return [sys.executable, "-m", "settle", *arguments(rehearsal, day)]


def arguments(rehearsal: Rehearsal, day: date, *options: str) -> list[str]:
    return ["nightly", "--config", str(rehearsal.config_path), "--date", str(day), *options]


def night(rehearsal: Rehearsal, day: date) -> tuple[dict[str, Any], list[Step]]:
    """Run a night to its end. This returns its report, and its steps."""
    done = subprocess.run(
        command(rehearsal, day), capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode in ENDED, done.stderr
    (where,) = [line for line in done.stdout.splitlines() if line.startswith("report: ")]
    data = Path(where.removeprefix("report: ")).with_suffix(".json")
    report: dict[str, Any] = json.loads(data.read_text("utf-8"))
    found = [STEP.match(line) for line in done.stdout.splitlines()]
    return report, [Step(m[1], float(m[2])) for m in found if m is not None]


@contextmanager
def running(rehearsal: Rehearsal, day: date, *options: str) -> Iterator[tuple[Any, IO[str]]]:
    """A night in a process of its own, and what it prints; it is killed at the end."""
    with commanded(arguments(rehearsal, day, *options)) as (process, output):
        yield process, output


def killed(rehearsal: Rehearsal, day: date, *, steps: int, after_s: float) -> bool:
    """Kill a night `after_s` into the step that follows the first `steps`; was it under way?"""
    with running(rehearsal, day) as (process, output):
        if not _passed(output, steps):
            return False
        time.sleep(after_s)
        return bool(process.is_alive())


def killed_after(rehearsal: Rehearsal, day: date, title: str, *options: str) -> bool:
    """Kill a night as soon as a step has ended; was it under way?"""
    with running(rehearsal, day, *options) as (process, output):
        for line in output:
            if (step := STEP.match(line.rstrip())) and step[1] == title:
                return bool(process.is_alive())
    return False


def _passed(output: IO[str], steps: int) -> bool:
    while steps:
        line = output.readline()
        if not line:
            return False
        steps -= STEP.match(line.rstrip()) is not None
    return True


def executed(rehearsal: Rehearsal) -> dict[str, list[str]]:
    """What each rail truly executed: its references, sorted."""
    truth = rehearsal.world.executions()
    assert truth["executed_more_than_once"] == 0
    return {
        name: sorted(x["reference"] for x in rail["executions"])
        for name, rail in truth["rails"].items()
    }


def figures(report: dict[str, Any]) -> dict[str, Any]:
    """What a report says of money; instants of evidence and the roads to it may differ.

    A payment that was looked up after a kill has another story than one that was not, and the
    same end.
    """
    kept = {key: report[key] for key in ("intake", "windows", "settled", "netting", "proofs")}
    kept["states"] = report["payments"]["states"]
    kept["reconciliation"] = report["reconciliation"]
    kept["breaks"] = report["breaks"]["totals"]
    return kept


def untouched(
    night_folder: Path, folder: Path
) -> tuple[list[dict[str, Any]], dict[str, list[str]], list[list[Step]]]:
    """Both nights without a kill: their figures, what was executed, and their steps."""
    with rehearse(night_folder, folder) as rehearsal:
        reports, steps = [], []
        for day in DAYS:
            rehearsal.begin(day)
            report, of_night = night(rehearsal, day)
            reports.append(figures(report))
            steps.append(of_night)
        return reports, executed(rehearsal), steps


@pytest.fixture(params=["sqlite", "postgresql"])
def other_store(request: pytest.FixtureRequest) -> str | None:
    """No store named (one SQLite file), and a real PostgreSQL."""
    return None if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.mark.soak
@pytest.mark.timeout(1200 * SOAK)
def test_a_small_night_killed_in_every_step_ends_as_if_untouched(
    small_night: Path,
    tmp_path: Path,
    other_store: str | None,
    tell: Callable[[str, Mapping[str, Any]], None],
) -> None:
    """Kills in each step of both nights change neither what is paid nor a figure of the report."""
    expected, truth, steps = untouched(small_night, tmp_path / "untouched")
    chance = random.Random(SEED)
    of_busy = 2 if other_store is None else 1
    kills: Counter[str] = Counter()
    executed_at_kill = set()
    with rehearse(small_night, tmp_path / "killed", store=other_store) as rehearsal:
        reports = []
        for day, of_night in zip(DAYS, steps, strict=True):
            rehearsal.begin(day)
            for nth, step in enumerate(of_night):
                times = of_busy if step.title.startswith(BUSY) else 1
                for _ in range(times * SOAK + (2 if step.title == "Pay" else 0)):
                    after_s = chance.uniform(0, min(step.took_s, 2.0) / 2)
                    kills[step.title] += killed(rehearsal, day, steps=nth, after_s=after_s)
                    executed_at_kill.add(rehearsal.executed()[0])
            report, _ = night(rehearsal, day)
            reports.append(figures(report))
        assert executed(rehearsal) == truth
        assert reports == expected
        total, _ = rehearsal.executed()
    tell(f"night on {'postgresql' if other_store else 'sqlite'}", {"killed": kills})
    for title in BUSY:
        assert any(kills[step] for step in kills if step.startswith(title)), title
    assert kills.total() >= (40 if other_store is None else 20)
    assert any(0 < count < total for count in executed_at_kill), "no kill fell among payments"


@pytest.mark.timeout(900)
def test_a_night_run_twice_does_nothing_twice_and_prints_the_same(
    small_night: Path, tmp_path: Path
) -> None:
    """Without new evidence a second run gives the same bytes."""
    with rehearse(small_night, tmp_path) as rehearsal:
        for day in DAYS:
            rehearsal.begin(day)
            first, _ = night(rehearsal, day)
            truth = executed(rehearsal)
            again, _ = night(rehearsal, day)
            assert again == first
            assert executed(rehearsal) == truth


@pytest.mark.timeout(900)
def test_the_committed_night_killed_once_ends_as_if_untouched(tmp_path: Path) -> None:
    """One kill in the midst of paying, at the real size."""
    folder = ROOT / "fixtures" / "night"
    with rehearse(folder, tmp_path) as rehearsal:
        rehearsal.begin(DAYS[0])
        deadline = time.monotonic() + 240
        with running(rehearsal, DAYS[0]):
            while rehearsal.executed()[0] < 2_000 and time.monotonic() < deadline:
                time.sleep(0.02)
        at_kill, _ = rehearsal.executed()
        report, _ = night(rehearsal, DAYS[0])
        total, twice = rehearsal.executed()
    sent = sum(
        row["count"] for row in report["payments"]["states"]
        if row["state"] in ("accepted", "booked", "credited", "returned")
    )  # fmt: skip
    assert 2_000 <= at_kill < total
    assert twice == 0
    assert sent == total
