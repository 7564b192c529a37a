"""What is due and what there is, taken from the store to the planner of funding and told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from pydantic import TypeAdapter
from sqlalchemy.engine import Connection

from settle.clearing import Obligation
from settle.clearing.funding import Answer, Assignment, Place, answer, assign, pose
from settle.clearing.tables import obligations
from settle.errors import BadInput, ConfigError, NotVerified
from settle.hub.paying import leaving
from settle.hub.tables import funding_plans
from settle.hub.telling import each_told, told
from settle.ledger import balances
from settle.payments import UNSENT
from settle.payments.tables import payments
from settle.report.funding import Funding, ObligationAccount

if TYPE_CHECKING:
    from settle.hub.hub import Hub

TIME_LIMIT_S = 10.0
"""For the solver, in a night and at the command line."""

_FUNDING = TypeAdapter(Funding)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFunding:
    """What is due, from which account, by when; and the plan that brings the money there.

    `open` are the ids of the obligations that are not released yet: these the plan is for.
    `failed` says why there is no answer at all.
    """

    at: datetime
    reference: str
    assignment: Assignment
    open: frozenset[str]
    answer: Answer | None
    failed: str = ""

    @property
    def funding(self) -> Funding:
        """The same as a person reads it, and as the report has it."""
        return told(self)

    def obligations(self) -> Sequence[ObligationAccount]:
        """Each obligation with its account and deadline, or why it has none."""
        return list(each_told(self.assignment))


def plan_funding(hub: Hub, day: date | None, *, at: datetime) -> PlannedFunding:
    """Ask the matrix about all that is due, and the planner about what is not released.

    With a `day`, the obligations of its window are told, too, where they are released.

    Raises:
        ConfigError: the configuration names no funding file.
        BadInput: the file cannot be used.
    """
    reference = hub.matrix
    if reference is None:
        raise ConfigError(
            "clearing.funding: no file says which account pays what; name one",
            key="clearing.funding",
        )
    with hub.store.reading() as connection:
        found = list(_due(connection, tenant=hub.config.settings.settle.tenant, day=day))
        ledger, on_its_way = balances(connection), leaving(hub, connection)
    unreleased = frozenset(each.obligation.obligation_id for each in found if each.is_open)
    assigning = partial(
        assign, reference=reference,
        leaves={each.obligation.obligation_id: each.place for each in found if each.place},
    )  # fmt: skip
    waiting = assigning((each.obligation for each in found if each.is_open), at=at)
    released = assigning((each.obligation for each in found if not each.is_open), at=None)
    pauses = hub.pauses
    planned = PlannedFunding(
        at=at, reference=reference.file, assignment=waiting + released, open=unreleased, answer=None
    )
    try:
        asking = partial(
            pose, reference=reference, ledger=ledger, leaving=on_its_way, at=at,
            rates=hub.rates.on(at.astimezone(UTC).date()),
            paused=pauses.rails | pauses.currencies,
        )  # fmt: skip
        found_answer = answer(
            waiting.assigned, ledger=ledger, asking=asking, time_limit_s=TIME_LIMIT_S
        )
    except (BadInput, NotVerified) as error:
        return replace(planned, failed=error.message)
    return replace(planned, answer=found_answer)


def keep_funding(hub: Hub, day: date, funding: Funding) -> None:
    """Keep what a night tells of funding; the night run again tells it anew."""
    row = {"planned_at": funding.planned_at, "told": _FUNDING.dump_json(funding).decode()}
    with hub.store.transaction() as connection:
        forget_funding(connection, day)
        connection.execute(funding_plans.insert(), {"day": day, **row})


def forget_funding(connection: Connection, day: date) -> None:
    """Drop what a night told of funding: it is not so any more."""
    connection.execute(sa.delete(funding_plans).where(funding_plans.c.day == day))


def kept_funding(connection: Connection, day: date) -> Funding | None:
    """What a night told of funding; none where it told nothing."""
    query = sa.select(funding_plans.c.told).where(funding_plans.c.day == day)
    row = connection.scalar(query)
    return None if row is None else _FUNDING.validate_json(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """An obligation with its payment's value date and account, if it has one.

    `is_open`: whether it waits to be released.
    """

    obligation: Obligation
    place: Place | None
    is_open: bool


def _due(connection: Connection, *, tenant: str, day: date | None) -> Iterator[_Due]:
    of, live = obligations.c, payments.c
    mine = sa.and_(live.obligation_id == of.obligation_id, live.tenant == tenant, live.live)
    # A run that was killed may have made the payment, and not marked the obligation yet.
    is_open = sa.or_(
        sa.and_(of.covered_at.is_(None), live.payment_id.is_(None)),
        sa.and_(live.state.in_(UNSENT), live.hold_reason == ""),
    )
    names = [field.name for field in fields(Obligation) if field.name != "value_date"]
    told_too = of.window_id == day.isoformat() if day else sa.false()
    query = (
        sa.select(
            *(of[name] for name in names), is_open.label("is_open"), live.rail, live.account,
            sa.func.coalesce(live.value_date, of.value_date).label("value_date"),
        )
        .select_from(obligations.outerjoin(payments, mine))
        .where(sa.or_(is_open, told_too))
        .order_by(of.obligation_id)
    )  # fmt: skip
    for row in connection.execute(query).mappings():
        taken: dict[str, Any] = dict(row)
        rail, account = taken.pop("rail"), taken.pop("account")
        still_open = bool(taken.pop("is_open"))
        place = (rail, account, taken["currency"]) if rail else None
        yield _Due(obligation=Obligation(**taken), place=place, is_open=still_open)
