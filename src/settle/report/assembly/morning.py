"""The morning report of one night, read from the store in one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle import ledger, reconciliation
from settle import payments as payments_room
from settle.clearing.tables import intake_batches, windows
from settle.ledger import AccountBalance, Proof
from settle.payments import State
from settle.payments.tables import payment_events
from settle.reconciliation.tables import statement_documents
from settle.report.assembly.clearing import closed_windows, intake
from settle.report.assembly.flows import flows
from settle.report.assembly.incidents import incidents
from settle.report.assembly.night import NightFacts
from settle.report.assembly.payments import paid
from settle.report.assembly.reconciliation import breaks, reconciled
from settle.report.assembly.settled import netting, settled, window_totals
from settle.report.assembly.unknowns import ended
from settle.report.clearing import Intake
from settle.report.model import ExitCode, MorningReport
from settle.report.payments import ExceptionKind, Payments
from settle.report.reconciliation import Breaks

OPEN_STATES = frozenset({State.APPROVED.value, State.PLANNED.value})
"""States before the release that no exception need name: money owed and not sent."""


def assemble(connection: Connection, night: NightFacts) -> MorningReport:
    """Everything a finance person reads about one night. The same store gives the same report.

    `connection` reads one snapshot. Nothing asks the clock: `known_at` is the instant of the
    latest evidence in the store.
    """
    balances = ledger.balances(connection)
    unknowns = ended(connection, night)
    proofs = tuple(_proofs(connection, balances))
    taken, found = intake(connection, night), breaks(connection, night)
    payments = paid(connection, night, unknowns)
    window = window_totals(connection, night)
    return MorningReport(
        tenant=night.tenant,
        day=night.day,
        known_at=known_at(connection) or night.began_at,
        exit_code=exit_code(night, intake=taken, payments=payments, breaks=found, proofs=proofs),
        nights=(night.day,),
        rails_down=tuple(sorted(night.rails_down)),
        intake=taken,
        windows=closed_windows(connection, night),
        settled=settled(window),
        netting=netting(window),
        payments=payments,
        funding=night.funding,
        incidents=incidents(connection, night, unknowns),
        reconciliation=reconciled(connection, night),
        breaks=found,
        proofs=proofs,
        flows=flows(connection, night, balances),
    )


def exit_code(
    night: NightFacts, *, intake: Intake, payments: Payments, breaks: Breaks,
    proofs: tuple[Proof, ...],
) -> ExitCode:  # fmt: skip
    """The highest that applies. Money that is owed and not sent is open, for want of funds too."""
    if night.rails_down:
        return ExitCode.RAIL_DOWN
    if intake.quarantined or night.refusals:
        return ExitCode.BAD_INPUT
    unfinished = any(total.kind is not ExceptionKind.UNKNOWN_CLOSED for total in payments.totals)
    unsent = any(row.state in OPEN_STATES for row in payments.states)
    fails = any(not proof.holds for proof in proofs)
    short = night.funding is not None and not night.funding.is_whole
    is_open = breaks.open or unfinished or unsent or fails or short
    return ExitCode.OPEN if is_open else ExitCode.CLEAN


def _proofs(connection: Connection, balances: Sequence[AccountBalance]) -> list[Proof]:
    return [
        *ledger.trial_balance(balances),
        *ledger.clearing_is_empty(balances),
        *ledger.nostro_against_statements(balances, reconciliation.closings(connection)),
        *ledger.in_transit_against_payments(balances, payments_room.open_totals(connection)),
        *ledger.client_money_covered(balances),
    ]


def known_at(connection: Connection) -> datetime | None:
    """When the latest evidence was recorded: a batch, a close, a statement, an event."""
    columns = (
        intake_batches.c.taken_at,
        windows.c.closed_at,
        statement_documents.c.received_at,
        payment_events.c.recorded_at,
    )
    latest = [connection.scalar(sa.select(sa.func.max(column))) for column in columns]
    return max((instant for instant in latest if instant is not None), default=None)
