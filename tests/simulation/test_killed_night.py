"""A night killed at any moment and run again ends in the same state: none twice, none lost.

Real processes, a real store, real HTTP. The rails run beside, remember what they truly executed
and count it. `make check` kills a small night; the committed night is killed once.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from settle.simulation.rehearsal import Rehearsal, rehearse

ROOT = Path(__file__).resolve().parents[2]
DAYS = (date(2024, 12, 18), date(2024, 12, 19))
KILLS = 400 if os.environ.get("SETTLE_SOAK") else 40
SEED = int(os.environ.get("SETTLE_SEED", "20241218"))
ENDED = {0, 10, 11}  # 12 would be a rail that is down, and none is


def command(rehearsal: Rehearsal, day: date) -> list[str]:
    config = str(rehearsal.config_path)
    return [
        sys.executable, "-m", "settle", "nightly", "--config", config, "--date", str(day), "--json"
    ]  # fmt: skip


def night(rehearsal: Rehearsal, day: date) -> dict[str, Any]:
    """Run a night to its end. This returns its report."""
    done = subprocess.run(
        command(rehearsal, day), capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode in ENDED, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def killed(rehearsal: Rehearsal, day: date, *, after_s: float) -> bool:
    """Run a night and kill it. This says whether it was still running."""
    with subprocess.Popen(
        command(rehearsal, day), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        time.sleep(after_s)
        running = process.poll() is None
        process.kill()
        return running


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
) -> tuple[list[dict[str, Any]], dict[str, list[str]]]:
    """Both nights without a kill: their figures, and what was executed."""
    with rehearse(night_folder, folder) as rehearsal:
        reports = []
        for day in DAYS:
            rehearsal.begin(day)
            reports.append(figures(night(rehearsal, day)))
        return reports, executed(rehearsal)


@pytest.fixture(params=["sqlite", "postgresql"])
def other_store(request: pytest.FixtureRequest) -> str | None:
    """No store named (one SQLite file), and a real PostgreSQL."""
    return None if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.mark.timeout(900)
def test_a_small_night_killed_many_times_ends_as_if_untouched(
    small_night: Path, tmp_path: Path, other_store: str | None
) -> None:
    """Forty kills at random moments change neither what is paid nor a figure of the report."""
    expected, truth = untouched(small_night, tmp_path / "untouched")
    chance = random.Random(SEED)
    kills = 0
    with rehearse(small_night, tmp_path / "killed", store=other_store) as rehearsal:
        reports = []
        for nth, day in enumerate(DAYS, start=1):
            rehearsal.begin(day)
            longest_s = 5.0
            while kills < KILLS // 2 * nth:
                hit = killed(rehearsal, day, after_s=chance.uniform(0.3, longest_s))
                kills += hit
                longest_s = max(1.0, longest_s * (1 if hit else 0.9))
            reports.append(figures(night(rehearsal, day)))
        assert executed(rehearsal) == truth
        assert reports == expected
    print(f"killed {kills} times, seed {SEED}")  # noqa: T201


@pytest.mark.timeout(900)
def test_a_night_run_twice_does_nothing_twice_and_prints_the_same(
    small_night: Path, tmp_path: Path
) -> None:
    """Without new evidence a second run gives the same bytes."""
    with rehearse(small_night, tmp_path) as rehearsal:
        for day in DAYS:
            rehearsal.begin(day)
            first = night(rehearsal, day)
            truth = executed(rehearsal)
            assert night(rehearsal, day) == first
            assert executed(rehearsal) == truth


@pytest.mark.timeout(900)
def test_the_committed_night_killed_once_ends_as_if_untouched(tmp_path: Path) -> None:
    """One kill in the midst of paying, at the real size."""
    folder = ROOT / "fixtures" / "night"
    with rehearse(folder, tmp_path) as rehearsal:
        rehearsal.begin(DAYS[0])
        deadline = time.monotonic() + 120
        with subprocess.Popen(
            command(rehearsal, DAYS[0]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            while rehearsal.executed()[0] < 2_000 and time.monotonic() < deadline:
                time.sleep(0.02)
            process.kill()
        at_kill, _ = rehearsal.executed()
        report = night(rehearsal, DAYS[0])
        total, twice = rehearsal.executed()
    sent = sum(
        row["count"] for row in report["payments"]["states"]
        if row["state"] in ("accepted", "booked", "credited", "returned")
    )  # fmt: skip
    assert 2_000 <= at_kill < total
    assert twice == 0
    assert sent == total
