"""Records come from files of any size, from whatever speaks Arrow, and from models."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

from settle.clearing import csv_lines
from settle.clearing.csv_lines import csv_chunks
from settle.clearing.json_lines import json_chunks
from settle.clearing.reading import read_batch, read_files
from settle.engine import Engine
from settle.errors import BadInput

FIELDS = ("record_id", "participant_id", "agreement_id", "counterparty_id", "kind", "amount_minor",
          "currency", "occurred_at")  # fmt: skip
AT = datetime(2024, 12, 18, 9, tzinfo=UTC)


class Record(BaseModel):
    """A platform's own model."""

    record_id: str
    participant_id: str = "M1"
    agreement_id: str = "A-M1"
    counterparty_id: str = "P1"
    kind: str = "sale"
    amount_minor: int = 1234
    currency: str = "EUR"
    occurred_at: datetime = AT


def typed(source: Any) -> list[dict[str, Any]]:
    """The rows as they are known to the engine."""
    engine = Engine(threads=1)
    with engine.scratch() as scratch:
        codes = {"currency": ["EUR"], "exponent": [2]}
        scratch.give("currencies", pa.table(codes))
        read_batch(source, name="source", engine=engine).bring(scratch)
        rows: list[dict[str, Any]] = scratch.rows(
            "select record_id, amount_minor, occurred_us from typed order by row"
        ).to_pylist()
    engine.close()
    return rows


def test_models_and_whatever_has_an_arrow_stream_are_the_same_rows() -> None:
    """pydantic, pyarrow, DuckDB: one shape, exact."""
    models = [Record(record_id=f"r{n}") for n in range(3)]
    table = pa.Table.from_pylist([m.model_dump() for m in models])
    with duckdb.connect() as connection:
        relation = connection.from_arrow(table)
        assert typed(models) == typed(table) == typed(relation)


def test_a_csv_file_is_read_a_piece_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pieces number their lines through, and hold what the whole holds."""
    path = tmp_path / "records.csv"
    lines = [",".join(FIELDS), *(f"r{n},M1,A-M1,P1,sale,{n},EUR,{AT:%FT%TZ}" for n in range(1, 50))]
    lines[20] = "a line,too short"
    path.write_text("\n".join(lines))
    whole = typed(path)
    monkeypatch.setattr(csv_lines, "PIECE_BYTES", 100)
    pieces = list(csv_chunks(path, name="f"))
    assert len(pieces) > 10
    rows = [row for piece in pieces for row in piece.column("row").to_pylist()]
    assert sorted(rows) == list(range(2, 51))
    assert whole == typed(path)


def test_json_lines_are_read_a_piece_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A field that a whole piece lacks is blank in it."""
    path = tmp_path / "records.jsonl"
    rows = [Record(record_id=f"r{n}").model_dump_json() for n in range(40)]
    rows[7] = "no object"
    path.write_text("\n".join(rows))
    whole = typed(path)
    monkeypatch.setattr(csv_lines, "PIECE_BYTES", 300)
    assert len(list(json_chunks(path, name="f"))) > 10
    assert whole == typed(path)


@pytest.mark.parametrize("field", ["row", "unreadable", "fields", "refrence"])
def test_a_json_field_that_no_record_has_is_refused_by_name(tmp_path: Path, field: str) -> None:
    """Nor can a file say which line a record stands on."""
    path = tmp_path / "records.jsonl"
    row = Record(record_id="r1").model_dump(mode="json") | {field: 7}
    path.write_text(json.dumps(row))
    with pytest.raises(BadInput, match=f"has a column {field} nobody knows"):
        typed(path)


def test_a_json_line_in_half_a_characters_bytes_is_unreadable(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 spoil their own line, the last one without a line end, too."""
    path = tmp_path / "records.jsonl"
    sound = Record(record_id="r1").model_dump_json().encode()
    path.write_bytes(b"\n".join([sound, sound.replace(b"r1", b"\xed\xa0\x80")]))
    assert ["r1", None] == [row["record_id"] for row in typed(path)]


@pytest.mark.parametrize("other", [{"amount_minor": 1234}, {}])
def test_both_amounts_are_refused_wherever_in_the_file_they_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, int]
) -> None:
    """What a file comes to does not hang on where its pieces happen to be cut."""
    path = tmp_path / "records.jsonl"
    rows = [Record(record_id=f"r{n}").model_dump(mode="json") for n in range(9)]
    last = {name: value for name, value in rows[-1].items() if name != "amount_minor"}
    rows[-1] = {**last, "amount": "12.34", **other}
    path.write_text("\n".join(map(json.dumps, rows)))
    for size in (csv_lines.PIECE_BYTES, 300):
        monkeypatch.setattr(csv_lines, "PIECE_BYTES", size)
        with pytest.raises(BadInput, match="one column of amount_minor and amount"):
            typed(path)


def test_a_later_piece_may_be_without_any_amount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records have none, each by itself; the file is read all the same."""
    path = tmp_path / "records.jsonl"
    rows = [Record(record_id=f"r{n}").model_dump(mode="json") for n in range(9)]
    for row in rows[5:]:
        del row["amount_minor"]
    path.write_text("\n".join(map(json.dumps, rows)))
    whole = typed(path)
    monkeypatch.setattr(csv_lines, "PIECE_BYTES", 300)
    assert [1234] * 5 + [None] * 4 == [row["amount_minor"] for row in typed(path)]
    assert whole == typed(path)


def test_a_file_without_line_ends_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line has a length that no record reaches."""
    path = tmp_path / "long.csv"
    path.write_bytes(",".join(FIELDS).encode() + b"\n" + b"x" * 5000)
    monkeypatch.setattr(csv_lines, "PIECE_BYTES", 100)
    monkeypatch.setattr(csv_lines, "LINE_BYTES_MAX", 1000)
    with pytest.raises(BadInput, match="longer than 1000 bytes"):
        typed(path)


def test_several_files_are_read_as_one_and_each_row_knows_its_file(tmp_path: Path) -> None:
    """Parquet files of one shape are one query; others are put together. Both number alike."""
    table = pa.Table.from_pylist([Record(record_id="a").model_dump()])
    paths = []
    for name in ("one", "two"):
        pq.write_table(table, tmp_path / f"{name}.parquet")
        paths.append(tmp_path / f"{name}.parquet")
    csv = tmp_path / "three.csv"
    csv.write_text(",".join(FIELDS) + f"\na,M1,A-M1,P1,sale,1234,EUR,{AT:%FT%TZ}\n")
    engine = Engine(threads=1)
    for files in (paths, [*paths, csv]):
        with engine.scratch() as scratch:
            scratch.give("currencies", pa.table({"currency": ["EUR"], "exponent": [2]}))
            read_files(files, engine=engine).bring(scratch)
            rows = scratch.rows("select row from typed order by row").column(0).to_pylist()
        assert [n * 2**40 + (2 if n == 2 else 1) for n in range(len(files))] == rows
    engine.close()


def test_nanoseconds_that_lose_nothing_are_taken_and_others_refused(tmp_path: Path) -> None:
    """What the engine would cut is read another way, and refused by name."""
    table = pa.Table.from_pylist([Record(record_id="a").model_dump()])
    place = table.column_names.index("occurred_at")
    exact = pa.array([int(AT.timestamp()) * 10**9], pa.timestamp("ns", tz="UTC"))
    path = tmp_path / "records.parquet"
    pq.write_table(table.set_column(place, "occurred_at", exact), path)
    assert typed(table) == typed(path)
    cut = pa.array([int(AT.timestamp()) * 10**9 + 1], pa.timestamp("ns", tz="UTC"))
    pq.write_table(table.set_column(place, "occurred_at", cut), path)
    with pytest.raises(BadInput, match=r"column occurred_at.*does not fit exactly"):
        typed(path)
