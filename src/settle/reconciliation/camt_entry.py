"""One entry of a camt statement and the lines it stands for.

An entry without `TxDtls` is one line, and so is one with a single `TxDtls`. One with several is
several lines where their amounts sum to the entry's, else one line for the whole batch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from lxml import etree

from settle.adapters import Charge, LineKind, StatementLine
from settle.errors import DocumentError
from settle.reconciliation.camt_field import (
    Amount,
    Element,
    Place,
    every,
    exact,
    read_date,
    read_signed,
    real,
    reference,
    text,
)

_RETURNS = frozenset({"RRTN", "RPCR"})
_CHARGES = frozenset({"CHRG", "FEES", "COMM"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An `Ntry`, read. `lines` have no `line_ref` yet: it needs the whole statement."""

    place: Place
    booked: bool
    reference: str | None
    lines: tuple[StatementLine, ...]


def read_entry(element: Element, *, place: Place, day: date | None) -> Entry:
    """The entry at `place`; one without any date is of the statement's `day`.

    This reads entries that are not booked, too.

    Raises:
        DocumentError: an amount, direction or date is absent or cannot be taken.
    """
    details = every(element, "NtryDtls/TxDtls")
    own = reference(element, "AcctSvcrRef")
    if own is None and len(details) == 1:
        own = reference(details[0], "Refs/AcctSvcrRef")
    return Entry(
        place=place,
        booked=(text(element, "Sts/Cd") or text(element, "Sts")) == "BOOK",
        reference=own,
        lines=tuple(_lines(element, details, day, place)),
    )


def lines_of(entries: Sequence[Entry], *, by_reference: bool) -> Iterator[StatementLine]:
    """The lines with their names: the bank's reference where it is unique, else the ordinal."""
    uses = Counter(entry.reference for entry in entries)
    for entry in entries:
        name = f"{entry.place.statement}/{entry.place.ordinal}"
        if by_reference and entry.reference is not None and uses[entry.reference] == 1:
            name = entry.reference
        for number, line in enumerate(entry.lines, start=1):
            suffix = f"/{number}" if len(entry.lines) > 1 else ""
            yield replace(line, line_ref=name + suffix)


def _lines(
    element: Element, details: list[Element], day: date | None, place: Place
) -> Iterator[StatementLine]:
    whole = read_signed(element, place=place, field="Ntry")
    line = _plain_line(element, whole, _dates(element, day, place))
    count = _batch_count(element, details)
    parts = _parts(details, whole, text(element, "CdtDbtInd"), place)
    if parts is not None:
        for detail, minor in zip(details, parts, strict=True):
            yield replace(_detailed(line, detail, element), amount_minor=minor)
    elif len(details) == 1 and count <= 1:
        yield replace(_detailed(line, details[0], element), batch_count=count)
    else:
        yield replace(line, batch_count=count)


def _plain_line(element: Element, whole: Amount, dates: tuple[date, date]) -> StatementLine:
    booked, valued = dates
    references = {"NtryRef": text(element, "NtryRef"), "BkTxCd": _transaction_code(element)}
    charges, foreign = _charges(element, whole.currency)
    return StatementLine(
        line_ref="",
        amount_minor=whole.minor,
        currency=whole.currency,
        booked_on=booked,
        value_on=valued,
        kind=_kind(element, element),
        batch_id=reference(element, "NtryDtls/Btch/PmtInfId")
        or reference(element, "NtryDtls/Btch/MsgId"),
        rail_reference=reference(element, "AcctSvcrRef"),
        charges_minor=sum(charge.amount_minor for charge in charges),
        charges=charges,
        remittance_information=text(element, "AddtlNtryInf"),
        references={k: v for k, v in (references | foreign).items() if real(v)},
    )


def _detailed(line: StatementLine, detail: Element, entry: Element) -> StatementLine:
    references = dict(line.references) | dict(_references(detail)) | _exchange(detail)
    charges, foreign = _charges(detail, line.currency)
    charges = charges or line.charges
    instructed, unread = _instructed(detail, entry)
    direction = text(detail, "CdtDbtInd") or text(entry, "CdtDbtInd")
    kind = _kind(entry, detail)
    if kind is LineKind.TRANSFER:
        kind = line.kind  # the entry's own code may say what its details do not
    return replace(
        line,
        kind=kind,
        end_to_end_id=references.get("EndToEndId"),
        uetr=references.get("UETR"),
        rail_reference=references.get("AcctSvcrRef") or line.rail_reference,
        instructed_minor=instructed.minor if instructed else None,
        instructed_currency=instructed.currency if instructed else None,
        charges_minor=sum(charge.amount_minor for charge in charges),
        charges=charges,
        return_code=text(detail, "RtrInf/Rsn/Cd") or text(detail, "RtrInf/Rsn/Prtry") or None,
        counterparty=_counterparty(detail, from_debtor=direction == "CRDT", kind=kind),
        remittance_information=_remittance(detail) or line.remittance_information,
        references=references | foreign | unread,
    )


def _dates(element: Element, day: date | None, place: Place) -> tuple[date, date]:
    booked = read_date(element, "BookgDt", place=place)
    valued = read_date(element, "ValDt", place=place)
    either = booked or valued or day
    if either is None:
        raise place.fault("BookgDt or ValDt is due")
    return either, valued or either


def _batch_count(element: Element, details: list[Element]) -> int:
    batches = every(element, "NtryDtls/Btch")
    stated = [text(batch, "NbOfTxs") for batch in batches]
    if stated and all(number.isascii() and number.isdigit() for number in stated):
        return sum(int(number[:15]) for number in stated)
    return len(details) if details or batches else 1


def _parts(details: list[Element], whole: Amount, direction: str, place: Place) -> list[int] | None:
    """The signed amounts of several details, where they are the entry; else None."""
    if len(details) < 2:
        return None
    parts = [_part(detail, direction, place) for detail in details]
    known = [part for part in parts if part is not None and part.currency == whole.currency]
    if len(known) < len(details) or sum(part.minor for part in known) != whole.minor:
        return None
    return [part.minor for part in known]


def _part(detail: Element, direction: str, place: Place) -> Amount | None:
    paths = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
    item = next((item for path in paths for item in every(detail, path)[:1]), None)
    amount = None if item is None else _taken(item, place)
    if amount is None:
        return None
    debit = (text(detail, "CdtDbtInd") or direction) == "DBIT"
    return Amount(minor=-amount.minor if debit else amount.minor, currency=amount.currency)


def _taken(item: Element, place: Place) -> Amount | None:
    """An amount that only explains another: None where it cannot be held exactly."""
    try:
        return exact(item, field="", place=place)
    except DocumentError:
        return None


def _references(detail: Element) -> Iterator[tuple[str, str]]:
    for item in detail.iterfind("{*}Refs/{*}*"):
        name = etree.QName(item).localname
        value = text(item, "Ref") if name == "Prtry" else (item.text or "").strip()
        if real(value):
            yield name, value.lower() if name == "UETR" else value
    creditor = text(detail, "RmtInf/Strd/CdtrRefInf/Ref")
    if real(creditor):
        yield "CdtrRef", creditor


def _instructed(detail: Element, entry: Element) -> tuple[Amount | None, dict[str, str]]:
    """The instructed amount; one that cannot be held is kept as it stands."""
    path = "AmtDtls/InstdAmt/Amt"
    for item in (every(detail, path) + every(entry, path))[:1]:
        amount = _taken(item, Place(statement=""))
        return amount, {} if amount else {"InstdAmt": _as_it_stands(item)}
    return None, {}


def _exchange(detail: Element) -> dict[str, str]:
    """The rate at which the money was converted on its way, where the bank says that it was."""
    for name in ("TxAmt", "InstdAmt", "CntrValAmt"):
        if rate := text(detail, f"AmtDtls/{name}/CcyXchg/XchgRate"):
            return {"CcyXchg": rate}
    return {}


def _charges(holder: Element, currency: str) -> tuple[tuple[Charge, ...], dict[str, str]]:
    """Charges in the entry's currency, one by one; others are kept as they stand."""
    found, others = [], []
    for item, sign, agent in _charge_items(holder):
        amount = _taken(item, Place(statement=""))
        if amount is not None and amount.currency == currency:
            minor = sign * amount.minor
            found.append(Charge(amount_minor=minor, currency=currency, agent=agent))
        else:
            others.append(_as_it_stands(item))
    return tuple(found), {"Chrgs": "; ".join(others)} if others else {}


def _charge_items(holder: Element) -> Iterator[tuple[Element, int, str]]:
    # Versions up to .02 repeat Chrgs with an Amt each; later ones have one Chrgs with records.
    for charges in every(holder, "Chrgs"):
        records = every(charges, "Rcrd")
        for record in [charges] if every(charges, "Amt") else records:
            sign = -1 if text(record, "CdtDbtInd") == "CRDT" else 1
            agent = text(record, "Agt/FinInstnId/BICFI") or text(record, "Agt/FinInstnId/BIC")
            yield from ((item, sign, agent) for item in every(record, "Amt")[:1])
        if not records and not every(charges, "Amt"):
            yield from ((item, 1, "") for item in every(charges, "TtlChrgsAndTaxAmt")[:1])


def _as_it_stands(item: Element) -> str:
    return f"{(item.text or '').strip()} {item.get('Ccy', '')}".strip()


def _kind(entry: Element, detail: Element) -> LineKind:
    codes = set(_transaction_code(detail).split("/"))
    if every(detail, "RtrInf") or codes & _RETURNS:
        return LineKind.RETURN
    if text(entry, "RvslInd") in ("true", "1"):
        return LineKind.REVERSAL
    return LineKind.CHARGE if codes & _CHARGES else LineKind.TRANSFER


def _transaction_code(element: Element) -> str:
    domain = ("BkTxCd/Domn/Cd", "BkTxCd/Domn/Fmly/Cd", "BkTxCd/Domn/Fmly/SubFmlyCd")
    code = "/".join(part for path in domain if (part := text(element, path)))
    return code or text(element, "BkTxCd/Prtry/Cd")


def _counterparty(detail: Element, *, from_debtor: bool, kind: LineKind) -> str:
    # A return keeps the roles of the transfer it undoes, so the other party is its creditor.
    first = "Dbtr" if from_debtor != (kind is LineKind.RETURN) else "Cdtr"
    roles = [first, f"Ultmt{first}"]
    if kind is LineKind.RETURN:
        roles.append("Dbtr" if first == "Cdtr" else "Cdtr")
    paths = (f"RltdPties/{role}/{name}" for role in roles for name in ("Nm", "Pty/Nm"))
    return next((name for path in paths if (name := text(detail, path))), "")


def _remittance(detail: Element) -> str:
    unstructured = [(item.text or "").strip() for item in every(detail, "RmtInf/Ustrd")]
    return (
        " ".join(part for part in unstructured if part)
        or text(detail, "RmtInf/Strd/CdtrRefInf/Ref")
        or text(detail, "AddtlTxInf")
    )
