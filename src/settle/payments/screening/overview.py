"""What screening holds, and the story of one payment's screenings, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.payments.instruction import Row
from settle.payments.rows import fetch
from settle.payments.screening.gate import IN_FLIGHT, held_for
from settle.payments.screening.rulings import decisions_about
from settle.payments.screening.tables import screening_standings, screenings
from settle.payments.screening.verdict import Decision, Match, Verdict, from_text, subject_of
from settle.payments.state import State
from settle.payments.tables import payments


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldName:
    """A payment that screening holds, or reports in flight. Amounts are minor units.

    `verdict`: None where the lists in force have not seen it yet. `in_flight`: it is on its way,
    and was not stopped.
    """

    payment_id: str
    agreement_id: str
    beneficiary_name: str
    currency: str
    amount_minor: int
    state: State
    verdict: Verdict | None
    score: int
    reason: str
    in_flight: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """One screening: why and when it took place, by which version, and what it found."""

    occasion: str
    screened_at: datetime
    version: str
    verdict: Verdict
    score: int
    matches: Sequence[Match]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningStory:
    """All screenings of a payment, oldest first, what people ruled, and how it stands.

    `verdict`: None where it was never screened. `reason`: why it is held; empty where it is not.
    """

    payment_id: str
    beneficiary_name: str
    state: State
    verdict: Verdict | None
    reason: str
    screenings: Sequence[Screening]
    decisions: Sequence[Decision]


def held(connection: Connection, *, tenant: str) -> list[HeldName]:
    """Payments that screening holds or reports in flight, by payment."""
    reason = held_for().label("held_for")
    query = (
        sa.select(payments, screening_standings.c.verdict, screening_standings.c.score, reason)
        .outerjoin(
            screening_standings, screening_standings.c.payment_id == payments.c.payment_id
        )
        .where(payments.c.tenant == tenant, held_for() != "")
        .order_by(payments.c.payment_id)
    )  # fmt: skip
    return [_held(row) for row in fetch(connection, query)]


def _held(row: Row) -> HeldName:
    return HeldName(
        payment_id=row["payment_id"], agreement_id=row["agreement_id"],
        beneficiary_name=row["beneficiary_name"], currency=row["currency"],
        amount_minor=row["amount_minor"], state=State(row["state"]),
        verdict=Verdict(row["verdict"]) if row["verdict"] else None, score=row["score"] or 0,
        reason=row["held_for"], in_flight=row["state"] in IN_FLIGHT,
    )  # fmt: skip


def screening_story(connection: Connection, payment_id: str, *, tenant: str) -> ScreeningStory:
    """Everything that screening has on a payment.

    Raises:
        BadInput: there is no such payment.
    """
    query = (
        sa.select(payments, screening_standings.c.verdict, held_for().label("held_for"))
        .outerjoin(
            screening_standings, screening_standings.c.payment_id == payments.c.payment_id
        )
        .where(payments.c.payment_id == payment_id, payments.c.tenant == tenant)
    )  # fmt: skip
    found = fetch(connection, query)
    if not found:
        raise BadInput(f"there is no payment {payment_id}", field=payment_id)
    (row,) = found
    subject = subject_of(row)
    return ScreeningStory(
        payment_id=payment_id, beneficiary_name=row["beneficiary_name"],
        state=State(row["state"]), verdict=Verdict(row["verdict"]) if row["verdict"] else None,
        reason=row["held_for"], screenings=_screenings(connection, payment_id),
        decisions=decisions_about(connection, [subject], tenant=tenant).get(subject, ()),
    )  # fmt: skip


def _screenings(connection: Connection, payment_id: str) -> list[Screening]:
    query = (
        sa.select(screenings)
        .where(screenings.c.payment_id == payment_id)
        .order_by(screenings.c.screened_at, screenings.c.occasion, screenings.c.version)
    )
    return [
        Screening(
            occasion=row["occasion"], screened_at=row["screened_at"], version=row["version"],
            verdict=Verdict(row["verdict"]), score=row["score"],
            matches=from_text(row["matches"]), more=row["matches_more"],
        )
        for row in fetch(connection, query)
    ]  # fmt: skip
