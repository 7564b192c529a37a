"""The simulated rail's books: what it was asked, what it executed, what each account holds."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any

from settle.adapters.simulator import Clock, Execution, Memory, OutsideLine

Place = tuple[datetime, str]
"""Where an item stands in a list: by creation, then by id."""

RETURN = re.compile(r"SANDBOX RETURN (\w+) SHORT (\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One transfer at the rail, in its final state. `amount_minor` is positive."""

    id: str
    account: str
    currency: str
    amount_minor: int
    incoming: bool
    at: datetime
    reference: str
    status: str
    reason: str
    counterparty: Mapping[str, Any]
    request: Mapping[str, Any]
    return_code: str = ""
    returned_minor: int = 0

    @property
    def place(self) -> Place:
        """Where it stands in a list."""
        return self.at, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One transaction on a balance account, signed."""

    id: str
    move: Move
    amount_minor: int

    @property
    def place(self) -> Place:
        """Where it stands in a list."""
        return self.move.at, self.id


@dataclass(slots=True, kw_only=True)
class Account:
    """One balance account: its lists in order, and what it holds by currency."""

    currencies: list[str] = field(default_factory=list)
    moves: list[Place] = field(default_factory=list)
    bookings: list[Place] = field(default_factory=list)
    held: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))


class Books:
    """All accounts, every move, every key. Memory is appended to before anything is answered."""

    def __init__(
        self,
        *,
        memory: Memory,
        clock: Clock,
        accounts: Mapping[str, str],
        outside: Sequence[OutsideLine],
    ) -> None:
        self._memory, self._clock = memory, clock
        self._awaited = deque(sorted(outside, key=lambda x: x.day))
        self._of_currency = dict(accounts)
        self._asked = self._arrived = 0
        self.accounts: dict[str, Account] = defaultdict(Account)
        self.moves: dict[str, Move] = {}
        self.bookings: dict[str, Booking] = {}
        self.by_reference: dict[tuple[str, str], list[Place]] = defaultdict(list)
        self.by_key: dict[str, tuple[str, str]] = {}
        self.executed: list[Execution] = []
        for currency, account in accounts.items():
            self.accounts[account].currencies.append(currency)
        for entry in memory.entries():
            self._enter(entry)

    def currencies(self) -> dict[str, list[str]]:
        """What each balance account may hold."""
        return {name: account.currencies for name, account in self.accounts.items()}

    def arrive(self) -> None:
        """Book what others put on our accounts up to today. This is called at every request."""
        today = self._clock().astimezone(UTC).date()
        while self._awaited and self._awaited[0].day <= today:
            self._come_in(self._awaited.popleft())

    def execute(self, request: dict[str, Any], *, key: str | None, digest: str) -> Move:
        """Carry out a valid request at once, or refuse it for want of balance."""
        amount = request["amount"]
        held = self.accounts[request["balanceAccountId"]].held[amount["currency"]]
        entry = {
            "at": self._clock().astimezone(UTC).isoformat(),
            "number": self._asked + 1,
            "key": key,
            "digest": digest,
            "enough": amount["value"] <= held,
            "request": request,
        }
        self._memory.append(entry)
        return self._enter(entry)

    def list_moves(self, account: str, reference: str | None) -> list[Place]:
        """An account's transfers in order, all or those with one reference."""
        if reference is None:
            return self.accounts[account].moves
        return self.by_reference.get((account, reference), [])

    def _enter(self, entry: Mapping[str, Any]) -> Move:
        self._asked += 1
        move = _asked_for(entry)
        if entry["key"] is not None:
            self.by_key[entry["key"]] = (entry["digest"], move.id)
        self._shelve(move)
        if move.status != "refused":
            self._pay(move)
        return move

    def _pay(self, move: Move) -> None:
        self._book(Booking(id=f"EVJN{move.id}1", move=move, amount_minor=-move.amount_minor))
        if move.returned_minor:
            self._book(Booking(id=f"EVJN{move.id}2", move=move, amount_minor=move.returned_minor))
        execution = Execution(
            reference=move.reference,
            amount_minor=move.amount_minor,
            currency=move.currency,
            executed_at=move.at,
        )
        self.executed.append(execution)

    def _come_in(self, line: OutsideLine) -> None:
        if line.currency not in self._of_currency:
            return  # another rail's line
        self._arrived += 1
        move = _brought(line, account=self._of_currency[line.currency], number=self._arrived)
        self._shelve(move)
        self._book(Booking(id=f"EVJN{move.id}1", move=move, amount_minor=line.amount_minor))

    def _shelve(self, move: Move) -> None:
        self.moves[move.id] = move
        insort(self.accounts[move.account].moves, move.place)
        insort(self.by_reference[move.account, move.reference], move.place)

    def _book(self, booking: Booking) -> None:
        account = self.accounts[booking.move.account]
        account.held[booking.move.currency] += booking.amount_minor
        insort(account.bookings, booking.place)
        self.bookings[booking.id] = booking


def _asked_for(entry: Mapping[str, Any]) -> Move:
    request, number = entry["request"], entry["number"]
    holder = request["counterparty"]["bankAccount"]["accountHolder"]
    minor = request["amount"]["value"]
    magic = RETURN.search(holder["fullName"]) if entry["enough"] else None
    state = "returned" if magic else "booked"
    return Move(
        id=f"SIM{number:013d}",
        account=request["balanceAccountId"],
        currency=request["amount"]["currency"],
        amount_minor=minor,
        incoming=False,
        at=datetime.fromisoformat(entry["at"]),
        reference=request.get("reference", f"RAIL{number:012d}"),
        status=state if entry["enough"] else "refused",
        reason="approved" if entry["enough"] else "notEnoughBalance",
        counterparty=request["counterparty"],
        request=request,
        return_code=magic[1] if magic else "",
        returned_minor=max(minor - int(magic[2]), 0) if magic else 0,
    )


def _brought(line: OutsideLine, *, account: str, number: int) -> Move:
    bank = {
        "accountHolder": {"fullName": line.counterparty},
        "accountIdentification": {
            "type": "numberAndBic",
            "accountNumber": f"{number:010d}",
            "bic": "SIMUNL2A",
        },
    }
    incoming = line.amount_minor > 0
    return Move(
        id=f"OUT{number:013d}",
        account=account,
        currency=line.currency,
        amount_minor=abs(line.amount_minor),
        incoming=incoming,
        at=datetime.combine(line.day, time(0, 0, 1), UTC) + timedelta(milliseconds=number),
        reference=f"RAIL{number:012d}" if incoming else line.reference,
        status="booked",
        reason="approved",
        counterparty={"bankAccount": bank},
        request={"description": line.reference},
    )


def between(
    places: Sequence[Place], *, since: datetime, until: datetime, after: Place | None, limit: int
) -> tuple[Sequence[Place], bool]:
    """One page, oldest first, and whether more follow.

    The cursor is a place, not a number: what arrives while somebody pages neither hides nor
    doubles an item.
    """
    start = bisect_left(places, (since, ""))
    if after is not None:
        start = max(start, bisect_right(places, after))
    end = bisect_right(places, (until, "\uffff"))
    return places[start : min(start + limit, end)], start + limit < end
