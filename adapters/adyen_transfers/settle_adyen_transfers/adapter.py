"""Adyen's Transfers API, version 4: payouts from balance accounts to bank accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pydantic import Field, field_validator

from settle.adapters import (
    AccountRef,
    Adapter,
    Balance,
    Conversation,
    Endpoint,
    Evidence,
    Fact,
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
    Request,
    Secret,
    Source,
    Statement,
    StatementDocument,
    Support,
    Verb,
    commits,
    reads,
)
from settle.errors import BadInput, ConfigError, RailDown
from settle.money import MINOR_MAX
from settle_adyen_transfers import lists, payee, report, statuses, webhook
from settle_adyen_transfers.wire import Transfer, canonical, read

FIND_DAYS = timedelta(days=80)
"""How far from its value date a payment is looked for: nearly the six months the rail allows,
for a payment may wait long for its funds, and the reference narrows the list anyway."""
STATEMENT_TRIES = 3


class AdyenTransfersSettings(RailSettings):
    """The plug-in's section of `settle.toml`. `base_url` is the host, without an API's path.

    `balance_platform` is for people: every request names the balance account instead.
    """

    balance_platform: str = ""
    api_key: str
    hmac_key: str | None = None
    amount_minor_max: dict[str, int] = Field(default_factory=dict)

    @field_validator("api_key", "hmac_key")
    @classmethod
    def _by_reference(cls, value: str | None) -> str | None:
        try:
            _ = None if value is None else Secret(value)
        except ConfigError as error:
            raise ValueError(error.message) from None
        return value


KEY = Key(
    place=KeyPlace.HEADER,
    name="Idempotency-Key",
    length_max=64,
    lifetime=timedelta(days=7),
    deduplicates=True,
)


class AdyenTransfers(Adapter[AdyenTransfersSettings]):
    """Adyen's Transfers API, version 4: one call a payment. See `MAPPING.md`."""

    settings_type = AdyenTransfersSettings
    names_account = True

    @property
    def profile(self) -> Profile:
        """What this rail is, as data."""
        yes = (Verb.SUBMIT, Verb.FIND, Verb.STATEMENT, Verb.BALANCES, Verb.NOTIFICATION)
        return Profile(
            rail="adyen_transfers",
            currencies=frozenset(self.settings.accounts),
            kinds=frozenset(PaymentKind),
            verbs=dict.fromkeys(yes, Support.YES) | {Verb.CANCEL: Support.NOT_YET},
            key=KEY,
            limits=Limits(amount_minor_max=self.settings.amount_minor_max, concurrency_max=8),
            finality_horizon=timedelta(days=5),
            own_rejections=statuses.OF_THE_RAIL,
        )

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers, and the API key it asks for."""
        auth = HeaderAuth(header="X-API-Key", secret=Secret(self.settings.api_key))
        return Endpoint(base_url=self.settings.base_url, auth=auth)

    def check(self, payment: Payment) -> Sequence[str]:
        """Why the rail would refuse this payment, by field."""
        found = list(payee.refusals(payment.beneficiary, currency=payment.currency))
        if payment.currency not in self.settings.accounts:
            found.append(f"currency: no balance account for {payment.currency}")
        limit = self.settings.amount_minor_max.get(payment.currency, MINOR_MAX)
        if not 0 < payment.amount_minor <= limit:
            found.append(f"amount_minor: not between 1 and {limit}")
        if not 0 < len(payment.idempotency_key) <= KEY.length_max:
            found.append("idempotency_key: not between 1 and 64 characters")
        return found

    def submit(self, payment: Payment) -> Conversation[Outcome]:
        """POST /transfers, once.

        Raises:
            BadInput: `check` has something against the payment; nothing was sent.
        """
        if against := self.check(payment):
            raise BadInput(f"payment {payment.payment_id}: {'; '.join(against)}")
        headers = lists.JSON | {
            "content-type": "application/json",
            "Idempotency-Key": payment.idempotency_key,
        }
        content = canonical(self._instruction(payment))
        response = yield commits(
            Request(method="POST", path=lists.TRANSFERS, headers=headers, content=content)
        )
        return statuses.outcome(response, payment=payment)

    def _instruction(self, payment: Payment) -> dict[str, Any]:
        to, currency = payment.beneficiary, payment.currency
        return {
            "amount": {"currency": currency, "value": payment.amount_minor},
            "balanceAccountId": self.settings.payer(payment),
            "category": "bank",
            "counterparty": {"bankAccount": payee.bank_account(to, currency=currency)},
            "description": payee.description(payment.remittance_information),
            "priority": payee.priority(to, currency=currency),
            "reference": payment.end_to_end_id,
            "referenceForBeneficiary": payee.beneficiary_reference(
                payment.end_to_end_id, beneficiary=to, currency=currency
            ),
        }

    def find(self, payment: Payment) -> Conversation[Finding]:
        """GET /transfers by our reference, around the value date. No hit is never final.

        Raises:
            RailDown: the rail answered something else than a list.
        """
        account = self.settings.payer(payment)
        midnight = datetime.combine(payment.value_date, time(), UTC)
        query = {
            "balanceAccountId": account,
            "reference": payment.end_to_end_id,
            **lists.created(midnight - FIND_DAYS, midnight + FIND_DAYS),
        }
        raw = yield from lists.listed(lists.TRANSFERS, query)
        transfers = [read(Transfer, x, what="GET /transfers") for x in raw]
        finding = [
            evidence
            for x in transfers
            if x.reference == payment.end_to_end_id and x.direction != "incoming"
            for evidence in statuses.evidence(
                x,
                source=Source.FIND,
                rail=self.profile.rail,
                otherwise_at=midnight,
            )
        ]
        return finding or [self._not_found(payment, at=midnight)]

    def _not_found(self, payment: Payment, *, at: datetime) -> Evidence:
        return Evidence(
            evidence_id=f"{self.profile.rail}:not_found:{payment.end_to_end_id}",
            source=Source.FIND,
            fact=Fact.NOT_FOUND,
            reference=payment.end_to_end_id,
            occurred_at=at,
            rail=self.profile.rail,
        )

    def statement(self, account: AccountRef, day: date) -> Conversation[StatementDocument | None]:
        """A UTC day's bookings and closing balance, put together from the rail's lists.

        The balance is read before and after the lists: only where it stood still do they
        belong together.

        Raises:
            RailDown: the rail refused, or the account moved at every try.
        """
        created = report.created_around(day)
        query = {"balanceAccountId": account.account, **lists.created(*created)}
        for _ in range(STATEMENT_TRIES):
            before = yield from lists.balance(account)
            raw = yield from lists.listed(lists.TRANSACTIONS, query)
            after = yield from lists.balance(account)
            if before == after:
                break
        else:
            raise RailDown(f"{account.account} moved while its statement of {day} was read")
        lines = report.booked(raw, currency=account.currency)
        transfers = []
        for transfer_id in report.to_look_up(lines, day=day):
            response = yield reads(lists.get(f"{lists.TRANSFERS}/{transfer_id}"))
            transfers.append(lists.answered(response))
        return report.document(account, day=day, lines=lines, balance=after, transfers=transfers)

    def balances(self) -> Conversation[Sequence[Balance]]:
        """GET /balanceAccounts/{id} for each account, of Adyen's Balance Platform API."""
        held = []
        for account in self.accounts():
            amount_minor = yield from lists.balance(account)
            held.append(Balance(account=account, amount_minor=amount_minor))
        return held

    def read_report(self, document: StatementDocument) -> Statement:
        """The statement that `statement` put together, read."""
        return report.statement(document)

    def notification(
        self, headers: Mapping[str, str], content: bytes, received_at: datetime
    ) -> Notification | Forged:
        """A transfer webhook, verified with the HMAC key and translated."""
        if self.settings.hmac_key is None:
            return Forged(reason="no HMAC key is configured, so nothing can be verified")
        key = Secret(self.settings.hmac_key)
        if not webhook.is_signed(headers, content, key=key):
            return Forged(reason="the HMAC signature is missing or does not verify")
        return webhook.translate(content, rail=self.profile.rail, received_at=received_at)
