"""The night in one sentence, and in the last lines that a run prints."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from settle.report.figures import count, plural, share
from settle.report.payments import ExceptionKind

if TYPE_CHECKING:
    from settle.report.model import MorningReport

MEANINGS: dict[int, str] = {
    0: "Clean night",
    10: "Needs attention",
    11: "Some input was refused",
    12: "A rail is down",
}
"""What the exit code of a night means, in two or three words."""

STOPPED = (
    ExceptionKind.RETURNED,
    ExceptionKind.REJECTED,
    ExceptionKind.FAILED,
    ExceptionKind.LISTED,
    ExceptionKind.HELD,
    ExceptionKind.AWAITING_APPROVAL,
)
"""Payments that go no further until a person does something."""


def sentence(report: MorningReport) -> str:
    """The night in one sentence. This stands under the headline."""
    number = sum(row.obligations for row in report.settled)
    currencies = plural(len(report.settled), "currency", "currencies")
    settled = f"{plural(number, 'obligation')} in {currencies}" if number else "Nothing to settle"
    open_items = _and(_open_items(report))
    return f"{settled}; to look at: {open_items}." if open_items else f"{settled}; nothing is open."


def _open_items(report: MorningReport) -> list[str]:
    items = [f"{rail} is down" for rail in report.rails_down]
    if report.unbalanced:
        items.append(f"a nightly check that does not hold ({_failing(report)})")
    items += _payment_items(report)
    if report.funding and report.funding.failed:
        items.append("no plan of funding")
    if report.funding and report.funding.short:
        items.append(plural(len(report.funding.short), "need") + " that cannot be funded")
    if report.breaks.open:
        items.append(plural(report.breaks.open, "open break"))
    if report.intake.quarantined:
        items.append(plural(report.intake.quarantined, "record") + " in quarantine")
    return items


def _controls(report: MorningReport) -> str:
    """Each control that holds something, with how many: "cool-off (2) and velocity limit (1)"."""
    held: dict[str, int] = defaultdict(int)
    for row in report.payments.controls:
        held[row.control] += row.count
    return " and ".join(f"{control} ({count(number)})" for control, number in held.items())


def _payment_items(report: MorningReport) -> list[str]:
    items = []
    if contradicted := report.payments.total(ExceptionKind.CONTRADICTION):
        items.append(plural(contradicted, "payment") + " with evidence that contradicts itself")
    if report.unknowns:
        items.append(plural(report.unknowns, "payment") + " with unknown outcome")
    if stopped := sum(report.payments.total(kind) for kind in STOPPED):
        items.append(plural(stopped, "payment") + " that somebody must act on")
    if held := report.payments.total(ExceptionKind.CONTROLLED):
        items.append(f"{plural(held, 'payment')} held by {_controls(report)}")
    if unfunded := report.payments.total(ExceptionKind.SCHEDULED):
        items.append(plural(unfunded, "payment") + " waiting for funds")
    return items


def summary_lines(report: MorningReport) -> list[str]:
    """The figures a run ends with, a line each. This leaves the report's path to the caller."""
    intake, matching = report.intake, report.reconciliation
    taken = f"{count(intake.accepted)} accepted + {count(intake.duplicates)} duplicates"
    taken += f" + {count(intake.quarantined)} quarantined"
    matched = f"{count(matching.lines_matched)} of {count(matching.lines)}"
    return [
        f"records in: {count(intake.records_in)} = {taken}",
        f"payments so far: {_states(report) or 'none'}",
        f"lines matched: {matched} ({share(matching.lines_matched, matching.lines)})",
        f"open breaks: {count(report.breaks.open)}, unknown payments: {count(report.unknowns)}",
        _balanced(report),
    ]


def _states(report: MorningReport) -> str:
    totals: dict[str, int] = defaultdict(int)
    for row in report.payments.states:
        totals[row.state] += row.count
    return ", ".join(f"{count(number)} {state}" for state, number in sorted(totals.items()))


def _balanced(report: MorningReport) -> str:
    line = f"ledger balanced: {plural(len(report.balanced), 'currency', 'currencies')}"
    if report.unbalanced:
        line += f"; does NOT hold: {_failing(report)}"
    return line


def _failing(report: MorningReport) -> str:
    """Each check that does not hold, with its currencies: "nostro against statement in AUD"."""
    failing: dict[str, list[str]] = defaultdict(list)
    for proof in report.proofs:
        if not proof.holds and proof.currency not in failing[proof.name]:
            failing[proof.name].append(proof.currency)
    return "; ".join(f"{name} in {', '.join(where)}" for name, where in failing.items() if where)


def _and(parts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
