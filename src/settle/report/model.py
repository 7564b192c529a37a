"""The morning report as a frozen model. Whoever runs the night fills it; pages only show it.

Nothing in it depends on how long the night took: the same evidence gives the same report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from typing import Any

from settle.ledger import Proof
from settle.report.clearing import Flow, Intake, Netting, Settled, WindowClosed
from settle.report.document import as_json
from settle.report.funding import Funding
from settle.report.payments import ExceptionKind, Payments
from settle.report.reconciliation import Breaks, Reconciliation

SCHEMA = "settle.morning-report/1"
"""The name of the JSON's shape. A key that goes or changes its meaning gives it a new number."""


class ExitCode(IntEnum):
    """How the night ended, the highest that applies."""

    CLEAN = 0
    OPEN = 10  # breaks or unknowns are open
    BAD_INPUT = 11
    RAIL_DOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One thing that went wrong, and how it stands. `closed`: nobody has to do anything more."""

    kind: str
    at: datetime
    what: str
    now: str
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MorningReport:
    """One night as a finance person reads it. `known_at` is the instant of the latest evidence."""

    tenant: str
    day: date
    known_at: datetime
    exit_code: ExitCode
    nights: tuple[date, ...] = ()
    rails_down: tuple[str, ...] = ()
    intake: Intake = field(default_factory=Intake)
    windows: tuple[WindowClosed, ...] = ()
    settled: tuple[Settled, ...] = ()
    netting: tuple[Netting, ...] = ()
    payments: Payments = field(default_factory=Payments)
    funding: Funding | None = None
    incidents: tuple[Incident, ...] = ()
    reconciliation: Reconciliation = field(default_factory=Reconciliation)
    breaks: Breaks = field(default_factory=Breaks)
    proofs: tuple[Proof, ...] = ()
    flows: tuple[Flow, ...] = ()

    @property
    def unknowns(self) -> int:
        """Payments of which nobody can say yet whether they were executed."""
        return self.payments.total(ExceptionKind.UNKNOWN_OPEN)

    @property
    def balanced(self) -> tuple[str, ...]:
        """The currencies in which every proof holds."""
        failed = {proof.currency for proof in self.proofs if not proof.holds}
        return tuple(sorted({proof.currency for proof in self.proofs} - failed))

    @property
    def unbalanced(self) -> tuple[str, ...]:
        """The currencies in which a proof does not hold."""
        return tuple(sorted({proof.currency for proof in self.proofs if not proof.holds}))

    def to_json(self) -> dict[str, Any]:
        """The whole report as plain values. This is what the JSON file holds."""
        from settle.report.summary import sentence

        return {"schema": SCHEMA, "summary": sentence(self), **as_json(self)}
