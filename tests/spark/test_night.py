"""The committed night comes to the same on a cluster of two workers."""

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


@pytest.fixture(autouse=True)
def _full(size: Any) -> None:
    if not size.is_full:
        pytest.skip("what is drawn stands for the night in the gate: the soak has it")


def rows(path: Path) -> list[str]:
    return sorted(map(str, pq.read_table(path).to_pylist()))


def test_the_night_without_terms_is_the_same(
    duck: Engine, spark: SparkEngine, tmp_path: Path
) -> None:
    """Its positions as they are written, by workers that are other processes."""
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    expected = net_bare([RECORDS], out=one, engine=duck)
    found = net_bare([RECORDS], out=other, engine=spark)
    assert (expected.records, expected.positions) == (found.records, found.positions)
    assert expected.currencies == found.currencies
    assert rows(one) == rows(other)


def test_the_night_under_terms_is_the_same(
    duck: Engine, spark: SparkEngine, tmp_path: Path
) -> None:
    """Every record told, and every position to the last column."""
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
