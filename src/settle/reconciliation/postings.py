"""The journal rows that are reconciliation's own: receipts, suspense, and its cure.

Bookings and returns of payments are posted by the door for evidence, not here.
`docs/reference/postings.md` states the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from settle.ledger import Posting, accounts, signed

Line = Mapping[str, Any]
"""A row of `statement_lines`."""


def receipt(line: Line, *, contra: str, posted_on: date) -> list[Posting]:
    """Money we expected, or sent between our own accounts. This moves nostro against `contra`."""
    return _moved(line, event="receipt", contra=contra, posted_on=posted_on)


def suspense(line: Line, *, posted_on: date) -> list[Posting]:
    """A line that nothing explains. This moves nostro all the same, for the bank did."""
    return _moved(line, event="suspense", contra=accounts.SUSPENSE, posted_on=posted_on)


def cured(line: Line, *, posted_on: date) -> list[Posting]:
    """A line that went to suspense and is explained now. This undoes the suspense row."""
    return [
        row.reversed(event="suspense_cured", posted_on=posted_on)
        for row in suspense(line, posted_on=posted_on)
    ]


def parted(line: Line, *, evidence_id: str, posted_on: date) -> list[Posting]:
    """A line that is no payment's after all. It waits in suspense until people say whose it is."""
    return _moved(
        line, event="parted", contra=accounts.SUSPENSE, posted_on=posted_on, row=evidence_id
    )


def given(line: Line, *, evidence_id: str, posted_on: date) -> list[Posting]:
    """A parted line of which people said whose it is, or that it never was. This undoes that."""
    rows = parted(line, evidence_id=evidence_id, posted_on=posted_on)
    return [row.reversed(event="parted_cured", posted_on=posted_on) for row in rows]


def _moved(
    line: Line, *, event: str, contra: str, posted_on: date, row: str = "1"
) -> list[Posting]:
    return signed(
        event=event,
        subject=line["line_id"],
        row=row,
        posted_on=posted_on,
        frm=accounts.nostro(line["rail"], line["account"]),
        to=contra,
        currency=line["currency"],
        amount_minor=line["amount_minor"],
    )
