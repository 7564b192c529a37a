"""Views become Spark's SQL: macros written out, words of DuckDB replaced, and nothing guessed."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from settle.engine import for_spark
from settle.engine.macros import MACROS, SPARK
from settle.engine.translation import tables_of


def test_a_macro_is_written_out_with_its_arguments() -> None:
    """A call inside a call too, and an expression in parentheses where it needs them."""
    assert "SELECT ((a + b) % 2) FROM r" == for_spark("select odd(a + b) from r")
    assert "SELECT ((a DIV b) DIV c) FROM r" == for_spark("select whole(whole(a, b), c) from r")


def test_an_argument_may_bear_the_name_of_a_parameter() -> None:
    """`d` of the view is not the `d` of the macro."""
    assert "SELECT (d DIV n) FROM r" == for_spark("select whole(d, n) from r")


def test_a_name_inside_a_text_is_left_alone() -> None:
    """Only a call is a call."""
    assert "SELECT 'odd(n)' AS t FROM r" == for_spark("select 'odd(n)' as t from r")


def test_the_order_of_nulls_is_said() -> None:
    """DuckDB puts nulls last and Spark first: the translation says which is meant."""
    assert "ORDER BY a NULLS LAST" in for_spark("select a from r order by a")


def test_the_greatest_of_one_is_that_one() -> None:
    """Spark takes the greatest of two or more, and a list of one may come from our code."""
    assert "SELECT ABS(a) FROM r" == for_spark("select greatest(abs(a)) from r")


def test_the_names_a_query_reads_from_are_found() -> None:
    """Also in joins, subqueries and behind `with`."""
    query = """with w as (select * from a) select * from w
        join b on b.x = w.x where exists (select 1 from c where c.x = w.x)"""
    assert {"a", "b", "c", "w"} == tables_of(query)


@pytest.mark.parametrize("signature", sorted({*MACROS, *SPARK}))
def test_no_call_of_a_macro_is_left(signature: str) -> None:
    """Spark knows none of our names, so each must be gone, those inside of bodies too."""
    ours = {name.partition("(")[0] for name in MACROS}
    tree = sqlglot.parse_one(for_spark(f"select {signature} as x from r"), dialect="spark")
    left = {str(call.this).lower() for call in tree.find_all(exp.Anonymous)}
    assert not left & ours
