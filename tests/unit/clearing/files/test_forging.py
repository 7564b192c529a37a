"""Files written anew from rows that were changed: nothing is proved in columns and not in rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from tests.properties.netting_world import record, terms

from settle.clearing.files import Fault, proof, verify_files, verifying
from settle.clearing.files.columns import header
from settle.clearing.files.names import FileName
from settle.clearing.files.reading import COLUMNS

Rows = list[dict[str, Any]]


@pytest.fixture
def folder(houses: Any) -> Iterator[Path]:
    """The files of one agreement with sales in two currencies."""
    own = terms("M1", fee_ppm=29_000, tax_ppm=190_000, reserve_ppm=50_000, fx_markup_ppm=6_100)
    with houses([own, terms("P1", role="partner")]) as house:
        sales = [(1, 10_000, "EUR"), (2, 3_333, "USD"), (3, 2_000, "USD")]
        house.take(
            [
                {"original_record_id": None, "reference": None}
                | record(number, amount_minor=amount, currency=currency)
                for number, amount, currency in sales
            ]
        )
        house.close()
        yield house.write().folder / "A-M1"


def forge(engine: Any, folder: Path, sheet: str, change: Callable[[Rows], None]) -> None:
    """Change the rows of a sheet, and write CSV, control totals and Parquet of them."""
    (path,) = folder.glob(f"{sheet}_*.csv")
    name, beside, columns = FileName.of(path.name), path.with_suffix(".parquet"), COLUMNS[sheet]
    assert name is not None
    rows = parquet.read_table(beside).to_pylist()
    change(rows)
    table = pa.Table.from_pylist(rows, proof._schema(columns))
    file = proof._File(set_id=0, name=name, content=b"", rows=table, is_text=False)
    with engine.scratch() as scratch:
        proof._give(scratch, sheet, [file])
        (body,) = proof._bodies(scratch, sheet, [file])
    parquet.write_table(table, beside)
    path.write_bytes(header(columns).encode() + body)


def faults(folder: Path, monkeypatch: pytest.MonkeyPatch) -> set[Fault]:
    """What is found, be the files first proved in columns or not."""
    found = {failure.fault for failure in verify_files(folder)}
    monkeypatch.setattr(verifying, "COLUMNS_BYTES_MIN", 0)
    assert found == {failure.fault for failure in verify_files(folder)}
    return found


def a_component_that_is_none(rows: Rows) -> None:
    (total,) = (row for row in rows if row["component"] == "rest")
    rows.append({**total, "type": None, "component": "bonus", "settled_minor": 1_000_000})


def a_kind_that_is_none(rows: Rows) -> None:
    rows.append({**rows[0], "type": None, "kind": "gift", "record_id": "r9"})


def a_line_within_a_cell(rows: Rows) -> None:
    rows[-1]["convert_per"] = "\r\nPAID,paid,A-M1"


def a_rate_below_zero(rows: Rows) -> None:
    rows[1]["rate_e8"] *= -1


def another_rate(rows: Rows) -> None:
    rows[1]["rate_e8"] += 1


def a_unit_from_one_line_to_another(rows: Rows) -> None:
    for row, more in zip([row for row in rows if row["currency"] == "USD"], (1, -1), strict=True):
        row["net_minor"] += more
        row["settled_minor"] += more


@pytest.mark.parametrize(
    ("sheet", "change", "fault"),
    [
        ("summary", a_component_that_is_none, Fault.CELL),
        ("details", a_kind_that_is_none, Fault.CELL),
        ("summary", a_line_within_a_cell, Fault.CELL),
        ("details", a_rate_below_zero, Fault.PARQUET),
        ("details", another_rate, Fault.DETAILS),
        ("details", a_unit_from_one_line_to_another, Fault.DETAILS),
    ],
)
def test_rows_that_no_such_file_has_are_caught_either_way(  # noqa: PLR0917  # fixtures
    folder: Path, engine: Any, monkeypatch: pytest.MonkeyPatch, sheet: str,
    change: Callable[[Rows], None], fault: Fault,
) -> None:  # fmt: skip
    """Even where CSV, Parquet and control totals agree with one another."""
    assert faults(folder, monkeypatch) == set()
    monkeypatch.undo()
    forge(engine, folder, sheet, change)
    assert faults(folder, monkeypatch) == {fault}


def test_one_currency_is_not_converted_into_itself(
    folder: Path, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A euro is a euro: twice the euros add up all the way, and are no conversion."""

    def summary(rows: Rows) -> None:
        (own,) = (r for r in rows if r["component"] == "net" and r["currency"] == "EUR")
        for row in rows:
            if row["component"] in ("rest", "paid"):
                row["amount_minor"] += own["settled_minor"]
                row["settled_minor"] += own["settled_minor"]
        double(own, "mid_e8", "rate_e8", "leg_out_e8", "settled_minor")

    def details(rows: Rows) -> None:
        for row in rows:
            if row["currency"] == "EUR":
                double(row, "rate_e8", "settled_minor")

    forge(engine, folder, "summary", summary)
    forge(engine, folder, "details", details)
    assert faults(folder, monkeypatch) == {Fault.CONVERTED}


def double(row: dict[str, Any], *names: str) -> None:
    row.update({name: 2 * row[name] for name in names})
