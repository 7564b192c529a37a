"""What the simulated rail demands of a request. This shares nothing with the adapter.

Names, patterns and lengths are those of version 1.1.2; the first fault found is the one told, as
an `errorObject` tells only one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

AMOUNT = re.compile(r"([0]|([1-9][0-9]{0,17}))([.][0-9]{0,3}[1-9])?", re.ASCII)
TYPES = {
    "billpay", "deposit", "disbursement", "transfer", "merchantpay", "inttransfer", "adjustment",
    "reversal", "withdrawal",
}  # fmt: skip
SERVED = {"disbursement", "inttransfer", "transfer", "merchantpay"}
"""Types that this rail carries out: whatever leaves a wallet of ours for another."""
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
TEXTS = {
    "subType": 256, "descriptionText": 160, "requestingOrganisationTransactionReference": 256,
    "oneTimeCode": 256, "geoCode": 256, "originalTransactionReference": 256,
    "servicingIdentity": 256,
}  # fmt: skip
CATEGORY = {
    "duplicateRequest": "businessRule",
    "insufficientFunds": "businessRule",
    "incorrectState": "businessRule",
    "lessThanTransactionMinValue": "businessRule",
    "samePartiesError": "businessRule",
    "transactionTypeError": "businessRule",
    "clientAuthorisationError": "authorisation",
    "requestDeclined": "authorisation",
    "identifierError": "identification",
    "currencyNotSupported": "validation",
    "formatError": "validation",
    "lengthError": "validation",
    "negativeValue": "validation",
    "mandatoryValueNotSupplied": "validation",
    "invalidOffset": "validation",
    "genericError": "internal",
}
STATUS = {
    "businessRule": 400, "validation": 400, "authorisation": 401, "identification": 404,
    "internal": 500, "serviceUnavailable": 503,
}  # fmt: skip


def transaction(body: object) -> str | None:
    """The code of what is wrong with a `requestTransaction`; None where nothing is."""
    if not isinstance(body, dict):
        return "formatError"
    return next(_transaction(body), None)


def reversal(body: object) -> str | None:
    """The code of what is wrong with a `requestReversal`; None where nothing is."""
    if not isinstance(body, dict):
        return "formatError"
    if "type" not in body:
        return "mandatoryValueNotSupplied"
    if body["type"] not in ("reversal", "adjustment"):
        return "formatError"
    return next(_texts(body), None) or next(_optional_amount(body), None)


def batch(body: object) -> str | None:
    """The code of what is wrong with a `requestBatchTransaction` as a whole."""
    if not isinstance(body, dict):
        return "formatError"
    if "transactions" not in body:
        return "mandatoryValueNotSupplied"
    items = body["transactions"]
    if not isinstance(items, list) or not items:
        return "formatError"
    titles = (body.get("batchTitle", ""), body.get("batchdescription", ""))
    if not all(isinstance(x, str) for x in titles):
        return "formatError"
    return "lengthError" if any(len(x) > 256 for x in titles) else None


def approval(body: object) -> str | None:
    """The code of what is wrong with a patch of a batch: only its approval is served."""
    asked = {"op": "replace", "path": "/batchStatus", "value": "approved"}
    return None if body == [asked] else "formatError"


def _transaction(body: Mapping[str, Any]) -> Iterator[str]:
    for name in ("amount", "currency", "type", "debitParty", "creditParty"):
        if name not in body:
            yield "mandatoryValueNotSupplied"
    yield from _optional_amount(body)
    if not isinstance(body["type"], str) or body["type"] not in TYPES:
        yield "formatError"
    elif body["type"] not in SERVED:
        yield "transactionTypeError"
    yield from _parties(body["debitParty"])
    yield from _parties(body["creditParty"])
    yield from _texts(body)
    yield from _kyc(body.get("recipientKyc", {}))
    yield from _international(body.get("internationalTransferInformation", {"originCountry": "AA"}))


def _optional_amount(body: Mapping[str, Any]) -> Iterator[str]:
    amount, currency = body.get("amount", "1"), body.get("currency", "USD")
    if not isinstance(amount, str) or not isinstance(currency, str):
        yield "formatError"
    elif amount.startswith("-"):
        yield "negativeValue"
    elif not AMOUNT.fullmatch(amount) or not re.fullmatch("[A-Z]{3}", currency):
        yield "formatError"


def _parties(told: object) -> Iterator[str]:
    if not isinstance(told, list) or not 1 <= len(told) <= 10:
        yield "formatError"
        return
    for each in told:
        values = [each.get(x) for x in ("key", "value")] if isinstance(each, dict) else [None]
        if not all(isinstance(x, str) for x in values):
            yield "formatError"
        elif not all(1 <= len(x) <= 256 for x in values if x is not None):
            yield "lengthError"


def _texts(body: Mapping[str, Any]) -> Iterator[str]:
    for name, longest in TEXTS.items():
        value = body.get(name, "")
        if not isinstance(value, str):
            yield "formatError"
        elif len(value) > longest:
            yield "lengthError"


def _kyc(told: object) -> Iterator[str]:
    if not isinstance(told, dict):
        yield "formatError"
        return
    name, address = told.get("subjectName", {}), told.get("postalAddress", {"country": "AA"})
    if not isinstance(name, dict) or not isinstance(address, dict):
        yield "formatError"
        return
    if not re.fullmatch("[A-Z]{2}", str(address.get("country", ""))):
        yield "formatError"
    for text in (name.get("fullName", ""), address.get("city", "")):
        if not isinstance(text, str):
            yield "formatError"
        elif len(text) > 256:
            yield "lengthError"


def _international(told: object) -> Iterator[str]:
    if not isinstance(told, dict):
        yield "formatError"
        return
    if "originCountry" not in told:
        yield "mandatoryValueNotSupplied"
    for name in ("originCountry", "receivingCountry"):
        if not re.fullmatch("[A-Z]{2}", str(told.get(name, "AA"))):
            yield "formatError"
