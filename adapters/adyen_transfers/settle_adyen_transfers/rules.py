"""What the simulated rail demands of POST /transfers. This shares nothing with the adapter.

Lengths and names are those of `TransferInfo` and what it refers to in TransferService v4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Fault = tuple[str, str]
"""The field at fault and what is wrong with it."""

FIELDS = {
    "amount", "balanceAccountId", "category", "counterparty", "description", "executionDate",
    "paymentInstrumentId", "priorities", "priority", "reference", "referenceForBeneficiary",
    "review", "type", "ultimateParty",
}  # fmt: skip
PRIORITIES = {"crossBorder", "fast", "instant", "internal", "regular", "wire"}
ACCOUNTS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "auLocal": {"accountNumber": (5, 9), "bsbCode": (6, 6)},
    "caLocal": {"accountNumber": (5, 12), "institutionNumber": (3, 3), "transitNumber": (5, 5)},
    "dkLocal": {"accountNumber": (4, 10), "bankCode": (4, 4)},
    "hkLocal": {"accountNumber": (9, 17), "clearingCode": (3, 3)},
    "iban": {"iban": (15, 34)},
    "noLocal": {"accountNumber": (11, 11)},
    "numberAndBic": {"accountNumber": (1, 34), "bic": (8, 11)},
    "nzLocal": {"accountNumber": (15, 16)},
    "seLocal": {"accountNumber": (7, 10), "clearingNumber": (4, 5)},
    "sgLocal": {"accountNumber": (4, 19), "bic": (8, 11)},
    "ukLocal": {"accountNumber": (8, 8), "sortCode": (6, 6)},
    "usLocal": {"accountNumber": (2, 18), "routingNumber": (9, 9)},
}
NAME = re.compile(r"""[A-Za-z0-9,.;:\-—/\\+&!?@()"' ]+""")
DESCRIPTION = re.compile(r"[A-Za-z0-9/\-?:().,'+ ]{0,140}")
ALPHANUMERIC = re.compile(r"[A-Za-z0-9]*")


def faults(request: object, *, currencies: Mapping[str, Sequence[str]]) -> Iterator[Fault]:
    """Everything wrong with a request; `currencies` says what each balance account holds."""
    if not isinstance(request, dict):
        yield "body", "not an object"
        return
    for name in sorted(request.keys() - FIELDS):
        yield name, "unknown field"
    if request.get("category") != "bank":
        yield "category", "only bank is served here"
    if request.get("priority") not in PRIORITIES:
        yield "priority", "required for category bank"
    yield from _amount(request, currencies=currencies)
    yield from _texts(request)
    bank = _object(_object(request.get("counterparty")).get("bankAccount"))
    yield from _holder(_object(bank.get("accountHolder")))
    yield from _account(_object(bank.get("accountIdentification")))


def _amount(request: dict[str, Any], *, currencies: Mapping[str, Sequence[str]]) -> Iterator[Fault]:
    amount = _object(request.get("amount"))
    value, account = amount.get("value"), request.get("balanceAccountId")
    if type(value) is not int or value <= 0:
        yield "amount.value", "not a positive integer of minor units"
    if not isinstance(account, str) or account not in currencies:
        yield "balanceAccountId", "no such balance account"
    elif amount.get("currency") not in currencies[account]:
        yield "amount.currency", "the balance account does not hold it"


def _texts(request: dict[str, Any]) -> Iterator[Fault]:
    if not 0 < len(_text(request.get("reference", "x"))) <= 80:
        yield "reference", "not 1 to 80 characters"
    if not DESCRIPTION.fullmatch(_text(request.get("description"))):
        yield "description", "more than 140 characters, or some that are not supported"
    longest = 35 if _form(request) == "iban" else 15
    reference = _text(request.get("referenceForBeneficiary"))
    if not ALPHANUMERIC.fullmatch(reference) or len(reference) > longest:
        yield "referenceForBeneficiary", "too long, or not letters and digits"


def _holder(holder: dict[str, Any]) -> Iterator[Fault]:
    place = "counterparty.bankAccount.accountHolder"
    if not NAME.fullmatch(_text(holder.get("fullName"))):
        yield f"{place}.fullName", "required, in the supported characters"
    if "address" in holder:
        address = _object(holder["address"])
        if not re.fullmatch("[A-Z]{2}", _text(address.get("country"))):
            yield f"{place}.address.country", "not an ISO 3166-1 alpha-2 code"
        if len(_text(address.get("city", "xxx"))) < 3:
            yield f"{place}.address.city", "fewer than 3 characters"


def _account(account: dict[str, Any]) -> Iterator[Fault]:
    place = "counterparty.bankAccount.accountIdentification"
    form = ACCOUNTS.get(_text(account.get("type")))
    if form is None:
        yield f"{place}.type", "not a supported type"
        return
    for name, (shortest, longest) in form.items():
        value = _text(account.get(name))
        if not shortest <= len(value) <= longest or not ALPHANUMERIC.fullmatch(value):
            yield f"{place}.{name}", f"not {shortest} to {longest} letters and digits"
    for name in sorted(account.keys() - form.keys() - {"type", "accountType", "bic"}):
        yield f"{place}.{name}", "unknown field"


def _form(request: dict[str, Any]) -> str:
    bank = _object(_object(request.get("counterparty")).get("bankAccount"))
    return _text(_object(bank.get("accountIdentification")).get("type"))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
