"""A file that was changed, cut or swapped is caught, each by the check that is named for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.properties.netting_world import record, terms

from settle.clearing.files import Fault, read_summary, verify_files
from settle.clearing.files.proof import proved
from settle.engine import Engine
from settle.errors import DocumentError


@pytest.fixture(scope="module")
def written(houses: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files of one agreement with sales in two currencies, refunds, fees and a reserve."""
    own = terms(
        "M1",
        fee_ppm=29_000,
        tax_ppm=190_000,
        fee_fixed_minor=30,
        reserve_ppm=50_000,
        fx_markup_ppm=6_100,
    )
    with houses([own, terms("P1", role="partner")]) as house:
        made: list[dict[str, Any]] = [
            record(1, amount_minor=10_000),
            record(2, amount_minor=3_333, currency="USD"),
            record(3, amount_minor=777, currency="USD", kind="refund"),
            record(4, amount_minor=250, kind="fee", counterparty_id=None),
        ]
        house.take([{"original_record_id": None, "reference": "a, b", **one} for one in made])
        house.close()
        yield house.write(lines_max=2).folder


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy of them to spoil."""
    for path in (written / "A-M1").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def only(folder: Path, pattern: str) -> Path:
    (path,) = folder.glob(pattern)
    return path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_bytes().decode()
    assert len(re.findall(old, text)) >= 1
    path.write_bytes(re.sub(old, new, text, count=1).encode())


def faults(folder: Path) -> set[Fault]:
    return {failure.fault for failure in verify_files(folder)}


SUMMARY, FIRST, SECOND = "summary_*.csv", "details_*_000.csv", "details_*_001.csv"
END = "<END>\r\n"


def without_parquet(folder: Path) -> Path:
    for path in folder.glob("*.parquet"):
        path.unlink()
    return folder


def renamed(folder: Path, old: str, new: str) -> None:
    for path in list(folder.iterdir()):
        path.rename(path.with_name(path.name.replace(old, new)))


TAMPERED: list[tuple[Fault, Callable[[Path], object]]] = [
    (Fault.END, lambda f: change(only(f, FIRST), END, "")),
    (Fault.END, lambda f: change(only(f, SUMMARY), "\n<END>", "\nEND")),
    (Fault.END, lambda f: only(f, FIRST).write_bytes(only(f, FIRST).read_bytes() + b"more\r\n")),
    (Fault.ENCODING, lambda f: only(f, FIRST).write_bytes(b"\xff" + only(f, FIRST).read_bytes())),
    (Fault.HEADER, lambda f: change(only(f, FIRST), "type,", "sort,")),
    (Fault.CELL, lambda f: change(only(f, FIRST), "100.00,C", "100.00,X")),
    (Fault.CELL, lambda f: change(only(f, FIRST), "100.00,C", "1e2,C")),
    (Fault.CELL, lambda f: change(only(f, FIRST), "100.00,C", "-100.00,C")),
    (Fault.CELL, lambda f: change(only(f, FIRST), "PAYMENT", "REFUND")),
    (Fault.CELL, lambda f: change(only(f, FIRST), ",sale,", ",gift,")),
    (Fault.CELL, lambda f: change(only(f, FIRST), ",EUR,100.00", ",XXX,100.00")),
    (Fault.CELL, lambda f: change(only(f, FIRST), '"a, b"', "a, b")),
    (Fault.CONTROL, lambda f: change(only(f, FIRST), "100.00,C", "100.01,C")),
    (Fault.CONTROL, lambda f: change(only(f, FIRST), "PAYMENT[^\r]*\r\n", "")),
    (Fault.CONTROL, lambda f: change(only(f, FIRST), "CONTROL[^\r]*\r\n", "")),
    (Fault.CONTROL, lambda f: change(only(f, SUMMARY), "(PAID[^\r]*\r\n)", r"\1\1")),
    (Fault.SEQUENCE, lambda f: only(f, FIRST).unlink()),
    (Fault.MISSING, lambda f: only(f, SUMMARY).unlink()),
    (Fault.NAME, lambda f: renamed(f, "A-M1", "A-M2")),
    (Fault.NAME, lambda f: renamed(f, "20241218", "20241219")),
    (Fault.NAME, lambda f: renamed(f, "_EUR_", "_USD_")),
]  # fmt: skip


def test_what_was_written_is_proved(folder: Path) -> None:
    """Files as they were written have no fault."""
    assert verify_files(folder) == []


@pytest.mark.parametrize(("fault", "tamper"), TAMPERED)
def test_each_change_is_caught_by_its_check(
    folder: Path, fault: Fault, tamper: Callable[[Path], object]
) -> None:
    """One change in one file, and the check named for it fails."""
    tamper(without_parquet(folder))
    assert fault in faults(folder)


def with_controls(path: Path, old: str, new: str) -> None:
    """Change a row and make the control totals agree, as one who means it would."""
    from settle.clearing.files.columns import SUMMARY as COLUMNS
    from settle.clearing.files.columns import Form
    from settle.clearing.files.reading import _rows

    change(path, old, new)
    rows = [row for row in _rows(path, COLUMNS) if row["type"] != "CONTROL"]
    text = re.sub("CONTROL[^\r]*\r\n", "", path.read_bytes().decode())
    amounts = [c.name for c in COLUMNS if c.form is Form.DIRECTED]
    for code in sorted({row["currency"] for row in rows}):
        own = [row for row in rows if row["currency"] == code]
        cells = []
        for name in amounts:
            total = sum(row[name] or 0 for row in own)
            cells.append(f"{abs(total) // 100}.{abs(total) % 100:02},{'C' if total > 0 else 'D'}")
        control = (
            f"CONTROL,,A-M1,,2024-12-18,{len(own)},{code},{cells[0]}{',' * 10}EUR,{cells[1]}\r\n"
        )
        text = text.replace(END, control + END)
    path.write_bytes(text.encode())


FORGED = [
    (Fault.BUCKETS, r"(PAYMENT,sales,.*,EUR,)100\.00", r"\g<1>100.01"),
    (Fault.DETAILS, r"(PAYMENT,sales,A-M1,,2024-12-18,)1", r"\g<1>2"),
    (Fault.DETAILS, r"(PAYMENT,sales,.*,EUR,)100\.00", r"\g<1>100.01"),
    (Fault.CONVERTED, r"(CONVERTED,.*,1\.0496)0000,1\.00000000", r"\g<1>0001,1.00000000"),
    (Fault.CONVERTED, r"(CONVERTED,.*,USD,.*)0\.00610000", r"\g<1>0.00600000"),
    (Fault.CONVERTED, r"(CONVERTED,.*,USD,.*)0\.00610000", r"\g<1>0.00610001"),
    (Fault.CONVERTED, r"(CONVERTED,.*,USD,.*)0\.00610000", r"\g<1>1.00000000"),
    (Fault.CONVERTED, r"(CONVERTED,.*,USD,.*)half_even", r"\g<1>half_odd"),
    (Fault.CONVERTED, r"(CONVERTED,.*,USD,.*),bucket,EUR,", r"\g<1>,bucket,EUR,1"),
    (Fault.CONVERTED, r"(CONVERTED,.*,USD,.*)0\.00610000", r"\g<1>"),
    (Fault.TOTAL, r"RESERVE_WITHHELD.*\r\n", ""),
    (Fault.TOTAL, r"TOTAL.*\r\n", ""),
    (Fault.ENDS, r"PAID.*\r\n", ""),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "old", "new"), FORGED)
def test_a_summary_forged_with_its_controls_is_caught_by_what_it_adds_up_to(
    folder: Path, fault: Fault, old: str, new: str
) -> None:
    """Control totals that were made to agree do not help: the figures below them do not."""
    forge(without_parquet(folder), old=old, new=new)
    assert fault in faults(folder)


def forge(folder: Path, *, old: str, new: str) -> None:
    with_controls(only(folder, SUMMARY), old, new)


def test_of_what_was_changed_nothing_is_proved_in_columns(
    written: Path, engine: Engine, tmp_path: Path
) -> None:
    """Where a check fails for a row, the proof over columns fails, too."""
    changes = [tamper for _, tamper in TAMPERED]
    changes += [partial(forge, old=old, new=new) for _, old, new in FORGED]
    sets = []
    for number, tamper in enumerate([*changes, Path.exists]):
        copy = tmp_path / str(number)
        copy.mkdir()
        for path in (written / "A-M1").glob("*.csv"):
            (copy / path.name).write_bytes(path.read_bytes())
        tamper(copy)
        sets.append(sorted(copy.iterdir()))
    with engine.scratch() as scratch:
        assert {len(changes)} == proved(scratch, sets)


def test_a_parquet_file_that_says_otherwise_is_caught(folder: Path) -> None:
    """A Parquet file with one amount changed is not the CSV beside it."""
    path = only(folder, "summary_*.parquet")
    table = parquet.read_table(path)
    place = table.column_names.index("amount_minor")
    amounts = [amount + 1 for amount in table.column(place).to_pylist()]
    parquet.write_table(table.set_column(place, "amount_minor", pa.array(amounts)), path)
    assert {Fault.PARQUET} == faults(folder)


def test_a_cell_is_named_by_its_line(folder: Path) -> None:
    """The error says in which line the cell is, as an editor counts."""
    path = only(folder, SUMMARY)
    change(path, "(PAYMENT.*,)C,", r"\1Q,")
    with pytest.raises(DocumentError, match="line 2") as caught:
        read_summary(path)
    assert Fault.CELL == caught.value.fault


def test_an_empty_folder_proves_nothing(tmp_path: Path) -> None:
    """Files that are not there are a failure, not a success."""
    assert {Fault.MISSING} == faults(tmp_path)
