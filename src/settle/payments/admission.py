"""What cannot become a payment at all, by field: refused before anything of it is stored.

What is stored may be looked at and corrected. What is refused here is none: no amount, no kind,
text that no database and no rail can carry, or two instructions under one name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from settle.adapters import Beneficiary, PaymentKind
from settle.errors import UnknownCurrency
from settle.money import MINOR_MAX, exponent
from settle.payments.instruction import Due

ID_MAX = 255
"""Characters of the ids that a platform gives. Derived ones have 64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An obligation that got no payment, and why, by field."""

    obligation_id: str
    field: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """The obligations that may become payments, by id in order, and those that may not."""

    dues: Mapping[str, Due]
    refused: Sequence[Refusal]


def admit(obligations: Iterable[Due]) -> Admitted:
    """Tell what may become a payment from what may not. The same one twice is one.

    An id under which two different instructions come is refused, with the field they differ in:
    nobody knows which of them is meant.
    """
    known: dict[str, Due] = {}
    refused: dict[str, Refusal] = {}
    unnamed: list[Refusal] = []
    for due in obligations:
        found = next(_faults(due), None)
        name = due.obligation_id
        if found is not None and found[0] == "obligation_id":
            unnamed.append(_refusal(due, found))
        elif found is not None:
            refused.setdefault(name, _refusal(due, found))
        elif (other := known.setdefault(name, due)) is not due and other != due:
            differing = _difference(known[name], due)
            refused.setdefault(name, _refusal(due, (differing, "differs under one id in one call")))
    dues = {name: due for name, due in sorted(known.items()) if name not in refused}
    return Admitted(dues=dues, refused=[*unnamed, *(each for _, each in sorted(refused.items()))])


def _refusal(due: Due, found: tuple[str, str]) -> Refusal:
    name = due.obligation_id
    return Refusal(
        obligation_id=name if isinstance(name, str) else repr(name), field=found[0], why=found[1]
    )


def _faults(due: Due) -> Iterator[tuple[str, str]]:
    """What is wrong, as (field, why). The id comes first: without it nothing can be named."""
    for name in ("obligation_id", "agreement_id"):
        if not isinstance(given := getattr(due, name), str) or not given.strip():
            yield name, "missing"
        elif len(given) > ID_MAX:
            yield name, f"longer than {ID_MAX} characters"
        else:
            yield from _text_faults(name, given)
    yield from _money_faults(due)
    if not isinstance(due.kind, PaymentKind):
        yield "kind", f"none of {', '.join(PaymentKind)}"
    if not isinstance(due.value_date, date) or isinstance(due.value_date, datetime):
        yield "value_date", "not a date"
    for name in ("reference", "rail", "account"):
        yield from _text_faults(name, getattr(due, name))
    yield from _payee_faults(due.beneficiary)


def _money_faults(due: Due) -> Iterator[tuple[str, str]]:
    try:
        exponent(due.currency)
    except UnknownCurrency as error:
        yield "currency", error.message
    whole = isinstance(due.amount_minor, int) and not isinstance(due.amount_minor, bool)
    if not whole or not 0 < due.amount_minor <= MINOR_MAX:
        yield "amount_minor", "not a positive whole number of minor units within 64 bits"


def _payee_faults(beneficiary: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(beneficiary, Beneficiary):
        yield "beneficiary", "missing"
        return
    for name in _OF_PAYEE:
        value = getattr(beneficiary, name)
        if value is not None or name not in ("bic", "bank_code"):
            yield from _text_faults(f"beneficiary.{name}", value)


_OF_PAYEE = tuple(field.name for field in fields(Beneficiary))


def _text_faults(field: str, value: Any) -> Iterable[tuple[str, str]]:
    if not isinstance(value, str):
        return [(field, "not a text")]
    if value.isprintable():  # which none of what is not carried is
        return ()
    found = next((sign for sign in value if unicodedata.category(sign) in _UNCARRIED), None)
    if found is None:
        return ()
    return [(field, f"holds U+{ord(found):04X}, which no rail carries")]


_UNCARRIED = frozenset({"Cc", "Cs", "Cf", "Co", "Zl", "Zp"})
"""Control and format characters, halves of a character, private ones, and ends of lines."""


def _difference(one: Due, other: Due) -> str:
    for field in fields(Due):
        if getattr(one, field.name) != getattr(other, field.name):
            return _within(one, other) if field.name == "beneficiary" else field.name
    raise AssertionError("the same instruction differs in nothing")


def _within(one: Due, other: Due) -> str:
    return "beneficiary." + next(
        name
        for name in _OF_PAYEE
        if getattr(one.beneficiary, name) != getattr(other.beneficiary, name)
    )
