"""The contract of an adapter: a profile, an endpoint and a few conversations.

An adapter opens no socket, reads no clock, sleeps, retries and logs nothing. Each `yield`
hands one HTTP request to the sender, saying what the request may do, and gets the response.
Verbs that the profile does not support need not be overridden; asked for, they refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from settle.adapters.auth import Endpoint
from settle.adapters.evidence import Evidence
from settle.adapters.exchange import Conversation
from settle.adapters.notification import Forged, Notification
from settle.adapters.outcome import Outcome
from settle.adapters.payment import Batch, Payment
from settle.adapters.profile import Profile, Verb
from settle.adapters.recall import Recall, RecallAnswer
from settle.adapters.statement import AccountRef, Balance, Statement, StatementDocument
from settle.errors import Unsupported


class RailSettings(BaseModel):
    """A plug-in's section of `settle.toml`. Subclass it; unknown keys are refused.

    `accounts` names our account at the rail for each currency it holds for us; where it holds
    several, the first. `further_accounts` are the others, which a funding file may name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str
    accounts: dict[str, str]
    further_accounts: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _further_ones_are_others(self) -> Self:
        for currency, further in self.further_accounts.items():
            if currency not in self.accounts:
                raise ValueError(f"further_accounts: {currency} has no first account in accounts")
            if not all(account.strip() for account in further):
                raise ValueError(f"further_accounts: one of {currency} is blank")
            if len({self.accounts[currency], *further}) <= len(further):
                raise ValueError(f"further_accounts: {currency} has an account twice")
        return self

    def payer(self, paid: Payment | Batch) -> str:
        """Our account that a payment or batch leaves from: its own, else the currency's first."""
        return paid.account or self.accounts[paid.currency]


S = TypeVar("S", bound=RailSettings)

BatchOutcome = Mapping[str, Outcome]
"""The outcome of each payment of a batch, by payment id; one not named is `Unknown`."""

Finding = Sequence[Evidence]
"""What `find` learned. Empty is not proof: only a documented `Fact.REJECTED` ends a payment."""


class Adapter(Generic[S]):
    """One bank or partner. Subclass it, give a profile, and override the verbs it supports.

    `names_account`: whether what it sends pays from the `account` of the payment or batch, as
    `settings.payer` has it. One that does not is given no `further_accounts`.
    """

    settings_type: ClassVar[type[RailSettings]]
    names_account: ClassVar[bool] = False

    def __init__(self, settings: S) -> None:
        self.settings = settings

    @property
    def profile(self) -> Profile:
        """What this rail is, as data."""
        raise NotImplementedError

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers."""
        raise NotImplementedError

    def accounts(self) -> Sequence[AccountRef]:
        """Our accounts at this rail, by currency; the first of each is the one used by default."""
        rail, further = self.profile.rail, self.settings.further_accounts
        return [
            AccountRef(rail=rail, account=account, currency=currency)
            for currency, first in sorted(self.settings.accounts.items())
            for account in (first, *further.get(currency, ()))
        ]

    def check(self, payment: Payment) -> Sequence[str]:
        """Why the rail would refuse this payment, by field. Empty: nothing known against it."""
        return ()

    def submit(self, payment: Payment) -> Conversation[Outcome]:
        """Pay one. At most one `commits`."""
        raise self._unsupported(Verb.SUBMIT)

    def submit_batch(self, batch: Batch) -> Conversation[BatchOutcome]:
        """Pay many in one message. At most one `commits`."""
        raise self._unsupported(Verb.SUBMIT_BATCH)

    def find(self, payment: Payment) -> Conversation[Finding]:
        """Ask, by our own reference, what became of a payment."""
        raise self._unsupported(Verb.FIND)

    def find_batch(self, batch: Batch) -> Conversation[Finding]:
        """Ask, by our own reference, what became of a batch and of each payment in it."""
        raise self._unsupported(Verb.FIND_BATCH)

    def cancel(self, recall: Recall) -> Conversation[RecallAnswer]:
        """Ask for a payment back. At most one `commits`; `Verb.CANCEL` in the profile."""
        raise self._unsupported(Verb.CANCEL)

    def find_cancellation(self, recall: Recall) -> Conversation[RecallAnswer]:
        """Ask what became of a recall. What supports `Verb.CANCEL` has this, too."""
        raise self._unsupported(Verb.CANCEL)

    def statement(self, account: AccountRef, day: date) -> Conversation[StatementDocument | None]:
        """The statement of one account for one day; None where the rail has none (yet)."""
        raise self._unsupported(Verb.STATEMENT)

    def balances(self) -> Conversation[Sequence[Balance]]:
        """What our accounts hold now."""
        raise self._unsupported(Verb.BALANCES)

    def read_report(self, document: StatementDocument) -> Statement:
        """A statement in the rail's own format, read. This is pure, and is run again at will."""
        raise self._unsupported(Verb.STATEMENT)

    def notification(
        self, headers: Mapping[str, str], content: bytes, received_at: datetime
    ) -> Notification | Forged:
        """Verify and translate one delivery. This is pure; header names are lower-case."""
        raise self._unsupported(Verb.NOTIFICATION)

    def _unsupported(self, verb: Verb) -> Unsupported:
        rail = self.profile.rail
        return Unsupported(f"{rail} does not support {verb.value}", rail=rail, verb=verb.value)
