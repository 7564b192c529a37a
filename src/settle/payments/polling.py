"""Finding out: what a dead worker sent, what nobody knows, what is not booked, what is wished.

Only where the rail has just said that it does not know a payment, and promises to execute one
key once, is the payment sent again, with the same key and the same content.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Ending, Evidence, Fact, Finding, Finished, Verb
from settle.payments.absence import note_absent
from settle.payments.door import Recorded, record
from settle.payments.exchanges import Clock, StoreRecorder
from settle.payments.fences import succeed
from settle.payments.forgetting import telling
from settle.payments.gate.rules import Pauses
from settle.payments.hearing import conversations_in, hear, recover
from settle.payments.instruction import Rail
from settle.payments.lane import Lane, Progress, Run, counted
from settle.payments.retaking import resend, take_over
from settle.payments.sending import Sending
from settle.payments.state import State
from settle.payments.tables import payments
from settle.payments.wishes import answered, wished
from settle.payments.writer import Writer, writing
from settle.store import Ids, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPolicy:
    """How far looking goes. `resends_max` counts over the whole life of a payment's release.

    What is sent may arrive late, and no two clocks agree: nothing is sent again in the last
    `key_margin` of its key's life.
    """

    resends_max: int = 5
    key_margin: timedelta = timedelta(hours=1)
    polls_accepted: bool = True
    lease: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What looking did, in payments. `silent`: rails that did not answer, with why.

    `still_unknown_by_rail` names only rails that have such payments, whether asked or not.
    """

    recovered: int
    asked: int
    resent: int
    still_unknown_by_rail: Mapping[str, int]
    recorded: Recorded
    silent: Mapping[str, str]

    @property
    def still_unknown(self) -> int:
        """How many payments nobody knows the outcome of, over all rails."""
        return sum(self.still_unknown_by_rail.values())


async def look_up(
    store: Store,
    rails: Mapping[str, Rail],
    *,
    clock: Clock,
    worker: str,
    ids: Ids,
    cut_offs: Mapping[str, datetime] = MappingProxyType({}),
    progress: Progress | None = None,
    policy: LookPolicy | None = None,
    writer: Writer | None = None,
    paused: Collection[str] = (),
    paused_currencies: Collection[str] = (),
    paused_parties: Collection[str] = (),
) -> Looked:
    """Find out what became of payments, let the evidence in, and re-send what may be re-sent.

    Payments under the name of `worker` itself are taken over at once, and whoever bore it before
    is fenced: give each worker a name that no other living process uses. Over a rail that is
    `paused`, in a currency or to a party that is, or that a switch of the store pauses, payments
    are found, and none is sent again; nor over a rail from its time in `cut_offs` on. A rail that
    is silent keeps no other waiting.

    Raises:
        ConfigError: a credential cannot be found. So does any bug met while nothing was sent.
            What the other rails said is let in first.
        Fenced: a newer run bears the worker's name.
    """
    manner = policy or LookPolicy()
    name = succeed(store, worker, now=clock())
    run = Run(
        clock=clock, worker=name, lease_length=manner.lease, progress=progress,
        tell=telling(store, name),
    )  # fmt: skip
    async with writing(store, writer) as durable:
        lanes = run.lanes(rails, durable, cut_offs=cut_offs)
        recovered = sum([await _recover(lane) + await hear(store, lane) for lane in lanes])
        looks = [await _look(store, lane, manner, ids) for lane in lanes]
        recorded = record(store, [e for look in looks for e in look.evidence], recorded_at=clock())
        for look in looks:
            _note_absent(store, look, clock)
            _end_wishes(store, look, clock)
        pauses = Pauses(
            rails=frozenset(paused), currencies=frozenset(paused_currencies),
            parties=frozenset(paused_parties),
        )  # fmt: skip
        resent = sum([await _resend(look, manner, pauses) for look in looks])
    run.surface(store, lost=sum(lane.counts["lost"] for lane in lanes))
    with store.reading() as connection:
        unknown_by_rail = _count_by_rail(connection, State.UNKNOWN)
    return Looked(
        recovered=recovered,
        asked=sum(look.asked for look in looks),
        resent=resent,
        still_unknown_by_rail=unknown_by_rail,
        recorded=recorded,
        silent={look.lane.name: look.silent for look in looks if look.silent},
    )


async def _recover(lane: Lane) -> int:
    """Bring what a dead worker was sending to an end, without sending anything."""
    sendings = await lane.writer.write(take_over, lane.lease())
    await lane.all(lambda sending: recover(lane, sending), sendings)
    return counted(sendings)


@dataclass(slots=True)
class _Look:
    """What one rail said when asked about its open payments."""

    lane: Lane
    unknown: Sequence[Sending]
    evidence: list[Evidence]
    began_at: datetime
    answered: list[str] = field(default_factory=list)
    absent_at: dict[str, datetime] = field(default_factory=dict)
    asked: int = 0
    silent: str = ""


async def _look(store: Store, lane: Lane, policy: LookPolicy, ids: Ids) -> _Look:
    profile = lane.rail.adapter.profile
    look = _Look(lane=lane, unknown=[], evidence=[], began_at=lane.run.clock())
    if not (profile.supports(Verb.FIND) or profile.supports(Verb.FIND_BATCH)):
        return look
    polled = policy.polls_accepted and profile.supports(Verb.FIND) and not profile.in_batches
    with store.reading() as connection:
        look.unknown = conversations_in(connection, lane.name, State.UNKNOWN)
        accepted = conversations_in(connection, lane.name, State.ACCEPTED) if polled else []
        beside = (State.UNKNOWN, State.ACCEPTED) if polled else (State.UNKNOWN,)
        told = wished(connection, lane.name, beside=beside)
    await lane.all(lambda sending: _ask(look, sending, ids), [*look.unknown, *accepted, *told])
    return look


async def _ask(look: _Look, sending: Sending, ids: Ids) -> None:
    lane = look.lane
    asked_at = lane.run.clock()
    ending = await _answer(lane, sending, ids())
    if not isinstance(ending, Finished):
        look.silent = ending.reason
        return
    look.asked += len(sending.rows)
    look.answered += [row["payment_id"] for row in sending.rows]
    look.evidence.extend(ending.value)
    absent = [e.reference for e in ending.value if e.fact is Fact.NOT_FOUND]
    look.absent_at |= dict.fromkeys(absent, asked_at)


async def _answer(lane: Lane, sending: Sending, conversation_id: str) -> Ending[Finding]:
    recorder = StoreRecorder(writer=lane.writer, clock=lane.run.clock, subject=sending.subject)
    search = sending.search(lane.rail.adapter)
    try:
        return await lane.rail.sender.run(
            search, conversation_id=conversation_id, recorder=recorder
        )
    except Exception as error:  # noqa: BLE001  # it surfaces once all rails were asked
        return lane.stopped(error, committing=False)


def _note_absent(store: Store, look: _Look, clock: Clock) -> None:
    rows = [row for sending in look.unknown for row in sending.rows]
    profile = look.lane.rail.adapter.profile
    note_absent(store, rows, look.absent_at, profile=profile, at=clock())


def _end_wishes(store: Store, look: _Look, clock: Clock) -> None:
    """Once the answers are in. Killed before, the rail is asked once more."""
    if look.answered:
        with store.transaction() as connection:
            answered(connection, look.answered, asked_at=look.began_at, at=clock())


async def _resend(look: _Look, policy: LookPolicy, pauses: Pauses) -> int:
    absent = set(look.absent_at)
    wanted = [
        sending.conversation_id
        for sending in look.unknown
        if not any(pauses.why(row) for row in sending.rows)
        and _may_be_resent(look.lane, sending, absent, policy)
    ]
    if not wanted or look.lane.run.broken is not None or not look.lane.is_open:
        return 0
    sendings = await look.lane.writer.write(resend, (look.lane.lease(), wanted))
    await look.lane.all(lambda sending: look.lane.send(sending, again=True), sendings)
    return counted(sendings)


def _may_be_resent(lane: Lane, sending: Sending, absent: set[str], policy: LookPolicy) -> bool:
    """The rail deduplicates, the key lives on, and the rail has just said that it knows none."""
    key = lane.rail.adapter.profile.key
    return key.deduplicates and all(
        not absent.isdisjoint((p.payment_id, p.end_to_end_id, p.uetr, p.idempotency_key))
        and row["resends"] < policy.resends_max
        and lane.run.clock() < row["released_at"] + key.lifetime - policy.key_margin
        for p, row in zip(sending.payments, sending.rows, strict=True)
    )


def _count_by_rail(connection: Connection, state: State) -> dict[str, int]:
    rail = payments.c.rail
    query = sa.select(rail, sa.func.count().label("payments")).where(
        payments.c.state == state.value
    )
    found = connection.execute(query.group_by(rail).order_by(rail))
    return {row.rail: int(row.payments) for row in found}
