"""The subset of SQL in which views are written, so that DuckDB and Spark give the same.

Each rule was seen to differ or to fail between the two; `docs/explanation` and DESIGN.md say how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import sqlglot
from sqlglot import exp

WIDE = "DECIMAL(38, 0)"
"""The only type in which amounts are summed."""

Rule = Callable[[exp.Expr], bool]


def _narrow_sum(node: exp.Expr) -> bool:
    return isinstance(node, exp.Sum) and not _is_wide(node.this)


def _is_wide(node: exp.Expr) -> bool:
    if isinstance(node, exp.Case):  # counting: every branch is a small literal
        branches = [*(found.args["true"] for found in node.args["ifs"]), node.args.get("default")]
        return all(isinstance(branch, exp.Literal) for branch in branches)
    return isinstance(node, exp.Cast) and node.to.sql(dialect="duckdb").upper() == WIDE


def _huge_type(node: exp.Expr) -> bool:
    return isinstance(node, exp.DataType) and node.sql(dialect="duckdb").upper() == "INT128"


def _unordered_list(node: exp.Expr) -> bool:
    return isinstance(node, (exp.ArrayAgg, exp.List)) or (
        isinstance(node, exp.GroupConcat) and not isinstance(node.this, exp.Order)
    )


def _loose_window(node: exp.Expr) -> bool:
    return isinstance(node, exp.Window) and not node.args.get("order")


def _star_except(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star) and any(node.args.values())


def _named(*names: str) -> Rule:
    def matches(node: exp.Expr) -> bool:
        return isinstance(node, exp.Anonymous) and str(node.this).lower() in names

    return matches


RULES: dict[str, Rule] = {
    "sums an amount that is not cast to decimal(38,0)": _narrow_sum,
    "divides with / (a double)": lambda node: isinstance(node, exp.Div),
    "divides with // (a double on decimals)": lambda node: isinstance(node, exp.IntDiv),
    "uses round": lambda node: isinstance(node, exp.Round),
    "uses sign (a double)": lambda node: isinstance(node, exp.Sign),
    "uses avg (a double)": lambda node: isinstance(node, exp.Avg),
    "uses hugeint": _huge_type,
    "uses an ASOF join": lambda node: (
        isinstance(node, exp.Join) and "ASOF" in str(node.args.get("method", "")).upper()
    ),
    "collects an unordered list": _unordered_list,
    "has a window without an order": _loose_window,
    "leaves columns out of a star": _star_except,
    "uses try_cast": lambda node: isinstance(node, exp.TryCast),
    "names a function that differs": _named("isodow", "round_even", "list", "range"),
    "uses a day-of-week function": lambda node: isinstance(node, (exp.DayOfWeekIso, exp.DayOfWeek)),
}
"""What a view may not do, and how it is seen."""


def violations(query: str) -> list[str]:
    """What in a view is outside the portable subset. This is empty for a sound one.

    Raises:
        sqlglot.ParseError: it is not SQL.
    """
    return list(_violations(sqlglot.parse_one(query, dialect="duckdb")))


def _violations(tree: exp.Expr) -> Iterator[str]:
    for node in tree.walk():
        for what, broken in RULES.items():
            if broken(node):
                yield f"{what}: {node.sql(dialect='duckdb')[:60]}"
