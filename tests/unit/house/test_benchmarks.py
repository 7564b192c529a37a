"""Each benchmark runs at its smallest size, and what it found is kept and can be shown."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
BENCHMARKS = ROOT / "benchmarks"
OTHER_ENGINE = ROOT / ".venv-bench" / "bin" / "python"
SMALLEST = {
    "paying": ("--runs", "1", "--size", "16"),
    "batches": ("--runs", "1", "--size", "16"),
    "workers": ("--runs", "1", "--size", "16", "--workers", "2"),
    "events": ("--runs", "1", "--events", "64"),
    "memory": ("--sizes", "16", "48", "--part", "16"),
    "durable": ("--runs", "1", "--size", "8", "--skip", "4"),
}
FOUND = {"paying": 3, "memory": 2}


@pytest.fixture(scope="module")
def page() -> ModuleType:
    """The program that shows what was found."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("benchmarks_page", BENCHMARKS / "page.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(BENCHMARKS))
    return module


@pytest.mark.parametrize("name", SMALLEST)
def test_it_runs_and_keeps_what_it_found(name: str, page: ModuleType, tmp_path: Path) -> None:
    """A line for each comparison, which the page shows."""
    if name == "durable" and not OTHER_ENGINE.exists():
        pytest.skip("the other engine is installed by `make bench-durable`")
    results = tmp_path / "results.jsonl"
    subprocess.run(
        [sys.executable, BENCHMARKS / f"{name}.py", *SMALLEST[name]],
        env={**os.environ, "BENCH_RESULTS": str(results)}, check=True, capture_output=True,
        cwd=tmp_path, timeout=240,
    )  # fmt: skip
    found = list(page.kept(results))
    assert FOUND.get(name, 1) == len(found) == len(results.read_text().splitlines())
    shown = page.peaks(found) if name == "memory" else page.comparisons(found)
    assert len(found) + 2 == len(shown)


def test_every_program_says_how_to_call_it() -> None:
    """One process imports them all and asks each for its help."""
    programs = sorted(
        path.stem for path in BENCHMARKS.glob("*.py")
        if "ArgumentParser" in path.read_text() and path.stem != "by_dbos"
    )  # fmt: skip
    code = (
        "import json, runpy, sys\n"
        "for name in json.loads(sys.argv[1]):\n"
        "    sys.argv = [name, '--help']\n"
        "    try: runpy.run_path(name, run_name='__main__')\n"
        "    except SystemExit as ended: assert not ended.code, name\n"
    )
    paths = json.dumps([str(BENCHMARKS / f"{name}.py") for name in programs])
    done = subprocess.run(
        [sys.executable, "-c", code, paths], cwd=BENCHMARKS, capture_output=True, text=True,
        check=False, env={**os.environ, "PYTHONPATH": str(BENCHMARKS)},
    )  # fmt: skip
    assert (0, "") == (done.returncode, done.stderr)
    assert len(programs) == done.stdout.count("usage: ")


def test_every_part_of_the_run_is_a_program() -> None:
    """`make bench` names what is there, and measures all that is compared here."""
    makefile = (ROOT / "Makefile").read_text()
    found = re.search(r"^BENCH_ALL := (.*)$", makefile, re.MULTILINE)
    assert found is not None
    parts = found[1].split()
    assert [part for part in parts if not (BENCHMARKS / f"{part}.py").exists()] == []
    assert set(SMALLEST) <= set(parts)


def test_the_rail_counts_what_comes_twice() -> None:
    """A benchmark in which a payment is made twice proves nothing but that."""
    code = (
        "import loopback, urllib.request as u\n"
        "with loopback.serving() as url:\n"
        "    for key in 'aab':\n"
        "        asked = u.Request(url + '/transfers', b'{}', {'Idempotency-Key': key})\n"
        "        assert u.urlopen(asked).status == 202\n"
        "    print(loopback.counts(url))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BENCHMARKS, capture_output=True, text=True, check=True
    )
    assert "(2, 1)" == done.stdout.strip()
