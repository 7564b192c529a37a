"""What the simulated rail demands of each request. This shares nothing with the adapter.

Names of fields and types are those of the official request collections, lengths those of the
published documentation where it has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Fault = tuple[str, str]
"""The field at fault, and the rail's code for what is wrong with it."""

QUOTE = {
    "payOut", "paymentMetadata", "preferredPayIn", "pricingConfiguration", "profile", "rateType",
    "sourceAmount", "sourceCurrency", "targetAccount", "targetAmount", "targetCurrency",
}  # fmt: skip
ACCOUNT = {
    "accountHolderName", "country", "currency", "details", "ownedByCustomer", "profile", "type",
}  # fmt: skip
TRANSFER = {"customerTransactionId", "details", "quoteUuid", "sourceAccount", "targetAccount"}
UUID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NAME = re.compile(r"[0-9A-Za-zÀ-ÖØ-öø-ÿ\-_()'*,.\s]{2,}")
TYPES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "aba": {"abartn": (9, 9), "accountNumber": (4, 17)},
    "australian": {"bsbCode": (6, 6), "accountNumber": (4, 9)},
    "canadian": {
        "institutionNumber": (3, 3), "transitNumber": (5, 5), "accountNumber": (5, 12),
    },
    "hongkong": {"bankCode": (3, 3), "accountNumber": (6, 15)},
    "iban": {"IBAN": (15, 34)},
    "newzealand": {"accountNumber": (15, 16)},
    "singapore": {"bankCode": (4, 4), "accountNumber": (4, 17)},
    "sort_code": {"sortCode": (6, 6), "accountNumber": (8, 8)},
    "sweden_local": {"clearingNumber": (4, 5), "accountNumber": (4, 11)},
    "swift_code": {"swiftCode": (8, 11), "accountNumber": (1, 34)},
}  # fmt: skip
WITH_KIND_OF_ACCOUNT = {"aba", "canadian"}
OFFERED: Mapping[str, tuple[str, ...]] = {
    "AUD": ("australian",), "CAD": ("canadian",), "CHF": ("iban",), "DKK": ("iban",),
    "EUR": ("iban",), "GBP": ("sort_code", "iban"), "HKD": ("hongkong",), "NOK": ("iban",),
    "NZD": ("newzealand",), "SEK": ("iban", "sweden_local"), "SGD": ("singapore",),
    "USD": ("aba", "swift_code"),
}  # fmt: skip
ADDRESS = ("country", "city", "firstLine", "postCode")
REFERENCE_MAX = {"EUR": 140, "GBP": 18, "USD": 10}
PURPOSES = ("verification.transfers.purpose.pay.bills", "verification.transfers.purpose.other")


def wants_address(source: str, target: str) -> bool:
    """Whether the recipient's address is due: the documentation names these currencies."""
    return target in {"USD", "PHP", "THB", "TRY"} or source in {"USD", "AUD"}


def of_quote(asked: Mapping[str, Any], *, currencies: Mapping[str, int]) -> Iterator[Fault]:
    """Everything wrong with a quote."""
    yield from _unknown(asked, QUOTE)
    for name in ("sourceCurrency", "targetCurrency"):
        if asked.get(name) not in currencies:
            yield name, "CurrencyCode"
    given = [name for name in ("sourceAmount", "targetAmount") if asked.get(name) is not None]
    if len(given) != 1:
        yield "sourceAmount", "error.quote.amount.onlySingle"


def of_account(asked: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything wrong with a recipient."""
    yield from _unknown(asked, ACCOUNT)
    kind, details = str(asked.get("type", "")).lower(), asked.get("details")
    if kind not in TYPES or not isinstance(details, dict):
        yield "type", "NOT_VALID"
        return
    if not NAME.fullmatch(str(asked.get("accountHolderName", ""))):
        yield "accountHolderName", "NOT_VALID"
    if details.get("legalType", "PRIVATE") not in ("PRIVATE", "BUSINESS"):
        yield "legalType", "NOT_VALID"
    for name, (shortest, longest) in TYPES[kind].items():
        value = re.sub(r"[\s\-]", "", str(details.get(name, "")))
        if not shortest <= len(value) <= longest or not value.isalnum():
            yield name, "NOT_VALID"
    if asked.get("currency") == "USD":
        given = details.get("address")
        address: dict[str, Any] = given if isinstance(given, dict) else {}
        there = {"country" if x == "countryCode" else x for x, v in address.items() if v}
        yield from ((f"address.{x}", "MISSING") for x in ADDRESS if x not in there)


def of_transfer(asked: Mapping[str, Any], *, currency: str) -> Iterator[Fault]:
    """Everything wrong with a transfer but what it refers to."""
    yield from _unknown(asked, TRANSFER)
    if not UUID.fullmatch(str(asked.get("customerTransactionId", ""))):
        yield "customerTransactionId", "NOT_VALID"
    details = asked.get("details")
    if not isinstance(details, dict):
        yield "details", "NotNull"
    elif len(str(details.get("reference", ""))) > REFERENCE_MAX.get(currency, 35):
        yield "details.reference", "TOO_LONG"
    elif currency == "THB" and details.get("transferPurpose") not in PURPOSES:
        yield "details.transferPurpose", "MISSING"


def account_forms(source: str, target: str) -> list[dict[str, Any]]:
    """The dynamic forms for a recipient."""
    return [
        {"type": kind, "title": kind, "fields": list(_fields(kind, source, target))}
        for kind in OFFERED.get(target, ("swift_code",))
    ]


def transfer_forms(currency: str) -> list[dict[str, Any]]:
    """The dynamic form for a transfer."""
    reference = _field("reference", required=False, longest=REFERENCE_MAX.get(currency, 35))
    purpose = _field("transferPurpose", refresh=True, allowed=PURPOSES)
    fields = [reference, purpose] if currency == "THB" else [reference]
    return [{"type": "transfer", "fields": fields}]


def _fields(kind: str, source: str, target: str) -> Iterator[dict[str, Any]]:
    yield _field("accountHolderName", shortest=2, longest=140)
    yield _field("legalType", allowed=("PRIVATE", "BUSINESS"))
    for name, (shortest, longest) in TYPES[kind].items():
        yield _field(name, shortest=shortest, longest=longest)
    if kind in WITH_KIND_OF_ACCOUNT:
        yield _field("accountType", allowed=("CHECKING", "SAVINGS"))
    due = wants_address(source, target)
    yield _field("address.country", required=due, refresh=True)
    for name in ADDRESS[1:]:
        yield _field(f"address.{name}", required=due)


def _field(
    key: str,
    *,
    required: bool = True,
    refresh: bool = False,
    shortest: int | None = None,
    longest: int | None = None,
    allowed: tuple[str, ...] = (),
) -> dict[str, Any]:
    field = {
        "key": key,
        "name": key,
        "type": "select" if allowed else "text",
        "refreshRequirementsOnChange": refresh,
        "required": required,
        "displayFormat": None,
        "example": "",
        "minLength": shortest,
        "maxLength": longest,
        "validationRegexp": None,
        "validationAsync": None,
        "valuesAllowed": [{"key": x, "name": x} for x in allowed] or None,
    }
    return {"name": key, "group": [field]}


def _unknown(asked: Mapping[str, Any], names: set[str]) -> Iterator[Fault]:
    yield from ((name, "UNKNOWN_FIELD") for name in sorted(asked.keys() - names))
