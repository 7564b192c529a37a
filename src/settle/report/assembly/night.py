"""What the night itself knows of itself: when it was, what it took, and what it could not reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from settle.report.funding import Funding


@dataclass(frozen=True, slots=True, kw_only=True)
class NightFacts:
    """One night, as its journal has it. What is stored from `began_at` to `next_began_at` is its.

    `batch_ids` are the batches of records it took, `refusals` what it could not take at all,
    `rails_down` the rails that did not answer, with why, and `funding` what it planned, if any.
    """

    tenant: str
    day: date
    began_at: datetime
    next_began_at: datetime | None = None
    batch_ids: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    rails_down: Mapping[str, str] = field(default_factory=dict)
    funding: Funding | None = None

    def within(self, instant: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
        """Whether a stored instant belongs to this night, as a condition."""
        if self.next_began_at is None:
            return instant >= self.began_at
        return sa.and_(instant >= self.began_at, instant < self.next_began_at)

    def has(self, instant: datetime) -> bool:
        """Whether an instant belongs to this night."""
        return self.began_at <= instant and (
            self.next_began_at is None or instant < self.next_began_at
        )
