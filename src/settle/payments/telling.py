"""What was said to rails and by them about one payment, opened for people who ask for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.payments.identity import RECALLS_MAX, conversation, recall_conversation
from settle.payments.instruction import Row
from settle.payments.keeping import opened_here
from settle.payments.rows import fetch
from settle.payments.tables import exchanges
from settle.store import Locked

CONTENT_CHARACTERS_MAX = 20_000
"""How much of a body is shown; a batch may have many megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryLine:
    """One thing in the life of a payment: an event, an exchange or a posting.

    `contents`: what an exchange said, a line each, where it was asked for.
    """

    at: datetime
    what: str
    detail: str
    contents: tuple[str, ...] = ()


def told_exchanges(connection: Connection, row: Row, *, contents: bool) -> list[StoryLine]:
    """Every exchange about a payment: of its submissions, and of each time it was asked for."""
    named = [x for x in (row["payment_id"], row["batch_id"]) if x is not None]
    mine = sa.or_(
        exchanges.c.subject.in_(named), exchanges.c.conversation_id.in_(_conversations(row))
    )
    found = fetch(connection, sa.select(exchanges).where(mine))
    return [_line(connection, each, contents=contents) for each in found]


def _conversations(row: Row) -> list[str]:
    """Of each release, the one in a batch of the last only; and of what may have asked it back."""
    releases = range(1, row["releases"] + 1)
    alone = {conversation([(row["idempotency_key"], nth)]) for nth in releases}
    return sorted({*alone, *recall_conversations(row), row["conversation_id"] or ""})


def recall_conversations(row: Row) -> list[str]:
    """The names of every conversation that may have asked for a payment back."""
    if not row["recall"]:
        return []
    key = row["idempotency_key"]
    return [recall_conversation(key, number=nth) for nth in range(1, RECALLS_MAX + 1)]


def _line(connection: Connection, row: dict[str, Any], *, contents: bool) -> StoryLine:
    how = str(row["status"] or row["silence"] or "no answer")
    plain, why = _opened(connection, row)
    if plain is None:
        return StoryLine(
            at=row["intent_at"], what=f"{row['effect']} {row['method']}", detail=f"{how} ({why})"
        )
    return StoryLine(
        at=row["intent_at"],
        what=f"{plain['effect']} {plain['method']} {plain['target']}",
        detail=how,
        contents=tuple(_said(plain)) if contents else (),
    )


def _opened(connection: Connection, row: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    if row["erasure_id"] is not None:
        return None, f"erased, see {row['erasure_id']}"
    try:
        return opened_here(connection, row), ""
    except Locked as error:
        return None, str(error)


def _said(plain: dict[str, Any]) -> Iterator[str]:
    for way, headers, body in (
        (">", plain["headers"], plain["content"]),
        ("<", plain["answer_headers"], plain["answer_content"]),
    ):
        for name, value in sorted(json.loads(headers or "{}").items()):
            yield f"{way} {name}: {value}"
        text = bytes(body or b"").decode("utf-8", "replace")
        for line in text[:CONTENT_CHARACTERS_MAX].splitlines():
            yield f"{way} {line}"
        if len(text) > CONTENT_CHARACTERS_MAX:
            yield f"{way} … {len(text) - CONTENT_CHARACTERS_MAX:,} characters more"
