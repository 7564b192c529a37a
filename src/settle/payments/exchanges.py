"""The sender's recorder on the store: each exchange durable before and after the wire."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from settle.adapters import Effect, Exchange, Recorded, Response, place_of, without_secrets
from settle.errors import SettleError
from settle.payments.fences import counted
from settle.payments.keeping import ANSWER, REQUEST, kept, opened_here
from settle.payments.permits import Refusal, Wish, refusals
from settle.payments.rows import among, chunks, fetch, these
from settle.payments.tables import exchanges
from settle.payments.unheard import mark
from settle.payments.writer import Writer
from settle.store import execute_each

Clock = Callable[[], datetime]


class LeaseLost(SettleError):
    """Another worker has taken this conversation over; nothing was sent."""


class Stopped(SettleError):
    """A payment of the conversation may not leave any more; nothing was sent."""


class CutOff(SettleError):
    """The rail's cut-off has passed; nothing was sent."""


def untold(count: int) -> None:
    """What is counted is told nowhere."""


@dataclass(slots=True)
class StoreRecorder:
    """Where one running of a conversation is kept. This implements `settle.adapters.Recorder`.

    `stored` is what was kept before; `turn` counts re-sendings. With a `worker`, an intent is
    stored only while that worker holds the payments of the conversation, and that of a `commits`
    only while all of them may leave (`settle.payments.permits`); from `cut_off` on, no intent of a
    `commits`. `tell` is told how far its worker has counted before anything leaves.
    `subject` is the payment or batch that it is about. `committing` tells
    whether a `commits` was about to leave, now or in what was stored, and `replied` with which
    status it was answered.
    """

    writer: Writer
    clock: Clock
    stored: Sequence[Recorded] = ()
    turn: int = 0
    worker: str | None = None
    cut_off: datetime | None = None
    subject: str | None = None
    tell: Callable[[int], None] = untold
    committing: bool = False
    replied: int | None = None
    _commits: int | None = None

    def __post_init__(self) -> None:
        for entry in self.stored:
            if entry.effect is Effect.COMMITS and entry.sent:
                self.committing = True
                self.replied = entry.response.status if entry.response else None

    async def history(self, conversation_id: str) -> Sequence[Recorded]:  # noqa: ARG002
        """What was stored when this running began; it was read with the claim."""
        return self.stored

    async def intent(self, conversation_id: str, step: int, exchange: Exchange) -> None:
        """Keep what is about to be sent.

        Raises:
            LeaseLost: another worker has the payment now, or a newer run this worker's name.
            Stopped: it was closed, held, paused or asked back since it was taken, it or another
                of its batch, or the worker's lease has ended.
            CutOff: it is too late to move money today.
        """
        request, now = exchange.request, self.clock()
        if exchange.effect is Effect.COMMITS and self.cut_off is not None and now >= self.cut_off:
            raise CutOff("the rail's cut-off has passed", conversation=conversation_id)
        row = {
            "subject": self.subject,
            "conversation_id": conversation_id,
            "step": step,
            "turn": self.turn,
            "effect": exchange.effect.value,
            "method": request.method,
            "target": place_of(request),
            "fingerprint": request.fingerprint,
            "headers": _json(without_secrets(request.headers)),
            "content": request.content,
            "intent_at": now,
            "sent": True,
        }
        count = await self.writer.write(keep_intents, (row, self.worker))
        if isinstance(count, Refusal):
            error = LeaseLost if count is Refusal.LOST else Stopped
            raise error(count.value, conversation=conversation_id)
        if count:
            self.tell(count)
        if exchange.effect is Effect.COMMITS:
            self.committing, self._commits = True, step

    async def answer(self, conversation_id: str, step: int, response: Response) -> None:
        """Keep what came back, also where another worker has the payment now.

        Raises:
            LeaseLost: another answer to the same request is stored, and that one counts.
        """
        row = {
            "conversation_id": conversation_id,
            "step": step,
            "turn": self.turn,
            "answered_at": self.clock(),
            "status": response.status,
            "answer_headers": _json(without_secrets(response.headers)),
            "answer_content": response.content,
        }
        moved = self.worker if step == self._commits else None
        if not await self.writer.write(keep_answers, (row, moved)):
            raise LeaseLost("another worker was answered first", conversation=conversation_id)
        if step == self._commits:
            self.replied = response.status

    async def silence(self, conversation_id: str, step: int, reason: str, *, sent: bool) -> None:
        """Keep that nothing came back, and whether anything left."""
        row = {
            "of_conversation": conversation_id,
            "of_step": step,
            "of_turn": self.turn,
            "silence": reason,
            "sent": sent,
        }
        await self.writer.write(keep_silences, row)


def _json(headers: Mapping[str, str]) -> str:
    return json.dumps(dict(headers), sort_keys=True)


def keep_intents(
    connection: Connection, items: Sequence[tuple[dict[str, Any], str | None]]
) -> Sequence[int | Refusal]:
    """Store intents of workers whose payments may leave; for each that may not, why.

    For each that may, how often its worker has counted by now, this group included.
    """
    counts = counted(connection, [worker for _, worker in items if worker is not None])
    guarded = [_wish(row, worker) for row, worker in items if worker is not None]
    fenced = {wish.worker for wish in guarded} - counts.keys()
    why = iter(refusals(connection, guarded, fenced=fenced))
    answers = [0 if worker is None else next(why) or counts[worker] for _, worker in items]
    rows = [
        {**row, **kept(connection, REQUEST, row)}
        for (row, _), answer in zip(items, answers, strict=True)
        if not isinstance(answer, Refusal)
    ]
    if rows:
        execute_each(connection, _KEEP[connection.dialect.name], rows)
    return answers


def _wish(row: Mapping[str, Any], worker: str) -> Wish:
    return Wish(
        conversation_id=row["conversation_id"], turn=row["turn"],
        moves=row["effect"] == Effect.COMMITS.value, worker=worker, at=row["intent_at"],
    )  # fmt: skip


def _upsert(dialect: Any) -> Any:
    statement = dialect.insert(exchanges)
    again = (
        "effect", "method", "target", "fingerprint", "headers", "content", "intent_at", "sent",
        "key_id", "digests",
    )  # fmt: skip
    values = {name: statement.excluded[name] for name in again}
    return statement.on_conflict_do_update(
        index_elements=["conversation_id", "step", "turn"], set_={**values, "silence": sa.null()}
    )


_KEEP = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}
_AT = sa.update(exchanges).where(
    exchanges.c.conversation_id == sa.bindparam("of_conversation"),
    exchanges.c.step == sa.bindparam("of_step"),
    exchanges.c.turn == sa.bindparam("of_turn"),
    exchanges.c.status.is_(None),
)
_NAMES = ("conversation_id", "step", "turn", "answered_at", "status")
_ANSWERS = sa.select(*(exchanges.c[name] for name in _NAMES)).where(
    among(exchanges.c.conversation_id)
)
_HISTORIES = (
    sa.select(exchanges)
    .where(among(exchanges.c.conversation_id))
    .order_by(exchanges.c.conversation_id, exchanges.c.step, exchanges.c.turn)
)
_ANSWER = (
    "answered_at", "status", "answer_headers", "answer_content", "answer_key_id", "answer_digests",
)  # fmt: skip
_NEW: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in _ANSWER}
_ANSWERED = _AT.values(**_NEW)
_SILENT = _AT.values(silence=sa.bindparam("silence"), sent=sa.bindparam("sent"))
"""Written once: making a statement takes longer than writing its row."""


def keep_answers(
    connection: Connection, items: Sequence[tuple[dict[str, Any], str | None]]
) -> Sequence[bool]:
    """Store answers beside their intents, whoever brings them; say for each whether it is there.

    An answer is evidence, so a worker that lost its lease may still bring one. It takes nobody's
    place: what is stored may have been acted on. With the worker whose `commits` it answers, it
    is marked where that worker cannot simply act on it.
    """
    rows = [row for row, _ in items]
    stored = [{**row, **kept(connection, ANSWER, row)} for row in rows]
    written = execute_each(connection, _ANSWERED, [_new(row) for row in stored])
    moved = [((row["conversation_id"], row["turn"]), worker) for row, worker in items if worker]
    mark(connection, moved)
    if written == len(rows):  # each in a place that had no answer yet
        return [True] * len(rows)
    there = _answered(connection, sorted({row["conversation_id"] for row in rows}))
    return [tuple(row[name] for name in _NAMES) in there for row in rows]


def _new(row: Mapping[str, Any]) -> dict[str, Any]:
    place = {f"of_{name}": row[name] for name in ("step", "turn")}
    values = {f"new_{name}": row[name] for name in _ANSWER}
    return {"of_conversation": row["conversation_id"], **place, **values}


def _answered(connection: Connection, conversation_ids: Sequence[str]) -> set[tuple[Any, ...]]:
    found: set[tuple[Any, ...]] = set()
    for chunk in chunks(conversation_ids):
        found.update(map(tuple, connection.execute(_ANSWERS, these(chunk)).all()))
    return found


def keep_silences(connection: Connection, rows: Sequence[dict[str, Any]]) -> Sequence[None]:
    """Store silences beside their intents. One that comes late takes the place of no answer."""
    execute_each(connection, _SILENT, rows)
    return [None] * len(rows)


def histories(
    connection: Connection, conversation_ids: Sequence[str], *, turn_max: int | None = None
) -> dict[str, Sequence[Recorded]]:
    """What is stored of each conversation, the last turn of each step, for a replay.

    With `turn_max`, as if nothing had been sent again after that turn.

    What followed a `commits` that was sent again since belongs to the answer it had before.

    Raises:
        Locked: one is encrypted, and its key is not there or it was changed.
    """
    rows: dict[str, dict[int, tuple[int, Recorded]]] = defaultdict(dict)
    for chunk in chunks(conversation_ids):
        for found in fetch(connection, _HISTORIES, these(chunk)):
            if turn_max is not None and found["turn"] > turn_max:
                continue
            row = opened_here(connection, found)
            rows[row["conversation_id"]][row["step"]] = (row["turn"], _recorded(row))
    return {conversation: _current(steps) for conversation, steps in rows.items()}


def before_resend(history: Sequence[Recorded]) -> Sequence[Recorded]:
    """The history with its `commits` unanswered. This is what a re-sending replays."""
    kept: list[Recorded] = []
    for entry in history:
        if entry.effect is Effect.COMMITS:
            unanswered = Recorded(
                step=entry.step, effect=entry.effect, fingerprint=entry.fingerprint
            )
            return [*kept, unanswered]
        kept.append(entry)
    return kept


def _current(steps: dict[int, tuple[int, Recorded]]) -> Sequence[Recorded]:
    kept: list[Recorded] = []
    turn_min = 0
    for _, (turn, entry) in sorted(steps.items()):
        if turn >= turn_min:
            kept.append(entry)
        if entry.effect is Effect.COMMITS:
            turn_min = turn
    return kept


def _recorded(row: Any) -> Recorded:
    response = None
    if row["status"] is not None:
        response = Response(
            status=row["status"],
            headers=json.loads(row["answer_headers"]),
            content=row["answer_content"],
        )
    return Recorded(
        step=row["step"],
        effect=Effect(row["effect"]),
        fingerprint=row["fingerprint"],
        response=response,
        sent=row["sent"],
    )
