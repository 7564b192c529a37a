"""How much was matched without a person, by count and by value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.reconciliation.tables import line_outcomes, statement_lines
from settle.store import exact_sum


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRate:
    """Lines judged for the first time on a day, in one currency, and those matched that day.

    Values are sums of absolute amounts in minor units: what came in and what went out are
    added, never netted.
    """

    currency: str
    lines: int
    matched: int
    value_minor: int
    matched_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRate:
    """What one pass explained on a day, in one currency; values as in `MatchRate`."""

    pass_name: str
    currency: str
    lines: int
    value_minor: int


def rates(connection: Connection, day: date) -> list[MatchRate]:
    """The match rate of a day by currency, sorted. Later evidence does not change it."""
    outcome, line = line_outcomes.c, statement_lines.c
    size = sa.func.abs(line.amount_minor)
    is_matched = sa.func.coalesce(outcome.matched_on == day, sa.false())
    query = (
        sa.select(
            line.currency,
            sa.func.count(),
            sa.func.sum(sa.case((is_matched, 1), else_=0)),
            exact_sum(size),
            exact_sum(sa.case((is_matched, size), else_=0)),
        )
        .join(line_outcomes, outcome.line_id == line.line_id)
        .where(outcome.judged_on == day)
        .group_by(line.currency)
        .order_by(line.currency)
    )
    return [
        MatchRate(
            currency=currency, lines=lines, matched=int(matched), value_minor=value,
            matched_minor=matched_value,
        )
        for currency, lines, matched, value, matched_value in connection.execute(query)
    ]  # fmt: skip


def pass_rates(connection: Connection, day: date) -> list[PassRate]:
    """What each pass explained on a day, by pass and currency, sorted."""
    outcome, line = line_outcomes.c, statement_lines.c
    size = sa.func.abs(line.amount_minor)
    query = (
        sa.select(outcome["pass"], line.currency, sa.func.count(), exact_sum(size))
        .join(line_outcomes, outcome.line_id == line.line_id)
        .where(outcome.matched_on == day)
        .group_by(outcome["pass"], line.currency)
        .order_by(outcome["pass"], line.currency)
    )
    return [
        PassRate(pass_name=name, currency=currency, lines=lines, value_minor=value)
        for name, currency, lines, value in connection.execute(query)
    ]
