"""Two rails in memory behind the real sender, and a store that can be killed at any write."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import (
    Accepted,
    Adapter,
    Batch,
    BatchOutcome,
    Beneficiary,
    Conversation,
    Endpoint,
    Evidence,
    Fact,
    Finding,
    Key,
    KeyPlace,
    Limits,
    Outcome,
    Payment,
    PaymentKind,
    Profile,
    RailSettings,
    Rejected,
    Request,
    Response,
    Sender,
    Source,
    Support,
    Unknown,
    Verb,
    commits,
    prepares,
    reads,
)
from settle.adapters.wire import Answer, Silence
from settle.ledger import balances, in_transit_against_payments, trial_balance
from settle.payments import (
    Due,
    InlineWriter,
    Looked,
    Paid,
    Policy,
    Rail,
    approve,
    fund,
    look_up,
    open_totals,
    overview,
    pay,
    plan,
)
from settle.store import Store
from settle.store.connection import _engine

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
DAY = date(2024, 12, 18)
SINGLE, BATCHED = "lark", "heron"


class Killed(BaseException):
    """The process ends here."""


class Lark(Adapter[RailSettings]):
    """One call a payment: a quote, a payee, and the one request that moves money."""

    rail = SINGLE
    verbs: Mapping[Verb, Support] = {Verb.SUBMIT: Support.YES, Verb.FIND: Support.YES}
    deduplicates = True

    @property
    def profile(self) -> Profile:
        return Profile(
            rail=self.rail,
            currencies=frozenset(self.settings.accounts),
            kinds=frozenset(PaymentKind),
            verbs=self.verbs,
            key=Key(
                place=KeyPlace.BODY,
                name="key",
                length_max=35,
                lifetime=timedelta(hours=24),
                deduplicates=self.deduplicates,
            ),
            limits=Limits(batch_size_max=3, concurrency_max=2),
            finality_horizon=timedelta(days=1),
        )

    def submit(self, payment: Payment) -> Conversation[Outcome]:
        quote = yield reads(Request(method="GET", path="/quote"))
        if quote.status != 200:
            raise ValueError("no quote")
        yield prepares(_post("/payees", {"account": payment.beneficiary.account}))
        reply = yield commits(_post("/payments", _order(payment)))
        return _outcome(reply)

    def find(self, payment: Payment) -> Conversation[Finding]:
        reply = yield reads(Request(method="GET", path=f"/payments/{payment.idempotency_key}"))
        return _finding(reply, payment)


class Heron(Lark):
    """Many payments in one message; the report says which were taken."""

    rail = BATCHED
    verbs: Mapping[Verb, Support] = {Verb.SUBMIT_BATCH: Support.YES, Verb.FIND_BATCH: Support.YES}

    def submit_batch(self, batch: Batch) -> Conversation[BatchOutcome]:
        orders = [_order(payment) for payment in batch]
        reply = yield commits(_post("/batches", {"id": batch.batch_id, "orders": orders}))
        if reply.status >= 500:
            return {}
        report = yield reads(Request(method="GET", path=f"/batches/{batch.batch_id}"))
        if report.status != 200:
            return {}
        return {p.payment_id: _read(report.json().get(p.idempotency_key)) for p in batch}

    def find_batch(self, batch: Batch) -> Conversation[Finding]:
        report = yield reads(Request(method="GET", path=f"/batches/{batch.batch_id}"))
        if report.status >= 500:
            return []
        known = report.json() if report.status == 200 else {}
        return [_evidence(known.get(payment.idempotency_key), payment) for payment in batch]


def _post(path: str, body: Mapping[str, Any]) -> Request:
    return Request(method="POST", path=path, content=json.dumps(body, sort_keys=True).encode())


def _order(payment: Payment) -> dict[str, Any]:
    name = payment.beneficiary.name
    return {"key": payment.idempotency_key, "amount": payment.amount_minor, "name": name}


def _outcome(reply: Response) -> Outcome:
    if reply.status >= 500:
        return Unknown(reason=f"status {reply.status}")
    return _read(reply.json()["status"])


def _read(status: str | None) -> Outcome:
    match status:
        case "accepted":
            return Accepted(status="accepted")
        case "rejected":
            return Rejected(code="AC04", reason="closed account")
        case _:
            return Unknown(reason="not in the answer")


def _finding(reply: Response, payment: Payment) -> Finding:
    if reply.status >= 500:
        return []
    return [_evidence(reply.json()["status"] if reply.status == 200 else None, payment)]


def _evidence(status: str | None, payment: Payment) -> Evidence:
    fact = {None: Fact.NOT_FOUND, "accepted": Fact.ACCEPTED, "rejected": Fact.REJECTED}[status]
    return Evidence(
        evidence_id=f"{payment.end_to_end_id}/{fact.value}",
        source=Source.FIND,
        fact=fact,
        reference=payment.end_to_end_id,
        occurred_at=NOW,
        rail=SINGLE if payment.currency == "SGD" else BATCHED,
    )


@dataclass(slots=True)
class Bank:
    """The truth of both rails: what was executed, how often. It deduplicates by key."""

    executions: Counter[str] = field(default_factory=Counter)
    orders: dict[str, str] = field(default_factory=dict)
    batches: dict[str, dict[str, str]] = field(default_factory=dict)
    deduplicates: bool = True
    forgetful: bool = False  # its reads lag behind: what it executed is not found

    def answer(self, request: Request) -> Response:
        match request.method, request.path.split("/")[1:]:
            case "POST", ["payments"]:
                return _json({"status": self._execute(json.loads(request.content))})
            case "GET", ["payments", key] if key in self.orders and not self.forgetful:
                return _json({"status": self.orders[key]})
            case "POST", ["batches"]:
                message = json.loads(request.content)
                if message["id"] not in self.batches or not self.deduplicates:
                    taken = {order["key"]: self._execute(order) for order in message["orders"]}
                    self.batches[message["id"]] = taken
                return _json({})
            case "GET", ["batches", batch_id] if batch_id in self.batches and not self.forgetful:
                return _json(self.batches[batch_id])
            case _, ["quote" | "payees"]:
                return _json({})
        return Response(status=404)

    def _execute(self, order: Mapping[str, Any]) -> str:
        key = order["key"]
        if key in self.orders and self.deduplicates:
            return self.orders[key]
        self.orders[key] = "rejected" if "REJECT" in order["name"] else "accepted"
        if self.orders[key] == "accepted":
            self.executions[order["name"]] += 1
        return self.orders[key]


def _json(body: Mapping[str, Any]) -> Response:
    return Response(status=200, content=json.dumps(body).encode())


Fault = str
FAULTS: Sequence[Fault] = (
    "refused",
    "lost request",
    "lost answer",
    "503",
    "503 after it worked",
    "kill before",
    "kill after",
)


@dataclass(slots=True)
class Network:
    """What stands between the sender and the bank. `faults`: by the ordinal of the request."""

    bank: Bank
    faults: dict[int, Fault] = field(default_factory=dict)
    sent: list[Request] = field(default_factory=list)

    def compose(self, request: Request) -> httpx.Request:
        composed = httpx.Request(request.method, "http://memory" + request.target)
        composed.extensions = {"request": request}
        return composed

    async def send(self, composed: httpx.Request) -> Answer:
        request: Request = composed.extensions["request"]
        self.sent.append(request)
        fault = self.faults.pop(len(self.sent), "")
        match fault:
            case "refused":
                return Silence(reason="refused", sent=False)
            case "lost request":
                return Silence(reason="lost", sent=True)
            case "503":
                return Response(status=503)
            case "kill before":
                raise Killed
        answer = self.bank.answer(request)
        match fault:
            case "lost answer":
                return Silence(reason="lost", sent=True)
            case "503 after it worked":
                return Response(status=503)
            case "kill after":
                raise Killed
        return answer

    async def aclose(self) -> None:
        """Nothing is open."""


class MemorySender(Sender):
    """The real sender; only its wire is in memory."""

    def __init__(self, network: Network, sleep: Callable[[float], Any]) -> None:
        super().__init__(Endpoint(base_url="http://memory"), sleep=sleep, monotonic=lambda: 0.0)
        self._rail = replace(self._rail, wire=network)  # type: ignore[arg-type]


class KillingStore(Store):
    """A store that ends the process at one of its writing transactions, before or after it."""

    writes = 0
    kill_at = 0
    kill_after = False

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self.writes += 1
        dies = self.writes == self.kill_at
        if dies and not self.kill_after:
            raise Killed
        with super().transaction() as connection:
            yield connection
        if dies:
            raise Killed


PAYEE = Beneficiary(name="P", country="US", town="T", account="12345678", bank_code="021000021")


def dues(count: int = 4, *, rejected: bool = True) -> list[Due]:
    """Some obligations, most on the rail with single calls; the last of each rail is refused."""
    made = []
    for number in range(count):
        currency = "SGD" if number % 2 == 0 else "SEK"
        last = rejected and number >= count - 2
        made.append(
            Due(
                obligation_id=f"O-{number}",
                agreement_id=f"A-{number}",
                currency=currency,
                amount_minor=1000 + number,
                value_date=DAY + timedelta(days=1),
                beneficiary=replace(PAYEE, name=f"payee {number}{' REJECT' if last else ''}"),
            )
        )
    return made


@dataclass(slots=True)
class World:
    """One store, two rails, one bank. `night` is what a nightly run does about payments."""

    store: KillingStore
    bank: Bank
    network: Network
    dues: Sequence[Due]
    now: datetime = NOW
    adapters: Sequence[type[Lark]] = (Lark, Heron)
    ids: Iterator[int] = field(default_factory=lambda: iter(range(10**9)))

    def clock(self) -> datetime:
        return self.now

    def next_id(self) -> str:
        return f"id-{next(self.ids):06d}"

    async def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def rails(self) -> dict[str, Rail]:
        adapters: list[Lark] = []
        for kind, currency in zip(self.adapters, ("SGD", "SEK"), strict=True):
            accounts = {currency: f"our-{currency}"}
            adapters.append(kind(RailSettings(base_url="http://memory", accounts=accounts)))
        return {a.rail: Rail(a, MemorySender(self.network, self.sleep)) for a in adapters}

    def prepare(self) -> None:
        rails = {name: rail.adapter for name, rail in self.rails().items()}
        plan(self.store, self.dues, rails=rails, tenant="t", now=self.now, ids=self.next_id)
        approve(self.store, Policy(limit_minor={"SGD": 10**9, "SEK": 10**9}), now=self.now)
        funds = {(SINGLE, "our-SGD", "SGD"): 10**9, (BATCHED, "our-SEK", "SEK"): 10**9}
        fund(self.store, balances=funds, now=self.now)

    async def pay(self, worker: str = "night") -> Paid:
        return await pay(
            self.store,
            self.rails(),
            clock=self.clock,
            worker=worker,
            day=DAY,
            writer=InlineWriter(self.store),
            sleep=self.sleep,
        )

    async def look(self, worker: str = "night", **pauses: Any) -> Looked:
        return await look_up(
            self.store,
            self.rails(),
            clock=self.clock,
            worker=worker,
            ids=self.next_id,
            writer=InlineWriter(self.store),
            **pauses,
        )

    async def nights(self, count: int) -> None:
        """Nights one after another, each going on where the one before may have died."""
        for _ in range(count):
            with suppress(Killed):
                await self.night()
                if set(self.states()) <= {"accepted", "rejected"}:
                    return
            self.store.kill_at = 0

    async def night(self) -> None:
        await self.look()
        self.prepare()
        await self.pay()
        for _ in range(2):
            await self.look()
        await self.pay()

    def states(self) -> dict[str, int]:
        with self.store.reading() as connection:
            found: Counter[str] = Counter()
            for tally in overview(connection):
                found[tally.state.value] += tally.count
        return dict(found)

    def violations(self) -> list[str]:
        """What must never be, in words. Empty: all is well."""
        twice = [name for name, count in self.bank.executions.items() if count > 1]
        with self.store.reading() as connection:
            ledger = balances(connection)
            proofs = [
                *trial_balance(ledger),
                *in_transit_against_payments(ledger, open_totals(connection)),
            ]
        broken = [
            f"{p.name} {p.currency}: {p.ledger_minor} {p.other_minor}"
            for p in proofs
            if not p.holds
        ]
        return [f"executed twice: {name}" for name in twice] + broken

    def lost(self) -> list[str]:
        """Obligations that should have been executed and were not."""
        owed = {d.beneficiary.name for d in self.dues if "REJECT" not in d.beneficiary.name}
        return sorted(owed - set(self.bank.executions))


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An SQLite store with its schema, to be copied: making one anew costs more than a night."""
    path = tmp_path_factory.mktemp("empty") / "settle.db"
    store = Store.open(f"sqlite:///{path}")
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return path.read_bytes()


@pytest.fixture
def killed() -> type[BaseException]:
    """What ends a process in these worlds."""
    return Killed


@pytest.fixture
def worlds(empty_store: bytes, tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes fresh worlds on SQLite, each with a store of its own."""
    made: list[World] = []

    def make(count: int = 4, *, rejected: bool = True) -> World:
        path = tmp_path / f"world-{len(made)}.db"
        path.write_bytes(empty_store)
        store = KillingStore(_unsynced(f"sqlite:///{path}"))
        bank = Bank()
        network = Network(bank=bank)
        made.append(
            World(store=store, bank=bank, network=network, dues=dues(count, rejected=rejected))
        )
        return made[-1]

    yield make
    for world in made:
        world.store.close()


def _unsynced(url: str) -> sa.Engine:
    engine = _engine(url)
    # Nothing here pulls the plug; waiting for the disk would only make the test slow.
    sa.event.listen(engine, "connect", lambda c, _: c.execute("PRAGMA synchronous=OFF"))
    return engine
