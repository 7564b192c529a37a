"""Two plain rails and an obligation to start from."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import (
    Adapter,
    Beneficiary,
    Key,
    KeyPlace,
    Limits,
    Payment,
    PaymentKind,
    Profile,
    RailSettings,
    Source,
    Support,
    Verb,
)
from settle.payments import Due, Event, EventKind, Policy, approve, fund, holds, plan
from settle.payments.claiming import Claim, claim
from settle.payments.ending import End, end
from settle.payments.leasing import Lease
from settle.payments.sending import Sending
from settle.payments.tables import payments
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
PAYEE = Beneficiary(
    name="Mo", country="DE", town="Berlin", account="DE89370400440532013000", bic="COBADEFFXXX"
)
DUE = Due(
    obligation_id="O-1",
    agreement_id="A-1",
    currency="EUR",
    amount_minor=100,
    value_date=date(2024, 12, 19),
    beneficiary=PAYEE,
)


class PlainRail(Adapter[RailSettings]):
    """A rail that is only asked what it takes. Its name is the host of its base URL."""

    @property
    def profile(self) -> Profile:
        rail = self.settings.base_url.rpartition("/")[2]
        batches = rail == "batched"
        return Profile(
            rail=rail,
            currencies=frozenset(self.settings.accounts),
            kinds=frozenset(PaymentKind),
            verbs={Verb.SUBMIT_BATCH if batches else Verb.SUBMIT: Support.YES},
            key=Key(
                place=KeyPlace.BODY, name="k", length_max=35, lifetime=timedelta(1),
                deduplicates=True,
            ),
            limits=Limits(batch_size_max=2, amount_minor_max={"EUR": 10_000}),
            finality_horizon=timedelta(1),
            own_rejections=frozenset({"AM04"}),
        )  # fmt: skip

    def check(self, payment: Payment) -> list[str]:
        return ["beneficiary.name: not here"] if payment.beneficiary.name == "Nobody" else []


class Desk:
    """What a nightly run does before the wire, in short."""

    now = NOW
    due = DUE

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ids = itertools.count(1)
        self.rails: dict[str, Adapter[Any]] = {
            "single": PlainRail(RailSettings(base_url="//single", accounts={"EUR": "acc"})),
            "batched": PlainRail(
                RailSettings(base_url="//batched", accounts={"NOK": "n", "EUR": "e"})
            ),
        }

    def clock(self) -> datetime:
        return self.now

    def dues(self, count: int, **changes: Any) -> list[Due]:
        return [replace(DUE, obligation_id=f"O-{n}", **changes) for n in range(1, count + 1)]

    def plan(self, *dues: Due, tenant: str = "t") -> Any:
        return plan(
            self.store, dues, rails=self.rails, tenant=tenant, now=self.now,
            ids=lambda: f"P-{next(self.ids):05d}",
        )  # fmt: skip

    def approve(self, limit_minor: int = 10_000) -> Any:
        limits = dict.fromkeys(("EUR", "NOK"), limit_minor)
        return approve(self.store, Policy(limit_minor=limits), now=self.now)

    def fund(self, available_minor: int = 10**9, **rules: Any) -> Any:
        at = [
            (ref.rail, ref.account, ref.currency)
            for x in self.rails.values()
            for ref in x.accounts()
        ]
        balances = dict.fromkeys(at, available_minor)
        return fund(self.store, balances=balances, now=self.now, **rules)

    def claim(
        self, rail: str = "single", worker: str = "w", day: date | None = None
    ) -> list[Sending]:
        lease = Lease(rail=rail, worker=worker, now=self.now, length=timedelta(minutes=5))
        size = 2 if rail == "batched" else None
        on = day or self.now.date()
        wish = Claim(lease=lease, count_max=10_000, batch_size_max=size, day=on)
        with self.store.transaction() as connection:
            (sendings,) = claim(connection, [wish])
        return list(sendings)

    def accept(self, sendings: Sequence[Sending]) -> list[str]:
        """The rail takes responsibility for all of them; their obligations."""
        rows = [row for sending in sendings for row in sending.rows]
        events = [
            Event(
                payment_id=row["payment_id"], event_id="accepted/1.0", kind=EventKind.ACCEPTED,
                occurred_at=self.now, source=Source.SUBMIT.value, ordinal=1,
            )
            for row in rows
        ]  # fmt: skip
        with self.store.transaction() as connection:
            ending = End(events=events, worker="w", recorded_at=self.now)
            if events:
                end(connection, [ending])
        return sorted(row["obligation_id"] for row in rows)

    def release(self, *dues: Due, **rules: Any) -> list[str]:
        """A night in short: plan, approve, let go, send; the obligations that left."""
        self.plan(*dues)
        self.approve()
        self.fund(**rules)
        day = rules.get("day")
        return sorted(x for rail in self.rails for x in self.accept(self.claim(rail, day=day)))

    def held(self) -> dict[str, tuple[str, str]]:
        """By obligation, the control that holds its payment, and why."""
        with self.store.reading() as connection:
            found = connection.execute(sa.select(payments.c.payment_id, payments.c.obligation_id))
            names = {row.payment_id: row.obligation_id for row in found}
            return {names[h.payment_id]: (h.control, h.why) for h in holds(connection)}

    def ready(self, *dues: Due) -> None:
        self.plan(*dues)
        self.approve()
        self.fund()


@pytest.fixture
def desk(store: Store) -> Desk:
    """A desk on a fresh store, on each database in turn."""
    return Desk(store)


@pytest.fixture
def states(store: Store) -> Callable[[], dict[str, int]]:
    """How many payments are in each state."""
    from settle.payments import overview

    def count() -> dict[str, int]:
        found: dict[str, int] = {}
        with store.reading() as connection:
            for tally in overview(connection):
                found[tally.state.value] = found.get(tally.state.value, 0) + tally.count
        return found

    return count
