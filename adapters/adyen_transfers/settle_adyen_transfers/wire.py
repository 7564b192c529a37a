"""What is read of the rail's JSON: only what is used, and all of it required where it matters.

Fields that are not named here are ignored: newer deliveries carry more than the published
schema allows. Amounts are strict integers, so that `12.0` or `"12"` is refused, never rounded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, ValidationError
from pydantic.alias_generators import to_camel

from settle.errors import DocumentError

Moment = Annotated[
    datetime,
    AfterValidator(lambda at: at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)),
]
"""An instant in UTC; one without a zone is taken as UTC."""


class Wire(BaseModel):
    """One object of the rail's JSON. This is frozen and blind to unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


M = TypeVar("M", bound=Wire)


class Amount(Wire):
    """`Amount`: an integer of minor units."""

    value: StrictInt
    currency: str


class Mutation(Wire):
    """`BalanceMutation`: what an event did to the booked balance, signed."""

    currency: str | None = None
    balance: StrictInt | None = None


class ExternalReason(Wire):
    """`ExternalReason`: the code the counterparty's bank gave."""

    code: str | None = None


class Event(Wire):
    """`TransferEvent`: one step of a transfer; tracking events have no status."""

    id: str | None = None
    status: str | None = None
    reason: str | None = None
    booking_date: Moment | None = None
    mutations: tuple[Mutation, ...] = ()
    external_reason: ExternalReason | None = None

    def moved(self, currency: str) -> int:
        """What the event added to the balance, in minor units of `currency`."""
        return sum(x.balance or 0 for x in self.mutations if x.currency == currency)


class Tracking(Wire):
    """`tracking`: `credited` is the beneficiary's bank's confirmation."""

    status: str | None = None


class AccountHolder(Wire):
    """`PartyIdentification`."""

    full_name: str | None = None


class BankAccount(Wire):
    """`BankAccountV3`."""

    account_holder: AccountHolder | None = None


class Counterparty(Wire):
    """The other side of a transfer."""

    bank_account: BankAccount | None = None


class Resource(Wire):
    """`ResourceReference`."""

    id: str | None = None


class SubmitAnswer(Wire):
    """`Transfer`, as POST /transfers answers it. The published schema does not require `id`."""

    status: str
    amount: Amount
    id: str | None = None
    reference: str | None = None
    reason: str | None = None


class Transfer(SubmitAnswer):
    """`TransferData`, as GET and the webhooks give it."""

    id: str
    direction: str | None = None
    sequence_number: StrictInt | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    creation_date: Moment | None = None
    external_reason: ExternalReason | None = None
    tracking: Tracking | None = None
    counterparty: Counterparty | None = None
    balance_account: Resource | None = None
    events: tuple[Event, ...] = ()

    @property
    def happened_at(self) -> datetime | None:
        """The newest time the rail states for the whole transfer."""
        return self.updated_at or self.creation_date or self.created_at

    @property
    def counterparty_name(self) -> str:
        """The other side's name where the rail gives one."""
        bank = self.counterparty.bank_account if self.counterparty else None
        holder = bank.account_holder if bank else None
        return (holder.full_name or "") if holder else ""


class TransferView(Wire):
    """`TransferView`: the transfer that a transaction belongs to."""

    id: str | None = None
    reference: str | None = None


class Transaction(Wire):
    """`Transaction`: one booking on a balance account, signed."""

    id: str
    amount: Amount
    status: str
    booking_date: Moment
    value_date: Moment
    description: str | None = None
    reference_for_beneficiary: str | None = None
    transfer: TransferView | None = None


class CurrencyBalance(Wire):
    """One currency of a balance account."""

    currency: str
    balance: StrictInt


class BalanceAccount(Wire):
    """GET /balanceAccounts/{id} of the Balance Platform API."""

    id: str
    balances: tuple[CurrencyBalance, ...]

    def holds(self, currency: str) -> int:
        """The booked balance in minor units; a currency never held is zero."""
        return sum(x.balance for x in self.balances if x.currency == currency)


class Link(Wire):
    """`Link`."""

    href: str | None = None


class Links(Wire):
    """`Links`."""

    next: Link | None = None


class Page(Wire):
    """One page of a list, its items still as they came."""

    data: tuple[dict[str, Any], ...] = ()
    links: Links | None = Field(default=None, alias="_links")

    @property
    def cursor(self) -> str | None:
        """The next page's cursor. This is all that is taken of the link: never its host."""
        href = self.links.next.href if self.links and self.links.next else None
        return parse_qs(urlsplit(href or "").query).get("cursor", [None])[0]


class InvalidField(Wire):
    """`InvalidField`: its `value` is never read, for it may be an account number."""

    name: str
    message: str


class Problem(Wire):
    """`TransferServiceRestServiceError`."""

    error_code: str
    title: str = ""
    detail: str = ""
    invalid_fields: tuple[InvalidField, ...] = ()


class Delivery(Wire):
    """`TransferNotificationRequest`, before its data is understood. Other kinds may have none."""

    type: str
    data: dict[str, Any] = Field(default_factory=dict)


def read(model: type[M], data: object, *, what: str) -> M:
    """One object, checked. This names the first field that does not fit, never its value.

    Raises:
        DocumentError: it does not fit.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise DocumentError(f"{what}: {place}: {first['msg']}", field=place) from None


def canonical(data: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces. This makes equal documents equal bytes."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return text.encode()
