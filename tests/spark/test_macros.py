"""Each engine's spelling of the arithmetic is held against Python's integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import strategies as st

from settle.clearing.quotations import FRACTION_MAX, reach
from settle.engine import AnyEngine, Engine, SparkEngine
from settle.errors import MoneyError
from settle.money import Rounding, divide

PPM = 1_000_000
EDGE = 2**63
WIDE = pa.decimal128(38, 0)
ROUNDINGS = (Rounding.HALF_EVEN, Rounding.HALF_UP)

NEAR_HALF = st.builds(
    lambda whole, den, off: (whole * den + den // 2 + off, den),
    st.integers(-(10**20), 10**20), st.integers(1, 10**14), st.integers(-2, 2),
)  # fmt: skip
NEAR_EDGE = st.tuples(
    st.builds(lambda off, sign: sign * (EDGE + off), st.integers(-3, 3), st.sampled_from([1, -1])),
    st.sampled_from([1, 2, 3, 7, PPM, 10**8]),
)
LARGE = st.tuples(st.integers(-(10**36), 10**36), st.integers(10**6, 10**18))
PAIRS = st.one_of(NEAR_HALF, NEAR_EDGE, LARGE)
MONEY = st.one_of(
    st.integers(1, 10**6),
    st.integers(4 * 10**12 - 3, 4 * 10**12 + 3),
    st.integers(1, 10**18),
    st.integers(EDGE - 3, EDGE - 1),
)
SHARES = st.tuples(MONEY, st.sampled_from([0, 1, 6_000, 29_999, 500_000, PPM]))
MANY_DIGITS = [  # 36 to 38: Spark's `abs` rounds them to 34, and each of these lies near a half
    (sign * half, d)
    for d in (2 * 10**17, 10**18 - 2, 10**18, 5 * 10**18 - 2)
    for n in (5 * 10**18 - 3, 5 * 10**18 - 1)
    for half in (n * (d // 2) - 1, n * (d // 2), n * (d // 2) + 1)
    for sign in (1, -1)
]
TIES = [(n, d) for d in (2, 4, 6, PPM, 10**8) for k in range(-5, 6) for n in [(2 * k + 1) * d // 2]]


def wide(values: Sequence[int]) -> pa.Array:
    return pa.array([Decimal(value) for value in values], WIDE)


def test_division_rounds_as_python_does(
    either: AnyEngine, many: Callable[..., list[Any]], size: Any
) -> None:
    """Ties, both signs, both sides of 2^63 and thirty-six digits: the quotient is Python's."""
    pairs = [*TIES, *MANY_DIGITS, *many(PAIRS, size.numbers)]
    assert len(set(pairs)) >= size.numbers // 2
    numerators, denominators = zip(*pairs, strict=True)
    columns = {
        "i": pa.array(range(len(pairs))), "n": wide(numerators), "d": wide(denominators),
    }  # fmt: skip
    with either.scratch() as scratch:
        scratch.give("pairs", pa.table(columns))
        found = scratch.rows(
            """select divide_as(n, d, 'half_even') as half_even,
                divide_as(n, d, 'half_up') as half_up, divide_half_even(n, d) as bankers
            from pairs order by i"""
        )
    even, up = ([divide(n, d, rounding=r) for n, d in pairs] for r in ROUNDINGS)
    assert even == [int(value) for value in found.column("half_even").to_pylist()]
    assert even == [int(value) for value in found.column("bankers").to_pylist()]
    assert up == [int(value) for value in found.column("half_up").to_pylist()]


def test_a_share_is_the_same_in_64_bits_and_in_38_digits(
    either: AnyEngine, many: Callable[..., list[Any]], size: Any
) -> None:
    """A fee of a record or of a total is Python's on both sides of where the fast way ends."""
    shares = [(abs(n), 500_000) for n, _ in TIES] + many(SHARES, size.numbers)
    assert len(set(shares)) >= size.numbers // 2
    amounts, ppm = zip(*shares, strict=True)
    columns = {
        "i": pa.array(range(len(shares))), "amount": pa.array(amounts, pa.int64()),
        "ppm": pa.array(ppm, pa.int64()), "total": wide([-amount for amount in amounts]),
    }  # fmt: skip
    for rounding in ROUNDINGS:
        with either.scratch() as scratch:
            scratch.give("shares", pa.table(columns))
            found = scratch.rows(
                f"""select share_of(amount, ppm, '{rounding}') as share,
                    portion_of(total, ppm, '{rounding}') as portion
                from shares order by i"""
            )
        expected = [divide(amount * part, PPM, rounding=rounding) for amount, part in shares]
        assert expected == found.column("share").to_pylist()
        assert expected == [-int(value) for value in found.column("portion").to_pylist()]


FRACTIONS = st.one_of(
    st.builds(Fraction, st.integers(1, 10**12), st.integers(1, 10**12)),
    st.builds(Fraction, st.integers(1, FRACTION_MAX), st.integers(10**6, FRACTION_MAX)),
    st.sampled_from([Fraction(1), Fraction(2019, 1250), Fraction(12_500, 188_685), Fraction(1, 2)]),
)
FARTHEST = [
    (Fraction(n, d), EDGE - 1)
    for n in range(FRACTION_MAX - 3, FRACTION_MAX + 1)
    for d in (FRACTION_MAX - 2, FRACTION_MAX - 1, FRACTION_MAX, 4 * 10**18 + 2, 2**61)
]
EXCHANGES = st.tuples(FRACTIONS, st.one_of(MONEY, MONEY.map(lambda amount: -amount)))


def test_an_exchange_is_the_exact_fraction_rounded_once(
    either: AnyEngine, many: Callable[..., list[Any]], size: Any
) -> None:
    """On both sides of each limit, at ties and at 2^63, and by the longest fractions that fit."""
    rows = []
    for fraction, amount in [*FARTHEST, *many(EXCHANGES, size.numbers)]:
        untied, fits = reach(fraction.numerator, fraction.denominator)
        tie = fraction.denominator // 2
        rows += [(each, fraction, untied, fits) for each in (amount, untied, fits - 1, tie, -tie)]
    columns = {
        "i": pa.array(range(len(rows))), "total": wide([row[0] for row in rows]),
        "n": pa.array([row[1].numerator for row in rows], pa.int64()),
        "d": pa.array([row[1].denominator for row in rows], pa.int64()),
        "untied": wide([row[2] for row in rows]), "fits": wide([row[3] for row in rows]),
    }  # fmt: skip
    for rounding in ROUNDINGS:
        with either.scratch() as scratch:
            scratch.give("exchanges", pa.table(columns))
            found = scratch.rows(
                f"""select exchange(total, n, d, untied, fits, '{rounding}') as amount
                from exchanges order by i"""
            )
        expected = [
            divide(total * by.numerator, by.denominator, rounding=rounding)
            for total, by, _, _ in rows
        ]
        assert expected == [int(value) for value in found.column("amount").to_pylist()]


def test_a_quotient_too_large_for_spark_is_refused_and_not_another_number(
    spark: SparkEngine, duck: Engine
) -> None:
    """Spark's `div` of decimals gives 0 for 2^62 * 1000: ours is exact to 10^32, then it raises."""
    for engine in (spark, duck):
        assert EDGE * 500 == _quotient(engine, EDGE * 1000, 2)
    with pytest.raises(MoneyError):
        _quotient(spark, 10**36, 2)
    with spark.scratch() as scratch:  # the trap itself, in Spark's own words
        wraps = (
            "select cast(n as decimal(38, 0)) div 2 from values (9223372036854775808000) as t(n)"
        )
        assert 0 == scratch._session.sql(wraps).collect()[0][0]


def test_sparks_abs_rounds_to_34_digits(spark: SparkEngine) -> None:
    """Why no macro of Spark's takes a wide number absolutely: if this fails, they may again."""
    number = 12_345_678_901_234_567_890_123_456_789_012_345_678
    text = f"select abs(n), -n, 0 - n from values (cast('-{number}' as decimal(38, 0))) as t(n)"
    with spark.scratch() as scratch:
        absolute, negated, exact = scratch._session.sql(text).collect()[0]
    assert (number, number) != (int(absolute), int(negated))
    assert number == int(exact)


def _quotient(engine: AnyEngine, n: int, d: int) -> int:
    with engine.scratch() as scratch:
        scratch.give("numbers", pa.table({"n": wide([n]), "d": wide([d])}))
        return int(scratch.value("select quotient(n, d) from numbers"))


def test_a_total_is_exact_where_its_halves_are_added(
    either: AnyEngine, many: Callable[..., list[Any]], size: Any
) -> None:
    """Of either sign and at both ends of 64 bits, past which it goes on; of nothing it is none."""
    edges = [EDGE - 1, EDGE - 1, -EDGE, 2**32, 2**32 - 1, -(2**32), -(2**32) - 1, 0, -1, 1]
    amounts = edges + many(st.integers(-EDGE, EDGE - 1), size.numbers)
    groups = [number % 7 for number, _ in enumerate(amounts)]
    columns = {"g": pa.array([*groups, 7]), "a": pa.array([*amounts, None], pa.int64())}
    with either.scratch() as scratch:
        scratch.give("amounts", pa.table(columns))
        found = scratch.rows("select total(a) as a from amounts group by g order by g")
    expected = [
        sum(a for g, a in zip(groups, amounts, strict=True) if g == each) for each in range(7)
    ]
    assert [*expected, None] == found.column("a").to_pylist()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("2024-12-18T16:00:00Z", 1_734_537_600_000_000),
        ("2024-12-19 00:00:00.000001+08:00", 1_734_537_600_000_001),
        ("2024-12-18T16:00:00", None),
        ("2024-12-18T16:00:00Z\n", None),
        ("2024-12-18T25:00:00Z", None),
        ("yesterday", None),
    ],
)
def test_an_instant_is_read_the_same(either: AnyEngine, said: str, expected: int | None) -> None:
    """An instant without its offset is none on either engine, and the offset counts."""
    with either.scratch() as scratch:
        scratch.give("texts", pa.table({"said": [said]}))
        query = "select instant_us(cast(null as timestamptz), said) from texts"
        assert expected == scratch.value(query)
