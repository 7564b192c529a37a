"""What is read of the rail's JSON, and how amounts and references are written.

Fields that are not named here are ignored. Amounts are exact: decimal strings on the wire,
integers of minor units here, and never a float between them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from settle.errors import BadInput, DocumentError
from settle.money import exponent, plain, to_minor

AMOUNT = re.compile(r"[0-9]{1,18}([.][0-9]{1,9})?")
"""An amount as providers write it. The specification's own examples break its pattern, which
has no trailing zeros: `15.00`."""

AMOUNT_WIRE = re.compile(r"(0|[1-9][0-9]{0,17})([.][0-9]{0,3}[1-9])?")
"""An amount as the specification has us write it: 18 digits, 4 decimals, no zeros at the end."""
KEY_FORM = r"[0-9A-Fa-f]{32}|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"


def _decimal(value: object) -> object:
    if isinstance(value, str) and AMOUNT.fullmatch(value):
        return Decimal(value)
    if type(value) is int or (isinstance(value, Decimal) and abs(value.adjusted()) < 19):
        return value
    raise ValueError("not a decimal amount")


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_utc)]
"""An instant in UTC; one without a zone is taken as UTC."""
Amount = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0)]


class Wire(BaseModel):
    """One object of the rail's JSON. This is frozen and blind to unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


M = TypeVar("M", bound=Wire)


class Party(Wire):
    """`party`: one identifier of an account."""

    key: str
    value: str


class Problem(Wire):
    """`errorObject`. Its description is never read, for it may quote an account."""

    error_category: str
    error_code: str


class RequestState(Wire):
    """`requestStateObject`: what became of a request that is carried out later."""

    server_correlation_id: str
    status: str
    object_reference: str | None = None
    error: Problem | None = None


class Transaction(Wire):
    """`responseTransaction` and `responseReversal`, as far as they are used."""

    transaction_reference: str
    transaction_status: str
    type: str
    amount: Amount | None = None
    currency: str | None = None
    requesting_organisation_transaction_reference: str | None = None
    original_transaction_reference: str | None = None
    debit_party: tuple[Party, ...] = ()
    credit_party: tuple[Party, ...] = ()
    description_text: str | None = None
    creation_date: Moment | None = None
    modification_date: Moment | None = None
    date_created: Moment | None = None
    date_modified: Moment | None = None

    @property
    def created_at(self) -> datetime | None:
        """When the provider created it; older providers say so under a deprecated name."""
        return self.creation_date or self.date_created

    @property
    def happened_at(self) -> datetime | None:
        """The newest time that the provider states."""
        return self.modification_date or self.date_modified or self.created_at

    @property
    def our_reference(self) -> str:
        """The reference that the requesting organisation gave, where it is told."""
        return self.requesting_organisation_transaction_reference or ""


class Link(Wire):
    """`responseResponse`: where the object stands that a request made."""

    link: str


class AccountBalance(Wire):
    """`responseAccountBalance`. Nothing in it is required by the specification; this is."""

    current_balance: Amount
    currency: str | None = None


class BatchState(Wire):
    """`responseBatchTransaction`, whose dates are required though they lie ahead."""

    batch_id: str
    batch_status: str
    creation_date: Moment | None = None
    completion_date: Moment | None = None


class BatchItem(Wire):
    """`responseBatchTransactionRejection` and `responseBatchTransactionCompletion`."""

    transaction_reference: str | None = None
    requesting_organisation_transaction_reference: str | None = None
    rejection_date: Moment | None = None
    rejection_reason: str | None = None
    completion_date: Moment | None = None


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


def minor(amount: Decimal | None, currency: str, *, what: str) -> int:
    """An amount of the rail in minor units. This rounds nothing.

    Raises:
        DocumentError: there is none, it is finer than the currency, or it does not fit.
    """
    if amount is None:
        raise DocumentError(f"{what}: amount: missing", field="amount")
    try:
        return to_minor(amount, currency)
    except BadInput as error:
        raise DocumentError(f"{what}: amount: {error}", field="amount") from None


def amount_text(amount_minor: int, currency: str) -> str:
    """The amount as the specification's pattern has it: no zeros at its end, `52.5` and `52`."""
    text = plain(amount_minor, currency)
    return text.rstrip("0").rstrip(".") if exponent(currency) else text


def correlation(reference: str) -> str:
    """Our reference in the form of a UUID, which `X-CorrelationID` has to have.

    Keys and the references of batches and recalls are 32 hexadecimal digits: those very digits.
    """
    bare = reference.replace("-", "").lower()
    if not re.fullmatch(r"[0-9a-f]{32}", bare):
        bare = hashlib.sha256(reference.encode()).hexdigest()[:32]
    return "-".join((bare[:8], bare[8:12], bare[12:16], bare[16:20], bare[20:]))


def parties(told: Sequence[Party]) -> list[dict[str, str]]:
    """The identifiers of a party as plain mappings."""
    return [{"key": x.key, "value": x.value} for x in told]


def canonical(data: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces. This makes equal documents equal bytes."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return text.encode()
