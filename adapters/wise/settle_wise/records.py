"""What the simulated rail keeps: quotes, transfers with the states they pass, bookings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from settle.adapters.simulator import OutsideLine
from settle_wise.pricing import Price

QUOTE_LIVES = timedelta(minutes=30)
WAITS = timedelta(days=14)
"""How long a transfer waits for its funding before the rail cancels it."""
HAPPY = (
    (timedelta(), "processing"),
    (timedelta(minutes=1), "funds_converted"),
    (timedelta(minutes=2), "outgoing_payment_sent"),
)
BOUNCING = (
    (timedelta(days=2), "bounced_back"),
    (timedelta(days=2, hours=1), "processing"),
    (timedelta(days=2, hours=2), "cancelled"),
    (timedelta(days=3), "funds_refunded"),
)
UNDONE = timedelta(hours=1)
SIMULATED = (
    "processing", "funds_converted", "outgoing_payment_sent", "bounced_back", "funds_refunded",
)  # fmt: skip
UNSENT = ("incoming_payment_waiting", "processing", "funds_converted")
RETURN = re.compile(r"SANDBOX RETURN (\w+) SHORT (\d+)")
Step = tuple[datetime, str]


@dataclass(slots=True, kw_only=True)
class Quote:
    """A quote. Its price is locked for half an hour."""

    id: str
    at: datetime
    price: Price
    recipient: int | None = None
    used: bool = False


@dataclass(slots=True, kw_only=True)
class Transfer:
    """A transfer at the rail. `moved` are the states that somebody simulated."""

    id: int
    at: datetime
    price: Price
    request: Mapping[str, Any]
    name: str
    funded_at: datetime | None = None
    cancelled_at: datetime | None = None
    moved: list[Step] = field(default_factory=list)

    @property
    def reference(self) -> str:
        """What it is called by those who made it."""
        return str(self.request["customerTransactionId"]).lower()

    def steps(self, now: datetime) -> list[Step]:
        """Every state it has had by now, in order."""
        return [step for step in self._planned() if step[0] <= now]

    def status(self, now: datetime) -> str:
        """Its state."""
        return self.steps(now)[-1][1]

    def refund(self) -> tuple[datetime, int] | None:
        """When how much comes back to the balance; fees come back with a whole principal."""
        at = next((at for at, state in self._planned() if state == "funds_refunded"), None)
        if at is None or self.funded_at is None:
            return None
        magic = RETURN.search(self.name)
        short = int(magic[2]) if magic else 0
        whole = self.price.source_minor
        return at, max(self.price.net_minor - short, 0) if short else whole

    def _planned(self) -> list[Step]:
        steps: list[Step] = [(self.at, "incoming_payment_waiting")]
        if self.funded_at is not None:
            plan = [*HAPPY, *(BOUNCING if RETURN.search(self.name) else ())]
            steps += [(self.funded_at + after, state) for after, state in plan]
        else:
            steps.append((self.at + WAITS, "cancelled"))
        if self.moved:
            return [x for x in steps if x[0] < self.moved[0][0]] + self.moved
        if self.cancelled_at is None:
            return steps
        steps = [x for x in steps if x[0] < self.cancelled_at] + [(self.cancelled_at, "cancelled")]
        refunded = (self.cancelled_at + UNDONE, "funds_refunded")
        return [*steps, refunded] if self.funded_at is not None else steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One movement on a balance, signed."""

    at: datetime
    currency: str
    amount_minor: int
    fee_minor: int = 0
    transfer: Transfer | None = None
    line: OutsideLine | None = None
    number: int = 0
