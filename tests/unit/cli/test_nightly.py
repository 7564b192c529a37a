"""`settle nightly`: who is named to it is told as text, whatever signs the name has."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from rich.console import Console

from settle.cli.progress import TerminalProgress
from settle.hub import Hub, Named

from .conftest import Settle, write_terms

HOSTILE = "P9\x1b[31m\n[red]:warning:"
"""A name with a control sequence, a line break, markup of a terminal library and its emoji."""

ESCAPED = r"'P9\x1b[31m\n[red]:warning:'"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration without rails, and a participant with a hostile name."""
    monkeypatch.chdir(tmp_path)
    write_terms(tmp_path)
    rows = csv.read_csv(tmp_path / "agreements.csv").to_pylist()
    hostile = {**rows[0], "agreement_id": "A-P9", "participant_id": HOSTILE}
    parquet.write_table(pa.Table.from_pylist([*rows, hostile]), tmp_path / "agreements.parquet")
    (tmp_path / "settle.toml").write_text(
        '[settle]\ntenant = "t"\nclock = "night"\nnight_at = "16:30"\n'
        '[clearing]\nagreements = "agreements.parquet"\nrates = "rates.csv"\n'
    )
    return tmp_path


def test_a_name_is_told_as_text_wherever_a_night_says_it(settle: Settle, folder: Path) -> None:
    """Nothing in it is obeyed: not where it is named, nor kept, nor refused."""
    done = settle("nightly", "--date", "2024-12-19", "--failed", HOSTILE)
    assert f"{ESCAPED}, named now" in done.out, done.err
    again = settle("nightly", "--date", "2024-12-19")
    assert f"{ESCAPED}, the window is closed under them" in again.out
    refused = settle("nightly", "--date", "2024-12-19", "--failed", "M1")
    assert 11 == refused.code
    assert f"with {ESCAPED} as failed and not 'M1'" in refused.err
    for told in (done, again, refused):
        assert not {"\x1b", "\u26a0"} & set(told.out + told.err)


def test_a_name_of_nobody_is_refused_in_one_line(settle: Settle, folder: Path) -> None:
    """The line has the name escaped, and no night has begun."""
    refused = settle("nightly", "--date", "2024-12-19", "--failed", f"{HOSTILE}!")
    assert 11 == refused.code
    assert f"settle: failed: {ESCAPED[:-1]}!' has no agreement\n" == refused.err
    with Hub.open("settle.toml") as hub:
        assert hub.nights.last() is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("P-2 [bold]:dog:", "P-2 [bold]:dog:"),
        ("P1, P2", "'P1, P2'"),
        (" P1", "' P1'"),
        ("P\r1", r"'P\r1'"),
        ("P\u202e1", r"'P\u202e1'"),
    ],
)
def test_a_name_is_read_as_one_name_and_nothing_else(name: str, shown: str) -> None:
    """Markup and emoji are its own signs; what would mislead the eye is a literal."""
    told = StringIO()
    with TerminalProgress(Console(file=told, width=200)) as progress:
        progress.begin("Name who failed")
        progress.end(str(Named(names=(name,))))
    assert f" {shown}, named before, and kept  (" in told.getvalue()
