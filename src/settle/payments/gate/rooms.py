"""The rooms at the gate, one for each rule and what it counts by, made when first needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from settle.money import plain
from settle.payments.gate.confirming import Cap
from settle.payments.gate.queue import Order, Room
from settle.payments.gate.rules import Control, Controls, DayLimit, RailMoney
from settle.payments.gate.usage import Left
from settle.payments.instruction import Row

Place = tuple[str, str, str]
"""A rail, our account there, and its currency."""

Key = tuple[object, ...]
Used = tuple[int, int]
"""Minor units, and payments."""


@dataclass(slots=True, kw_only=True)
class Rooms:
    """What may still go, by rule. `left`: what has left today; `transit`: what is not booked."""

    controls: Controls
    balances: Mapping[Place, int]
    left: Sequence[Left]
    caps: Mapping[str, Cap]
    transit: Mapping[RailMoney, int]
    made: dict[Key, Room] = field(default_factory=dict)
    used: dict[int, Mapping[Key, Used]] = field(default_factory=dict)

    def of(self, row: Row) -> Sequence[Room]:
        """The rooms that a payment needs, in the order in which they are told."""
        return [*self._day(row), *self._night(row), *self._exposure(row), self._funds(row)]

    def _day(self, row: Row) -> Iterator[Room]:
        for place, limit in enumerate(self.controls.limits):
            if not limit.binds(row):
                continue
            key = "day", place, limit.names(row), row["currency"]
            if key not in self.made:
                if place not in self.used:
                    self.used[place] = _used(limit, self.left)
                used = self.used[place].get((limit.names(row), row["currency"]), (0, 0))
                self.made[key] = _day_room(limit, row, used)
            yield self.made[key]

    def _night(self, row: Row) -> Iterator[Room]:
        code = row["currency"]
        if code not in self.caps:
            return
        if ("night", code) not in self.made:
            self.made["night", code] = _night_room(self.caps[code], code, self.left)
        yield self.made["night", code]

    def _exposure(self, row: Row) -> Iterator[Room]:
        at = row["rail"], row["currency"]
        most = self.controls.exposures.get(at)
        if most is None:
            return
        if ("exposure", at) not in self.made:
            why = f"{_money(most, at[1])} at most on its way over {at[0]} and not booked"
            self.made["exposure", at] = Room(
                control=Control.EXPOSURE, why=why, left_minor=most - self.transit.get(at, 0),
                whole_minor=most, order=Order.KEPT,
            )  # fmt: skip
        yield self.made["exposure", at]

    def _funds(self, row: Row) -> Room:
        place = row["rail"], row["account"], row["currency"]
        if ("funds", place) not in self.made:
            floor = self.controls.floors.get((row["rail"], row["currency"]), 0)
            self.made["funds", place] = _funds_room(place, self.balances.get(place), floor)
        return self.made["funds", place]


def _used(limit: DayLimit, left: Sequence[Left]) -> Mapping[Key, Used]:
    """What of a limit is used, by what it counts by and currency."""
    found: dict[Key, Used] = {}
    for each in left:
        row = {"agreement_id": each.agreement_id, "rail": each.rail, "currency": each.currency}
        key = limit.names(row), each.currency
        amount, count = found.get(key, (0, 0))
        found[key] = amount + each.amount_minor, count + each.count
    return found


def _day_room(limit: DayLimit, row: Row, used: Used) -> Room:
    code = row["currency"]
    most = Cap(amount_minor=limit.amount_minor.get(code), count=limit.count.get(code))
    who = " over ".join(limit.names(row)) or "all that leaves"
    return _bounded(
        most, used, control=Control.VELOCITY, why=f"{_told(most, code)} a day for {who}",
        whole_minor=most.amount_minor,
    )  # fmt: skip


def _night_room(most: Cap, code: str, left: Sequence[Left]) -> Room:
    """The night's room. Once one payment is too much, nothing more leaves in the currency."""
    mine = [each for each in left if each.currency == code]
    used = sum(each.amount_minor for each in mine), sum(each.count for each in mine)
    why = f"this night would release more than {_told(most, code)}"
    return _bounded(most, used, control=Control.BLAST_RADIUS, why=why, order=Order.KEPT)


def _funds_room(place: Place, balance: int | None, floor: int) -> Room:
    rail, account, code = place
    if balance is None:
        why = f"account {account} is not ours at {rail}"
        return Room(control=Control.FUNDS, why=why, left_minor=0)
    if not floor:
        return Room(control=Control.FUNDS, why="", left_minor=balance)
    why = f"account {account} at {rail} is not drawn below {_money(floor, code)}"
    return Room(control=Control.THRESHOLD, why=why, left_minor=balance - floor)


def _bounded(
    most: Cap, used: Used, *, control: Control, why: str, whole_minor: int | None = None,
    order: Order = Order.OVERTAKEN,
) -> Room:  # fmt: skip
    amount, count = used
    return Room(
        control=control, why=why, whole_minor=whole_minor, order=order,
        left_minor=None if most.amount_minor is None else most.amount_minor - amount,
        left_count=None if most.count is None else most.count - count,
    )  # fmt: skip


def _told(most: Cap, code: str) -> str:
    parts = [] if most.amount_minor is None else [_money(most.amount_minor, code)]
    parts += [] if most.count is None else [f"{most.count} payments in {code}"]
    return " or ".join(parts)


def _money(minor: int, currency: str) -> str:
    return f"{currency} {plain(minor, currency)}"
