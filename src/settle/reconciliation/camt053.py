"""Bank statements in ISO 20022 camt.053 (and camt.052, camt.054), read as a stream.

Every version of the namespace is taken, wherever the statement stands in the file. Amounts are
exact; the sign is that of `CdtDbtInd`, which already reflects a reversal. Only entries with
status `BOOK` are lines: a pending or an informational entry moved nothing yet. A statement that
cannot be taken whole is refused by name, for a statement that lacks a line proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from io import BytesIO

from lxml import etree

from settle.adapters import Statement, StatementLine
from settle.errors import DocumentError
from settle.reconciliation.camt_entry import Entry, lines_of, read_entry
from settle.reconciliation.camt_field import (
    Amount,
    Element,
    Place,
    every,
    read_date,
    read_signed,
    text,
)

_CONTAINERS = {"Stmt": True, "Rpt": False, "Ntfctn": False}
"""Where entries stand; True where opening and closing balance are owed (camt.053 only)."""

_TAGS = tuple("{*}" + name for name in ("Ntry", *_CONTAINERS))
_OPENING = ("OPBD", "PRCD", "010")
_CLOSING = ("CLBD", "015")  # 010 and 015 are BAI's ledger balances, given as Prtry by some banks


def read_camt053(
    content: bytes, *, rail: str, account: str | None = None, complete: bool = True
) -> list[Statement]:
    """The statements of one file, in its order. This is pure, and the same for the same bytes.

    `account` is the account the file was asked for: another's statement is refused. A camt.052
    or camt.054 owes no balances: without them it opens at zero and closes at its own sum, and
    it is never `complete`.

    Raises:
        DocumentError: not such a document, hostile, truncated, or a field that cannot be taken;
            names statement, entry, field and why.
    """
    statements = [
        _statement(element, entries, rail=rail, complete=complete)
        for element, entries in _containers(content)
    ]
    if not statements:
        raise DocumentError("the document holds no statement (Stmt, Rpt or Ntfctn)")
    for statement in statements:
        if account is not None and _compact(statement.account) != _compact(account):
            raise DocumentError(
                f"statement {statement.statement_ref}: Acct is not the account asked for",
                statement=statement.statement_ref,
            )
    return statements


def _containers(content: bytes) -> Iterator[tuple[Element, list[Entry]]]:
    """Each statement's element once it is whole, with its entries already read and released."""
    entries: list[Entry] = []
    day: date | None = None
    for event, element in _events(content):
        if event == "start":
            entries, day = [], None
        elif etree.QName(element).localname != "Ntry":
            yield element, entries
            element.clear()
        elif (statement := element.getparent()) is not None:
            place = Place(statement=text(statement, "Id"), ordinal=len(entries) + 1)
            day = day if entries else _day(statement, place)
            entries.append(read_entry(element, place=place, day=day))
            _release(element, statement)


def _release(entry: Element, statement: Element) -> None:
    """Free what an entry held. This keeps a statement of any length in little memory."""
    entry.clear()
    before = entry.getprevious()
    if before is not None and before.tag == entry.tag:
        statement.remove(before)


def _events(content: bytes) -> Iterator[tuple[str, Element]]:
    """Starts of statements, ends of entries and statements. This refuses every DTD."""
    stream = etree.iterparse(
        BytesIO(content), events=("start", "end"), tag=_TAGS, resolve_entities=False,
        no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        for number, (event, element) in enumerate(stream):
            if number == 0 and element.getroottree().docinfo.internalDTD is not None:
                raise DocumentError("the document declares a document type; ISO 20022 has none")
            is_entry = etree.QName(element).localname == "Ntry"
            if not is_entry or (event == "end" and _is_booked_in(element)):
                yield event, element
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentError(f"the document is not whole XML: {str(error)[:200]}") from None


def _is_booked_in(entry: Element) -> bool:
    parent = entry.getparent()
    return parent is not None and etree.QName(parent).localname in _CONTAINERS


def _statement(element: Element, entries: list[Entry], *, rail: str, complete: bool) -> Statement:
    identity = text(element, "Id")
    place = Place(statement=identity)
    owed = _CONTAINERS[etree.QName(element).localname]
    account = text(element, "Acct/Id/IBAN") or text(element, "Acct/Id/Othr/Id")
    if not identity or not account:
        raise place.fault("Id and Acct/Id are due")
    balances = _balances(element, place)
    currency = _currency(element, balances, entries, place)
    lines = _lines(entries, currency=currency)
    moved_minor = sum(line.amount_minor for line in lines)
    opening_minor, closing_minor = _bounds(balances, moved_minor, place=place, owed=owed)
    day = _day(element, place)
    if day is None:
        raise place.fault("neither CLBD, FrToDt nor CreDtTm dates it")
    return Statement(
        rail=rail,
        account=account,
        currency=currency,
        day=day,
        statement_ref=identity,
        opening_minor=opening_minor,
        closing_minor=closing_minor,
        lines=lines,
        complete=complete and owed,
    )


def _bounds(
    balances: dict[str, Amount], moved_minor: int, *, place: Place, owed: bool
) -> tuple[int, int]:
    opening, closing = _pick(balances, _OPENING), _pick(balances, _CLOSING)
    if owed and (opening is None or closing is None):
        raise place.fault("an opening (OPBD, PRCD) and a closing balance (CLBD) are due")
    opening_minor = opening.minor if opening else 0
    return opening_minor, closing.minor if closing else opening_minor + moved_minor


def _lines(entries: list[Entry], *, currency: str) -> tuple[StatementLine, ...]:
    booked = [entry for entry in entries if entry.booked]
    for entry in booked:
        for line in entry.lines:
            if line.currency != currency:
                raise entry.place.fault(f"Amt: {line.currency} in a statement of {currency}")
    lines = tuple(lines_of(booked, by_reference=True))
    if len({line.line_ref for line in lines}) < len(lines):
        lines = tuple(lines_of(booked, by_reference=False))
    return lines


def _balances(element: Element, place: Place) -> dict[str, Amount]:
    """The booked balances by code, signed. Where a code stands twice, its first is meant."""
    found: dict[str, Amount] = {}
    for balance in every(element, "Bal"):
        code = _code(balance)
        if code in _OPENING + _CLOSING and code not in found:
            found[code] = read_signed(balance, place=place, field=f"Bal {code}")
    return found


def _pick(balances: dict[str, Amount], codes: tuple[str, ...]) -> Amount | None:
    return next((balances[code] for code in codes if code in balances), None)


def _currency(
    element: Element, balances: dict[str, Amount], entries: list[Entry], place: Place
) -> str:
    stated = text(element, "Acct/Ccy")
    named = [a.currency for a in balances.values()]
    booked = [line.currency for entry in entries for line in entry.lines]
    currency = next(iter([stated] * bool(stated) + named + booked), None)
    if currency is None:
        raise place.fault("nothing says its currency")
    if set(named) - {currency}:
        raise place.fault(f"Bal: a balance is not in {currency}")
    return currency


def _code(balance: Element) -> str:
    return text(balance, "Tp/CdOrPrtry/Cd") or text(balance, "Tp/CdOrPrtry/Prtry")


def _day(element: Element, place: Place) -> date | None:
    """The day a statement is of: that of its closing balance, else the end of its period."""
    closing = [balance for balance in every(element, "Bal") if _code(balance) in _CLOSING]
    if closing and (day := read_date(closing[0], "Dt", place=place)) is not None:
        return day
    paths = ("FrToDt/ToDtTm", "FrToDt/ToDt", "CreDtTm")
    found = (read_date(element, path, place=place) for path in paths)
    return next((day for day in found if day is not None), None)


def _compact(account: str) -> str:
    return account.replace(" ", "").upper()
