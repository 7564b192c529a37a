"""How a beneficiary is told to the rail: the forms of account we can fill, and with what.

Which form is used, and which of its fields are due, the rail says for each quote. Names of types
and fields are those of the official request collections where they have them (`MAPPING.md`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from settle.adapters import Beneficiary, PaymentKind

PRIVATE, BUSINESS = "PRIVATE", "BUSINESS"
LEGAL_TYPES = {
    PaymentKind.PAYOUT: BUSINESS,
    PaymentKind.TAX_REFUND: PRIVATE,
    PaymentKind.REMITTANCE: PRIVATE,
}
"""Who is paid by each kind: merchants by payouts, travellers and families by the others."""

IBAN = re.compile(r"[A-Z]{2}\d{2}[0-9A-Z]{11,30}")
BIC = re.compile(r"[A-Z]{4}[A-Z]{2}[0-9A-Z]{2}([0-9A-Z]{3})?")
NAME = re.compile(r"[0-9A-Za-zÀ-ÖØ-öø-ÿ\-_()'*,. ]{2,}")
NOT_IN_REFERENCE = re.compile(r"[^A-Za-z0-9\- ]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One local form of account. `bank` reads the bank code; its groups are the rail's fields."""

    kind: str
    account: str
    bank: str = ""
    fixed: Mapping[str, str] = field(default_factory=dict)


CHECKING = {"accountType": "CHECKING"}
LOCAL: Mapping[tuple[str, str], Scheme] = {
    ("AU", "AUD"): Scheme(kind="australian", account=r"\d{4,9}", bank=r"(?P<bsbCode>\d{6})"),
    ("CA", "CAD"): Scheme(
        kind="canadian",
        account=r"\d{5,12}",
        bank=r"0(?P<institutionNumber>\d{3})(?P<transitNumber>\d{5})",
        fixed=CHECKING,
    ),
    ("GB", "GBP"): Scheme(kind="sort_code", account=r"\d{8}", bank=r"(?P<sortCode>\d{6})"),
    ("HK", "HKD"): Scheme(kind="hongkong", account=r"\d{6,15}", bank=r"(?P<bankCode>\d{3})"),
    ("NZ", "NZD"): Scheme(kind="newzealand", account=r"\d{15,16}"),
    ("SE", "SEK"): Scheme(
        kind="sweden_local", account=r"\d{4,11}", bank=r"(?P<clearingNumber>\d{4,5})"
    ),
    ("SG", "SGD"): Scheme(kind="singapore", account=r"\d{4,17}", bank=r"(?P<bankCode>\d{4})"),
    ("US", "USD"): Scheme(
        kind="aba", account=r"\d{4,17}", bank=r"(?P<abartn>\d{9})", fixed=CHECKING
    ),
}
LETTERS = str.maketrans({"Œ": "Oe", "œ": "oe", "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "ı": "i"})
"""Latin letters outside the rail's range that Unicode does not take apart."""


def candidates(beneficiary: Beneficiary, *, currency: str) -> dict[str, dict[str, str]]:
    """The types of account that fit this beneficiary, the best first, each with its fields."""
    account, bank_code = compact(beneficiary.account), compact(beneficiary.bank_code or "")
    found: dict[str, dict[str, str]] = {}
    if IBAN.fullmatch(account):
        found["iban"] = {"IBAN": account}
    scheme = LOCAL.get((beneficiary.country, currency))
    if scheme is not None and re.fullmatch(scheme.account, account):
        bank = re.fullmatch(scheme.bank, bank_code)
        if bank is not None or not scheme.bank:
            named = bank.groupdict() if bank else {}
            found[scheme.kind] = {"accountNumber": account, **named, **scheme.fixed}
    if beneficiary.bic and BIC.fullmatch(beneficiary.bic):
        found["swift_code"] = {
            "accountNumber": account,
            "country": beneficiary.country,
            "swiftCode": beneficiary.bic,
        }
    return found


def known(
    beneficiary: Beneficiary, *, kind: PaymentKind, account: Mapping[str, str]
) -> dict[str, str]:
    """Everything we can answer to a dynamic form, by the rail's keys."""
    about = {
        "accountHolderName": holder(beneficiary.name),
        "address.city": beneficiary.town,
        "address.country": beneficiary.country,
        "legalType": LEGAL_TYPES[kind],
    }
    return {key: value for key, value in {**about, **account}.items() if value}


def refusals(beneficiary: Beneficiary, *, currency: str, kind: PaymentKind) -> Iterator[str]:
    """Why the rail would refuse this beneficiary, by field."""
    name = holder(beneficiary.name)
    if not NAME.fullmatch(name):
        yield "beneficiary.name: has letters that the rail does not carry, or too few"
    elif LEGAL_TYPES[kind] == PRIVATE and not _is_full(name):
        yield "beneficiary.name: a person needs two names of two letters, without digits"
    if not re.fullmatch(r"[A-Z]{2}", beneficiary.country):
        yield "beneficiary.country: not an ISO 3166-1 alpha-2 code"
    if not candidates(beneficiary, currency=currency):
        yield "beneficiary.account: neither an IBAN, nor in its country's form, nor with a BIC"


def holder(text: str) -> str:
    """`accountHolderName`: signs the rail does not carry as spaces, foreign letters kept.

    A sign can be spared where a letter cannot: what still holds one is refused.
    """
    return " ".join("".join(map(_carried, text.translate(LETTERS))).split())


def reference(text: str, *, length_max: int) -> str:
    """`details.reference`: letters, digits, blanks and hyphens, as many as the route carries."""
    parts = unicodedata.normalize("NFKD", text.translate(LETTERS))
    plain = "".join(x for x in parts if not unicodedata.combining(x))
    return " ".join(NOT_IN_REFERENCE.sub(" ", plain).split())[:length_max].strip()


def compact(text: str) -> str:
    """An account number without separators or whitespace."""
    return re.sub(r"[\s\-]", "", text)


def _carried(letter: str) -> str:
    if NAME.fullmatch(letter * 2):
        return letter
    parts = unicodedata.normalize("NFKD", letter)
    plain = "".join(x for x in parts if not unicodedata.combining(x))
    if plain and NAME.fullmatch(plain * 2):
        return plain
    return letter if letter.isalnum() else " "


def _is_full(name: str) -> bool:
    words = [word for word in name.split() if len(word) > 1]
    return len(words) > 1 and not any(letter.isdigit() for letter in name)
