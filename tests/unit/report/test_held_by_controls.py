"""What a control holds is counted by it, in the morning's first sentence and in the JSON."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from settle.report import ExitCode, MorningReport, sentence
from settle.report.assembly import NightFacts
from settle.report.assembly.morning import exit_code
from settle.report.clearing import Intake
from settle.report.payments import ControlTotal, ExceptionKind, PaymentException, Payments
from settle.report.reconciliation import Breaks

HELD = PaymentException(
    kind=ExceptionKind.CONTROLLED, payment_id="P-1", agreement_id="A-1", beneficiary="Mo",
    rail="single", currency="EUR", amount_minor=100, state="scheduled", control="cool-off",
)  # fmt: skip


def test_each_control_is_told_with_how_many_it_holds(rich: MorningReport) -> None:
    """Also those that the lists of exceptions have no place for."""
    rows = [replace(HELD, payment_id=f"P-{n}", control="velocity limit") for n in range(2, 40)]
    payments = Payments.of((), [HELD, *rows])
    assert (
        ControlTotal(control="cool-off", currency="EUR", count=1, amount_minor=100),
        ControlTotal(control="velocity limit", currency="EUR", count=38, amount_minor=3800),
    ) == payments.controls
    said = sentence(replace(rich, payments=payments))
    assert "39 payments held by cool-off (1) and velocity limit (38)" in said


def test_a_night_in_which_something_is_held_is_open() -> None:
    """Money is owed and was not sent: whoever reads the exit code looks."""
    night = NightFacts(tenant="t", day=date(2024, 12, 18), began_at=datetime.now(UTC))
    code = exit_code(
        night, intake=Intake(), payments=Payments.of((), [HELD]), breaks=Breaks(), proofs=()
    )
    assert ExitCode.OPEN == code
