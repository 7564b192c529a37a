"""The house keeps its own rules: light imports, pins without hosts, no host or path in any file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import settle

ROOT = Path(__file__).resolve().parents[3]
HEAVY = (
    "duckdb", "highspy", "httpx", "lxml", "moneyed", "numpy", "plotly", "pyarrow", "pydantic",
    "pyspark", "sqlalchemy",
)  # fmt: skip


def tracked() -> list[Path]:
    """Every file that git has or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    return [path for path in paths if path.suffix not in {".parquet", ".png"} and path.is_file()]


def test_importing_settle_loads_no_heavy_library() -> None:
    """A web service that imports the library pays for an engine only when it uses one."""
    code = f"import sys, settle; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_other_http_client_is_used() -> None:
    """What leaves for a rail leaves by our own wire; httpx is for tests and benchmarks."""
    imports = re.compile(r"^\s*(?:import|from) (?:httpx|httpcore|requests|aiohttp)\b", re.MULTILINE)
    ours = [ROOT / "src", *(ROOT / "adapters").glob("*/settle_*")]
    files = [path for folder in ours for path in folder.rglob("*.py")]
    assert len(files) > 100
    assert [path for path in files if imports.search(path.read_text())] == []


@pytest.mark.parametrize("name", settle.__all__)
def test_every_public_name_loads(name: str) -> None:
    """What `__all__` promises is there."""
    assert getattr(settle, name) is not None


PINNED = ("dev", "spark", "bench")


@pytest.mark.parametrize("name", PINNED)
def test_pins_name_no_index(name: str) -> None:
    """The pinned requirements say what is installed, never from which host."""
    assert "://" not in (ROOT / "requirements" / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", PINNED)
def test_every_pin_has_a_hash(name: str) -> None:
    """A package that is not the one we looked at is not installed."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    pins = [line for line in text.splitlines() if re.match(r"^[a-z0-9]", line)]
    assert pins
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []


def test_what_is_only_compared_with_is_no_dependency() -> None:
    """The other engine is in no environment of ours."""
    others = [ROOT / "pyproject.toml", *(ROOT / "requirements").glob("[ds]*")]
    assert {"dev.in", "dev.txt", "spark.in", "spark.txt"} < {file.name for file in others}
    assert [file.name for file in others if "dbos" in file.read_text()] == []


def test_no_file_carries_a_path_of_a_machine_or_a_key() -> None:
    """What is committed belongs to everybody's machine."""
    forbidden = re.compile(
        r"/(?:home|Users)/[a-z]|(?<![\w.])/work/|/root/|BEGIN (?:RSA |EC )?PRIVATE KEY"
    )
    me = Path(__file__)
    bad = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path != me and forbidden.search(path.read_text("utf-8", errors="ignore"))
    ]
    assert bad == []


def test_lines_of_code_know_their_room() -> None:
    """Modules are nouns; a drawer for everything is not a room."""
    drawers = {"utils", "common", "base", "helpers", "manager", "core", "misc", "util"}
    modules = [*(ROOT / "src").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")]
    assert [path.name for path in modules if path.stem in drawers] == []
