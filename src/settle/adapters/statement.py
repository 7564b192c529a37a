"""Statements and rails' reports: the document as it came, and the lines read out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from settle.adapters.evidence import Charge


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRef:
    """An account of ours at a rail, in one currency."""

    rail: str
    account: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementDocument:
    """A statement as the rail gave it, byte for byte. `format` names its reader.

    `camt.053` is read by `settle.reconciliation`; a rail's own format is read by the adapter's
    `read_report`. `complete` says that the day is closed and no line will be added to it.
    """

    rail: str
    account: str
    currency: str
    day: date
    format: str
    content: bytes
    complete: bool = True


class LineKind(StrEnum):
    """What a line says it is, as far as its own codes tell."""

    TRANSFER = "transfer"
    RETURN = "return"
    CHARGE = "charge"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLine:
    """One booked movement on our account. This is signed: positive came in, negative went out.

    `line_ref` is the bank's own reference of the entry or, where it has none, the statement's
    id with the entry's ordinal; it identifies the line for ever. `batch_count` is how many
    payments a batch booking stands for (1 for a single one, 0 where the bank does not say);
    `instructed_minor` is what was instructed where the bank says so, in `instructed_currency`.
    References absent, or given as NONREF or NOTPROVIDED, are None. `charges` are those of
    `charges_minor` that the bank tells one by one, each with who kept it.
    """

    line_ref: str
    amount_minor: int
    currency: str
    booked_on: date
    value_on: date
    kind: LineKind = LineKind.TRANSFER
    end_to_end_id: str | None = None
    uetr: str | None = None
    batch_id: str | None = None
    rail_reference: str | None = None
    batch_count: int = 1
    instructed_minor: int | None = None
    instructed_currency: str | None = None
    charges_minor: int = 0
    charges: tuple[Charge, ...] = ()
    return_code: str | None = None
    counterparty: str = ""
    remittance_information: str = ""
    references: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One account's day, read. `opening_minor + sum(lines) == closing_minor` where it is sound."""

    rail: str
    account: str
    currency: str
    day: date
    statement_ref: str
    opening_minor: int
    closing_minor: int
    lines: tuple[StatementLine, ...]
    complete: bool = True

    @property
    def difference_minor(self) -> int:
        """Closing less opening less lines. This is zero for a sound statement."""
        return self.closing_minor - self.opening_minor - sum(x.amount_minor for x in self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the rail says an account holds now, in minor units."""

    account: AccountRef
    amount_minor: int
