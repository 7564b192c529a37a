"""Emptying what exchanges said, by age or on request; and giving what is kept another key.

Digests, journal and events stay, so that all that was sealed still holds. What is open is never
emptied: its exchanges are what finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.payments.ended import is_over, of_payments, old_ones
from settle.payments.keeping import ERASED, KEY, PARTS, Part, digests_of, locked, opened_here
from settle.payments.rows import chunks, fetch
from settle.payments.tables import erasures, exchanges, payments
from settle.store import Ids, Store, vault_of

ROWS_AT_ONCE = 1000
"""How many exchanges one transaction gives another key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure emptied: how many exchanges, by which entry of the log; none without any."""

    exchanges: int
    erasure_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Who has what emptied, when and why."""

    actor: str
    reason: str
    at: datetime


def erase_old(store: Store, *, kept_for: timedelta, at: datetime, ids: Ids) -> Erased:
    """Empty the exchanges of payments that ended so long ago. This is what retention does."""
    asked = Erasure(actor="retention", reason=f"ended {kept_for.days} days ago", at=at)
    scope = f"older than {at - kept_for:%Y-%m-%d}"
    return _erase(store, [old_ones(at - kept_for)], asked, scope=scope, ids=ids)


def erase(
    store: Store, payment_ids: Sequence[str], asked: Erasure, *, scope: str, ids: Ids
) -> Erased:
    """Empty the exchanges of these payments.

    A message that paid others, too, is emptied for all of them.

    Raises:
        BadInput: there is no such payment, or it has not ended; nothing is emptied then.
    """
    wanted = sorted(set(payment_ids))
    with store.reading() as connection:
        _refuse_open(connection, wanted)
    which = [of_payments(chunk) for chunk in chunks(wanted)]
    return _erase(store, which, asked, scope=scope, ids=ids)


def _refuse_open(connection: Connection, payment_ids: Sequence[str]) -> None:
    found: dict[str, Any] = {}
    for chunk in chunks(payment_ids):
        columns = (payments.c.payment_id, payments.c.state, is_over().label("over"))
        query = sa.select(*columns).where(payments.c.payment_id.in_(chunk))
        found.update((row["payment_id"], row) for row in fetch(connection, query))
    for payment_id in payment_ids:
        if payment_id not in found:
            raise BadInput(f"there is no payment {payment_id}", field=payment_id)
        if not found[payment_id]["over"]:
            state = found[payment_id]["state"]
            why = f"payment {payment_id} is {state}, and open: what it said is what finds it"
            raise BadInput(why, field=payment_id)


def _erase(
    store: Store, which: Sequence[sa.ColumnElement[bool]], asked: Erasure, *, scope: str, ids: Ids
) -> Erased:
    erasure_id = ids()
    emptied = 0
    with store.transaction() as connection:
        for where in which:
            left = exchanges.c.erasure_id.is_(None)
            statement = sa.update(exchanges).where(left, where)
            emptied += connection.execute(
                statement.values(**ERASED, erasure_id=erasure_id)
            ).rowcount
        if emptied:
            connection.execute(sa.insert(erasures), _logged(erasure_id, asked, scope, emptied))
    if not emptied:
        return Erased(exchanges=0)
    store.scrub()
    return Erased(exchanges=emptied, erasure_id=erasure_id)


def _logged(erasure_id: str, asked: Erasure, scope: str, emptied: int) -> dict[str, Any]:
    return {
        "erasure_id": erasure_id, "erased_at": asked.at, "actor": asked.actor,
        "reason": asked.reason, "scope": scope, "exchanges": emptied,
    }  # fmt: skip


def rotate(store: Store) -> int:
    """Keep every exchange under the key that encrypts now, plain ones too; say how many were not.

    Workers may go on meanwhile. Killed, it is simply run again.

    Raises:
        BadInput: the store has no key.
        Locked: one is under a key that is not among those given, or was changed.
    """
    if store.vault.is_open:
        raise BadInput("exchanges.keys: names no key to go over to", field="exchanges.keys")
    moved = 0
    for part in PARTS:
        while count := _move_some(store, part):
            moved += count
    store.scrub()
    return moved


def _move_some(store: Store, part: Part) -> int:
    key = exchanges.c[part.key_id]
    there = exchanges.c.intent_at if part is PARTS[0] else exchanges.c.answered_at
    old = sa.or_(key.is_(None), key != store.vault.key_id)
    with store.transaction() as connection:
        query = (
            sa.select(exchanges)
            .where(old, there.is_not(None), exchanges.c.erasure_id.is_(None))
            .limit(ROWS_AT_ONCE)
            .with_for_update()
        )
        rows = fetch(connection, query)
        if rows:
            connection.execute(_rewritten(part), list(_moved(connection, part, rows)))
    return len(rows)


def _moved(
    connection: Connection, part: Part, rows: Sequence[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    for row in rows:
        plain = opened_here(connection, row)
        digests = row[part.digests] or digests_of(part, plain)
        values = {**locked(vault_of(connection), part, plain), part.digests: digests}
        place = {f"of_{name}": row[name] for name in KEY}
        yield place | {f"new_{name}": value for name, value in values.items()}


def _rewritten(part: Part) -> sa.Update:
    names = (*part.columns, part.key_id, part.digests)
    here = (exchanges.c[name] == sa.bindparam(f"of_{name}") for name in KEY)
    values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
    return sa.update(exchanges).where(*here).values(**values)
