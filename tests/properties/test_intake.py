"""Whatever bytes come as CSV or JSON lines, each line is one record or one finding."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.size import examples

from settle.clearing.csv_lines import csv_columns, is_text
from settle.clearing.json_lines import json_columns, one_by_one
from settle.clearing.reading import read_batch
from settle.clearing.records import KNOWN
from settle.engine import Engine, Scratch
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


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def scratch(engine: Engine) -> Iterator[Scratch]:
    with engine.scratch() as opened:
        yield opened


@settings(deadline=None, max_examples=examples(100, full=2000))
@given(lines=st.lists(st.one_of(st.text(max_size=12), st.just('{"record_id": "a"}')), max_size=8))
def test_no_json_line_is_lost(scratch: Scratch, lines: list[str]) -> None:
    """Each line that says something is one row, an object or not."""
    content = "\n".join(lines).encode()
    said = [n for n, line in enumerate(content.split(b"\n"), start=1) if line.strip()]
    try:
        table = json_columns(content, scratch=scratch, name="f")
    except BadInput:
        return
    assert said == sorted(table.column("row").to_pylist())


VALUES = st.sampled_from(
    [b'"a"', b'""', b"1", b"-0", b"-1", b"01", b"1.0", b"1e3", b"1E400", b"true", b"null", b"NaN",
     b"-Infinity", b"18446744073709551615", b"18446744073709551616", b"-9223372036854775809",
     b'"\\ud83d\\ude00"', b'"\\ud800"', b'"\\u0000"', b'"\\/\\n"', b'"\xc3\xa9"',
     b'"\xed\xa0\x80"', b'"\x7f\t"', b'"\xff"', b"[]", b'{"a":1.5,"b":[{}]}', b'{"a":1,"a":2}',
     b"[" * 2000, b"'a'", b""]
)  # fmt: skip
NAMES = st.sampled_from([*sorted(KNOWN), "\\u006bind", "kin\\u0064"])
FIELDS = st.builds(
    lambda name, value: b'"%s":%s' % (name.encode(), value), NAMES, VALUES | st.binary(max_size=4)
)
OBJECTS = st.builds(
    lambda ends, fields, comma: ends[0] + comma.join(fields) + ends[1],
    st.sampled_from([(b"{", b"}"), (b" {", b" }\r"), (b"{", b",}"), (b"{", b""),
                     (b"\xef\xbb\xbf{", b"}"), (b"[{", b"}]"), (b"", b""), (b"{", b"} //"),
                     (b"\x0b{", b"}\x0c"), (b"{,", b"}")]),
    st.lists(FIELDS, max_size=4),
    st.sampled_from([b",", b" , ", b",,", b" "]),
)  # fmt: skip


@settings(deadline=None, max_examples=examples(40, full=4000))
@given(lines=st.lists(OBJECTS.filter(lambda line: b"\n" not in line), max_size=20))
@example(lines=[b'{"kind":[1,],"amount":{"a":1,}}', json.dumps(dict.fromkeys(KNOWN, "a")).encode()])
def test_in_columns_and_one_by_one_lines_say_the_same(scratch: Scratch, lines: list[bytes]) -> None:
    """Where the engine vouches for a line, it gives what the strict reader gives."""
    lines = [b'{"kind": 1}', *lines]
    texts = [line.decode() if is_text(line) else None for line in lines]
    singly = _told(lambda: one_by_one(list(enumerate(texts, start=1)), name="f"))
    assert singly == _told(lambda: json_columns(b"\n".join(lines), scratch=scratch, name="f"))


def _told(read: Callable[[], pa.Table]) -> list[set[tuple[str, str]]] | str:
    """What the lines hold, blank fields left out, or why all is refused."""
    try:
        rows = read().sort_by("row").to_pylist()
    except BadInput as error:
        return error.message
    return [{pair for pair in row.items() if pair[1] is not None} for row in rows]


def test_a_plain_record_is_read_in_columns(scratch: Scratch) -> None:
    """The engine itself vouches for every field of a record; one in another it leaves alone."""
    plain = dict.fromkeys(KNOWN, "said")
    lines = [plain, {**plain, "amount": 12}, {**plain, "attributes": {}}]
    json_columns("\n".join(map(json.dumps, lines)).encode(), scratch=scratch, name="f")
    assert [1, 2] == scratch.rows("select row from readable order by row").column(0).to_pylist()


@settings(
    deadline=None,
    max_examples=examples(60, full=600),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(content=st.binary(max_size=200), ending=st.sampled_from([".csv", ".jsonl", ".parquet"]))
def test_rubbish_is_refused_by_name(
    tmp_path: Path, engine: Engine, content: bytes, ending: str
) -> None:
    """Bytes that are no record file end in one clear line and never in another exception."""
    path = tmp_path / f"rubbish{ending}"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="rubbish"):
        read_batch(path, name="rubbish", engine=engine)
