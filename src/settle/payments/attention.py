"""The payments that a person must see, and why: the one definition, for lists and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.instruction import Row
from settle.payments.rerouting import given_up
from settle.payments.rows import fetch
from settle.payments.screening.gate import held_for
from settle.payments.state import State
from settle.payments.tables import payment_events, payments, returned_payables

_WHY: Mapping[State, str] = {
    State.PLANNED: "waits for an approval",
    State.SCHEDULED: "the account does not hold enough",
    State.SENDING: "being sent, or its worker died",
    State.UNKNOWN: "nobody knows whether it was executed",
    State.AWAITING_AUTHORISATION: "the rail waits for somebody to authorise it",
    State.FAILED: "failed after it was accepted",
    State.REJECTED: "rejected; waits for a corrected beneficiary",
    State.CANCELLED: "proved or decided not to be executed; waits to be planned again",
    State.RETURNED: "came back; waits for a corrected beneficiary",
}
"""States that a person must see, with the reason where nothing more is known."""

_PAID_AGAIN = (State.RETURNED.value, State.FAILED.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    """A payment that somebody must look at, and why. Amounts are minor units of `currency`.

    `contradiction`: what does not fit together; empty where all does. `hold_reason`: `field: why`
    of a payment that cannot be approved as it is. `code` and `detail` are of the last event that
    put it where it stands. `short_minor` is what is missing from a return, `borne_minor` the part
    of it that the payee bears. `screening`: why screening holds it, or what it says of one that is
    in flight.
    """

    payment_id: str
    obligation_id: str
    agreement_id: str
    beneficiary_name: str
    rail: str
    currency: str
    amount_minor: int
    state: State
    contradiction: str
    hold_reason: str
    code: str
    detail: str
    short_minor: int
    screening: str = ""
    borne_minor: int = 0

    @property
    def why(self) -> str:
        """The reason to look, the gravest first."""
        said = " ".join(part for part in (self.code, self.detail) if part)
        if self.state is State.PLANNED:
            said = ""  # its last step is no reason to look
        held = self.screening or self.hold_reason
        return self.contradiction or held or said or _WHY.get(self.state, "")


def attention(
    connection: Connection, *, tenant: str | None = None, limit: int | None = None
) -> list[Attention]:
    """Payments that a person must see, sorted, with the reason; None: of every tenant, or all.

    Whatever is contradicted, in any state. What is held or waits for an approval, for cover or
    for the rail's authorisation; what screening holds, or found in flight; what nobody knows; what
    failed or came back; and what was rejected, or proved or decided not to be executed, until
    another payment stands for its obligation.
    """
    words = _last_words()
    back = returned_payables.c
    columns = (
        payments, words.c.code, words.c.detail,
        sa.func.coalesce(back.charges_minor + back.borne_minor, 0).label("short_minor"),
        sa.func.coalesce(back.borne_minor, 0).label("borne_minor"),
        held_for().label("screening"),
    )  # fmt: skip
    query = (
        sa.select(*columns)
        .outerjoin(words, words.c.payment_id == payments.c.payment_id)
        .outerjoin(returned_payables, back.payment_id == payments.c.payment_id)
        .where(_must_be_seen())
        .order_by(payments.c.payment_id)
        .limit(limit)
    )
    if tenant is not None:
        query = query.where(payments.c.tenant == tenant)
    return [_attention(row) for row in fetch(connection, query)]


def _must_be_seen() -> sa.ColumnElement[bool]:
    other = payments.alias("other")
    replaced = sa.exists().where(
        other.c.tenant == payments.c.tenant,
        other.c.obligation_id == payments.c.obligation_id,
        other.c.live,
    )
    in_state = payments.c.state.in_([state.value for state in _WHY])
    given_back = sa.and_(payments.c.state == State.CANCELLED.value, sa.not_(given_up()))
    over = sa.or_(
        given_back,
        sa.and_(payments.c.state.in_((State.REJECTED.value, State.CANCELLED.value)), replaced),
        # A linked payment stands for what came back, or was proved never to have left.
        sa.and_(payments.c.state.in_(_PAID_AGAIN), sa.not_(payments.c.live), replaced),
    )
    held = sa.and_(payments.c.live, payments.c.hold_reason != "")
    contradicted, listed = payments.c.contradiction != "", held_for() != ""
    return sa.or_(contradicted, held, listed, sa.and_(in_state, sa.not_(over)))


def _last_words() -> sa.Subquery:
    """rows: one per payment, its last event that names its state, else its last event."""
    event = payment_events.c
    last = sa.func.row_number().over(
        partition_by=event.payment_id,
        order_by=(
            sa.case((event.kind == payments.c.state, 0), else_=1),
            event.recorded_at.desc(),
            event.ordinal.desc(),
            event.event_id,
        ),
    )
    ranked = (
        sa.select(event.payment_id, event.code, event.detail, last.label("place"))
        .join(payments, payments.c.payment_id == event.payment_id)
        .where(_must_be_seen())
        .subquery()
    )
    return sa.select(ranked).where(ranked.c.place == 1).subquery()


def _attention(row: Row) -> Attention:
    return Attention(
        payment_id=row["payment_id"], obligation_id=row["obligation_id"],
        agreement_id=row["agreement_id"], beneficiary_name=row["beneficiary_name"],
        rail=row["rail"], currency=row["currency"], amount_minor=row["amount_minor"],
        state=State(row["state"]), contradiction=row["contradiction"],
        hold_reason=row["hold_reason"], code=row["code"] or "", detail=row["detail"] or "",
        short_minor=row["short_minor"], borne_minor=row["borne_minor"],
        screening=row["screening"],
    )  # fmt: skip
