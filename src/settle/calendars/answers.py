"""What a value-date question is answered with: a date or an instant, and why it is that one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from settle.calendars.certainty import Certainty, weakest
from settle.calendars.deadlines import Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One rule that was applied, and what it did. This carries the rule's source and certainty."""

    text: str
    rule: str
    source: str
    certainty: Certainty


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The part that every answer has. This says how it came to be, rule by rule.

    `decided_by`: the rule without which the answer would be another. `pack`: names and versions
    of the rules that were used.
    """

    steps: tuple[Step, ...]
    decided_by: Step
    pack: str

    @property
    def certainty(self) -> Certainty:
        """How sure the answer is: as sure as the least sure rule that was applied."""
        return weakest(step.certainty for step in self.steps)

    def explain(self) -> str:
        """The steps as one line of text, in the order in which they were taken."""
        return " → ".join(step.text for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueDate(Answer):
    """The earliest day on which money can arrive, if the order is given at `at`.

    `deadline`: the one that still had to be met, and was. This is `lead_time` after `at` at least.
    """

    currency: str
    at: datetime
    lead_time: timedelta
    value_date: date
    deadline: Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeSubmission(Answer):
    """The last instant at which an order still reaches its value date.

    `at`: in UTC; an order at this very instant is in time. `deadline`: the one that governs,
    the earliest of rail, bank and half day. This is `lead_time` after `at`.
    """

    currency: str
    value_date: date
    lead_time: timedelta
    at: datetime
    deadline: Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotDate(Answer):
    """The spot value date of a trade. This is open in both currencies, and in USD."""

    base: str
    quote: str
    trade_date: date
    lag: int
    value_date: date
