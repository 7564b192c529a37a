"""The Wise Platform API: payouts and remittances from a multi-currency account."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from pydantic import Field, field_validator

from settle.adapters import (
    AccountRef,
    Adapter,
    Balance,
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
    Secret,
    Statement,
    StatementDocument,
    Support,
    Verb,
    reads,
)
from settle.errors import BadInput, ConfigError, DocumentError
from settle.money import MINOR_MAX
from settle_wise import lists, payee, paying, recalling, report, requirements, statuses, webhook
from settle_wise.wire import UUID, BalanceAccount, listed


class WiseSettings(RailSettings):
    """The plug-in's section of `settle.toml`. `base_url` is the host, without a version.

    `accounts` names the balance of each currency by its id; `profile` owns them. `answers` are
    what to answer where the rail asks a transfer for more, such as `sourceOfFunds`.
    """

    profile: int = Field(gt=0)
    api_token: str
    webhook_key: str | None = None
    answers: dict[str, str] = Field(default_factory=dict)
    amount_minor_max: dict[str, int] = Field(default_factory=dict)

    @field_validator("api_token", "webhook_key")
    @classmethod
    def _by_reference(cls, value: str | None) -> str | None:
        try:
            _ = None if value is None else Secret(value)
        except ConfigError as error:
            raise ValueError(error.message) from None
        return value

    @field_validator("accounts")
    @classmethod
    def _are_balances(cls, value: dict[str, str]) -> dict[str, str]:
        if not all(re.fullmatch(r"\d{1,18}", balance) for balance in value.values()):
            raise ValueError("a balance is named by its id, a number")
        return value


KEY = Key(
    place=KeyPlace.BODY,
    name="customerTransactionId",
    length_max=36,
    lifetime=timedelta(days=5),
    deduplicates=True,
)
"""The rail gets the payment's UETR, minted with the key from the same names: it is a UUID. It
leads back to the transfer, and a transfer is funded once. The lifetime is the shortest the rail
has ever stated for a transfer that waits for its funding."""

OWN = frozenset({paying.QUOTE_REFUSED, requirements.UNMET, statuses.NEVER_FUNDED})


class Wise(Adapter[WiseSettings]):
    """The Wise Platform API: a transfer a payment, funded from the balance. See `MAPPING.md`."""

    settings_type = WiseSettings

    @property
    def profile(self) -> Profile:
        """What this rail is, as data."""
        yes = (
            Verb.SUBMIT, Verb.FIND, Verb.CANCEL, Verb.STATEMENT, Verb.BALANCES, Verb.NOTIFICATION,
        )  # fmt: skip
        return Profile(
            rail="wise",
            currencies=frozenset(self.settings.accounts),
            kinds=frozenset(PaymentKind),
            verbs=dict.fromkeys(yes, Support.YES) | {Verb.QUOTE: Support.NOT_YET},
            key=KEY,
            limits=Limits(
                amount_minor_max=self.settings.amount_minor_max,
                requests_per_second=16,
                concurrency_max=8,
                page_size_max=lists.PAGE,
            ),
            finality_horizon=timedelta(days=15),
            own_rejections=OWN | statuses.UNFUNDED,
        )

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers, and the token it asks for."""
        secret = Secret(self.settings.api_token)
        auth = HeaderAuth(header="Authorization", secret=secret, prefix="Bearer ")
        return Endpoint(base_url=self.settings.base_url, auth=auth)

    def check(self, payment: Payment) -> Sequence[str]:
        """Why the rail would refuse this payment, by field."""
        currency = payment.currency
        found = list(payee.refusals(payment.beneficiary, currency=currency, kind=payment.kind))
        if currency not in self.settings.accounts:
            found.append(f"currency: no balance in {currency}")
        limit = self.settings.amount_minor_max.get(currency, MINOR_MAX)
        if not 0 < payment.amount_minor <= limit:
            found.append(f"amount_minor: not between 1 and {limit}")
        if not re.fullmatch(UUID, lists.reference(payment)):
            found.append("uetr: not a UUID")
        return found

    def submit(self, payment: Payment) -> Conversation[Outcome]:
        """Quote, recipient, transfer, and its funding: the one request that moves money.

        Raises:
            BadInput: `check` has something against the payment; nothing was sent.
        """
        if against := self.check(payment):
            raise BadInput(f"payment {payment.payment_id}: {'; '.join(against)}")
        profile, answers = self.settings.profile, self.settings.answers
        return (yield from paying.Paying(payment, profile, answers).conversation())

    def find(self, payment: Payment) -> Conversation[Finding]:
        """GET /v1/transfers around the value date, for the one with our reference.

        Raises:
            RailDown: the rail answered something else than a list.
        """
        rail = self.profile.rail
        midnight = datetime.combine(payment.value_date, time(), UTC)
        transfer = yield from lists.transfer_of(payment, profile=self.settings.profile)
        if transfer is None:
            return [statuses.not_found(payment, rail=rail, at=midnight)]
        proof = yield from statuses.evidence(transfer, payment, rail=rail, otherwise_at=midnight)
        return [proof]

    def cancel(self, recall: Recall) -> Conversation[RecallAnswer]:
        """PUT /v1/transfers/{id}/cancel, once."""
        return recalling.cancelled(recall, profile=self.settings.profile)

    def find_cancellation(self, recall: Recall) -> Conversation[RecallAnswer]:
        """What the transfer's own status says of it."""
        return recalling.told(recall, profile=self.settings.profile)

    def statement(self, account: AccountRef, day: date) -> Conversation[StatementDocument | None]:
        """A UTC day of one balance, and the transfers that its lines name.

        Raises:
            RailDown: the rail refused.
        """
        since, until = report.interval(day)
        query = {
            "currency": account.currency,
            "intervalEnd": lists.instant(until),
            "intervalStart": lists.instant(since),
            "type": "COMPACT",
        }
        profile = self.settings.profile
        path = f"/v1/profiles/{profile}/balance-statements/{account.account}/statement.json"
        raw = lists.answered((yield reads(lists.get(path, query))))
        wanted, span = report.named(raw), (since - report.BEFORE, until)
        made = {}
        if wanted:
            made = yield from lists.transfers_in(account.currency, profile=profile, span=span)
        transfers = []
        for transfer_id in wanted:
            transfer = made.get(transfer_id) or (yield from lists.transfer(transfer_id))
            transfers += [transfer] if transfer is not None else []
        return report.document(account, day=day, raw=raw, transfers=transfers)

    def balances(self) -> Conversation[Sequence[Balance]]:
        """GET /v4/profiles/{id}/balances: what can fund transfers now."""
        path = f"/v4/profiles/{self.settings.profile}/balances"
        response = yield reads(lists.get(path, {"types": "STANDARD"}))
        held = listed(BalanceAccount, lists.answered(response), what="GET /balances")
        by_id = {(str(x.id), x.currency): x.amount for x in held}
        found = []
        for account in self.accounts():
            amount = by_id.get((account.account, account.currency))
            if amount is None or amount.currency != account.currency:
                raise DocumentError(f"there is no balance {account.account} {account.currency}")
            found.append(Balance(account=account, amount_minor=amount.minor))
        return found

    def read_report(self, document: StatementDocument) -> Statement:
        """The statement that `statement` put together, read."""
        return report.statement(document)

    def notification(
        self,
        headers: Mapping[str, str],
        content: bytes,
        received_at: datetime,  # noqa: ARG002  # an event says itself when it occurred
    ) -> Notification | Forged:
        """A webhook, verified with the rail's public key. It is no evidence: it makes us ask."""
        if self.settings.webhook_key is None:
            return Forged(reason="no webhook key is configured, so nothing can be verified")
        if not webhook.is_signed(headers, content, key=Secret(self.settings.webhook_key)):
            return Forged(reason="the RSA signature is missing or does not verify")
        return webhook.translate(content, profile=self.settings.profile)
