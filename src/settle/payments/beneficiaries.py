"""Whether a beneficiary can be paid at all, checked here before any rail is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from settle.adapters import Beneficiary

if TYPE_CHECKING:
    from schwifty.domain import IBANSpec

LENGTHS = {"name": 140, "town": 35, "account": 34, "bank_code": 35}
"""Max140Text, Max35Text and Max34Text of ISO 20022. A name cut short is another name."""

REMITTANCE_MAX = 140
"""Unstructured remittance information: one line of Max140Text."""

_LIKE_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{8,30}")


STRUCTURED_FROM = date(2026, 11, 14)
"""From this value date CBPR+ takes town and country in fields of their own only."""


def faults(beneficiary: Beneficiary, *, value_date: date) -> Iterator[str]:
    """What is wrong with a beneficiary, as `field: why`. This asks nobody.

    IBAN by ISO 13616, BIC by ISO 9362; the address as `address_faults` has it.
    """
    for field in ("name", "account"):
        if not getattr(beneficiary, field).strip():
            yield f"beneficiary.{field}: missing"
    for field, most in LENGTHS.items():
        if len(getattr(beneficiary, field) or "") > most:
            yield f"beneficiary.{field}: longer than {most} characters"
    yield from address_faults(beneficiary.country, beneficiary.town, value_date)
    if beneficiary.country and not re.fullmatch(r"[A-Z]{2}", beneficiary.country):
        yield "beneficiary.country: not an ISO 3166 code"
    yield from _account_faults(beneficiary)
    if beneficiary.bic and not _is_bic(beneficiary.bic):
        yield "beneficiary.bic: not an ISO 9362 code"


def address_faults(country: str, town: str, value_date: date) -> Iterator[str]:
    """What a structured address lacks on a value date. This is asked again as dates roll.

    The country decides how an account is checked and where a rail may pay, and so always is there.
    """
    if not country.strip():
        yield "beneficiary.country: missing"
    if value_date >= STRUCTURED_FROM and not town.strip():
        yield f"beneficiary.town: missing, which CBPR+ asks for from {STRUCTURED_FROM}"


def _account_faults(beneficiary: Beneficiary) -> Iterator[str]:
    account = beneficiary.account.replace(" ", "")
    if _LIKE_IBAN.fullmatch(account) and (form := _form(account[:2])):
        if not _is_iban(account, form):
            yield "beneficiary.account: the IBAN does not verify"
    elif account and _form(beneficiary.country) and not beneficiary.bank_code:
        yield f"beneficiary.account: not an IBAN, which {beneficiary.country} has"


_VALUES = str.maketrans({chr(ord("A") + nth): str(10 + nth) for nth in range(26)})
"""What letters count as in ISO 7064, mod 97-10."""


@cache
def _form(country: str) -> IBANSpec | None:
    """How long a country's IBANs are and what they look like; None where it has none."""
    from schwifty.exceptions import SchwiftyException
    from schwifty.registry import get_iban_spec

    try:
        return get_iban_spec(country)
    except SchwiftyException:
        return None


def _is_iban(account: str, form: IBANSpec) -> bool:
    """Whether an account that looks like an IBAN is one. This says what schwifty says, sooner.

    It knows the forms; the digits are checked here. 00, 01 and 99 are never computed ones.
    """
    if len(account) != form.iban_length or not form.regex.match(account[4:]):
        return False
    number = int((account[4:] + account[:4]).translate(_VALUES))
    return "02" <= account[2:4] <= "98" and number % 97 == 1


@lru_cache(maxsize=4096)
def _is_bic(bic: str) -> bool:
    from schwifty import BIC
    from schwifty.exceptions import SchwiftyException

    try:
        BIC(bic)
    except SchwiftyException:
        return False
    return True
