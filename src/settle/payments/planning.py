"""Obligations become payments: routed, checked, named, and kept before anything is sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Adapter, Key
from settle.payments.admission import Refusal, admit
from settle.payments.beneficiaries import REMITTANCE_MAX, faults
from settle.payments.conditions import Conditions, conditions_of
from settle.payments.events import append
from settle.payments.identity import identity
from settle.payments.instruction import Due, Row, fingerprint_of, payee_of, payment_of
from settle.payments.refusing import Payee, account_of, refusing
from settle.payments.rerouting import of_the_rail, rejected_by_rail
from settle.payments.routing import Route, Router
from settle.payments.rows import among, chunks, fetch, these
from settle.payments.sameness import difference, other_agreement
from settle.payments.standing import uncommitted
from settle.payments.state import DEAD, Event, EventKind, State
from settle.payments.steps import begin
from settle.payments.tables import payments
from settle.payments.withholding import MAY_BE_OUT
from settle.store import Ids, Store, uncollected


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A payment that is kept but cannot be approved: `reason` is `field: why`."""

    payment_id: str
    obligation_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What planning did. Obligations that had their payment already are only counted."""

    planned: int
    already: int
    held: Sequence[Held]
    refused: Sequence[Refusal]


@dataclass(slots=True)
class _Plan:
    """One planning under way. `spared`: payments that their rail rejected for its own sake."""

    router: Router
    tenant: str
    ids: Ids
    refusing: Mapping[Payee, str]
    spared: frozenset[str]
    new: list[dict[str, Any]] = field(default_factory=list)
    keys: dict[str, Key] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    already: int = 0

    def take(self, due: Due, earlier: Sequence[Row]) -> None:
        row = self._row(due, attempt=len(earlier) + 1)
        standing = [r for r in earlier if r["live"] or State(r["state"]) not in _OVER]
        held = all(_is_held(r) for r in standing)
        differs = [(r, name) for r in standing if (name := difference(due, row, r)) is not None]
        if (other := other_agreement(row, earlier)) is not None:
            self._refuse_change(row, "agreement_id", other)
        elif not standing:
            self._after_rejection(due, row, earlier)
        elif any(r["repays"] for r in standing):
            self.already += 1  # somebody said to whom, and that is not for a plan to change
        elif held and differs:
            self._replace(due, row, earlier, standing)
        elif any(r["state"] == State.RETURNED for r in standing):
            self.already += 1  # it waits for a person, or was paid again as one said
        elif differs:
            self._refuse_change(row, differs[0][1], differs[0][0])
        else:
            self._as_it_stands(due, row, earlier, standing, held=held)

    def routed(self, due: Due, *, attempt: int) -> dict[str, Any]:
        """The payment whole, with its rail and its names, whatever went before it."""
        row = self._row(due, attempt=attempt)
        self._route(row, due, without={})
        return row | {"payment_id": self.ids()}

    def _as_it_stands(
        self, due: Due, row: dict[str, Any], earlier: Sequence[Row], standing: Sequence[Row],
        *, held: bool,
    ) -> None:  # fmt: skip
        # One that no rail took says the same by whichever rail it goes.
        if held and not any(r["rail"] for r in standing):
            self._replace(due, row, earlier, standing, if_it_finds_a_rail=True)
        else:
            self.already += 1

    def _replace(
        self, due: Due, row: dict[str, Any], earlier: Sequence[Row], standing: Sequence[Row],
        *, if_it_finds_a_rail: bool = False,
    ) -> None:  # fmt: skip
        self._route(row, due, without=self._rejecting(earlier))
        if if_it_finds_a_rail and not row["rail"]:
            self.already += 1
            return
        self.cancelled.extend(r["payment_id"] for r in standing)
        self._plan(due, row)

    def _after_rejection(self, due: Due, row: dict[str, Any], earlier: Sequence[Row]) -> None:
        rejected = [r for r in earlier if r["state"] == State.REJECTED]
        last = rejected[-1] if rejected else None
        of_the_rail = last is not None and last["payment_id"] in self.spared
        if last is not None and not of_the_rail and payee_of(last) == payee_of(row):
            self._refuse(row, "beneficiary", "rejected before; waits for a corrected beneficiary")
            return
        self._route(row, due, without=self._rejecting(earlier))
        if of_the_rail and not row["rail"]:
            self._refuse(row, "rail", f"rejected for its rail's sake; {row['routing_reason']}")
        else:
            self._plan(due, row)

    def _rejecting(self, earlier: Sequence[Row]) -> dict[str, str]:
        """The rails that rejected an earlier attempt for their own sake: none is asked again."""
        return {
            r["rail"]: f"rejected attempt {r['attempt']}"
            for r in earlier
            if r["payment_id"] in self.spared
        }

    def _plan(self, due: Due, row: dict[str, Any]) -> None:
        if not row["hold_reason"]:
            self.router.spend(Route(rail=row["rail"], account=row["account"], reason=""), due)
        row["payment_id"] = self.ids()
        self.new.append(row)

    def _refuse_change(self, row: Row, which: str, standing: Row) -> None:
        why = f"differs from the instruction of payment {standing['payment_id']}"
        self._refuse(row, which, why)

    def _refuse(self, row: Row, which: str, why: str) -> None:
        self.refused.append(Refusal(obligation_id=row["obligation_id"], field=which, why=why))

    def _row(self, due: Due, *, attempt: int) -> dict[str, Any]:
        """The payment as instructed, before it is routed and named."""
        payee = due.beneficiary
        return {
            "payment_id": "",
            "tenant": self.tenant,
            "obligation_id": due.obligation_id,
            "agreement_id": due.agreement_id,
            "attempt": attempt,
            "kind": due.kind.value,
            "currency": due.currency,
            "amount_minor": due.amount_minor,
            "value_date": due.value_date,
            "not_before": due.value_date,
            "beneficiary_name": payee.name,
            "beneficiary_country": payee.country,
            "beneficiary_town": payee.town,
            "beneficiary_account": payee.account,
            "beneficiary_bic": payee.bic,
            "beneficiary_bank_code": payee.bank_code,
            "remittance_information": due.reference or due.obligation_id,
            "purpose": "SUPP",
            "state": State.PLANNED.value,
            "funded": False,
            "live": True,
            "in_transit": False,
        }

    def _route(self, row: dict[str, Any], due: Due, *, without: Mapping[str, str]) -> None:
        """Name it, give it a rail and an account, and say why it is held, if it is."""
        names = identity(self.tenant, due.obligation_id, attempt=row["attempt"])
        row["idempotency_key"] = names.idempotency_key
        row["end_to_end_id"] = names.end_to_end_id
        row["uetr"] = names.uetr
        ours = [*faults(due.beneficiary, value_date=due.value_date), *_long(row)]
        check = None if ours else partial(self._against, row)
        way = self.router.route(due, without=without, check=check)
        row |= {"rail": way.rail, "account": way.account, "routing_reason": way.reason}
        row["fingerprint"] = fingerprint_of(row)
        row["hold_reason"] = self._hold_reason(row, ours, way)

    def _against(self, row: Row, way: Route) -> Sequence[str]:
        return self.router.rails[way.rail].check(payment_of({**row, "account": way.account}))

    def _hold_reason(self, row: Row, ours: Sequence[str], way: Route) -> str:
        if not way.rail:
            return "; ".join(way.against) or f"rail: {way.reason}"
        if (refused_before := self.refusing.get(account_of(row))) is not None:
            return refused_before
        if not self._key_of(way.rail).takes(row["idempotency_key"]):
            return f"idempotency_key: not of the form and length that {way.rail} takes"
        return "; ".join(ours)

    def _key_of(self, rail: str) -> Key:
        """What the rail's keys look like, asked once: a profile is made each time."""
        if (found := self.keys.get(rail)) is None:
            found = self.keys[rail] = self.router.rails[rail].profile.key
        return found


def plan(
    store: Store,
    obligations: Sequence[Due],
    *,
    rails: Mapping[str, Adapter[Any]],
    tenant: str,
    now: datetime,
    ids: Ids,
    conditions: Conditions | None = None,
) -> Planned:
    """Give each obligation its one payment. Run again, this gives no second one.

    Each goes by the best rail under the `conditions` (see `Router.route`); without them, those
    that the rails' profiles say. A payment that fails a local check, or goes to an account that
    rejected or returned the last one, is kept as planned with its hold reason and never approved;
    planned again with corrected data, or with a rail where none took it, it is replaced. An
    obligation whose payment was rejected gets another only with another beneficiary, or, where
    its rail rejected it for the rail's own sake, by another rail, with keys of its own.
    """
    admitted = admit(obligations)
    unique = admitted.dues
    weighed = conditions or conditions_of(rails, at=now)
    with uncollected(), store.transaction() as connection:
        accounts = [due.beneficiary.account for due in unique.values()]
        of_rail = of_the_rail(rails)
        known = _earlier(connection, tenant, list(unique))
        planning = _Plan(
            router=Router(rails, uncommitted(connection, weighed)),
            tenant=tenant,
            ids=ids,
            refusing=refusing(connection, tenant, accounts, apart_from=of_rail),
            spared=rejected_by_rail(connection, known.values(), of_rail),
        )
        for obligation_id, due in unique.items():
            planning.take(due, known.get(obligation_id, ()))
        _keep(connection, planning, now)
    return Planned(
        planned=len(planning.new),
        already=planning.already,
        held=[_held(row) for row in planning.new if row["hold_reason"]],
        refused=[*admitted.refused, *planning.refused],
    )


def again(
    connection: Connection,
    due: Due,
    *,
    attempt: int,
    rails: Mapping[str, Adapter[Any]],
    tenant: str,
    now: datetime,
    ids: Ids,
    refusing: Mapping[Payee, str],
) -> dict[str, Any]:
    """The row of one more attempt at an obligation, as planning would make it. This keeps none."""
    planning = _Plan(
        router=Router(rails, uncommitted(connection, conditions_of(rails, at=now))),
        tenant=tenant,
        ids=ids,
        refusing=refusing,
        spared=frozenset(),
    )
    return planning.routed(due, attempt=attempt)


def _keep(connection: Connection, planning: _Plan, now: datetime) -> None:
    cancelled = [
        Event(
            payment_id=payment_id,
            event_id="replaced",
            kind=EventKind.CANCELLED,
            occurred_at=now,
            detail="planned anew with corrected data",
        )
        for payment_id in planning.cancelled
    ]
    append(connection, cancelled, recorded_at=now)
    planned = [
        Event(
            payment_id=row["payment_id"],
            event_id="planned",
            kind=EventKind.PLANNED,
            occurred_at=now,
            ordinal=1,
            detail=row["hold_reason"] or row["routing_reason"],
        )
        for row in planning.new
    ]
    begin(connection, planning.new, planned, recorded_at=now)


def _earlier(
    connection: Connection, tenant: str, obligation_ids: Sequence[str]
) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for chunk in chunks(obligation_ids):
        for row in fetch(connection, _EARLIER, {"of_tenant": tenant, **these(chunk)}):
            found[row["obligation_id"]].append(row)
    return found


_EARLIER = (
    sa.select(payments)
    .where(payments.c.tenant == sa.bindparam("of_tenant"), among(payments.c.obligation_id))
    .order_by(payments.c.attempt)
    .with_for_update()
)


def _long(row: Row) -> Iterator[str]:
    if len(row["remittance_information"]) > REMITTANCE_MAX:
        yield f"reference: longer than {REMITTANCE_MAX} characters"


_OVER = DEAD | {State.FAILED}
"""States of a payment that stands for nothing any more; a failed one is live until proved."""


def _is_held(row: Row) -> bool:
    """Whether a local check holds a payment, so that corrected data may take its place."""
    fails = row["hold_reason"] and row["hold_reason"] not in MAY_BE_OUT
    return bool(fails) and row["state"] == State.PLANNED


def _held(row: Row) -> Held:
    return Held(
        payment_id=row["payment_id"],
        obligation_id=row["obligation_id"],
        reason=row["hold_reason"],
    )
