"""What is read of the rail's JSON: only what is used, and all of it required where it matters.

The rail writes amounts as JSON numbers in major units. They are read as `Decimal` and never as a
float; a fraction finer than the currency's minor unit is refused, never rounded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictInt,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from settle.errors import BadInput, DocumentError
from settle.money import to_minor

DIGITS_MAX = 18
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def _exact(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        raise ValueError("not a decimal number")  # noqa: TRY004  # pydantic reads this one
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError("not a decimal number") from None
    if not number.is_finite() or abs(number.adjusted()) > DIGITS_MAX:
        raise ValueError("not a number of money")
    return number


def _listed(value: object) -> object:
    return () if value is None else value


Exact = Annotated[Decimal, BeforeValidator(_exact)]
"""A number of money, as it was written."""

Moment = Annotated[
    datetime,
    AfterValidator(lambda at: at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)),
]
"""An instant in UTC. A transfer's `created` has no zone, and is taken as UTC."""

Id = Annotated[StrictInt, Field(gt=0)]
"""An id of the rail's. It stands in paths, so nothing but a number is taken for one."""


class Wire(BaseModel):
    """One object of the rail's JSON. This is frozen and blind to unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


M = TypeVar("M", bound=Wire)


class Amount(Wire):
    """An amount in major units."""

    value: Exact
    currency: str

    @property
    def minor(self) -> int:
        """The same in minor units."""
        return minor(self.value, self.currency)


class Reason(Wire):
    """Why a payment option is disabled."""

    code: str | None = None


class PaymentOption(Wire):
    """One way to pay for a transfer."""

    pay_in: str | None = None
    disabled: bool = False
    disabled_reason: Reason | None = None
    target_amount: Exact | None = None


class Notice(Wire):
    """A message with a quote; `BLOCKED` forbids its use."""

    type: str | None = None


class Quote(Wire):
    """A quote, as far as it is used."""

    id: Annotated[str, Field(pattern=rf"(?i)^{UUID}$")]
    source_currency: str
    target_currency: str
    target_amount: Exact | None = None
    payment_options: Annotated[tuple[PaymentOption, ...], BeforeValidator(_listed)] = ()
    notices: Annotated[tuple[Notice, ...], BeforeValidator(_listed)] = ()


class Allowed(Wire):
    """One allowed value of a field."""

    key: str


class Asked(Wire):
    """One field of a dynamic form. Its regular expression is the rail's text, and is never run."""

    key: str
    required: bool = False
    refresh_requirements_on_change: bool = False
    min_length: StrictInt | None = None
    max_length: StrictInt | None = None
    values_allowed: Annotated[tuple[Allowed, ...], BeforeValidator(_listed)] = ()


class Group(Wire):
    """Fields that stand together."""

    group: tuple[Asked, ...]


class Form(Wire):
    """A dynamic form: what the rail wants to know for one type of recipient or transfer."""

    type: str
    fields: tuple[Group, ...]

    @property
    def asked(self) -> tuple[Asked, ...]:
        """All fields, in order."""
        return tuple(asked for group in self.fields for asked in group.group)


class Recipient(Wire):
    """A recipient account, in the form of version 1."""

    id: Id
    account_holder_name: str | None = None
    currency: str | None = None
    type: str | None = None
    details: dict[str, Any] | None = None


class Listed(Wire):
    """A transfer in a list, as far as it is needed to know whose it is."""

    id: Id
    customer_transaction_id: str | None = None

    @property
    def reference(self) -> str:
        """Our reference in it: the payment's UETR, or nothing of ours."""
        return (self.customer_transaction_id or "").lower()


class Transfer(Listed):
    """A transfer. The amount is what the recipient gets."""

    status: str
    source_currency: str
    target_currency: str
    target_value: Exact
    target_account: Id | None = None
    created: Moment | None = None

    @property
    def target_minor(self) -> int:
        """What the recipient gets, in minor units."""
        return minor(self.target_value, self.target_currency)


class Funding(Wire):
    """The answer to funding a transfer."""

    status: str
    type: str | None = None
    error_code: str | None = None


class Pay(Wire):
    """One completed payment that funds a transfer."""

    method: str | None = None


class Fault(Wire):
    """One of the errors of a refusal. Its arguments are never read: they quote what was sent."""

    code: str | None = None
    path: str | None = None


class Refusal(Wire):
    """A documented refusal: at least one error."""

    errors: Annotated[tuple[Fault, ...], Field(min_length=1)]

    @property
    def reason(self) -> str:
        """Fields and codes, without any value."""
        return "; ".join(f"{x.path or 'request'}: {x.code or 'refused'}" for x in self.errors)


class BalanceAccount(Wire):
    """One balance of the profile."""

    id: Id
    currency: str
    amount: Amount


def minor(value: Decimal, currency: str) -> int:
    """Major units as an exact integer of minor units.

    Raises:
        DocumentError: it does not fit the currency, or nobody knows the currency.
    """
    try:
        return to_minor(value, currency)
    except (BadInput, ArithmeticError):
        raise DocumentError(f"an amount does not fit {currency[:3]!r}") from None


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


def listed(model: type[M], data: object, *, what: str) -> list[M]:
    """A bare array of objects, which is how this rail lists.

    Raises:
        DocumentError: it is no array, or one of them does not fit.
    """
    if not isinstance(data, list):
        raise DocumentError(f"{what}: not an array")
    return [read(model, each, what=what) for each in data]


def canonical(data: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces. This makes equal documents equal bytes.

    A `Decimal` is written as a string, digit for digit.
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return text.encode()
