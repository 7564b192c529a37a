"""The files: whole or not at all, and the same bytes for the same night."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from settle.report import MorningReport, write


def test_the_same_report_gives_the_same_bytes(rich: MorningReport, tmp_path: Path) -> None:
    """Another process with another hash seed writes the same two files, byte by byte."""
    model, there = tmp_path / "model", tmp_path / "there"
    model.write_bytes(pickle.dumps(rich))
    program = (
        "import pickle, pathlib, sys; from settle.report import write; "
        "write(pickle.loads(pathlib.Path(sys.argv[1]).read_bytes()), pathlib.Path(sys.argv[2]))"
    )
    subprocess.run(
        [sys.executable, "-c", program, str(model), str(there)],
        check=True, env={"PYTHONHASHSEED": "7"},
    )  # fmt: skip

    for path in write(rich, tmp_path / "here"):
        assert path.read_bytes() == (there / path.name).read_bytes()


def test_a_second_report_replaces_the_first_and_leaves_nothing_behind(
    nothing: MorningReport, tmp_path: Path
) -> None:
    """Writing twice leaves the later report, and no temporary file."""
    write(nothing, tmp_path)
    html_path, json_path = write(replace(nothing, tenant="later"), tmp_path)

    assert {html_path, json_path} == set(tmp_path.iterdir())
    assert json.loads(json_path.read_text())["tenant"] == "later"
    assert "later" in html_path.read_text()


def test_a_report_that_cannot_be_written_leaves_the_old_one(
    nothing: MorningReport, tmp_path: Path
) -> None:
    """A failure on the way changes no file and leaves no temporary one."""
    before = {path: path.read_bytes() for path in write(nothing, tmp_path)}
    broken = replace(nothing, tenant=1.5)  # type: ignore[arg-type]

    with pytest.raises(TypeError):
        write(broken, tmp_path)

    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}
