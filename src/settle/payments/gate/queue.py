"""The queue at the gate: who goes now, and what the others wait for. This asks nobody.

Payments come in order. Each goes if every room that it needs has space, and then takes its space
in all of them; else it takes none, and waits for the first that had not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from settle.payments.gate.rules import Control
from settle.payments.instruction import Row


class Order(Enum):
    """What one that does not fit means for those behind it."""

    OVERTAKEN = "they go if they fit"
    KEPT = "they wait behind it"


@dataclass(slots=True, kw_only=True)
class Room:
    """What may still go under one rule. None: not bounded.

    `whole_minor`: of the room when it is empty; what is more never fits, so nobody waits behind it.
    """

    control: Control
    why: str
    left_minor: int | None = None
    left_count: int | None = None
    whole_minor: int | None = None
    order: Order = Order.OVERTAKEN
    closed: bool = False

    def fits(self, amount_minor: int) -> bool:
        """Whether there is space for one more payment."""
        enough = self.left_minor is None or amount_minor <= self.left_minor
        return not self.closed and enough and (self.left_count is None or self.left_count > 0)

    def never_fits(self, amount_minor: int) -> bool:
        """Whether there would be no space even if it were empty."""
        return self.whole_minor is not None and amount_minor > self.whole_minor

    def take(self, amount_minor: int) -> None:
        """A payment goes."""
        if self.left_minor is not None:
            self.left_minor -= amount_minor
        if self.left_count is not None:
            self.left_count -= 1

    def keep_behind(self, amount_minor: int) -> None:
        """Whoever comes later waits behind a payment that does not fit now and will."""
        self.closed = self.closed or not self.never_fits(amount_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Which control holds a payment, and why."""

    control: Control
    why: str


def order(row: Row) -> tuple[object, ...]:
    """The place of a payment in the queue: by value date, then by age."""
    return row["value_date"], row["not_before"], row["obligation_id"], row["payment_id"]


def decided(
    rows: Iterable[Row],
    *,
    stopped: Callable[[Row], Waits | None],
    rooms: Callable[[Row], Sequence[Room]],
    cleared: Callable[[Row], frozenset[Control]],
    is_patient: Callable[[Row], bool],
) -> Iterator[tuple[Row, Waits | None]]:
    """Each payment in order, with what it waits for; None: it goes.

    `stopped`: what holds a payment by itself. `rooms`: those that it needs, in the order in which
    they are told. `cleared`: controls that a person has cleared for it. One that is not `patient`
    any more is overtaken by nobody.
    """
    for row in sorted(rows, key=order):
        waits = stopped(row)
        if waits is None:
            waits = _through(row, rooms(row), cleared(row), keeps=not is_patient(row))
        yield row, waits


def _through(
    row: Row, rooms: Sequence[Room], cleared: frozenset[Control], *, keeps: bool
) -> Waits | None:
    amount = row["amount_minor"]
    for room in rooms:
        if room.control in cleared or room.fits(amount):
            continue
        if room.order is Order.KEPT or (keeps and room.control in _MONEY):
            room.keep_behind(amount)
        more = "; it is more than that by itself" if room.never_fits(amount) else ""
        return Waits(control=room.control, why=room.why + more)
    for room in rooms:
        room.take(amount)
    return None


_MONEY = frozenset({Control.FUNDS, Control.THRESHOLD})
