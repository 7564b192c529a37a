"""Whatever bytes come as CSV or JSON lines, each line is one record or one finding."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.size import examples

from settle.clearing.csv_lines import csv_columns
from settle.clearing.json_lines import json_columns
from settle.clearing.reading import read_batch
from settle.errors import BadInput

HEADER = b"record_id,participant_id,agreement_id,counterparty_id,kind,amount,currency,occurred_at"
PIECES = st.sampled_from(
    [b"a", b",", b",,,,,,,", b'"', b'""', b" ", b"\r", b"\xc3\xa9", b"\xe9", b"\\", b"'", b"1.00",
     b"r,M1,A,P,sale,1,EUR,t"]
)  # fmt: skip
LINES = st.lists(st.lists(PIECES, max_size=6).map(b"".join), max_size=12)


@settings(deadline=None, max_examples=examples(200, full=5000))
@given(lines=LINES)
@example(lines=[b'"', b"a", b'"'])
@example(lines=[b'a","', b"a"])
@example(lines=[b'x"y,,,,,,,', b",,,,,,,"])
def test_no_csv_line_is_lost_or_swallows_another(lines: list[bytes]) -> None:
    """Each line that says something is one row under its own number, readable or not."""
    table = csv_columns(b"\n".join([HEADER, *lines]), name="f")
    rows = table.column("row").to_pylist()
    assert len(set(rows)) == len(rows)
    plain = {n for n, line in enumerate(lines, start=2) if line.strip(b' ",\r')}
    assert plain <= set(rows)
    assert set(rows) <= {n for n, line in enumerate(lines, start=2) if line}


@settings(deadline=None, max_examples=examples(100, full=2000))
@given(lines=st.lists(st.one_of(st.text(max_size=12), st.just('{"record_id": "a"}')), max_size=8))
def test_no_json_line_is_lost(lines: list[str]) -> None:
    """Each line that says something is one row, an object or not."""
    content = "\n".join(lines).encode()
    said = [n for n, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
    try:
        table = json_columns(content, name="f")
    except BadInput:
        return
    assert said == table.column("row").to_pylist()


@settings(
    deadline=None,
    max_examples=examples(60, full=600),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=st.binary(max_size=200), ending=st.sampled_from([".csv", ".jsonl", ".parquet"]))
def test_rubbish_is_refused_by_name(tmp_path: Path, content: bytes, ending: str) -> None:
    """Bytes that are no record file end in one clear line and never in another exception."""
    path = tmp_path / f"rubbish{ending}"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="rubbish"):
        read_batch(path, name="rubbish")
