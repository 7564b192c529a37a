"""The committed night comes to the same on Spark; in the soak, on a cluster of two workers."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from settle.clearing import Agreements, Calculation, Rates, Terms, calculate, net_bare
from settle.engine import AnyEngine, Engine, SparkEngine

NIGHT = Path(__file__).resolve().parents[2] / "fixtures" / "night"
RECORDS = NIGHT / "records-2024-12-18.parquet"


def rows(path: Path) -> list[str]:
    return sorted(map(str, pq.read_table(path).to_pylist()))


def test_the_night_without_terms_is_the_same(
    duck: Engine, spark: SparkEngine, size: Any, tmp_path: Path
) -> None:
    """Its positions as they are written, and in the soak by workers that are other processes."""
    assert size.is_full == size.master.startswith("local-cluster")
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    expected = net_bare([RECORDS], out=one, engine=duck)
    found = net_bare([RECORDS], out=other, engine=spark)
    assert (expected.records, expected.positions) == (found.records, found.positions)
    assert expected.currencies == found.currencies
    assert rows(one) == rows(other)


def test_the_night_under_terms_is_the_same(
    duck: Engine, spark: SparkEngine, size: Any, tmp_path: Path
) -> None:
    """Every record told, and every position to the last column."""
    if not size.is_full:
        pytest.skip("the drawn worlds stand for it in the gate: the soak has it")
    terms = Terms(
        agreements=Agreements.load(NIGHT / "agreements.parquet"),
        rates=Rates.load(NIGHT / "rates.csv"),
    )

    def calculated(engine: AnyEngine, out: Path) -> Calculation:
        files = [RECORDS, NIGHT / "records-2024-12-18-broken.csv"]
        return calculate(files, day=date(2024, 12, 18), terms=terms, engine=engine, out=out)

    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    expected, found = calculated(duck, one), calculated(spark, other)
    assert rows(one) == rows(other)
    assert expected.sums == found.sums
    assert expected.reasons == found.reasons
