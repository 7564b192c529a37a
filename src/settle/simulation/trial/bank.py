"""A bank in memory: what it was asked, what it truly executed, and what it shows of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from settle.adapters import Response
from settle.adapters.simulator import Execution

REJECT = re.compile(r"SANDBOX REJECT ([A-Z0-9]{4})")
RETURN = re.compile(r"SANDBOX RETURN ([A-Z0-9]{4}) SHORT ([0-9]+)")
FAIL = "SANDBOX FAIL"
FAILS_AFTER = timedelta(hours=6)
COMES_BACK_AFTER, COMES_BACK_LATE = timedelta(hours=30), timedelta(hours=52)
SECRET = "a shared secret"  # noqa: S105  # of a bank that exists nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One order as the bank keeps it. `code` says why it was refused or will come back."""

    order: Mapping[str, Any]
    at: datetime
    status: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One movement on our account, signed."""

    ref: str
    at: datetime
    account: str
    amount_minor: int
    reference: str
    kind: str = "transfer"
    code: str = ""
    charges_minor: int = 0
    text: str = ""

    @property
    def shown(self) -> dict[str, Any]:
        """The line as the statement has it."""
        return {
            "ref": self.ref, "amount": self.amount_minor, "reference": self.reference,
            "kind": self.kind, "code": self.code, "charges": self.charges_minor, "text": self.text,
        }  # fmt: skip


def _now() -> datetime:
    return datetime(2024, 12, 18, 16, 30, tzinfo=UTC)


@dataclass(slots=True)
class Bank:
    """The truth of a rail in memory. It executes an order once for each key that it remembers.

    A key is forgotten after `key_life`; reads see the world as it was `lag` ago. What is paid to
    those whose names are in `late` comes back later.
    """

    clock: Callable[[], datetime] = _now
    deduplicates: bool = True
    key_life: timedelta = timedelta(days=3650)
    lag: timedelta = timedelta()
    late: Collection[str] = ()
    executed: list[Execution] = field(default_factory=list)
    orders: dict[str, Taken] = field(default_factory=dict)
    batches: dict[str, tuple[datetime, dict[str, Taken]]] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    recalls: dict[str, str] = field(default_factory=dict)

    def answer(
        self, method: str, path: str, content: bytes, *, stale: timedelta = timedelta()
    ) -> Response:
        """Do what is asked. A read is answered as of `stale` before now."""
        where = path.split("/")[1:]
        if method == "POST":
            return self._do(where, content)
        as_of = self.clock() - max(self.lag, stale)
        match where:
            case ["payments", key]:
                return self._found(self.orders.get(key), as_of)
            case ["batches", batch_id]:
                return self._report(batch_id, as_of)
            case ["recalls", recall_id]:
                return self._recalled(recall_id)
            case ["statements", account, day]:
                return _json(self._statement(account, date.fromisoformat(day)))
        return _json({})

    def _do(self, where: list[str], content: bytes) -> Response:
        match where:
            case ["payments"]:
                return self._order(json.loads(content))
            case ["batches"]:
                return self._batch(json.loads(content))
            case ["recalls"]:
                return self._recall(json.loads(content))
        return _json({})

    def deposit(self, account: str, amount_minor: int) -> None:
        """Put money of our own on our account, so that the statement begins with it."""
        self.lines.append(
            Line(
                ref=f"D{len(self.lines)}", at=self.clock(), account=account,
                amount_minor=amount_minor, reference="", text="OWN FUNDS opening",
            )
        )  # fmt: skip

    def notifications(self) -> Iterator[tuple[Mapping[str, str], bytes]]:
        """A signed delivery for each order that was accepted: headers and body."""
        for taken in list(self.orders.values()):
            if taken.status == "accepted":
                content = json.dumps(
                    {"reference": taken.order["reference"], "at": taken.at.isoformat()}
                ).encode()
                yield {"x-signature": signature(content)}, content

    def _order(self, order: Mapping[str, Any]) -> Response:
        known = self._remembered(order["key"])
        if known is not None and known.order != order:
            return Response(status=409)
        return _json(self._status(known or self._execute(order), self.clock()))

    def _batch(self, message: Mapping[str, Any]) -> Response:
        at, _ = self.batches.get(message["id"], (None, {}))
        if at is None or not self.deduplicates or self.clock() > at + self.key_life:
            taken = {order["key"]: self._execute(order) for order in message["orders"]}
            self.batches[message["id"]] = self.clock(), taken
        return _json({})

    def _recall(self, asked: Mapping[str, str]) -> Response:
        """Promise to send back what comes back anyway, and refuse the rest."""
        mine = (t for t in self.orders.values() if t.order["reference"] == asked["reference"])
        comes = any(RETURN.search(taken.order["name"]) for taken in mine)
        self.recalls.setdefault(asked["id"], "accepted" if comes else "rejected")
        return self._recalled(asked["id"])

    def _recalled(self, recall_id: str) -> Response:
        said = self.recalls.get(recall_id)
        return Response(status=404) if said is None else _json({"status": said})

    def _report(self, batch_id: str, as_of: datetime) -> Response:
        at, taken = self.batches.get(batch_id, (None, {}))
        if at is None or at > as_of:
            return Response(status=404)
        return _json({key: self._status(each, as_of) for key, each in taken.items()})

    def _remembered(self, key: str) -> Taken | None:
        taken = self.orders.get(key) if self.deduplicates else None
        return taken if taken and self.clock() <= taken.at + self.key_life else None

    def _found(self, taken: Taken | None, as_of: datetime) -> Response:
        if taken is None or taken.at > as_of:
            return Response(status=404)
        return _json(self._status(taken, as_of))

    def _status(self, taken: Taken, as_of: datetime) -> dict[str, str]:
        failed = FAIL in taken.order["name"] and as_of >= taken.at + FAILS_AFTER
        return {
            "status": "failed" if failed else taken.status,
            "code": taken.code,
            "at": taken.at.isoformat(),
        }

    def _execute(self, order: Mapping[str, Any]) -> Taken:
        now, name = self.clock(), order["name"]
        refused = REJECT.search(name)
        status = "rejected" if refused else "accepted"
        taken = Taken(order=order, at=now, status=status, code=refused[1] if refused else "")
        self.orders[order["key"]] = taken
        if not refused and FAIL not in name:
            self._book(order, now)
        return taken

    def _book(self, order: Mapping[str, Any], now: datetime) -> None:
        amount_minor, reference = order["amount"], order["reference"]
        self.executed.append(
            Execution(
                reference=reference, amount_minor=amount_minor, currency=order["currency"],
                executed_at=now,
            )
        )  # fmt: skip
        number, account = len(self.executed), order["account"]
        self.lines.append(
            Line(
                ref=f"P{number}", at=now, account=account, amount_minor=-amount_minor,
                reference=reference,
            )
        )  # fmt: skip
        if back := RETURN.search(order["name"]):
            charges = min(int(back[2]), amount_minor - 1)
            self.lines.append(
                Line(
                    ref=f"R{number}", at=now + self._comes_back(order), account=account,
                    amount_minor=amount_minor - charges, reference=reference, kind="return",
                    code=back[1], charges_minor=charges,
                )
            )  # fmt: skip

    def _comes_back(self, order: Mapping[str, Any]) -> timedelta:
        return COMES_BACK_LATE if order["name"] in self.late else COMES_BACK_AFTER

    def _statement(self, account: str, day: date) -> dict[str, Any]:
        now = self.clock()
        ours = [line for line in self.lines if line.account == account and line.at <= now]
        before = sum(line.amount_minor for line in ours if line.at.date() < day)
        lines = [line for line in ours if line.at.date() == day]
        return {
            "opening": before,
            "closing": before + sum(line.amount_minor for line in lines),
            "lines": [line.shown for line in lines],
        }


def signature(content: bytes) -> str:
    """How the bank signs what it tells us unasked."""
    return hashlib.sha256(SECRET.encode() + content).hexdigest()


def _json(body: Mapping[str, Any]) -> Response:
    return Response(status=200, content=json.dumps(body).encode())
