"""Input made to stop a night: each is one clear refusal, and the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from settle.clearing import Rates
from settle.clearing.reading import read_batch
from settle.engine import Engine
from settle.errors import BadInput

RECORD = {
    "record_id": "S-1", "participant_id": "M1", "agreement_id": "A1", "counterparty_id": "P1",
    "kind": "sale", "currency": "EUR", "amount": "1.00", "occurred_at": "2024-12-18T09:00:00Z",
}  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One engine for all of them."""
    engine = Engine(threads=1)
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("USD,1.04\nUSD,1.05", "USD has another rate on the same day"),
        ("EUR,2", "one euro is one euro"),
    ],
)
def test_rates_that_contradict_are_refused(rows: str, says: str, tmp_path: Path) -> None:
    """The last of two rates never wins in silence."""
    path = tmp_path / "rates.csv"
    lines = "".join(f"2024-12-18,{row}\n" for row in rows.split("\n"))
    path.write_text("as_of,currency,per_euro\n" + lines)
    with pytest.raises(BadInput, match=says):
        Rates.load(path)


def test_half_a_character_spoils_its_line_only(tmp_path: Path, engine: Engine) -> None:
    """An escape that names no character is a line nobody can read."""
    path = tmp_path / "records.jsonl"
    path.write_text('{"record_id": "J\\ud800"}\n{"record_id": "S-2", "kind": "sale"}\n')
    with pytest.raises(BadInput, match="has no column"):
        read_batch(path, name=path.name, engine=engine)
    with pytest.raises(BadInput, match="not Unicode"):
        read_batch([RECORD | {"record_id": "J\ud800"}], name="mappings", engine=engine)


@pytest.mark.parametrize("own", ["row", "unreadable"])
def test_a_files_own_column_is_not_taken_for_ours(own: str, tmp_path: Path, engine: Engine) -> None:
    """Line numbers come from the reader, never from the file."""
    path = tmp_path / "records.parquet"
    parquet.write_table(
        pa.table({key: [value] for key, value in (RECORD | {own: "x"}).items()}), path
    )
    with pytest.raises(BadInput, match=f"has a column {own} nobody knows"):
        read_batch(path, name=path.name, engine=engine)


def test_a_file_the_lake_has_lost_is_named(tmp_path: Path) -> None:
    """Somebody deleted records that the store counts on."""
    engine = Engine()
    with engine.scratch() as scratch, pytest.raises(BadInput, match=r"gone\.parquet is missing"):
        scratch.read("records", [tmp_path / "gone.parquet"], columns={"record_id": "varchar"})
    engine.close()
