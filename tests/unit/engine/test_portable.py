"""The portable subset is enforced on every view, and the check bites."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlglot

from settle.engine import for_spark, violations

SOURCE = Path(__file__).resolve().parents[3] / "src" / "settle"
VIEWS = sorted(SOURCE.rglob("views/**/*.sql"))


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.stem)
def test_every_view_keeps_to_the_portable_subset(path: Path) -> None:
    """What an auditor reads is what another engine can run to the same figure."""
    assert violations(path.read_text()) == []


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.stem)
def test_every_view_can_be_written_for_spark(path: Path) -> None:
    """Each view becomes Spark's SQL, macros written out, and Spark's parser takes it back."""
    spark = for_spark(path.read_text())
    assert spark.startswith(("SELECT", "WITH"))
    sqlglot.parse_one(spark, dialect="spark")


@pytest.mark.parametrize(
    "query",
    [
        "select sum(amount_minor) from r",
        "select sum(cast(amount_minor as bigint)) from r",
        "select sum(distinct cast(a as decimal(38,0))) from r",
        "select a / b from r",
        "select a // b from r",
        "select round(a, 2) from r",
        "select round_even(a, 2) from r",
        "select sign(a) from r",
        "select avg(a) from r",
        "select cast(a as hugeint) from r",
        "select * from r asof join s on r.t >= s.t",
        "select list(a) from r",
        "select array_agg(a) from r",
        "select string_agg(a, ',') from r",
        "select row_number() over (partition by a) from r",
        "select isodow(d) from r",
        "select * exclude (a) from r",
        "select * replace (a + 1 as a) from r",
        "select columns('a.*') from r",
        "select try_cast(a as bigint) from r",
        "select a[1:2] from r",
        "select i from range(5) as t(i)",
        "select unnest([1, 2])",
        "select cast(a as double) from r",
        "select sqrt(a) from r",
        "select median(a) from r",
        "select any_value(a) from r",
        "select first(a) from r",
        "select arg_max(a, b) from r",
        "select distinct on (a) a, b from r",
        "select a from r limit 5",
        "select current_date",
        "select now()",
        "select random()",
        "select hash(a) from r",
        "select weekday(d) from r",
        "select extract(isodow from d) from r",
        "select date_trunc('month', d) from r",
        "select d + interval 1 day from r",
    ],
)
def test_what_differs_between_engines_is_refused(query: str) -> None:
    """Each trap that was measured is seen where it stands."""
    assert violations(query) != []


def test_there_are_views_to_check() -> None:
    """A check over an empty folder would pass for nothing."""
    assert len(VIEWS) >= 10
