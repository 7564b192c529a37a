"""`settle files`, as it is called."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from settle.clearing.files import verify_files
from settle.cli import application
from settle.errors import BadInput
from settle.hub import Hub

DAY = date(2024, 12, 18)


@pytest.fixture
def night(small_night: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A night's settings, its records taken and its window closed."""
    shutil.copytree(small_night, tmp_path / "night")
    monkeypatch.chdir(tmp_path / "night")
    with Hub.open("settle.toml") as hub:
        hub.take(Path("records-2024-12-18.parquet"), day=DAY)
        hub.close_window(DAY)
    return tmp_path / "night"


def test_an_agreement_gets_its_files_and_its_statement(night: Path) -> None:
    """One command writes what can be proved, and says in JSON what it wrote."""
    arguments = ["files", "--window", "2024-12-18", "--out", "out", "--agreement", "A-M00001"]
    done = CliRunner().invoke(application, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert ("2024-12-18", 1) == (told["window_id"], told["agreements"])
    assert verify_files(night / "out") == []
    (statement,) = told["statements"]
    assert "A-M00001" in Path(statement).read_text()


def test_another_store_than_that_of_the_settings_is_named(night: Path, tmp_path: Path) -> None:
    """`--store` says here what it says to every other command that opens one."""
    (night / "settle.db").rename(tmp_path / "other.db")
    arguments = ["files", "--window", "2024-12-18", "--out", "out", "--agreement", "A-M00001"]
    with pytest.raises(BadInput, match="2024-12-18 is not closed"):
        CliRunner().invoke(application, arguments, catch_exceptions=False)
    arguments += ["--store", f"sqlite:///{tmp_path / 'other.db'}"]
    assert CliRunner().invoke(application, arguments, catch_exceptions=False).exit_code == 0


def test_an_open_window_has_no_files(night: Path) -> None:
    """A day that is not closed is refused, and no folder is made."""
    arguments = ["files", "--window", "2024-12-20", "--out", "out"]
    with pytest.raises(BadInput, match="2024-12-20 is not closed"):
        CliRunner().invoke(application, arguments, catch_exceptions=False)
    assert not (night / "out").exists()
