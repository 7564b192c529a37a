"""Evidence corrected by two people: payments take it back, reconciliation parts its line."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle import payments
from settle.errors import BadInput
from settle.hub.evidence import refuse_blank
from settle.hub.returning import Returning
from settle.hub.words import told
from settle.payments.tables import payments as rows
from settle.reconciliation import Part, Ruling, confirm, give, part, part_of, strike, unconfirmed
from settle.reconciliation.proof import evidence_id as named

STRUCK = "the bank has taken its line back"


class Correcting(Returning):
    """An opened configuration whose evidence may be corrected. This is a part of the hub."""

    @told
    def retract(
        self, payment_id: str, evidence_id: str, *, actor: str, why: str, of: str | None = None,
        struck: bool = False,
    ) -> payments.Corrected:  # fmt: skip
        """Take evidence about a payment back; it takes two people who say the same.

        The rows that it posted are reversed. Where a statement's line is behind it, the line is
        the payment's `of`, or never was (`struck`: its bank has taken it back), or waits in
        suspense until this is said once more with one of these.

        Raises:
            BadInput: as `payments.retract`; the line books several payments, or is not like the
                other payment; who or why is blank.
            Restored: the store is a backup that was put back.
        """
        refuse_blank(actor=actor, why=why)
        assert not (of is not None and struck), "one or the other"
        self.epoch.refuse_restored(what="corrected")
        instead = STRUCK if struck else "" if of is None else f"it is of payment {of}"
        said = payments.Objection(
            payment_id=payment_id, evidence_id=evidence_id, actor=actor, why=why, instead=instead,
            at=self.now(),
        )  # fmt: skip
        with self.acting():
            with self.store.transaction() as connection:
                done = payments.retract(connection, said)
                if done.closed:
                    _move(connection, said, of=of, struck=struck)
            if done.closed and of is not None:
                _carry(self)
        return done

    @told
    def explain_contradiction(self, payment_id: str, *, actor: str, why: str) -> payments.Corrected:
        """Account for all that does not fit together about a payment; it takes two people.

        Raises:
            BadInput: as `payments.explain`; or who or why is blank.
        """
        refuse_blank(actor=actor, why=why)
        said = payments.Explanation(payment_id=payment_id, actor=actor, why=why, at=self.now())
        with self.store.transaction() as connection:
            return payments.explain(connection, said)


def _move(
    connection: Connection, said: payments.Objection, *, of: str | None, struck: bool
) -> None:
    ruled = Ruling(
        payment_id=said.payment_id, evidence_id=said.evidence_id, why=said.why,
        day=said.at.date(), at=said.at,
    )  # fmt: skip
    share = part_of(connection, said.evidence_id, payment_id=said.payment_id)
    if share is None:
        if of is not None or struck:
            why = f"no line of a statement is behind {said.evidence_id}"
            raise BadInput(f"payment {said.payment_id}: {why}", field=said.payment_id)
    elif of is not None:
        give(connection, share, ruled, to=_other(connection, of, share))
    elif struck:
        strike(connection, share, ruled)
    elif not share.is_open:
        part(connection, share, ruled)


def _other(connection: Connection, payment_id: str, share: Part) -> dict[str, Any]:
    query = sa.select(rows).where(rows.c.payment_id == payment_id)
    found = connection.execute(query).mappings().one_or_none()
    if found is None:
        raise BadInput(f"there is no payment {payment_id}", field=payment_id)
    if named(share.line_id, payment_id, share.leg) in payments.retracted(connection, payment_id):
        raise BadInput(f"payment {payment_id}: the line was taken from it", field=payment_id)
    return dict(found)


def _carry(hub: Correcting) -> None:
    """Record what the given line proves. Killed before, the next night does it."""
    now = hub.now()
    with hub.store.reading() as connection:
        evidence = unconfirmed(connection)
    returns = hub.config.settings.returns.policy()
    done = payments.record(hub.store, evidence, recorded_at=now, returns=returns)
    confirm(hub.store, sorted(done.settled), at=now)
