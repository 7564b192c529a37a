"""Single fields of a camt message: text, exact amounts, dates. Each fault names its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from lxml import etree

from settle.errors import DocumentError, SettleError
from settle.money import to_minor

Element = etree._Element  # noqa: SLF001 - lxml gives its element type no public name

FILLERS = frozenset({"", "NONREF", "NOTPROVIDED", "NOT PROVIDED"})
"""What stands where a bank has no reference to give; all of them mean none."""

_DECIMAL = re.compile(r"\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a file we are: a statement, and its entry by ordinal (0: the statement itself)."""

    statement: str
    ordinal: int = 0

    def fault(self, why: str) -> DocumentError:
        """The error for this place. This is raised by who found it."""
        where = f"statement {self.statement[:40] or '(without Id)'}"
        if self.ordinal:
            where += f", entry {self.ordinal}"
        return DocumentError(f"{where}: {why}", statement=self.statement, entry=self.ordinal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An exact amount in minor units; signed where the message gives a direction."""

    minor: int
    currency: str


def text(parent: Element, path: str) -> str:
    """The text at `path` in any namespace, stripped. This is empty where there is none."""
    found = next(_at(parent, _steps(path)), None)
    return "" if found is None else (found.text or "").strip()


def every(parent: Element, path: str) -> list[Element]:
    """All elements at `path` in any namespace."""
    return list(_at(parent, _steps(path)))


def reference(parent: Element, path: str) -> str | None:
    """A reference, or None where the bank wrote that there is none."""
    return real(text(parent, path))


def real(value: str) -> str | None:
    """The reference itself, unless it is a filler such as NONREF."""
    return None if value.upper() in FILLERS else value


def read_amount(parent: Element, path: str, *, place: Place) -> Amount:
    """The amount at `path`, exact, with the currency of its `Ccy`.

    Raises:
        DocumentError: absent, not a decimal, or not exact in its currency.
    """
    found = every(parent, path)
    if not found:
        raise place.fault(f"{path} is due")
    return exact(found[0], field=path, place=place)


def exact(element: Element, *, field: str, place: Place) -> Amount:
    """The amount an element holds, exact, with the currency of its `Ccy`.

    Raises:
        DocumentError: not a decimal, or not exact in its currency.
    """
    currency, digits = str(element.get("Ccy", "")), (element.text or "").strip()
    if not _DECIMAL.fullmatch(digits):
        raise place.fault(f"{field}: {digits[:40]!r} is not an amount")
    try:
        return Amount(minor=to_minor(digits, currency), currency=currency)
    except SettleError as error:
        raise place.fault(f"{field}: {error}") from None


def read_signed(parent: Element, *, place: Place, field: str) -> Amount:
    """The `Amt` of an element with the sign of its `CdtDbtInd`: positive came in."""
    amount = read_amount(parent, "Amt", place=place)
    match text(parent, "CdtDbtInd"):
        case "CRDT":
            return amount
        case "DBIT":
            return Amount(minor=-amount.minor, currency=amount.currency)
        case other:
            raise place.fault(f"{field}: CdtDbtInd is CRDT or DBIT, not {other[:10]!r}")


def read_date(parent: Element, path: str, *, place: Place) -> date | None:
    """The day at `path`, given as a date, a time, or a choice of `Dt` and `DtTm`.

    Raises:
        DocumentError: there is something, and it is not a day.
    """
    stamp = text(parent, f"{path}/Dt") or text(parent, f"{path}/DtTm") or text(parent, path)
    if not stamp:
        return None
    try:
        return date.fromisoformat(stamp[:10] if _DATE.match(stamp) else "")
    except ValueError:
        raise place.fault(f"{path}: {stamp[:40]!r} is not a date") from None


def _at(parent: Element, steps: tuple[str, ...]) -> Iterator[Element]:
    # A walk costs less than lxml's path expressions, and an entry is asked some forty times.
    for child in parent.iterchildren(steps[0]):
        if len(steps) == 1:
            yield child
        else:
            yield from _at(child, steps[1:])


@lru_cache(maxsize=256)
def _steps(path: str) -> tuple[str, ...]:
    return tuple("{*}" + name for name in path.split("/"))
