"""Sets of files are proved in columns, and only those in which reading them finds no fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.netting_world import record, terms
from tests.size import examples

from settle.clearing.files import verifying
from settle.clearing.files.proof import proved
from settle.clearing.files.verifying import FileSet, verify_files, verify_set
from settle.engine import Scratch

ODD = ["=SUM(A1)", "'tis", '"quoted", twice', "two\r\nlines", "＋１", " -", "Zürich", "", None]


@pytest.fixture(scope="module")
def written(houses: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files of two agreements, the details of one cut in three."""
    own = [
        terms("M1", fee_ppm=29_000, tax_ppm=190_000, fee_fixed_minor=30, reserve_ppm=50_000),
        terms("M2", participant_id="M2", settlement_currency="JPY"),
    ]
    rows = [
        record(n, amount_minor=100 + n, currency="USD" if n % 2 else "EUR") | {"reference": odd}
        for n, odd in enumerate(ODD)
    ]
    rows.append(record(70, amount_minor=5, kind="refund"))
    rows.append(record(71, participant_id="M2", agreement_id="A-M2"))
    with houses([*own, terms("P1", role="partner")]) as house:
        house.take([{"original_record_id": None, "reference": None, **row} for row in rows])
        house.close()
        yield house.write(lines_max=4).folder


@pytest.fixture(scope="module")
def scratch(engine: Any) -> Iterator[Scratch]:
    with engine.scratch() as opened:
        yield opened


def sets(folder: Path) -> list[list[Path]]:
    return [sorted(own.glob("*.csv")) for own in sorted(folder.iterdir())]


@pytest.mark.parametrize("formats", [["csv", "parquet"], ["csv"]])
def test_files_as_we_write_them_are_proved_in_columns(
    written: Path, scratch: Scratch, tmp_path: Path, formats: list[str]
) -> None:
    """Of whole files no row is read by itself, with or without Parquet beside them."""
    for path in written.rglob("*.*"):
        (tmp_path / path.parent.name).mkdir(exist_ok=True)
        if path.suffix[1:] in formats:
            (tmp_path / path.parent.name / path.name).write_bytes(path.read_bytes())
    assert {0, 1} == proved(scratch, sets(tmp_path))


SPOILED = st.tuples(
    st.integers(0, 4),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 3),
    st.sampled_from([b"", b"0", b"1", b"C", b"D", b",", b'"', b"'", b"\r\n", b"A", b"\xff"]),
)
"""Which file, where in it, how many bytes go, and what comes in their place."""


@settings(
    deadline=None,
    max_examples=examples(2, full=200),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(spoiled=st.lists(SPOILED, min_size=10, max_size=20))
def test_what_is_proved_in_columns_has_no_fault_in_rows(
    written: Path, scratch: Scratch, tmp_path: Path, spoiled: list[tuple[int, float, int, bytes]]
) -> None:
    """Whatever a few bytes of a file become, no set is proved in which its reader finds a fault."""
    files = sets(written)[0]
    for number, (which, share, length, put) in enumerate(spoiled):
        (tmp_path / str(number)).mkdir(exist_ok=True)
        for path in files:
            (tmp_path / str(number) / path.name).write_bytes(path.read_bytes())
        copy = tmp_path / str(number) / files[which % len(files)].name
        content = copy.read_bytes()
        place = int(share * len(content))
        copy.write_bytes(content[:place] + put + content[place + length :])
    copies = [sorted((tmp_path / str(number)).iterdir()) for number in range(len(spoiled))]
    for number in proved(scratch, copies):
        *details, summary = copies[number]
        assert list(verify_set(FileSet(summaries=[summary], details=details))) == []


def test_many_files_are_proved_some_at_a_time(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many files there are, memory holds a portion of them."""
    monkeypatch.setattr(verifying, "COLUMNS_BYTES_MIN", 0)
    monkeypatch.setattr(verifying, "PORTION_BYTES", 1)
    monkeypatch.setattr(verifying, "verify_set", pytest.fail)
    assert verify_files(written) == []
