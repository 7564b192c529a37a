"""What the report shows of clearing: what came in, what it came to, where it went.

Every amount is in minor units of the row's own currency; rows of two currencies are never added.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonCount:
    """How many records were quarantined for one reason."""

    reason: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileIntake:
    """One input file: every record of it is accepted, a duplicate, or quarantined."""

    name: str
    records_in: int
    accepted: int
    duplicates: int
    quarantined: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFinding:
    """One value that did not fit, with the place where it stands. `row` counts from 1."""

    file: str
    row: int | None
    field: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Everything that came in. This sums: in = accepted + duplicates + quarantined."""

    records_in: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    by_reason: tuple[ReasonCount, ...] = ()
    files: tuple[FileIntake, ...] = ()
    findings: tuple[InputFinding, ...] = ()
    findings_not_shown: int = 0

    @property
    def sums(self) -> bool:
        """Whether nothing that came in was lost."""
        return self.records_in == self.accepted + self.duplicates + self.quarantined


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowClosed:
    """One window that this night closed, with the digest of the manifest it committed."""

    window_id: str
    records: int
    late: int
    positions: int
    manifest_digest: str
    conserved: tuple[str, ...]
    not_conserved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What was settled in one settlement currency, after conversion.

    Every figure is positive in its own sense: `fees_minor` is what was charged,
    `reserve_withheld_minor` what was held back. Only `adjustments_minor`, `carried_in_minor`,
    `net_minor` and `carried_forward_minor` may be negative.
    """

    currency: str
    sales_minor: int = 0
    refunds_minor: int = 0
    chargebacks_minor: int = 0
    reversals_minor: int = 0
    adjustments_minor: int = 0
    fees_minor: int = 0
    tax_minor: int = 0
    reserve_withheld_minor: int = 0
    reserve_released_minor: int = 0
    carried_in_minor: int = 0
    net_minor: int = 0
    obligations: int = 0
    obligations_minor: int = 0
    paid_minor: int = 0
    on_the_way_minor: int = 0
    waiting_minor: int = 0
    returned_minor: int = 0
    carried_forward_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Netting:
    """What netting saved in one currency: many records in, few payments out."""

    currency: str
    records: int
    payments: int
    gross_minor: int
    net_minor: int

    @property
    def payments_saved(self) -> int:
        """Transfers that nobody had to make."""
        return self.records - self.payments


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One arrow of the picture: money of one currency from one place to the next."""

    currency: str
    source: str
    target: str
    amount_minor: int
