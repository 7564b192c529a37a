"""Two rails in memory: one call a payment, and many payments in one message."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from settle.adapters import (
    Accepted,
    AccountRef,
    Adapter,
    Batch,
    BatchOutcome,
    Conversation,
    Endpoint,
    Evidence,
    Fact,
    Finding,
    Forged,
    Key,
    KeyPlace,
    Limits,
    LineKind,
    Notification,
    Outcome,
    Payment,
    PaymentKind,
    Profile,
    RailSettings,
    Recall,
    RecallAccepted,
    RecallAnswer,
    RecallRejected,
    RecallUnknown,
    Rejected,
    Request,
    Response,
    Source,
    Statement,
    StatementDocument,
    StatementLine,
    Support,
    Unknown,
    Verb,
    commits,
    prepares,
    reads,
)
from settle.errors import RailDown
from settle.simulation.trial.bank import signature

SINGLE, BATCHED = "lark", "heron"
FORMAT = "simulated"


class SimulatedSettings(RailSettings):
    """What a rail in memory says of itself: whether it knows keys, and for how long.

    `is_final`: it executes nothing after its horizon.
    """

    deduplicates: bool = True
    key_life: timedelta = timedelta(hours=24)
    is_final: bool = False


class Lark(Adapter[SimulatedSettings]):
    """One call a payment: a quote, a payee, and the one request that moves money."""

    settings_type: ClassVar[type[RailSettings]] = SimulatedSettings
    rail = SINGLE
    verbs: Mapping[Verb, Support] = dict.fromkeys(
        (Verb.SUBMIT, Verb.FIND, Verb.STATEMENT, Verb.NOTIFICATION, Verb.CANCEL), Support.YES
    )

    @property
    def profile(self) -> Profile:
        """What the rail is, as data."""
        return Profile(
            rail=self.rail,
            currencies=frozenset(self.settings.accounts),
            kinds=frozenset(PaymentKind),
            verbs=self.verbs,
            key=Key(
                place=KeyPlace.BODY,
                name="key",
                length_max=35,
                lifetime=self.settings.key_life,
                deduplicates=self.settings.deduplicates,
            ),
            limits=Limits(batch_size_max=3, concurrency_max=2),
            finality_horizon=timedelta(days=1),
            late_execution_impossible=self.settings.is_final,
        )

    @property
    def endpoint(self) -> Endpoint:
        """Where it would answer."""
        return Endpoint(base_url=self.settings.base_url)

    def submit(self, payment: Payment) -> Conversation[Outcome]:
        """Ask for a quote, name the payee, pay."""
        quote = yield reads(Request(method="GET", path="/quote"))
        if quote.status != 200:
            raise ValueError("no quote")
        yield prepares(_post("/payees", {"account": payment.beneficiary.account}))
        reply = yield commits(_post("/payments", self._order(payment)))
        if reply.status != 200:
            return Unknown(reason=f"status {reply.status}")
        return _outcome(reply.json())

    def find(self, payment: Payment) -> Conversation[Finding]:
        """Ask by the key."""
        reply = yield reads(Request(method="GET", path=f"/payments/{payment.idempotency_key}"))
        if reply.status not in (200, 404):
            return []
        said = reply.json() if reply.status == 200 else None
        return [self._evidence(said, payment)]

    def cancel(self, recall: Recall) -> Conversation[RecallAnswer]:
        """Ask for the money."""
        body = {"id": recall.recall_id, "reference": recall.payment.end_to_end_id}
        return _recalled((yield commits(_post("/recalls", body))))

    def find_cancellation(self, recall: Recall) -> Conversation[RecallAnswer]:
        """Ask what was said to it."""
        path = f"/recalls/{recall.recall_id}"
        return _recalled((yield reads(Request(method="GET", path=path))))

    def statement(self, account: AccountRef, day: date) -> Conversation[StatementDocument | None]:
        """One account's day, as lines of JSON.

        Raises:
            RailDown: the rail answered something else.
        """
        path = f"/statements/{account.account}/{day.isoformat()}"
        reply = yield reads(Request(method="GET", path=path))
        if reply.status != 200:
            raise RailDown(f"{self.rail} answered {reply.status}", rail=self.rail)
        reply.json()  # what cannot be read is no statement
        return StatementDocument(
            rail=account.rail, account=account.account, currency=account.currency, day=day,
            format=FORMAT, content=reply.content,
        )  # fmt: skip

    def read_report(self, document: StatementDocument) -> Statement:
        """The lines, between the balances that the bank states."""
        said = json.loads(document.content)
        lines = tuple(_line(line, document) for line in said["lines"])
        return Statement(
            rail=document.rail, account=document.account, currency=document.currency,
            day=document.day, statement_ref=f"{document.account}/{document.day}",
            opening_minor=said["opening"],
            closing_minor=said["closing"],
            lines=lines, complete=document.complete,
        )  # fmt: skip

    def notification(
        self, headers: Mapping[str, str], content: bytes, received_at: datetime
    ) -> Notification | Forged:
        """A signed word that the beneficiary has the money."""
        del received_at
        if headers.get("x-signature") != signature(content):
            return Forged(reason="the signature does not verify")
        said = json.loads(content)
        credited = Evidence(
            evidence_id=f"{self.rail}/{said['reference']}/told",
            source=Source.NOTIFICATION,
            fact=Fact.ACCEPTED,
            reference=said["reference"],
            occurred_at=datetime.fromisoformat(said["at"]),
            rail=self.rail,
        )
        return Notification(delivery_id=said["reference"], evidence=[credited])

    def _order(self, payment: Payment) -> dict[str, Any]:
        return {
            "key": payment.idempotency_key,
            "reference": payment.end_to_end_id,
            "account": self.settings.payer(payment),
            "amount": payment.amount_minor,
            "currency": payment.currency,
            "name": payment.beneficiary.name,
        }

    def _evidence(self, said: Mapping[str, str] | None, payment: Payment) -> Evidence:
        fact = _FACTS[said["status"]] if said else Fact.NOT_FOUND
        midnight = datetime.combine(payment.value_date, time(), UTC)
        return Evidence(
            evidence_id=f"{payment.end_to_end_id}/{fact.value}",
            source=Source.FIND,
            fact=fact,
            reference=payment.end_to_end_id,
            occurred_at=datetime.fromisoformat(said["at"]) if said else midnight,
            rail=self.rail,
            code=said["code"] if said else "",
        )


class Heron(Lark):
    """Many payments in one message; the report says which were taken."""

    rail = BATCHED
    verbs: Mapping[Verb, Support] = dict.fromkeys(
        (Verb.SUBMIT_BATCH, Verb.FIND_BATCH, Verb.STATEMENT, Verb.NOTIFICATION, Verb.CANCEL),
        Support.YES,
    )

    def submit_batch(self, batch: Batch) -> Conversation[BatchOutcome]:
        """Send the message, then read its report."""
        orders = [self._order(payment) for payment in batch]
        reply = yield commits(_post("/batches", {"id": batch.batch_id, "orders": orders}))
        if reply.status != 200:
            return {}
        reply.json()  # what cannot be read decides nothing
        report = yield reads(_report(batch))
        if report.status != 200:
            return {}
        known = report.json()
        return {p.payment_id: _outcome(known.get(p.idempotency_key)) for p in batch}

    def find_batch(self, batch: Batch) -> Conversation[Finding]:
        """Read the report. What a report does not name, it says nothing of."""
        report = yield reads(_report(batch))
        if report.status == 404:
            return [self._evidence(None, payment) for payment in batch]
        return list(self._named(report, batch))

    def _named(self, report: Response, batch: Batch) -> Iterator[Evidence]:
        known = report.json() if report.status == 200 else {}
        for payment in batch:
            if payment.idempotency_key in known:
                yield self._evidence(known[payment.idempotency_key], payment)


def _report(batch: Batch) -> Request:
    return Request(method="GET", path=f"/batches/{batch.batch_id}")


def _post(path: str, body: Mapping[str, Any]) -> Request:
    return Request(method="POST", path=path, content=json.dumps(body, sort_keys=True).encode())


_FACTS = {"accepted": Fact.ACCEPTED, "rejected": Fact.REJECTED, "failed": Fact.FAILED}


def _outcome(said: Mapping[str, str] | None) -> Outcome:
    match said and said["status"]:
        case "accepted":
            return Accepted(status="accepted")
        case "rejected":
            return Rejected(code="AC04", reason="closed account")
        case _:
            return Unknown(reason="the answer does not decide")


def _recalled(reply: Response) -> RecallAnswer:
    said = reply.json() if reply.status == 200 else {}
    match said.get("status"):
        case "accepted":
            return RecallAccepted()
        case "rejected":
            return RecallRejected(code="NOOR", reason="no such payment, or the payee keeps it")
        case _:
            return RecallUnknown(reason=f"status {reply.status}")


def _line(line: Mapping[str, Any], document: StatementDocument) -> StatementLine:
    is_return = line["kind"] == "return"
    return StatementLine(
        line_ref=line["ref"], amount_minor=line["amount"], currency=document.currency,
        booked_on=document.day, value_on=document.day,
        kind=LineKind.RETURN if is_return else LineKind.TRANSFER,
        end_to_end_id=line["reference"] or None, charges_minor=line["charges"],
        return_code=line["code"] or None, remittance_information=line["text"],
        instructed_minor=line["amount"] + line["charges"] if is_return else None,
        instructed_currency=document.currency if is_return else None,
    )  # fmt: skip
