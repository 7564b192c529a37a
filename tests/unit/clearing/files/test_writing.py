"""Files are there for everybody who was active, whole or not at all, and the same each time."""

from __future__ import annotations

import csv
import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from tests.properties.netting_world import DAY, record, terms

from settle.clearing import Rates
from settle.clearing.files import read_details, read_summary, verify_files
from settle.clearing.files.names import FileName, folder_name
from settle.clearing.files.writing import FilesWritten
from settle.errors import BadInput, NotConserved
from settle.money import parse_rate

PARTNER = terms("P1", role="partner")


def sale(number: int, **other: Any) -> dict[str, Any]:
    return {"original_record_id": None, "reference": None, **record(number, **other)}


def digests(written: FilesWritten) -> dict[str, str]:
    paths = (path for path in written.folder.rglob("*") if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_who_was_active_and_sold_nothing_gets_files_of_zero(houses: Any) -> None:
    """An empty cycle has its files, with count 0; who has ended or not begun has none."""
    parties = [
        terms("M1", terminated_on=None), terms("M2", settlement_currency="JPY"), PARTNER,
        terms("M3", terminated_on=DAY), terms("M4", valid_from=date(2024, 12, 19)),
    ]  # fmt: skip
    with houses(parties) as house:
        house.take([sale(1)])
        house.close()
        written = house.write()
        assert ["A-M1", "A-M2"] == sorted(path.name for path in written.folder.iterdir())
        (path,) = (written.folder / "A-M2").glob("details_*.csv")
        ends = path.read_text().splitlines()[1:]
        assert [
            "CONTROL,A-M2,,2024-12-18,,,,,,,,,0,JPY,0,D,0,0,0,0,,,JPY,0,D", "<END>",
        ] == ends  # fmt: skip
        (summary,) = (written.folder / "A-M2").glob("summary_*.csv")
        assert [("TOTAL", 0, 0)] == [
            (row["type"], row["records"], row["settled_minor"])
            for row in read_summary(summary).rows
        ]
        assert verify_files(written.folder) == []


def test_a_window_with_nothing_in_it_still_has_files(houses: Any) -> None:
    """Nobody sold anything: everybody's files say so."""
    with houses([terms("M1"), PARTNER]) as house:
        house.close()
        written = house.write()
        assert (1, 4, 0) == (written.agreements, written.files, written.records)
        assert verify_files(written.folder) == []


def test_writing_twice_gives_the_same_bytes(houses: Any) -> None:
    """The same window again, elsewhere or over itself, for all or for one: the same bytes."""
    with houses([terms("M1", fee_ppm=29_000), terms("M2"), PARTNER]) as house:
        house.take([sale(n, currency="USD", participant_id=f"M{1 + n % 2}",
                         agreement_id=f"A-M{1 + n % 2}") for n in range(9)])  # fmt: skip
        house.close()
        first = digests(house.write())
        assert first == digests(house.write()) == digests(house.write(out="elsewhere"))
        alone = digests(house.write("A-M2", out="alone"))
        assert {name: each for name, each in first.items() if "_A-M2_" in name} == alone
        assert [DAY.isoformat()] == [path.name for path in (house.root / "out").iterdir()]


def test_rates_that_are_not_those_of_the_close_write_nothing(houses: Any) -> None:
    """Files are of the very figures that were settled, or they are not written."""
    with houses([terms("M1"), PARTNER]) as house:
        house.take([sale(1, currency="USD")])
        house.close()
        house.rates = Rates({DAY: {"USD": parse_rate("1.06")}})
        with pytest.raises(NotConserved, match=r"A-M1.*USD"):
            house.write()
        assert [] == list((house.root / "out").iterdir())


def test_what_cannot_be_written_is_refused_by_name(houses: Any) -> None:
    """An open window and an agreement nobody knows are named."""
    with houses([terms("M1"), PARTNER]) as house:
        with pytest.raises(BadInput, match="2024-12-18 is not closed"):
            house.write()
        house.close()
        with pytest.raises(BadInput, match="A-M9"):
            house.write("A-M9")


def test_details_that_no_thousand_files_hold_are_refused(houses: Any) -> None:
    """The sequence has three digits; what is beyond it is not cut off silently."""
    with houses([terms("M1"), PARTNER]) as house:
        house.take([sale(n) for n in range(1001)])
        house.close()
        with pytest.raises(BadInput, match=r"A-M1.*1000 files"):
            house.write(lines_max=1)
        assert [] == list((house.root / "out").iterdir())


HOSTILE = [
    "=1+1", "+1", "-1", "@x", "\t=1", " =1", "'=1", "'", "''", 'say "hi"', "a,b", "a\rb", "a\nb",
    "a\r\nb", "<END>", "\r\n<END>\r\n", "x\u2028y", "\uff1d1", "", "ok", "\uff0d1",
]  # fmt: skip


def test_text_comes_back_as_it_was_and_no_spreadsheet_runs_it(houses: Any) -> None:
    """What begins like a formula stands behind an apostrophe; every text is read back exactly."""
    with houses([terms("M1"), PARTNER]) as house:
        house.take([sale(n, reference=text) for n, text in enumerate(HOSTILE)])
        house.close()
        written = house.write()
        assert verify_files(written.folder) == []
        (path,) = written.folder.rglob("details_*.csv")
        told = [row["reference"] for row in read_details(path).rows]
        assert HOSTILE == told
        with path.open(newline="", encoding="utf-8") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell.strip(" ")[:1] in tuple("=+@\t\r\n＝＋－＠")]
        assert [] == [cell for cell in cells if cell[:1] == "-"]


def test_parquet_holds_minor_units_as_integers(houses: Any) -> None:
    """No float in a file: amounts are 64-bit integers, signed, and rates units of 10⁻⁸."""
    with houses([terms("M1", fee_ppm=29_000), PARTNER]) as house:
        house.take([sale(1, currency="USD", amount_minor=10_000)])
        house.close()
        (path,) = house.write().folder.rglob("details_*.parquet")
        table = parquet.read_table(path)
        for name in ("amount_minor", "fee_minor", "net_minor", "settled_minor", "rate_e8"):
            assert pa.int64() == table.schema.field(name).type
        assert [-290] == table.column("fee_minor").to_pylist()


def test_an_id_with_a_path_in_it_stays_inside_the_folder(houses: Any) -> None:
    """An agreement named to climb out has its folder like any other."""
    own = {**terms("M1"), "agreement_id": "../../A_1"}
    with houses([own, PARTNER]) as house:
        house.close()
        written = house.write()
        assert ["%2E.%2F..%2FA_1"] == [path.name for path in written.folder.iterdir()]
        assert verify_files(written.folder) == []


@given(agreement_id=st.text(min_size=1))
def test_a_file_name_tells_its_parts(agreement_id: str) -> None:
    """Whatever an agreement is called, its files' names can be taken apart again."""
    try:
        agreement_id.encode()
    except UnicodeEncodeError:
        return
    folder = folder_name(agreement_id)
    name = FileName(
        sheet="details", agreement=folder, currency="EUR", batch="20241218-0123abcd", sequence=7
    )
    assert name == FileName.of(str(name))
    assert folder not in (".", "..")
    assert len(str(name).encode()) <= 160
    assert Path(folder).name == folder
