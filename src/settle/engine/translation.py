"""Views in Spark's words: DuckDB's dialect through sqlglot, with the macros written out.

A macro is expanded in the tree of the query, not in its text, so that an argument may be any
expression and a name inside a string is left alone. What Spark lacks is an error here, before
anything runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import sqlglot
from sqlglot import exp

from settle.engine.macros import MACROS, SPARK


@dataclass(frozen=True, slots=True)
class Macro:
    """A body with holes. This is parsed once and copied into each call."""

    parameters: tuple[str, ...]
    body: exp.Expr

    @classmethod
    def parse(cls, signature: str, body: str, *, dialect: str) -> Macro:
        """A macro of its signature, as `quotient(n, d)`, and its body in the dialect named."""
        call = sqlglot.parse_one(signature, dialect="duckdb")
        parameters = tuple(argument.name for argument in call.expressions)
        return cls(parameters, sqlglot.parse_one(body, dialect=dialect))

    def expand(self, arguments: list[exp.Expr]) -> exp.Expr:
        """The body with the arguments in their places, in parentheses."""
        assert len(arguments) == len(self.parameters), "a macro is called with all its arguments"
        given = dict(zip(self.parameters, arguments, strict=True))
        return _enclosed(self.body.copy().transform(_put, given))


def _put(node: exp.Expr, given: Mapping[str, exp.Expr]) -> exp.Expr:
    if isinstance(node, exp.Column) and not node.table and node.name in given:
        return _enclosed(given[node.name])
    return node


def _enclosed(node: exp.Expr) -> exp.Expr:
    """In parentheses, where it is not one word or call already."""
    is_one = isinstance(node, (exp.Column, exp.Literal, exp.Func, exp.Cast, exp.Paren))
    return node.copy() if is_one and not isinstance(node, exp.Case) else exp.paren(node)


@cache
def _macros() -> Mapping[str, Macro]:
    found = {}
    for signature, body in {**MACROS, **SPARK}.items():
        dialect = "spark" if signature in SPARK else "duckdb"
        found[signature.partition("(")[0]] = Macro.parse(signature, body, dialect=dialect)
    return found


@cache
def for_spark(query: str) -> str:
    """The same query for Apache Spark 4.

    Raises:
        sqlglot.UnsupportedError: it uses what Spark has no word for.
        sqlglot.ParseError: it is not SQL.
    """
    tree: exp.Expr = sqlglot.parse_one(query, dialect="duckdb").transform(_expanded)
    return tree.sql(dialect="spark", comments=False, unsupported_level=sqlglot.ErrorLevel.RAISE)


@cache
def type_for_spark(kind: str) -> str:
    """The same type of a column in Spark's words."""
    return exp.DataType.build(kind, dialect="duckdb").sql(dialect="spark")


def _expanded(node: exp.Expr) -> exp.Expr:
    """A call of a macro becomes its body; calls in the body and in the arguments likewise."""
    if isinstance(node, (exp.Greatest, exp.Least)) and not node.expressions:
        alone: exp.Expr = node.this.transform(_expanded)
        return alone  # Spark takes the greatest of two or more only
    if not isinstance(node, exp.Anonymous) or str(node.this).lower() not in _macros():
        return node
    body: exp.Expr = _macros()[str(node.this).lower()].expand(node.expressions)
    return body.transform(_expanded)


@cache
def tables_of(query: str) -> frozenset[str]:
    """The names that a query reads from, those of its own `with` among them."""
    tree = sqlglot.parse_one(query, dialect="duckdb")
    return frozenset(table.name for table in tree.find_all(exp.Table))
