"""After a backup was put back: asking the rails about everything that may have left since.

What a payment carries outside is derived from what it is for, so a store that has forgotten it
mints the same again: whatever was paid since is found under the key of what is waiting now.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Ending, Evidence, Fact, Finished, Verb
from settle.payments import identity
from settle.payments.ahead import in_place_of, planned_before, takes
from settle.payments.door import record
from settle.payments.exchanges import Clock, StoreRecorder
from settle.payments.instruction import Rail
from settle.payments.lane import Lane, Run
from settle.payments.polling import LookPolicy
from settle.payments.rows import chunks, fetch
from settle.payments.sending import Sending
from settle.payments.state import UNSENT, State
from settle.payments.tables import payments, searches
from settle.payments.withholding import LIKE_A_DEBIT, PAID_ELSEWHERE, UNASKED
from settle.payments.writer import Writer, writing
from settle.store import Ids, Store

FOUND, NOT_FOUND, NOT_ASKED = "found", "not_found", "not_asked"
ELSEWHERE = "elsewhere"
"""A rail knows it under the name of another attempt, or another rail knows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """What a search did, in payments that had not left, as far as this store knows.

    `found`: the rail has them; `absent`: no rail knows them, nor a later attempt; `not_asked`: by
    rail, those of which some rail that could have carried them cannot be asked one by one, or did
    not answer. These are held. `silent`: why rails did not answer. `elsewhere`: those for which a
    rail knows another payment; held, too.
    """

    found: int
    absent: int
    not_asked: Mapping[str, int]
    silent: Mapping[str, str]
    elsewhere: int = 0


@dataclass(slots=True)
class _Search:
    """One rail being searched."""

    lane: Lane
    answers: dict[str, str] = field(default_factory=dict)
    elsewhere: set[str] = field(default_factory=set)
    unasked: set[str] = field(default_factory=set)
    evidence: list[Evidence] = field(default_factory=list)
    silent: str = ""


async def search(
    store: Store, rails: Mapping[str, Rail], *, clock: Clock, worker: str, ids: Ids,
    only_again: bool = False, planned_by: datetime | None = None, writer: Writer | None = None,
) -> Searched:  # fmt: skip
    """Ask the rails about every payment that waits here, and let in what they say.

    Each rail is asked for whatever it could have carried, and for the attempts after it
    (`ATTEMPTS_AHEAD`). What could not be asked is held. `only_again`: only what follows an earlier
    attempt and was not asked about yet; such an attempt may have been made before, too.
    `planned_by`: of those, only where the obligation had a payment by then.
    """
    which = _waiting()
    if only_again:
        which = sa.and_(which, payments.c.attempt > 1, ~_searched())
        which = which if planned_by is None else sa.and_(which, planned_before(planned_by))
    run = Run(clock=clock, worker=worker, lease_length=LookPolicy().lease)
    async with writing(store, writer) as durable:
        asked = [
            await _ask_all(store, lane, ids, which=which, also_open=not only_again)
            for lane in run.lanes(rails, durable)
        ]
    run.surface(store)
    record(store, [e for each in asked for e in each.evidence], recorded_at=clock())
    answers = {name: said for each in asked for name, said in each.answers.items()}
    unasked = {name for each in asked for name in each.unasked}
    answers |= {x: NOT_ASKED for x in unasked if answers.get(x, NOT_FOUND) == NOT_FOUND}
    answers |= {name: ELSEWHERE for each in asked for name in each.elsewhere}
    with store.transaction() as connection:
        _keep(connection, answers, at=clock())
        rail_of = _rails_of(connection, [x for x in answers if answers[x] == NOT_ASKED])
    counts = Counter(answers.values())
    return Searched(
        found=counts[FOUND], absent=counts[NOT_FOUND], not_asked=dict(Counter(rail_of.values())),
        silent={each.lane.name: each.silent for each in asked if each.silent},
        elsewhere=counts[ELSEWHERE],
    )  # fmt: skip


def unsearched(connection: Connection) -> int:
    """How many payments wait that no search has asked about."""
    query = sa.select(sa.func.count()).select_from(payments).where(_waiting(), ~_searched())
    return int(connection.execute(query).scalar_one())


def held_back(connection: Connection) -> int:
    """How many payments are held until somebody has looked for them by hand."""
    held = sa.select(sa.func.count()).where(_by_hand(), payments.c.live)
    return int(connection.execute(held).scalar_one())


def let_go(connection: Connection) -> int:
    """Release what is held until somebody has looked by hand: a person has. Says how many."""
    held = sa.update(payments).where(_by_hand())
    return connection.execute(held.values(hold_reason="")).rowcount


def _by_hand() -> sa.ColumnElement[bool]:
    return payments.c.hold_reason.in_((UNASKED, LIKE_A_DEBIT))


async def _ask_all(
    store: Store, lane: Lane, ids: Ids, *, which: sa.ColumnElement[bool], also_open: bool
) -> _Search:
    found = _Search(lane=lane)
    mine = _sendings(store, sa.and_(which, payments.c.rail == lane.name))
    carried = _sendings(store, sa.and_(which, takes(lane.rail)))
    if not lane.rail.adapter.profile.supports(Verb.FIND):
        found.answers = {sending.conversation_id: NOT_ASKED for sending in mine}
        found.unasked = {sending.conversation_id for sending in carried}
        return found
    await lane.all(lambda sending: _ask(found, sending, ids()), mine)
    if also_open:
        # What nobody knows the outcome of may have been decided, and followed by another, since.
        unknown = sa.and_(payments.c.live, payments.c.state == State.UNKNOWN.value)
        carried = [*carried, *_sendings(store, sa.and_(unknown, takes(lane.rail)))]
    await lane.all(lambda sending: _ask_for_others(found, sending, ids), carried)
    return found


def _sendings(store: Store, which: sa.ColumnElement[bool]) -> list[Sending]:
    with store.reading() as connection:
        rows = fetch(connection, sa.select(payments).where(which).order_by(payments.c.payment_id))
    return [Sending(conversation_id=row["payment_id"], rows=[row]) for row in rows]


async def _ask_for_others(found: _Search, sending: Sending, ids: Ids) -> None:
    """Ask for payments that this store does not have; they are kept as nobody's evidence.

    The first that the rail knows is enough to hold what waits.
    """
    (row,) = sending.rows
    for other in in_place_of(row, rail=found.lane.rail):
        asked = Sending(conversation_id=sending.conversation_id, rows=[other])
        ending = await _converse(found.lane, asked, ids())
        said = _said(ending.value) if isinstance(ending, Finished) else NOT_ASKED
        if not isinstance(ending, Finished):
            found.silent = ending.reason
        if said == FOUND:
            found.elsewhere.add(row["payment_id"])
        elif said == NOT_ASKED and row["state"] in UNSENT:
            found.unasked.add(row["payment_id"])
        if said != NOT_FOUND:
            return


async def _ask(found: _Search, sending: Sending, conversation_id: str) -> None:
    (row,) = sending.rows
    ending = await _converse(found.lane, sending, conversation_id)
    if not isinstance(ending, Finished):
        found.silent = ending.reason
        found.answers[row["payment_id"]] = NOT_ASKED
        return
    found.evidence.extend(ending.value)
    found.answers[row["payment_id"]] = _said(ending.value)


async def _converse(
    lane: Lane, sending: Sending, conversation_id: str
) -> Ending[Sequence[Evidence]]:
    subject = sending.rows[0]["payment_id"]
    recorder = StoreRecorder(writer=lane.writer, clock=lane.run.clock, subject=subject)
    try:
        return await lane.rail.sender.run(
            lane.rail.adapter.find(sending.payments[0]),
            conversation_id=conversation_id, recorder=recorder,
        )  # fmt: skip
    except Exception as error:  # noqa: BLE001  # it surfaces once all rails were asked
        return lane.stopped(error, committing=False)


def _said(finding: Sequence[Evidence]) -> str:
    """What an answer comes to. An empty one says nothing, and is none."""
    if not finding:
        return NOT_ASKED
    return NOT_FOUND if all(e.fact is Fact.NOT_FOUND for e in finding) else FOUND


def _keep(connection: Connection, answers: Mapping[str, str], *, at: datetime) -> None:
    for chunk in chunks(sorted(answers)):
        connection.execute(sa.delete(searches).where(searches.c.payment_id.in_(chunk)))
        rows = [{"payment_id": x, "searched_at": at, "answer": answers[x]} for x in chunk]
        connection.execute(sa.insert(searches), rows)
        _hold(connection, [x for x in chunk if answers[x] == NOT_ASKED], UNASKED, before="")
        _hold(connection, [x for x in chunk if answers[x] == NOT_FOUND], "", before=UNASKED)
        elsewhere = [x for x in chunk if answers[x] == ELSEWHERE]
        for less in ("", UNASKED, LIKE_A_DEBIT):
            _hold(connection, elsewhere, PAID_ELSEWHERE, before=less)
        found = [x for x in chunk if answers[x] == FOUND]
        _hold(connection, found, "", before=UNASKED)
        # What is said of it did not let it leave: another amount, say. It is not sent beside that.
        _hold(connection, found, UNASKED, before="", state_in=UNSENT)
        _make_askable(connection, found)


def _hold(
    connection: Connection, names: Sequence[str], reason: str, *, before: str,
    state_in: Collection[str] = tuple(State),
) -> None:  # fmt: skip
    which = (
        payments.c.payment_id.in_(names), payments.c.hold_reason == before,
        payments.c.state.in_(sorted(state_in)),
    )  # fmt: skip
    connection.execute(sa.update(payments).where(*which).values(hold_reason=reason))


def _make_askable(connection: Connection, names: Sequence[str]) -> None:
    """What was found goes on being asked about, as if it had been released here."""
    query = sa.select(payments).where(
        payments.c.payment_id.in_(names), payments.c.conversation_id.is_(None)
    )
    for row in fetch(connection, query):
        conversation_id = identity.conversation([(row["idempotency_key"], 1)])
        here = payments.c.payment_id == row["payment_id"]
        connection.execute(sa.update(payments).where(here).values(conversation_id=conversation_id))


def _rails_of(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in chunks(names):
        columns = (payments.c.payment_id, payments.c.rail)
        query = sa.select(*columns).where(payments.c.payment_id.in_(chunk))
        found.update((payment_id, rail) for payment_id, rail in connection.execute(query))
    return found


def _waiting() -> sa.ColumnElement[bool]:
    live = sa.and_(payments.c.live, payments.c.state.in_(UNSENT))
    return sa.and_(live, payments.c.rail != "")


def _searched() -> sa.ColumnElement[bool]:
    return sa.exists().where(searches.c.payment_id == payments.c.payment_id)
