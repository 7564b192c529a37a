"""The engine computes columns exactly, in a space of its own, and reaches for nothing."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settle.engine import Engine, Scratch, parquet, repeats
from settle.errors import Interrupted, MoneyError
from settle.money import Rounding, divide

WIDE = st.integers(-(10**36), 10**36)
NEAR_HALF = st.builds(
    lambda whole, den, off: (whole * den + den // 2 + off, den),
    st.integers(-(10**20), 10**20),
    st.integers(1, 10**14),
    st.integers(-2, 2),
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def scratch(engine: Engine) -> Iterator[Scratch]:
    with engine.scratch() as scratch:
        yield scratch


@given(pair=st.one_of(NEAR_HALF, st.tuples(WIDE, st.integers(1, 10**18))))
def test_division_rounds_as_python_does(scratch: Scratch, pair: tuple[int, int]) -> None:
    """A fee computed in columns is the fee computed by `settle.money.divide`, ties included."""
    numerator, denominator = pair
    for rounding in (Rounding.HALF_EVEN, Rounding.HALF_UP):
        wide = f"cast({numerator} as decimal(38,0)), cast({denominator} as decimal(38,0))"
        query = f"select divide_as({wide}, '{rounding.value}')"
        expected = divide(numerator, denominator, rounding=rounding)
        assert Decimal(expected) == scratch.value(query)


def test_a_sum_past_64_bits_widens_and_the_way_out_refuses_it(scratch: Scratch) -> None:
    """Nothing wraps: 2^63 is a sum inside and an error where a column must hold it."""
    edge = 2**63 - 1
    scratch.give("r", pa.table({"a": pa.array([edge, 1], pa.int64())}))
    total = "sum(cast(a as decimal(38, 0)))"
    assert Decimal(2**63) == scratch.value(f"select {total} from r")
    with pytest.raises(MoneyError, match=r"beyond what its column holds.*9223372036854775808"):
        scratch.value(f"select minor({total}) from r")


def test_two_computations_do_not_see_each_other(engine: Engine) -> None:
    """Scratch tables end with their computation."""
    with engine.scratch() as one, engine.scratch() as other:
        one.step("mine", "select 1 as a")
        with pytest.raises(duckdb.Error, match="mine"):
            other.rows("select * from mine")


def test_nothing_is_fetched_from_the_network(engine: Engine) -> None:
    """Extensions are neither downloaded nor loaded on their own."""
    with engine.scratch() as scratch:
        for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
            assert str(scratch.value(f"select current_setting('{setting}')")).lower() == "false"
        assert scratch.value("select current_setting('timezone')") == "UTC"


def test_no_file_reads_as_an_empty_table_of_the_same_shape(
    scratch: Scratch, tmp_path: Path
) -> None:
    """The first night has no earlier files, and its views run all the same."""
    scratch.read("earlier", [], columns={"record_id": "varchar", "n": "bigint"})
    assert scratch.rows("select * from earlier").column_names == ["record_id", "n"]
    assert scratch.value("select count(*) from earlier") == 0


@pytest.mark.parametrize(
    ("named", "decoy"),
    [
        ("in[1].parquet", "in1.parquet"),
        ("in[!a].parquet", "inb.parquet"),
        ("in*.parquet", "in-other.parquet"),
        ("in?.parquet", "in1.parquet"),
        ("[[]].parquet", "[.parquet"),
        ("a]b{1,2}'.parquet", "a]b1'.parquet"),
        ("lake[1]/in.parquet", "lake1/in.parquet"),
        ("**/in.parquet", "deep/er/in.parquet"),
    ],
)
def test_the_file_that_is_named_is_read_and_none_that_its_name_would_match(
    scratch: Scratch, tmp_path: Path, named: str, decoy: str
) -> None:
    """A name is no pattern, whatever signs are in it, with or without a file it would match."""
    for name in (named, decoy):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"name": [name]}), tmp_path / name)
        query = f"select name from {parquet([tmp_path / named])}"
        assert [named] == scratch.rows(query).column(0).to_pylist()


def test_a_tilde_in_a_path_is_a_folder_and_no_home(
    scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the caller's shell left as it was is read as it was."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~").mkdir()
    pq.write_table(pa.table({"n": [1]}), tmp_path / "~" / "in.parquet")
    assert 1 == scratch.value(f"select n from {parquet([Path('~/in.parquet')])}")


def test_what_a_file_holds_is_read_whatever_its_folder_is_called(
    scratch: Scratch, tmp_path: Path
) -> None:
    """A folder `currency=USD` does not turn the euros in its files into dollars."""
    path = tmp_path / "currency=USD" / "in.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({"currency": ["EUR"]}), path)
    assert "EUR" == scratch.value(f"select currency from {parquet([path])}")


@pytest.mark.parametrize("at_a_time", [2**27, 7])
@settings(deadline=None, max_examples=25)
@given(numbers=st.lists(st.integers(0, 30) | st.integers(2**64 - 9, 2**64 - 1), max_size=40))
def test_numbers_that_come_more_than_once_are_found_each_once(
    engine: Engine, at_a_time: int, numbers: list[int]
) -> None:
    """Sorted all at a time or a few: what a loop counts twice, to the edge of 64 bits."""
    table = pa.table({"number": pa.array(numbers, pa.uint64())})
    with engine.scratch() as scratch, pytest.MonkeyPatch.context() as patched:
        patched.setattr(repeats, "NUMBERS_MAX", at_a_time)
        scratch.give("numbers", table)
        scratch.repeated("twice", "select number from numbers")()
        found = scratch.rows("select number from twice order by number").column(0).to_pylist()
    assert sorted(n for n, count in Counter(numbers).items() if count > 1) == found


def test_a_signal_while_the_engine_computes_is_told_as_that(engine: Engine) -> None:
    """A platform's own deadline is neither an error of data nor somebody at a keyboard."""

    class Late(Exception):
        pass

    def late(*_: object) -> None:
        raise Late

    def compute() -> None:
        with engine.scratch() as scratch:
            alarm.start()
            while True:
                scratch.step("short", "select count(*) from range(3000000) where range % 7 = 3")

    before = signal.signal(signal.SIGUSR1, late)
    alarm = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        with pytest.raises((Interrupted, Late)):
            compute()
    finally:
        alarm.cancel()
        signal.signal(signal.SIGUSR1, before)
