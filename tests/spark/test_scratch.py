"""A computation on Spark is one on DuckDB: the same words, the same columns, the same refusals."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from settle.engine import AnyEngine, SparkEngine
from settle.errors import BadInput, ConfigError, MoneyError

MOST = 2**63 - 1
WIDE = "cast(a as decimal(38, 0))"
TYPED = pa.table(
    {
        "text": pa.array(["x", None, "ß"], pa.string()),
        "whole": pa.array([1, MOST, None], pa.int64()),
        "small": pa.array([1, None, -1], pa.int32()),
        "flag": pa.array([True, None, False], pa.bool_()),
        "day": pa.array([date(2024, 12, 18), None, date(1999, 12, 31)], pa.date32()),
        "at": pa.array([datetime(2024, 12, 18, tzinfo=UTC)] * 3, pa.timestamp("us", tz="UTC")),
        "wide": pa.array([Decimal(10**37), None, Decimal(-1)], pa.decimal128(38, 0)),
    }
)


def test_columns_go_in_and_come_out_as_they_are(either: AnyEngine) -> None:
    """Types, nulls and every digit survive the way in, a step, and the way out."""
    with either.scratch() as scratch:
        scratch.give("typed", TYPED)
        scratch.step("kept", "select * from typed")
        scratch.step("again", "select * from kept union all select * from kept where small = 1")
        assert TYPED.schema == scratch.rows("select * from kept").schema
        assert sorted(map(str, TYPED.to_pylist())) == sorted(
            map(str, scratch.rows("select * from kept").to_pylist())
        )
        assert 4 == scratch.value("select count(*) from again")


def test_sums_are_exact_past_64_bits_and_the_way_out_refuses_them(either: AnyEngine) -> None:
    """A sum that NumPy, pandas, pyarrow and Polars wrap to -2^63 is 2^63 inside, and no bigint."""
    column = pa.array([MOST, 1], pa.int64())
    with either.scratch() as scratch:
        scratch.give("r", pa.table({"a": column}))
        assert Decimal(2**63) == scratch.value(f"select sum({WIDE}) from r")
        with pytest.raises(MoneyError, match="beyond what its column holds"):
            scratch.value(f"select minor(sum({WIDE})) from r")
        assert MOST == scratch.value(f"select minor(sum({WIDE})) from r where a > 1")
        assert -MOST - 1 == scratch.value(f"select minor(-sum({WIDE})) from r")


def test_a_plain_sum_never_wraps_either(either: AnyEngine) -> None:
    """The planted defect is a bigint sum: the engines refuse it or widen it, none is negative."""
    with either.scratch() as scratch:
        scratch.give("r", pa.table({"a": pa.array([MOST, 1], pa.int64())}))
        try:
            total = scratch.value("select sum(a) from r")
        except MoneyError:
            return
        assert 2**63 == int(total)


@pytest.mark.parametrize(
    "figure", [f"sum({WIDE} * power_of_ten)", f"max({WIDE} * power_of_ten * power_of_ten)"]
)
def test_what_38_digits_do_not_hold_is_refused(either: AnyEngine, figure: str) -> None:
    """Beyond decimal(38,0) there is an error of ours, not a null and not fewer digits."""
    ten = pa.array([Decimal(10**19)] * 11, pa.decimal128(38, 0))
    with either.scratch() as scratch:
        scratch.give("r", pa.table({"a": pa.array([MOST] * 11, pa.int64()), "power_of_ten": ten}))
        with pytest.raises(MoneyError, match="beyond what its column holds"):
            scratch.value(f"select {figure} * 10 from r")


def test_a_text_that_is_no_number_is_refused(either: AnyEngine) -> None:
    """A cast of a bad text raises; it does not give null."""
    with either.scratch() as scratch:
        scratch.give("r", pa.table({"a": ["1", "one"]}))
        with pytest.raises(MoneyError, match="one"):
            scratch.rows("select cast(a as bigint) from r")


def test_a_name_given_anew_leaves_what_was_built_on_the_old_one(either: AnyEngine) -> None:
    """A step means the tables of its time, also on an engine that computes it later."""
    with either.scratch() as scratch:
        scratch.step("first", "select cast(1 as bigint) as a")
        scratch.step("kept", "select a + 1 as a from first")
        scratch.step("first", "select cast(0 as bigint) as a")
        assert 2 == scratch.value("select a from kept")
        assert 0 == scratch.value("select a from first")


def test_files_are_read_with_a_clause_and_none_is_an_empty_table(
    either: AnyEngine, tmp_path: Path
) -> None:
    """Earlier files are one table; the first night has none; a file that is gone is named."""
    path = tmp_path / "ids.parquet"
    pq.write_table(pa.table({"record_id": ["a", "b"], "n": pa.array([1, 2], pa.int64())}), path)
    columns = {"record_id": "varchar", "n": "bigint"}
    with either.scratch() as scratch:
        scratch.read("later", [path], columns=columns, where="where n > 1")
        scratch.read("nothing_yet", [], columns=columns)
        assert [{"record_id": "b", "n": 2}] == scratch.rows("select * from later").to_pylist()
        assert (
            scratch.rows("select * from later").schema
            == scratch.rows("select * from nothing_yet").schema
        )
        with pytest.raises(BadInput, match=r"gone\.parquet is missing"):
            scratch.read("gone", [tmp_path / "gone.parquet"], columns=columns)


def test_two_computations_do_not_see_each_other(spark: SparkEngine) -> None:
    """Scratch tables end with their computation, and so do their files."""
    from pyspark.errors import AnalysisException

    with spark.scratch() as one, spark.scratch() as other:
        one.step("mine", "select 1 as a")
        assert 1 == one.value("select a from mine")
        with pytest.raises(AnalysisException, match="mine"):
            other.rows("select * from mine")
        folder = one._folder
        assert any(folder.iterdir())
    assert not folder.exists()


def test_days_and_sums_do_not_hang_on_the_machine(spark: SparkEngine) -> None:
    """The session is UTC and ANSI, whatever the machine's zone and Spark's defaults are."""
    with spark.scratch() as scratch:
        conf = scratch._session.conf
        assert ("UTC", "true") == tuple(
            conf.get(name) for name in ("spark.sql.session.timeZone", "spark.sql.ansi.enabled")
        )


def test_a_second_application_in_one_process_is_refused(spark: SparkEngine) -> None:
    """Spark would give the first one's settings to the second without a word."""
    with spark.scratch(), pytest.raises(ConfigError, match="end it first"):
        SparkEngine("local[1]").scratch().__enter__()


@pytest.mark.parametrize(
    ("said", "expected"), [("4GB", "4g"), ("512 MiB", "512m"), ("3g", "3g"), ("1tb", "1t")]
)
def test_memory_is_said_as_java_takes_it(said: str, expected: str) -> None:
    """One option means the same on both engines: Java itself does not start with 4GB."""
    assert expected == SparkEngine("local", memory=said)._settings["spark.driver.memory"]


def test_memory_that_is_no_amount_is_refused() -> None:
    """Before anything is started, and by name."""
    with pytest.raises(ConfigError, match="memory: 'half' is not a whole number"):
        SparkEngine("local", memory="half")


def test_a_result_is_one_file_of_any_type(either: AnyEngine, tmp_path: Path) -> None:
    """Types, nulls and every digit survive; a result of no rows is a file of none."""
    with either.scratch() as scratch:
        scratch.give("typed", TYPED)
        scratch.write("select * from typed", tmp_path / "all.parquet")
        scratch.write("select * from typed where small > 5", tmp_path / "none.parquet")
    found, none = (pq.read_table(tmp_path / name) for name in ("all.parquet", "none.parquet"))
    assert TYPED.schema.types == found.schema.types
    assert sorted(map(str, TYPED.to_pylist())) == sorted(map(str, found.to_pylist()))
    assert (0, TYPED.column_names) == (none.num_rows, none.column_names)
