"""The contracts of `make layers` bite: each names the import that it forbids."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
HOUSE = "The house: who may import whom"
BORDER = "The border knows neither store nor engine"
SIMULATED = "Only the command line imports the conformance suite and the simulation"
MIGRATIONS = "Migrations import no room"
PLUG_IN = "A plug-in imports the border, money and errors, and no other plug-in"
REVISIONS = "settle/store/migrations/versions"
STRANGERS = "Plug-ins do not know each other"

FORBIDDEN = [
    ("settle/clearing/netting.py", "settle.payments", {HOUSE}),
    ("settle/reconciliation/matching.py", "settle.clearing", {HOUSE}),
    ("settle/hub/hub.py", "settle.nightly", {HOUSE}),
    ("settle/money/gate.py", "settle.store", {HOUSE}),
    ("settle/adapters/sender.py", "settle.store", {BORDER}),
    ("settle/adapters/sender.py", "settle.engine", {BORDER}),
    ("settle/hub/hub.py", "settle.simulation", {SIMULATED}),
    ("settle/payments/executor.py", "settle.conformance", {SIMULATED}),
    # A migration stands in the store, so the house objects as well.
    ("settle/store/migrations/__init__.py", "settle.payments", {HOUSE, MIGRATIONS}),
    (
        "settle/store/migrations/versions/0001_first_night.py",
        "settle.payments",
        {HOUSE, MIGRATIONS},
    ),
    ("settle_adyen_transfers/adapter.py", "settle.payments", {PLUG_IN}),
    ("settle_iso20022_bank/adapter.py", "settle.store", {PLUG_IN}),
    ("settle_wise/adapter.py", "settle.payments", {PLUG_IN}),
    ("settle_wise/adapter.py", "settle_adyen_transfers", {STRANGERS}),
    ("settle_gsma_mobile_money/adapter.py", "settle.ledger", {PLUG_IN}),
    ("settle_adyen_transfers/adapter.py", "settle_iso20022_bank", {STRANGERS}),
    ("settle_iso20022_bank/adapter.py", "settle_adyen_transfers", {STRANGERS}),
]


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of every package that the contracts name, beside its contracts."""
    packages = [ROOT / "src" / "settle", *ROOT.glob("adapters/*/settle_*")]
    for package in packages:
        if package.is_dir() and not package.name.endswith(".egg-info"):
            unneeded = shutil.ignore_patterns("__pycache__", "*.sql", "*.js")
            shutil.copytree(package, tmp_path / package.name, ignore=unneeded)
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def broken(house: Path) -> set[str]:
    """The contracts that are broken in a copy."""
    code = "import sys; from importlinter.cli import lint_imports_command as c; sys.exit(c())"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache", "--no-logo", "--config", "pyproject.toml"],
        cwd=house, env={**os.environ, "PYTHONPATH": str(house), "COLUMNS": "200"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    found = set(re.findall(r"^(.+) BROKEN", done.stdout, re.MULTILINE))
    assert (done.returncode != 0) == bool(found), done.stdout + done.stderr
    return found


def test_the_house_as_it_stands_breaks_nothing(house: Path) -> None:
    """A copy is judged as the original is, so what a planted import breaks is its own."""
    assert broken(house) == set()


@pytest.mark.parametrize(("file", "module", "contracts"), FORBIDDEN)
def test_a_forbidden_import_breaks_its_contract(
    house: Path, file: str, module: str, contracts: set[str]
) -> None:
    """One line in one file is found, and only the contracts that forbid it are named."""
    with (house / file).open("a", encoding="utf-8") as planted:
        planted.write(f"\nimport {module}\n")
    assert contracts == broken(house)


def test_every_contract_is_shown_to_bite() -> None:
    """Nobody adds a contract without a test that it refuses something."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    named = {contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}
    assert named == {HOUSE, BORDER, SIMULATED, MIGRATIONS, PLUG_IN, STRANGERS}
