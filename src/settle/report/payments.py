"""What the report shows of payments: how many stand where, and the ones a person should see."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ExceptionKind(StrEnum):
    """Why a payment is shown by itself, the most pressing first."""

    CONTRADICTION = "contradiction"  # stored evidence does not fit together, whatever its state
    UNKNOWN_OPEN = "unknown_open"  # nobody can say yet whether it was executed
    RETURNED = "returned"
    REJECTED = "rejected"
    FAILED = "failed"  # the rail says so after it had accepted
    LISTED = "listed"  # in flight, and like a name of a screening list by now
    HELD = "held"  # a check of ours stopped it before it was sent
    AWAITING_APPROVAL = "awaiting_approval"
    CONTROLLED = "controlled"  # a switch or a limit holds it: velocity, cool-off, blast radius, …
    SCHEDULED = "scheduled"  # the account does not hold enough
    UNKNOWN_CLOSED = "unknown_closed"  # was unknown, and evidence has ended it


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCount:
    """How many payments of one rail and currency stand in one state."""

    rail: str
    currency: str
    state: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One thing that happened to a payment."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentException:
    """One payment that a person should see.

    `code` and `reason` are the rail's code and what it means in words; `evidence` is what ended
    an unknown and where it came from; `short_minor` is what is missing from a return, and
    `borne_by` who bears it. `control` is what holds it, where a switch or a limit does.
    """

    kind: ExceptionKind
    payment_id: str
    agreement_id: str
    beneficiary: str
    rail: str
    currency: str
    amount_minor: int
    state: str
    code: str = ""
    reason: str = ""
    evidence: str = ""
    short_minor: int = 0
    borne_by: str = ""
    control: str = ""
    story: tuple[StoryLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionTotal:
    """All payments of one kind of exception in one currency, shown by themselves or not."""

    kind: ExceptionKind
    currency: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlTotal:
    """All payments in one currency that one control holds, such as `velocity limit`."""

    control: str
    currency: str
    count: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payments:
    """Payments by state, and the exceptions. `exceptions` may be fewer than `totals` count.

    `controls`: what is held, by control.
    """

    states: tuple[StateCount, ...] = ()
    exceptions: tuple[PaymentException, ...] = ()
    totals: tuple[ExceptionTotal, ...] = ()
    controls: tuple[ControlTotal, ...] = ()

    @classmethod
    def of(
        cls,
        states: Iterable[StateCount],
        exceptions: Iterable[PaymentException],
        *,
        shown_max: int = 25,
    ) -> Payments:
        """Sorted, totalled, and at most `shown_max` of each kind. This is how to build it."""
        rows = sorted(exceptions, key=_by_urgency)
        return cls(
            states=tuple(sorted(states, key=lambda row: (row.rail, row.currency, row.state))),
            exceptions=tuple(_first(rows, shown_max)),
            totals=tuple(_totals(rows)),
            controls=tuple(_controls(rows)),
        )

    def total(self, kind: ExceptionKind) -> int:
        """How many payments there are of one kind of exception."""
        return sum(row.count for row in self.totals if row.kind is kind)


def _by_urgency(row: PaymentException) -> tuple[int, str, int, str]:
    return list(ExceptionKind).index(row.kind), row.currency, -row.amount_minor, row.payment_id


def _first(rows: Iterable[PaymentException], shown_max: int) -> Iterable[PaymentException]:
    seen: dict[ExceptionKind, int] = defaultdict(int)
    for row in rows:
        seen[row.kind] += 1
        if seen[row.kind] <= shown_max:
            yield row


def _totals(rows: Iterable[PaymentException]) -> Iterable[ExceptionTotal]:
    groups: dict[tuple[ExceptionKind, str], list[int]] = defaultdict(list)
    for row in rows:
        groups[row.kind, row.currency].append(row.amount_minor)
    for (kind, currency), amounts in groups.items():
        yield ExceptionTotal(
            kind=kind, currency=currency, count=len(amounts), amount_minor=sum(amounts)
        )


def _controls(rows: Iterable[PaymentException]) -> Iterable[ControlTotal]:
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        if row.control:
            groups[row.control, row.currency].append(row.amount_minor)
    for (control, currency), amounts in sorted(groups.items()):
        yield ControlTotal(
            control=control, currency=currency, count=len(amounts), amount_minor=sum(amounts)
        )
