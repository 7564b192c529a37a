"""Records without terms come to the same on Spark as on DuckDB, and are refused for the same."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from settle.clearing import bare, net_bare
from settle.clearing.kinds import CORRECTIONS, DIRECTIONS
from settle.engine import AnyEngine, Engine, SparkEngine
from settle.errors import BadInput, MoneyError, NotConserved

NOON = datetime(2024, 12, 18, 12, tzinfo=UTC)
MOST = 2**63 - 1
AMOUNTS = st.one_of(st.integers(1, 9), st.integers(2**31 - 2, 2**33), st.integers(1, 2**52))
RECORDS = st.fixed_dictionaries(
    {
        "agreement_id": st.sampled_from(["A-1", "A-2", "A-ß", "a-1"]),
        "counterparty_id": st.sampled_from(["P1", "P2", ""]),
        "kind": st.sampled_from([str(kind) for kind in CORRECTIONS]),
        "amount_minor": AMOUNTS,
        "currency": st.sampled_from(["EUR", "JPY"]),
    }
)
SCHEMA = pa.schema(
    {
        **dict.fromkeys(("record_id", "participant_id", "agreement_id"), pa.string()),
        **dict.fromkeys(("counterparty_id", "kind"), pa.string()), "amount_minor": pa.int64(),
        "currency": pa.string(), "occurred_at": pa.timestamp("us", "UTC"),
    }
)  # fmt: skip
Row = dict[str, Any]


def record(number: int, **said: Any) -> Row:
    """One sound sale, or what is said of it."""
    return {
        "record_id": f"r-{number}", "participant_id": "M", "agreement_id": "A-1",
        "counterparty_id": "P1", "kind": "sale", "amount_minor": 1, "currency": "EUR",
        "occurred_at": NOON, **said,
    }  # fmt: skip


def parquet(path: Path, rows: Sequence[Row], amount: pa.DataType | None = None) -> Path:
    path.parent.mkdir(exist_ok=True)
    at = SCHEMA.get_field_index("amount_minor")
    schema = SCHEMA.set(at, pa.field("amount_minor", amount or pa.int64()))
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)
    return path


def text(path: Path, rows: Sequence[Row]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=SCHEMA.names)
        writer.writeheader()
        writer.writerows({**row, "occurred_at": row["occurred_at"].isoformat()} for row in rows)
    return path


def positions(rows: Sequence[Row]) -> Iterator[Row]:
    """What they come to in Python's integers."""
    sides: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        key = row["agreement_id"], row["currency"]
        sides[key].append((DIRECTIONS[row["kind"]].sign, row["amount_minor"]))
    for (agreement, currency), each in sides.items():
        credit, debit = (sum(amount for sign, amount in each if sign == way) for way in (1, -1))
        yield {
            "agreement_id": agreement, "currency": currency, "records": len(each),
            "credits_minor": credit, "debits_minor": debit, "net_minor": credit - debit,
        }  # fmt: skip


def by_key(rows: Iterator[Row] | Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row["agreement_id"], row["currency"]))


def test_files_come_to_the_same_positions_row_for_row(
    duck: Engine, spark: SparkEngine, many: Callable[..., list[Any]], size: Any, tmp_path: Path
) -> None:
    """Plain Parquet that Spark reads, text that it does not, partners' totals beyond 64 bits."""
    drawn = [record(n, **said) for n, said in enumerate(many(RECORDS, size.records))]
    large = [record(n, agreement_id=f"L-{n}", amount_minor=MOST) for n in range(3)]
    small = [record(n, agreement_id="S", kind="fee", amount_minor=2**15 - 1) for n in range(3)]
    plain = [
        parquet(tmp_path / "[a] *{b}?.parquet", drawn),
        parquet(tmp_path / "large 100%.parquet", large),
        parquet(tmp_path / "currency=XXX" / "small.parquet", small, pa.int16()),
    ]
    mixed = [text(tmp_path / "drawn.csv", drawn), plain[1], plain[2]]
    expected = by_key(positions([*drawn, *large, *small]))
    for files in (plain, mixed):
        tables = []
        for engine in (duck, spark):
            out = tmp_path / "positions.parquet"
            found = net_bare(files, out=out, engine=engine)
            tables.append(pq.read_table(out))
            assert (len(drawn) + 6, len(expected)) == (found.records, found.positions)
            assert ("EUR", "JPY") == found.currencies
        assert expected == by_key(tables[0].to_pylist())
        assert expected == by_key(tables[1].to_pylist())
        assert tables[0].schema.names == tables[1].schema.names
        assert tables[0].schema.types == tables[1].schema.types


@pytest.mark.parametrize(
    ("said", "error", "match"),
    [
        ({"kind": "tip"}, BadInput, "'r-1' is unsound"),
        ({"amount_minor": 0}, BadInput, "'r-1' is unsound"),
        ({"amount_minor": None}, BadInput, "'r-1' is unsound"),
        ({"amount_minor": MOST}, MoneyError, "beyond what its column holds"),
    ],
    ids=["kind", "zero", "none", "beyond"],
)
def test_what_cannot_be_netted_is_refused_and_nothing_is_written(
    either: AnyEngine, tmp_path: Path, said: Row, error: type[Exception], match: str
) -> None:
    """An unknown kind, an amount that is none, and a total beyond 64 bits, which never wraps."""
    path = parquet(tmp_path / "records.parquet", [record(0), record(1, **said)])
    with pytest.raises(error, match=match):
        net_bare([path], out=tmp_path / "out" / "positions.parquet", engine=either)
    assert [] == list((tmp_path / "out").iterdir())


def test_positions_that_do_not_sum_to_zero_are_never_published(
    either: AnyEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A netter that forgets what is taken from merchants is found out by the other sides."""
    views = bare.bare_views()
    was = "minor(turnover_minor - credits_minor) as debits_minor"
    assert was in views["netted_bare"], "the netter is no longer written that way"
    forgetful = views["netted_bare"].replace(was, "minor(0 * turnover_minor) as debits_minor")
    monkeypatch.setattr(bare, "bare_views", lambda: {**views, "netted_bare": forgetful})
    path = parquet(tmp_path / "records.parquet", [record(0), record(1, kind="refund")])
    with pytest.raises(NotConserved, match="EUR sum to 1,"):
        net_bare([path], out=tmp_path / "out" / "positions.parquet", engine=either)
    assert [] == list((tmp_path / "out").iterdir())


def test_a_file_that_spark_would_pass_over_is_refused(spark: SparkEngine, tmp_path: Path) -> None:
    """Spark reads nothing from a hidden file and says nothing: zero records would be positions."""
    path = parquet(tmp_path / "_records.parquet", [record(0)])
    with pytest.raises(BadInput, match="name it otherwise"):
        net_bare([path], out=tmp_path / "positions.parquet", engine=spark)
