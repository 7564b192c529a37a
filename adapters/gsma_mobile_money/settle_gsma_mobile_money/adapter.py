"""The GSMA Mobile Money API, version 1.1.2: disbursements and remittances to wallets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from settle.adapters import (
    AccountRef,
    Adapter,
    Balance,
    Batch,
    BatchOutcome,
    Conversation,
    Endpoint,
    Finding,
    Forged,
    HeaderAuth,
    Key,
    KeyPlace,
    Limits,
    Notification,
    Outcome,
    Payment,
    PaymentKind,
    Profile,
    RailSettings,
    Recall,
    RecallAnswer,
    RecallUnknown,
    Request,
    Secret,
    Statement,
    StatementDocument,
    Support,
    Verb,
    commits,
)
from settle.errors import BadInput
from settle_gsma_mobile_money import (
    batch as batches,
)
from settle_gsma_mobile_money import (
    callback,
    order,
    report,
    reversal,
    searching,
    statuses,
    wallets,
)
from settle_gsma_mobile_money.reading import Place, Reader
from settle_gsma_mobile_money.settings import GsmaMobileMoneySettings
from settle_gsma_mobile_money.wire import KEY_FORM, RequestState, canonical, correlation

RAIL = "gsma_mobile_money"
TRANSACTIONS, BATCHES = "/transactions", "/batchtransactions"
KEY = Key(
    place=KeyPlace.HEADER,
    name="X-CorrelationID",
    length_max=36,
    lifetime=timedelta(0),
    deduplicates=False,  # undocumented: what became of a request is asked, never sent again
    form=KEY_FORM,
)


class GsmaMobileMoney(Adapter[GsmaMobileMoneySettings]):
    """One provider of the API: one call a payment, or one a batch. See `MAPPING.md`."""

    settings_type: ClassVar[type[RailSettings]] = GsmaMobileMoneySettings
    names_account = True

    @property
    def profile(self) -> Profile:
        """What this rail is, as data."""
        settings = self.settings
        one = (Verb.SUBMIT, Verb.FIND, Verb.CANCEL)
        many = (Verb.SUBMIT_BATCH, Verb.FIND_BATCH)
        verbs = dict.fromkeys(many if settings.batches else one, Support.YES) | {
            Verb.STATEMENT: Support.UNVERIFIED,
            Verb.BALANCES: Support.YES,
            Verb.NOTIFICATION: Support.YES if settings.callback_key else Support.NO,
            Verb.QUOTE: Support.NOT_YET,
        }
        at_home = frozenset({PaymentKind.PAYOUT, PaymentKind.TAX_REFUND})
        return Profile(
            rail=RAIL,
            currencies=frozenset(settings.accounts),
            kinds=frozenset(PaymentKind) if settings.origin_country else at_home,
            verbs=verbs,
            key=KEY,
            limits=Limits(
                amount_minor_max=settings.amount_minor_max,
                batch_size_max=settings.batch_size_max if settings.batches else 1,
            ),
            finality_horizon=timedelta(days=5),  # unverified: the specification names none
            own_rejections=statuses.OF_THE_RAIL,
        )

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers, and the API key it asks for."""
        auth = HeaderAuth(header="X-API-Key", secret=Secret(self.settings.api_key))
        return Endpoint(base_url=self.settings.base_url, auth=auth)

    @property
    def _reader(self) -> Reader:
        return Reader(client_id=self.settings.client_id)

    def check(self, payment: Payment) -> Sequence[str]:
        """Why the rail would refuse this payment, by field."""
        return list(order.refusals(payment, self.settings))

    def submit(self, payment: Payment) -> Conversation[Outcome]:
        """POST /transactions, once.

        Raises:
            BadInput: `check` has something against the payment; nothing was sent.
        """
        self._supported(Verb.SUBMIT)
        content = canonical(self._instruction(payment))
        response = yield commits(self._post(TRANSACTIONS, content, name=payment.idempotency_key))
        return statuses.outcome(
            response, payment=payment, kind=order.kind(payment), statuses=self.settings.statuses
        )

    def submit_batch(self, batch: Batch) -> Conversation[BatchOutcome]:
        """POST /batchtransactions, once.

        Raises:
            BadInput: `check` has something against one of the payments; nothing was sent.
        """
        self._supported(Verb.SUBMIT_BATCH)
        transactions = [self._instruction(payment) for payment in batch]
        content = canonical({"batchTitle": batch.batch_id, "transactions": transactions})
        response = yield commits(self._post(BATCHES, content, name=batch.batch_id))
        return batches.outcomes(response, batch)

    def find(self, payment: Payment) -> Conversation[Finding]:
        """GET /responses by our own name, and what it leads to. No hit is never final."""
        self._supported(Verb.FIND)
        return (
            yield from searching.of_payment(
                payment, reader=self._reader, statuses=self.settings.statuses, rail=RAIL
            )
        )

    def find_batch(self, batch: Batch) -> Conversation[Finding]:
        """GET /responses by the batch's name; then its completions and rejections."""
        self._supported(Verb.FIND_BATCH)
        return (
            yield from searching.of_batch(
                batch, reader=self._reader, statuses=self.settings.statuses, rail=RAIL
            )
        )

    def cancel(self, recall: Recall) -> Conversation[RecallAnswer]:
        """Look the transaction up, then POST its reversal, once."""
        self._supported(Verb.CANCEL)
        key = recall.payment.idempotency_key
        made = yield from self._reader.made(key, kind="transactions")
        if not isinstance(made, Place):
            return reversal.NOTHING_YET
        content = canonical(reversal.request(recall))
        response = yield commits(
            self._post(f"{made.path}/reversals", content, name=recall.recall_id)
        )
        return reversal.answer(response, original=made.reference, statuses=self.settings.statuses)

    def find_cancellation(self, recall: Recall) -> Conversation[RecallAnswer]:
        """GET /responses by the recall's name, and the reversal that it leads to."""
        self._supported(Verb.CANCEL)
        made = yield from self._reader.made(recall.recall_id, kind="transactions")
        if made is None:
            return RecallUnknown(reason="the rail knows of no such request")
        if isinstance(made, RequestState):
            return reversal.of_state(made)
        found = yield from self._reader.transaction(made)
        return reversal.of_transaction(found, original=None, statuses=self.settings.statuses)

    def statement(self, account: AccountRef, day: date) -> Conversation[StatementDocument | None]:
        """A UTC day's completed transactions and closing balance, put together from the list."""
        return (
            yield from wallets.stated(
                account, day, reader=self._reader, statuses=self.settings.statuses
            )
        )

    def balances(self) -> Conversation[Sequence[Balance]]:
        """GET the balance of each wallet of ours."""
        found = []
        for account in self.accounts():
            amount_minor = yield from wallets.held(account, reader=self._reader)
            found.append(Balance(account=account, amount_minor=amount_minor))
        return found

    def read_report(self, document: StatementDocument) -> Statement:
        """The statement that `statement` put together, read."""
        return report.statement(document)

    def notification(
        self, headers: Mapping[str, str], content: bytes, received_at: datetime
    ) -> Notification | Forged:
        """A callback, believed by the key agreed upon and translated."""
        if self.settings.callback_key is None:
            return Forged(reason="no callback key is configured, so nothing can be believed")
        key = Secret(self.settings.callback_key)
        if why := callback.forgery(headers, content, key=key):
            return Forged(reason=why)
        return callback.translate(
            headers, content, rail=RAIL, statuses=self.settings.statuses, received_at=received_at
        )

    def _instruction(self, payment: Payment) -> dict[str, Any]:
        if against := self.check(payment):
            raise BadInput(f"payment {payment.payment_id}: {'; '.join(against)}")
        return order.instruction(payment, self.settings)

    def _supported(self, verb: Verb) -> None:
        if not self.profile.supports(verb):
            raise self._unsupported(verb)

    def _post(self, path: str, content: bytes, *, name: str) -> Request:
        headers = self._reader.headers() | {
            "content-type": "application/json",
            "X-Content-Hash": hashlib.sha256(content).hexdigest(),
            "X-CorrelationID": correlation(name),
        }
        if self.settings.callback_url:
            headers["X-Callback-URL"] = self.settings.callback_url
        return Request(method="POST", path=path, headers=headers, content=content)
