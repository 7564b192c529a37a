"""What people rule: of one beneficiary and one entry, until either of them changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.payments.instruction import Row
from settle.payments.rows import chunks, fetch
from settle.payments.screening.gate import stand_still
from settle.payments.screening.tables import screening_decisions, screening_standings
from settle.payments.screening.verdict import (
    Decision,
    Match,
    Ruling,
    Verdict,
    from_text,
    reason_of,
    verdict_of,
)
from settle.payments.tables import payments
from settle.store import Ids, Store


def decisions_about(
    connection: Connection, subjects: Collection[str], *, tenant: str
) -> Mapping[str, Sequence[Decision]]:
    """What was decided about beneficiaries, in the order in which it was."""
    found: dict[str, list[Decision]] = defaultdict(list)
    table = screening_decisions.c
    for chunk in chunks(sorted(subjects)):
        query = (
            sa.select(screening_decisions)
            .where(table.tenant == tenant, table.subject.in_(chunk))
            .order_by(table.decided_at, table.decision_id)
        )
        for row in fetch(connection, query):
            found[row["subject"]].append(_decision(row))
    return found


def rule(
    store: Store, payment_id: str, ruling: Ruling, *,
    tenant: str, actor: str, reason: str, now: datetime, ids: Ids,
) -> Verdict:  # fmt: skip
    """Keep what a person rules of everybody a held payment's beneficiary is like.

    It holds for every payment to this beneficiary, now and later, and for these entries as they
    stand. Whoever scored a block is cleared by two people, one after the other. The same person
    ruling the same again changes nothing. Nothing is sent or cancelled by it.

    Raises:
        BadInput: there is no such payment, or screening has nothing against it.
    """
    with store.transaction() as connection:
        stand_still(connection, alone=True)
        standing = _standing(connection, payment_id, tenant=tenant)
        matches = from_text(standing["matches"])
        known = decisions_about(connection, [standing["subject"]], tenant=tenant)
        new = [
            match
            for match in matches
            if not _said(known.get(standing["subject"], ()), match, ruling, actor)
        ]
        rows = [
            {
                "decision_id": ids(), "tenant": tenant, "subject": standing["subject"],
                "list": match.list, "entry_id": match.entry_id,
                "entry_digest": match.entry_digest, "ruling": ruling.value, "actor": actor,
                "reason": reason, "payment_id": payment_id, "decided_at": now,
            }
            for match in new
        ]  # fmt: skip
        if rows:
            connection.execute(sa.insert(screening_decisions), rows)
        return _anew(connection, standing, tenant=tenant)


def _standing(connection: Connection, payment_id: str, *, tenant: str) -> Row:
    query = (
        sa.select(screening_standings)
        .join(payments, payments.c.payment_id == screening_standings.c.payment_id)
        .where(payments.c.payment_id == payment_id, payments.c.tenant == tenant)
    )
    found = fetch(connection, query)
    if not found or Verdict(found[0]["verdict"]) is Verdict.CLEAR:
        raise BadInput(f"screening has nothing against payment {payment_id}", field=payment_id)
    return found[0]


def _said(known: Sequence[Decision], match: Match, ruling: Ruling, actor: str) -> bool:
    """Whether this person has said just this, and nobody has said otherwise since."""
    of_entry = [each for each in known if each.entry == match.entry]
    last = [each for each in of_entry if each.ruling is not ruling]
    since = of_entry[of_entry.index(last[-1]) + 1 :] if last else of_entry
    return any(each.actor == actor for each in since)


def _anew(connection: Connection, standing: Row, *, tenant: str) -> Verdict:
    """Say anew how every payment to this beneficiary stands; that of `standing`."""
    decisions = decisions_about(connection, [standing["subject"]], tenant=tenant)
    rulings = decisions.get(standing["subject"], ())
    query = (
        sa.select(screening_standings)
        .join(payments, payments.c.payment_id == screening_standings.c.payment_id)
        .where(screening_standings.c.subject == standing["subject"], payments.c.tenant == tenant)
        .order_by(screening_standings.c.payment_id)
    )
    found = {}
    for row in fetch(connection, query):
        verdict = _stand(connection, row, rulings)
        found[row["payment_id"]] = verdict
    return found[standing["payment_id"]]


def _stand(connection: Connection, row: Row, rulings: Sequence[Decision]) -> Verdict:
    more = row["matches_more"]
    verdict, match = verdict_of(
        from_text(row["matches"]), rulings, block_at=row["block_at"], more=more
    )
    connection.execute(
        sa.update(screening_standings)
        .where(screening_standings.c.payment_id == row["payment_id"])
        .values(
            verdict=verdict.value, free=verdict.is_free, reason=reason_of(verdict, match, more=more)
        )
    )  # fmt: skip
    return verdict


def _decision(row: Row) -> Decision:
    return Decision(
        entry=(row["list"], row["entry_id"], row["entry_digest"]), ruling=Ruling(row["ruling"]),
        actor=row["actor"], reason=row["reason"], decided_at=row["decided_at"],
    )  # fmt: skip
