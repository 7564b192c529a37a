"""How a beneficiary is told to the rail: `BankAccountV3`, and what it would refuse of it.

Patterns and lengths are those of the `*AccountIdentification` schemas of TransferService v4.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from settle.adapters import Beneficiary


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """One form of account. `bank` reads the bank code; its groups are the rail's field names."""

    kind: str
    account: str
    bank: str | None = None
    needs_bic: bool = False
    field: str = "accountNumber"


IBAN = Scheme(kind="iban", account=r"[A-Z]{2}\d{2}[0-9A-Z]{11,30}", field="iban")
NUMBER_AND_BIC = Scheme(kind="numberAndBic", account=r"[0-9A-Z]{1,34}", needs_bic=True)
LOCAL: Mapping[tuple[str, str], Scheme] = {
    ("AU", "AUD"): Scheme(kind="auLocal", account=r"\d{5,9}", bank=r"(?P<bsbCode>\d{6})"),
    ("CA", "CAD"): Scheme(
        kind="caLocal",
        account=r"\d{5,12}",
        bank=r"0(?P<institutionNumber>\d{3})(?P<transitNumber>\d{5})",
    ),
    ("DK", "DKK"): Scheme(kind="dkLocal", account=r"\d{4,10}", bank=r"(?P<bankCode>\d{4})"),
    ("GB", "GBP"): Scheme(kind="ukLocal", account=r"\d{8}", bank=r"(?P<sortCode>\d{6})"),
    ("HK", "HKD"): Scheme(kind="hkLocal", account=r"\d{9,17}", bank=r"(?P<clearingCode>\d{3})"),
    ("NO", "NOK"): Scheme(kind="noLocal", account=r"\d{11}"),
    ("NZ", "NZD"): Scheme(kind="nzLocal", account=r"\d{15,16}"),
    ("SE", "SEK"): Scheme(kind="seLocal", account=r"\d{7,10}", bank=r"(?P<clearingNumber>\d{4,5})"),
    ("SG", "SGD"): Scheme(kind="sgLocal", account=r"[0-9A-Z]{4,19}", needs_bic=True),
    ("US", "USD"): Scheme(
        kind="usLocal", account=r"[0-9A-Z]{2,18}", bank=r"(?P<routingNumber>\d{9})"
    ),
}
IBAN_HOME = {"CH": "CHF", "DK": "DKK", "GB": "GBP", "NO": "NOK", "SE": "SEK"}
BIC = re.compile(r"[A-Z]{4}[A-Z]{2}[0-9A-Z]{2}([0-9A-Z]{3})?")
NAME = re.compile(r"""[A-Za-z0-9,.;:\-—/\\+&!?@()"' ]+""")
CITY = re.compile(r"[A-Za-z0-9.\-—/#,’°():;\[\]&\\| ]{3,}")
NOT_IN_DESCRIPTION = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
LETTERS = str.maketrans(
    {
        "Æ": "Ae", "æ": "ae", "Ð": "D", "ð": "d", "Đ": "D", "đ": "d", "ı": "i", "Ł": "L",
        "ł": "l", "Ø": "O", "ø": "o", "Œ": "Oe", "œ": "oe", "ß": "ss", "Þ": "Th", "þ": "th",
    }
)  # fmt: skip
"""Latin letters that Unicode does not take apart."""


def scheme(beneficiary: Beneficiary, *, currency: str) -> Scheme:
    """The form of account to use: an IBAN, else the country's own, else number and BIC.

    A payee known by BIC and not by the bank code its country's form needs goes by BIC.
    """
    if re.fullmatch(IBAN.account, compact(beneficiary.account)):
        return IBAN
    form = LOCAL.get((beneficiary.country, currency), NUMBER_AND_BIC)
    only_bic = form.bank is not None and not beneficiary.bank_code and beneficiary.bic
    return NUMBER_AND_BIC if only_bic else form


def priority(beneficiary: Beneficiary, *, currency: str) -> str:
    """`regular` where the money stays at home in the currency's own area, else `crossBorder`."""
    form = scheme(beneficiary, currency=currency)
    if form is IBAN:
        home = IBAN_HOME.get(beneficiary.country, "EUR")
        return "regular" if home == currency else "crossBorder"
    return "crossBorder" if form is NUMBER_AND_BIC else "regular"


def bank_account(beneficiary: Beneficiary, *, currency: str) -> dict[str, Any]:
    """`BankAccountV3` of a beneficiary that `refusals` has nothing against."""
    address = {"country": beneficiary.country}
    if CITY.fullmatch(fold(beneficiary.town)):
        address["city"] = fold(beneficiary.town)
    return {
        "accountHolder": {"fullName": full_name(beneficiary.name), "address": address},
        "accountIdentification": identification(beneficiary, currency=currency),
    }


def identification(beneficiary: Beneficiary, *, currency: str) -> dict[str, str]:
    """`accountIdentification`: the account in its country's form."""
    form = scheme(beneficiary, currency=currency)
    fields = {"type": form.kind, form.field: compact(beneficiary.account)}
    if form.bank is not None:
        found = re.fullmatch(form.bank, compact(beneficiary.bank_code or ""))
        fields |= found.groupdict() if found else {}
    if form.needs_bic:
        fields["bic"] = beneficiary.bic or ""
    return fields


def refusals(beneficiary: Beneficiary, *, currency: str) -> Iterator[str]:
    """Why the rail would refuse this beneficiary, by field."""
    form = scheme(beneficiary, currency=currency)
    if not NAME.fullmatch(full_name(beneficiary.name)):
        yield "beneficiary.name: has letters that the rail does not carry"
    if not re.fullmatch(r"[A-Z]{2}", beneficiary.country):
        yield "beneficiary.country: not an ISO 3166-1 alpha-2 code"
    if not re.fullmatch(form.account, compact(beneficiary.account)):
        yield f"beneficiary.account: does not fit {form.kind}"
    if form.bank is not None and not re.fullmatch(form.bank, compact(beneficiary.bank_code or "")):
        yield f"beneficiary.bank_code: missing or does not fit {form.kind}"
    if form.needs_bic and not BIC.fullmatch(beneficiary.bic or ""):
        yield f"beneficiary.bic: missing or not a BIC, which {form.kind} needs"


def beneficiary_reference(reference: str, *, beneficiary: Beneficiary, currency: str) -> str:
    """`referenceForBeneficiary`: letters and digits only, the last 35 to an IBAN, else 15."""
    length = 35 if scheme(beneficiary, currency=currency) is IBAN else 15
    return re.sub(r"[^A-Za-z0-9]", "", fold(reference))[-length:]


def description(text: str) -> str:
    """`description`: at most 140 of the characters the rail carries, the rest as spaces."""
    return NOT_IN_DESCRIPTION.sub(" ", fold(text))[:140].strip()


def full_name(text: str) -> str:
    """`fullName`: marks folded, signs the rail does not carry as spaces, foreign letters kept.

    A sign can be spared where a letter cannot: what still holds one is refused.
    """
    kept = (x if x.isalnum() or NAME.fullmatch(x) else " " for x in fold(text))
    return " ".join("".join(kept).split())


def fold(text: str) -> str:
    """Latin letters without their marks. This is how names with diacritics travel."""
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFKD", text.translate(LETTERS))
    return "".join(x for x in parts if not unicodedata.combining(x))


def compact(text: str) -> str:
    """An account number without separators or whitespace."""
    return re.sub(r"[\s\-]", "", text)
