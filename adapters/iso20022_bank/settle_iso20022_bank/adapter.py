"""The bank's profile and conversations. `MAPPING.md` says where each rule is documented."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import ClassVar
from urllib.parse import quote

from settle.adapters import (
    AccountRef,
    Adapter,
    BasicAuth,
    Batch,
    BatchOutcome,
    Conversation,
    Endpoint,
    Finding,
    Key,
    KeyPlace,
    Limits,
    Outcome,
    Payment,
    PaymentKind,
    Profile,
    RailSettings,
    Recall,
    RecallAnswer,
    RecallNotTaken,
    RecallPending,
    RecallUnknown,
    Rejected,
    Request,
    Secret,
    StatementDocument,
    Support,
    Unknown,
    Verb,
    commits,
    reads,
)
from settle.errors import RailDown
from settle_iso20022_bank.message import fitted, iban
from settle_iso20022_bank.recall import answer_in, write_camt055
from settle_iso20022_bank.settings import Iso20022BankSettings
from settle_iso20022_bank.verdict import (
    OF_THE_BANK,
    absence_of,
    bank_error,
    evidence_of,
    nothing_was_created,
    outcome_of,
    report_in,
)
from settle_iso20022_bank.wire import Status, StatusReport, write_pain001

RAIL = "iso20022_bank"
XML = {"Content-Type": "application/xml"}
VERBS: Mapping[Verb, Support] = {
    Verb.SUBMIT: Support.NO,
    Verb.SUBMIT_BATCH: Support.YES,
    Verb.FIND: Support.NO,
    Verb.FIND_BATCH: Support.YES,
    Verb.CANCEL: Support.YES,
    Verb.QUOTE: Support.NO,
    Verb.STATEMENT: Support.YES,
    Verb.BALANCES: Support.NOT_YET,
    Verb.NOTIFICATION: Support.NO,
}
KEY = Key(
    place=KeyPlace.BODY,
    name="MsgId",
    length_max=35,
    lifetime=timedelta(days=30),
    deduplicates=True,
)


class Iso20022Bank(Adapter[Iso20022BankSettings]):
    """A bank over HTTP: one pain.001 a batch, answered by pain.002 and camt.053."""

    settings_type: ClassVar[type[RailSettings]] = Iso20022BankSettings
    names_account = True

    @property
    def profile(self) -> Profile:
        """What the bank is, as data."""
        return Profile(
            rail=RAIL,
            currencies=frozenset(self.settings.accounts),
            kinds=frozenset(PaymentKind),
            verbs=VERBS,
            key=KEY,
            limits=Limits(batch_size_max=self.settings.batch_size_max, concurrency_max=4),
            finality_horizon=timedelta(days=5),
            own_rejections=OF_THE_BANK,
        )

    @property
    def endpoint(self) -> Endpoint:
        """Where the bank answers, with HTTP basic authentication."""
        auth = BasicAuth(user=self.settings.user, password=Secret(self.settings.password))
        return Endpoint(base_url=self.settings.base_url, auth=auth)

    def check(self, payment: Payment) -> Sequence[str]:
        """Why the bank would refuse this payment, by field. This sends nothing."""
        return [
            *_wrong_references(payment),
            *_wrong_payee(payment),
            *self._wrong_amount(payment),
        ]

    def submit_batch(self, batch: Batch) -> Conversation[BatchOutcome]:
        """Upload the batch, then read its status report. Only the report accepts a payment."""
        content = write_pain001(batch, bank=self.settings)
        reply = yield commits(
            Request(method="POST", path="/payments", headers=XML, content=content)
        )
        if nothing_was_created(reply):
            reason = bank_error(reply, "reason")
            return _all(batch, Rejected(code="FF01", reason=reason))
        if not 200 <= reply.status < 300:
            return _all(batch, Unknown(reason=f"the upload was answered {reply.status}"))
        answer = yield reads(_status_request(batch))
        report = report_in(answer, batch)
        if report is None:
            reason = f"uploaded; the status request was answered {answer.status} without a report"
            return _all(batch, Unknown(reason=reason))
        return {p.payment_id: outcome_of(self._status(report, p), report) for p in batch}

    def find_batch(self, batch: Batch) -> Conversation[Finding]:
        """Read the batch's status report. This finds nothing where the report decides nothing."""
        answer = yield reads(_status_request(batch))
        if answer.status == 404:
            return [absence_of(batch, payment, rail=RAIL) for payment in batch]
        report = report_in(answer, batch)
        if report is None:
            return []
        found = (evidence_of(self._status(report, p), p, report, rail=RAIL) for p in batch)
        return [evidence for evidence in found if evidence is not None]

    def cancel(self, recall: Recall) -> Conversation[RecallAnswer]:
        """Upload the camt.055, then read its camt.029. Only that answers a recall."""
        content = write_camt055(recall, bank=self.settings)
        reply = yield commits(
            Request(method="POST", path="/cancellations", headers=XML, content=content)
        )
        if nothing_was_created(reply):
            return RecallNotTaken(code="FF01", reason=bank_error(reply, "reason"))
        if not 200 <= reply.status < 300:
            return RecallUnknown(reason=f"the request was answered {reply.status}")
        answer = yield from self.find_cancellation(recall)
        missing = isinstance(answer, RecallUnknown)
        return RecallPending(reason=answer.reason) if missing else answer

    def find_cancellation(self, recall: Recall) -> Conversation[RecallAnswer]:
        """Read the camt.029 of a recall. Without one it is not known what became of it."""
        path = f"/cancellations/{quote(recall.recall_id, safe='')}"
        answer = yield reads(Request(method="GET", path=path))
        return answer_in(answer, recall)

    def statement(self, account: AccountRef, day: date) -> Conversation[StatementDocument | None]:
        """Fetch the camt.053 of one account and day; None where the bank has none (yet)."""
        path = f"/statements/{quote(account.account, safe='')}/{day.isoformat()}"
        answer = yield reads(Request(method="GET", path=path))
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise RailDown(
                f"{RAIL} answered {answer.status} to a statement request",
                rail=RAIL,
                status=answer.status,
            )
        return StatementDocument(
            rail=account.rail,
            account=account.account,
            currency=account.currency,
            day=day,
            format="camt.053",
            content=answer.content,
        )

    def _status(self, report: StatusReport, payment: Payment) -> Status:
        inherits = self.settings.part_inherits
        return report.status_of(payment.end_to_end_id, part_inherits=inherits)

    def _wrong_amount(self, payment: Payment) -> Iterator[str]:
        if payment.currency not in self.settings.accounts:
            yield f"currency: we hold no {payment.currency} account at {RAIL}"
        if payment.amount_minor <= 0:
            yield "amount_minor: not positive"


def _wrong_references(payment: Payment) -> Iterator[str]:
    if not 1 <= len(payment.end_to_end_id) <= 35:
        yield "end_to_end_id: not 1 to 35 characters (Max35Text)"
    if not re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", payment.uetr
    ):
        yield "uetr: not a lower-case UUID of version 4"


def _wrong_payee(payment: Payment) -> Iterator[str]:
    payee = payment.beneficiary
    for field, value in (("name", payee.name), ("town", payee.town), ("account", payee.account)):
        if not fitted(value, 140):
            yield f"beneficiary.{field}: missing"
    if not re.fullmatch(r"[A-Z]{2}", payee.country):
        yield "beneficiary.country: not an ISO 3166 code"
    if len(payee.account.replace(" ", "")) > 34:
        yield "beneficiary.account: longer than 34 characters"
    if payee.bic and not re.fullmatch(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?", payee.bic):
        yield "beneficiary.bic: not an ISO 9362 code"
    if iban(payee.account) is None and not (payee.bic or payee.bank_code):
        yield "beneficiary.bic: an account that is no IBAN needs a BIC or a bank code"


def _status_request(batch: Batch) -> Request:
    return Request(method="GET", path=f"/payments/{quote(batch.batch_id, safe='')}/status")


def _all(batch: Batch, outcome: Outcome) -> BatchOutcome:
    return {payment.payment_id: outcome for payment in batch}
