"""Sums that no database cuts off or refuses: amounts are 64 bits wide, and so is SQLite's `sum`."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_HALF_BITS = 32
_LOW = 2**_HALF_BITS - 1


class Whole(sa.types.TypeDecorator[int]):
    """A number as PostgreSQL gives it, or in two halves, `high:low`, as SQLite adds them up."""

    impl = sa.types.NullType
    cache_ok = True

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        """The number as an integer of any size."""
        if not isinstance(value, str):
            return None if value is None else int(value)
        high, low = value.split(":")
        return (int(high) << _HALF_BITS) + int(low)


class exact_sum(FunctionElement[int]):  # noqa: N801  # it stands where `sa.func.sum` stands
    """The sum of a column of 64-bit integers, exact whatever it comes to; none of no rows."""

    inherit_cache = True
    type = Whole()


@compiles(exact_sum)
def _numeric(element: exact_sum, compiler: Any, **options: Any) -> str:
    """PostgreSQL adds 64 bits up as numeric."""
    return f"sum({compiler.process(element.clauses, **options)})"


@compiles(exact_sum, "sqlite")
def _halves(element: exact_sum, compiler: Any, **options: Any) -> str:
    """SQLite raises beyond 64 bits. Each half of 32 bits has room for two billion rows."""
    amount = compiler.process(element.clauses, **options)
    return f"(sum(({amount}) >> {_HALF_BITS}) || ':' || sum(({amount}) & {_LOW}))"
