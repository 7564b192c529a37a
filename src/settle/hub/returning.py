"""Payments cancelled, asked back, paid again and let go, on somebody's word."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from settle import clearing, payments
from settle.adapters import AccountRef, Adapter, Beneficiary, Verb
from settle.calendars import next_business_day
from settle.errors import BadInput
from settle.hub.auditing import Audited
from settle.hub.evidence import refuse_blank
from settle.hub.rails import open_rails
from settle.hub.words import told
from settle.payments import DeliveryTally, RefusedTally
from settle.payments.tables import payments as rows
from settle.reconciliation import Silence
from settle.store import uuid7


class Returning(Audited):
    """An opened configuration whose payments may be taken back. This is a part of the hub."""

    @told
    def cancel(
        self, payment_id: str, *, actor: str, reason: str, frees: bool
    ) -> payments.Cancelled:
        """Cancel a payment that has not left. `frees`: its obligation gets another one.

        Raises:
            BadInput: there is no such payment, it left or may have, or who or why is blank.
            Restored: the store is a backup that was put back, and may have forgotten that it left.
        """
        refuse_blank(actor=actor, reason=reason)
        self.epoch.refuse_restored(what="cancelled")
        return _cancel(self, payment_id, actor=actor, reason=reason, frees=frees)

    @told
    def recall(
        self, payment_id: str, *, actor: str, reason: str, code: str = "CUST"
    ) -> payments.Recalled:
        """Ask the rail for a payment back. No answer to it is money: only a statement shows that.

        Raises:
            BadInput: it never left, is back, or its recall is accepted; or who or why is blank.
            Unsupported: the rail takes no recalls.
            Restored: the store is a backup that was put back.
        """
        refuse_blank(actor=actor, reason=reason)
        with self.acting():
            return asyncio.run(_recall(self, payment_id, actor=actor, reason=reason, code=code))

    def pursue_recalls(self) -> payments.Recalled:
        """Send the recalls that have not left, and ask about those without a final answer."""
        with self.acting():
            return asyncio.run(_pursue(self))

    @told
    def repay(
        self, payment_id: str, *, beneficiary: Beneficiary | None, actor: str, reason: str
    ) -> payments.Repayment:
        """Pay again, by a linked payment, what came back or was proved never to have left.

        `beneficiary`: the corrected one; None: the same account, on the word of `actor`.

        Raises:
            BadInput: nothing of it is owed again, the account is the one that sent it back, or
                who or why is blank.
            Restored: the store is a backup that was put back.
        """
        refuse_blank(actor=actor, reason=reason)
        self.epoch.refuse_restored(what="paid again")
        return _repay(self, payment_id, beneficiary=beneficiary, actor=actor, reason=reason)

    @told
    def let_go(
        self, payment_id: str, *, actor: str, reason: str, second: str | None = None
    ) -> bool:
        """Free the obligation of a failed payment that statements prove was never debited.

        Raises:
            BadInput: a statement is missing or unsound, a line may be the payment, the rail's
                horizon is not over, a second person is due; or who or why is blank.
            Restored: the store is a backup that was put back.
        """
        refuse_blank(actor=actor, reason=reason, second="nobody" if second is None else second)
        self.epoch.refuse_restored(what="let go")
        with self.acting():
            return _let_go(self, payment_id, actor=actor, second=second, reason=reason)

    def deliveries(self) -> tuple[Sequence[DeliveryTally], Sequence[RefusedTally]]:
        """What rails told us unasked, by rail; and what was refused, by rail, day and reason."""
        with self.store.reading() as connection:
            return payments.delivery_tallies(connection), payments.refused_tallies(connection)


def _cancel(
    hub: Returning, payment_id: str, *, actor: str, reason: str, frees: bool
) -> payments.Cancelled:
    """Cancel a payment that has not left; a freed obligation is planned again by the next night."""
    now = hub.now()
    with hub.store.transaction() as connection:
        done = payments.cancel(
            connection, payment_id, actor=actor, reason=reason, frees=frees, at=now
        )
        # What came back waits by name; only what never left is an obligation of clearing's again.
        if frees and done.repays is None and not done.already:
            clearing.uncover(connection, [done.obligation_id])
    return done


async def _recall(
    hub: Returning, payment_id: str, *, actor: str, reason: str, code: str
) -> payments.Recalled:
    """Ask a rail for a payment back, the wish kept first; a recall that is open is asked about."""
    hub.epoch.refuse_restored(what="asked back")
    now = hub.now()
    with hub.store.transaction() as connection:
        if payments.recall_standing(connection, payment_id) not in payments.OPEN_RECALLS:
            payments.ask_back(
                connection, payment_id, rails=hub.adapters, actor=actor, reason=reason, code=code,
                at=now,
            )  # fmt: skip
    return await _pursue(hub, only=[payment_id])


async def _pursue(hub: Returning, *, only: Collection[str] | None = None) -> payments.Recalled:
    """Send the recalls that have not left, and ask about the open ones.

    A store that was put back may have forgotten that one has left, and pursues none.
    """
    if hub.epoch.was_restored():
        return payments.Recalled(standing={}, silent={})
    able = {n: x for n, x in hub.adapters.items() if x.profile.supports(Verb.CANCEL)}
    with hub.store.reading() as connection:
        wanted = payments.open_recalls(connection)
    names = [name for name in wanted if only is None or name in only]
    if not names:
        return payments.Recalled(standing={}, silent={})
    async with open_rails(able) as rails:
        return await payments.pursue(hub.store, rails, clock=hub.now, ids=uuid7, only=names)


def _repay(
    hub: Returning, payment_id: str, *, beneficiary: Beneficiary | None, actor: str, reason: str
) -> payments.Repayment:
    """Make the linked payment that pays again what came back, or never left."""
    now = hub.now()
    currency = _row(hub, payment_id)["currency"]
    with hub.store.transaction() as connection:
        return payments.repay(
            connection, payment_id, beneficiary=beneficiary, actor=actor, reason=reason,
            value_date=next_business_day(now.date(), currency), rails=hub.adapters, at=now,
            ids=uuid7,
        )  # fmt: skip


def _let_go(
    hub: Returning, payment_id: str, *, actor: str, second: str | None, reason: str
) -> bool:
    """Free the obligation of a payment that statements prove was never debited."""
    row = _row(hub, payment_id)
    adapter: Adapter[Any] | None = hub.adapters.get(row["rail"])
    if adapter is None:
        raise BadInput(f"payment {payment_id} is {row['state']}, and never left", field=payment_id)
    account = AccountRef(rail=row["rail"], account=row["account"], currency=row["currency"])
    with hub.store.reading() as connection:
        first, last = payments.horizon(connection, row, adapter.profile)
        against = Silence(connection).against(
            account, payment_id=payment_id, amount_minor=row["amount_minor"], first=first,
            last=last,
        )  # fmt: skip
    silent = payments.Silent(first=first, last=last, against=against)
    with hub.store.transaction() as connection:
        return payments.prove_undebited(
            connection, payment_id, silent=silent, profile=adapter.profile, actor=actor,
            second=second, reason=reason, at=hub.now(),
        )  # fmt: skip


def _row(hub: Returning, payment_id: str) -> dict[str, Any]:
    with hub.store.reading() as connection:
        query = sa.select(rows).where(rows.c.payment_id == payment_id)
        found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise BadInput(f"there is no payment {payment_id}", field=payment_id)
    return dict(found)
