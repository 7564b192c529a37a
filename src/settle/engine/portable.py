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
    return isinstance(node, exp.Columns) or (isinstance(node, exp.Star) and any(node.args.values()))


def _double(node: exp.Expr) -> bool:
    kinds = {exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT}
    if isinstance(node, exp.DataType):
        return node.this in kinds
    return isinstance(node, (exp.Sqrt, exp.Pow, exp.Median, exp.Stddev, exp.Variance))


def _any_of(*kinds: type[exp.Expr]) -> Rule:
    return lambda node: isinstance(node, kinds)


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
    "leaves rows out by distinct on": lambda node: (
        isinstance(node, exp.Distinct) and bool(node.args.get("on"))
    ),
    "cuts rows off without an order": lambda node: (
        isinstance(node, exp.Select) and bool(node.args.get("limit")) and not node.args.get("order")
    ),
    "uses try_cast": lambda node: isinstance(node, exp.TryCast),
    "slices a list": lambda node: isinstance(node, exp.Slice),
    "makes rows of nothing": _any_of(exp.GenerateSeries, exp.Explode, exp.TableSample),
    "uses a double": _double,
    "takes any of several rows": _any_of(exp.First, exp.Last, exp.AnyValue, exp.ArgMax, exp.ArgMin),
    "takes the time or chance from the air": _any_of(
        exp.CurrentDate, exp.CurrentTime, exp.CurrentTimestamp, exp.Rand, exp.Uuid
    ),
    "reckons with dates, where a calendar is joined": _any_of(
        exp.Interval,
        exp.DateAdd,
        exp.DateDiff,
        exp.DateSub,
        exp.DateTrunc,
        exp.TimestampTrunc,
        exp.Extract,
        exp.LastDay,
        exp.DayOfWeekIso,
        exp.DayOfWeek,
    ),
    "names a function that differs": _named(
        "isodow", "weekday", "round_even", "list", "range", "now", "hash", "epoch_us", "columns"
    ),
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
