"""Putting right what a closed window got wrong: who failed since, and records that are not so."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import Connection

from settle import clearing, payments
from settle.clearing.lake import Lake
from settle.hub.funding import forget_funding

if TYPE_CHECKING:
    from settle.hub.hub import Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payouts:
    """The payments of one tenant, as clearing asks about them and has them cancelled.

    What the night of the window told of funding them goes with them; run again, it tells it anew.
    """

    tenant: str
    day: date
    at: datetime

    def standing(
        self, connection: Connection, obligation_ids: Sequence[str], *, locks: bool
    ) -> Mapping[str, bool]:
        return payments.released(connection, obligation_ids, tenant=self.tenant, locks=locks)

    def withdraw(self, connection: Connection, obligation_ids: Sequence[str], *, why: str) -> None:
        payments.withdraw(connection, obligation_ids, tenant=self.tenant, why=why, at=self.at)
        forget_funding(connection, self.day)


def unwind(
    hub: Hub, day: date, *, failed: Collection[str], actor: str, reason: str, rehearse: bool
) -> clearing.Unwound:
    """Net a closed window anew without who failed since; its unreleased payments give way.

    Raises:
        Restored: the store is a backup that was put back, and may have forgotten a release.
    """
    hub.epoch.refuse_restored(what="unwound")
    now = hub.now()
    return clearing.unwind(
        day, failed=failed, actor=actor, reason=reason, at=now, store=hub.store,
        engine=hub.engine, lake=hub.lake, rates=hub.rates, cutoff=hub.cutoff, rehearse=rehearse,
        payouts=_Payouts(tenant=hub.config.settings.settle.tenant, day=day, at=now),
    )  # fmt: skip


def correct(
    hub: Hub, record_id: str, *, replacement: Mapping[str, Any] | None, reason: str, actor: str
) -> clearing.Correction:
    """Correct a settled record in the next open window."""
    return clearing.correct(
        record_id, replacement=replacement, reason=reason, actor=actor, at=hub.now(),
        store=hub.store, engine=hub.engine, lake=hub.lake, agreements=hub.agreements,
        rates=hub.rates, cutoff=hub.cutoff,
    )  # fmt: skip


def settled(hub: Hub, record_id: str) -> Mapping[str, Any]:
    """A record of a closed window."""
    found = clearing.SettledRecord.find(
        record_id, store=hub.store, engine=hub.engine, lake=Lake(hub.lake)
    )
    return found.row


def foresee(
    hub: Hub, record_id: str, *, replacement: Mapping[str, Any] | None
) -> clearing.Foreseen:
    """What correcting a settled record would take in."""
    return clearing.foresee(
        record_id, replacement=replacement, store=hub.store, engine=hub.engine, lake=hub.lake,
        rates=hub.rates,
    )  # fmt: skip


def explain(hub: Hub, position_id: str, *, outcome: int | None) -> clearing.Explanation:
    """A position taken apart as it stands, or as an earlier outcome of its window had it."""
    with hub.store.reading() as connection:
        if outcome is None:
            told = clearing.explain(connection, position_id=position_id)
        else:
            told = clearing.explain_superseded(
                connection, position_id=position_id, outcome=outcome, lake=hub.lake
            )
    proof = clearing.prove(told, store=hub.store, engine=hub.engine, lake=hub.lake, rates=hub.rates)
    by = partial(hub.explain, outcome=outcome)
    return replace(told, position=told.position.explained_by(by), proof=proof)
