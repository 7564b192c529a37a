"""Answers that are stored and that nobody has acted on: they are heard before anything else counts.

Whoever is answered acts on it at once, if it holds the payments and they are being sent. Where it
does not, or was sending them once more, the answer is marked in the transaction that stores it, and
is unmarked by whoever hears it. Until then nobody decides about its payments, no absence closes
them, and their obligations get no other payment that leaves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.rows import among, chunks, these
from settle.payments.state import State
from settle.payments.tables import exchanges, payments

Turn = tuple[str, int]
"""A conversation, and which sending of it: 0, and one more for each re-sending."""


def mark(connection: Connection, answers: Iterable[tuple[Turn, str]]) -> None:
    """Mark the answers, each to a worker's `commits`, that their worker cannot simply act on.

    The payments are locked: whoever decides about them does so before this, or sees it.
    """
    of = dict(answers)
    rows: dict[str, list[Any]] = defaultdict(list)
    for chunk in chunks(sorted({name for name, _ in of})):
        for row in connection.execute(_holders(), these(chunk)):
            rows[row.conversation_id].append(row)
    late = [
        turn
        for turn, worker in of.items()
        if not all(_is_sending(row, turn[1], worker) for row in rows[turn[0]])
    ]
    _write(connection, late, unheard=True)


def unmark(connection: Connection, heard: Sequence[Turn]) -> None:
    """Somebody has heard these."""
    _write(connection, heard, unheard=False)


def marked(connection: Connection, *which: sa.ColumnElement[bool]) -> list[Turn]:
    """Which sendings have an answer that nobody has heard, of payments such as these."""
    query = (
        sa.select(exchanges.c.conversation_id, exchanges.c.turn)
        .join(payments, payments.c.conversation_id == exchanges.c.conversation_id)
        .where(exchanges.c.unheard, *which)
        .distinct()
        .order_by(exchanges.c.conversation_id, exchanges.c.turn)
    )
    return [(row.conversation_id, row.turn) for row in connection.execute(query)]


def is_unheard(of: sa.FromClause = payments) -> sa.ColumnElement[bool]:
    """Whether an answer about a payment, or about the batch it left with, waits to be heard."""
    answer = exchanges.alias("answer").c  # whoever asks this of payments may ask it of exchanges
    return sa.exists().where(answer.conversation_id == of.c.conversation_id, answer.unheard)


def unheard_otherwise() -> sa.ColumnElement[bool]:
    """Whether an answer about an earlier payment of the same obligation waits to be heard."""
    return _earlier(is_unheard)


def may_leave_otherwise(since: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Whether a request of an earlier payment of the same obligation may be about to leave.

    Its intent was stored after `since`, and nothing was heard or missed of it yet. The rail may
    have said meanwhile that it knows nothing to execute, and was right by then.
    """
    return _earlier(
        lambda of: sa.exists().where(
            exchanges.c.conversation_id == of.c.conversation_id,
            exchanges.c.effect == "commits",
            exchanges.c.status.is_(None),
            exchanges.c.silence.is_(None),
            exchanges.c.intent_at > since,
        )
    )


def _earlier(
    condition: Callable[[sa.FromClause], sa.ColumnElement[bool]],
) -> sa.ColumnElement[bool]:
    other = payments.alias("earlier")
    earlier = sa.exists().where(
        other.c.tenant == payments.c.tenant,
        other.c.obligation_id == payments.c.obligation_id,
        other.c.payment_id != payments.c.payment_id,
        condition(other),
    )
    return sa.and_(payments.c.attempt > 1, earlier)


def _is_sending(row: Any, turn: int, worker: str) -> bool:
    is_first = turn == 0 and row.resends == 0 and row.state == State.SENDING.value
    return is_first and bool(row.worker == worker)


@cache
def _holders() -> sa.Select[Any]:
    names = ("conversation_id", "worker", "resends", "state")
    return (
        sa.select(*(payments.c[name] for name in names))
        .where(among(payments.c.conversation_id))
        .order_by(payments.c.payment_id)
        .with_for_update(read=True)
    )


def _write(connection: Connection, turns: Sequence[Turn], *, unheard: bool) -> None:
    if turns:
        at = [{"of_conversation": name, "of_turn": turn, "now": unheard} for name, turn in turns]
        connection.execute(_MARK, at)


_MARK = (
    sa.update(exchanges)
    .where(
        exchanges.c.conversation_id == sa.bindparam("of_conversation"),
        exchanges.c.turn == sa.bindparam("of_turn"),
        exchanges.c.effect == "commits",
        exchanges.c.status.is_not(None),
    )
    .values(unheard=sa.bindparam("now"))
)
