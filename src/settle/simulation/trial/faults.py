"""What goes wrong in a simulated world, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What may happen. The comment says what the bank and the worker see of it."""

    REFUSED = "refused"  # the connection is refused: nothing left, and the socket proves it
    LOST_REQUEST = "lost request"  # it left, and never arrives; the worker waits in vain
    LOST_ANSWER = "lost answer"  # the bank did it; the connection is cut
    LATE_ANSWER = "answer after the timeout"  # the bank did it; nobody listens any more
    LATE_REQUEST = "late request"  # reordered: it arrives after the worker gave up
    DUPLICATE = "duplicate delivery"  # the bank gets it twice, the second time perhaps later
    STATUS_503 = "503"  # the bank did nothing
    STATUS_503_AFTER = "503 after it worked"  # the bank did it
    GARBAGE = "unreadable answer"  # the bank did it, and a page of HTML says so
    RATE_LIMIT = "rate limit"  # 429 with Retry-After, for some exchanges in a row
    STALE_READ = "stale read"  # the answer is as old as it says
    PARTIAL_ANSWER = "partial batch answer"  # half of the batch is not in the report
    STALL = "lease expiry"  # the worker stands still before the wire for longer than its lease
    KILL_BEFORE_EXCHANGE = "kill before"  # the process ends; nothing left
    KILL_AFTER_EXCHANGE = "kill after"  # the process ends; the bank has done it
    KILL_BEFORE_WRITE = "kill before a write"
    KILL_AFTER_WRITE = "kill after a write"
    CLOCK_SKEW = "clock skew"  # a worker's clock is wrong
    LYING_NOTIFICATION = "lying notification"  # it says that a payment failed
    FORGED_NOTIFICATION = "forged notification"  # its signature does not verify
    REPEATED_NOTIFICATION = "repeated notification"  # the same delivery, twice, in any order
    LATE_STATEMENT = "late statement"  # it comes days after its day
    TORN_STATEMENT = "torn statement"  # half of its lines are missing, the first time
    REPEATED_STATEMENT = "repeated statement"  # all days come again, the newest first
    LATE_RETURN = "late return"  # the money comes back past the rail's horizon
    PAUSE = "rail paused"  # a person turns the switch, and hours later turns it back
    CANCEL = "payment cancelled"  # a person takes it back, if it has not left
    RECALL = "payment asked back"  # a person wants it back, whether it has left or not
    DECISION = "decision of two people"  # about what nobody knows
    MIDWAY = "stopped midway"  # a person does, as something is taken to be sent again
    RESTORE = "backup put back"  # the store is what it was at an earlier write


OF_EXCHANGES = (
    FaultKind.REFUSED,
    FaultKind.LOST_REQUEST,
    FaultKind.LOST_ANSWER,
    FaultKind.LATE_ANSWER,
    FaultKind.LATE_REQUEST,
    FaultKind.DUPLICATE,
    FaultKind.STATUS_503,
    FaultKind.STATUS_503_AFTER,
    FaultKind.GARBAGE,
    FaultKind.RATE_LIMIT,
    FaultKind.STALE_READ,
    FaultKind.PARTIAL_ANSWER,
    FaultKind.STALL,
    FaultKind.KILL_BEFORE_EXCHANGE,
    FaultKind.KILL_AFTER_EXCHANGE,
)
OF_WRITES = (FaultKind.KILL_BEFORE_WRITE, FaultKind.KILL_AFTER_WRITE)
OF_NOTIFICATIONS = (
    FaultKind.LYING_NOTIFICATION,
    FaultKind.FORGED_NOTIFICATION,
    FaultKind.REPEATED_NOTIFICATION,
)
OF_STATEMENTS = (
    FaultKind.LATE_STATEMENT,
    FaultKind.TORN_STATEMENT,
    FaultKind.REPEATED_STATEMENT,
)
OF_PEOPLE = (
    FaultKind.PAUSE,
    FaultKind.CANCEL,
    FaultKind.RECALL,
    FaultKind.DECISION,
    FaultKind.RESTORE,
)
"""What people do in the midst of it. It may hinder a payment, and must break nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong, and where.

    `nth` counts from 1: the exchanges of `rail`, the store's writes (a backup is taken at), the
    orders (of a notification, a return, or to take or ask back), the workers (of a clock), the
    days (of a statement). `span` is how many in a row meet it; `seconds` how late, how stale, how
    long or how wrong, and for what people do: when, from the beginning of the world
    (to ask back: 0 as soon as it may have left). What is stopped midway is asked back, where
    `span` is 2, or else decided about.
    """

    kind: FaultKind
    nth: int
    rail: str = ""
    span: int = 1
    seconds: float = 0.0

    def meets(self, number: int) -> bool:
        """Whether the exchange, write or order of this number is met."""
        return self.nth <= number < self.nth + self.span

    def __str__(self) -> str:
        where = f" at {self.rail}" if self.rail else ""
        span = f" to {self.nth + self.span - 1}" if self.span > 1 else ""
        long = f", {self.seconds:g} s" if self.seconds else ""
        return f"{self.kind.value}{where} number {self.nth}{span}{long}"
