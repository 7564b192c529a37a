"""The executor's bounds: its cut-off, its retries, its database, and what a late worker heard."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import (
    Conversation,
    Outcome,
    Payment,
    Rejected,
    Request,
    Response,
    commits,
)
from settle.adapters.pace import Pace
from settle.payments import InlineWriter, LookPolicy, PayPolicy, look_up, pay, polling
from settle.payments.lane import CONVERSATIONS_PER_CONNECTION
from settle.simulation.trial.rails import Heron, Lark
from settle.store import Store

WORLDS = Callable[..., Any]


async def paying(world: Any, *, worker: str = "night", **options: Any) -> Any:
    """Pay in a world, with options of its own."""
    options.setdefault("writer", InlineWriter(world.store))
    return await pay(
        world.store, world.rails(), clock=world.clock, worker=worker, day=world.now.date(),
        sleep=world.sleep, **options,
    )  # fmt: skip


def posts(world: Any) -> list[str]:
    """The targets of the requests that moved money."""
    moving = {"/payments", "/batches"}
    return [r.target for r in world.network.sent if r.method == "POST" and r.target in moving]


async def test_once_a_rails_cut_off_has_passed_nothing_of_it_leaves(worlds: WORLDS) -> None:
    """Its payments stay approved and untouched; the other rail's are paid."""
    world = worlds(4, rejected=False)
    world.prepare()
    paid = await paying(world, cut_offs={"lark": world.now, "heron": world.now + timedelta(1)})
    assert {"lark"} == paid.cut_off
    assert ["/batches"] == posts(world)
    assert {"approved": 2, "accepted": 2} == world.states()


async def test_a_payment_on_its_way_to_the_wire_is_stopped_by_the_cut_off(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was prepared in time and would move money too late moves nothing, and waits."""
    world = worlds(1, rejected=False)
    world.prepare()
    healthy = world.wire.send

    async def slow(self: Any, composed: Any) -> Any:
        if composed.url.path == "/payees":
            world.now += timedelta(hours=1)
        return await healthy(self, composed)

    with monkeypatch.context() as night:
        night.setattr(world.wire, "send", slow)
        paid = await paying(world, cut_offs={"lark": world.now + timedelta(minutes=30)})
    assert ([], 1) == (posts(world), paid.not_moved)
    assert {"approved": 1} == world.states()
    assert world.violations() == []
    await paying(world)
    assert world.lost() == []


async def test_a_payment_that_waits_for_its_turn_is_stopped_by_the_cut_off(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the intent, which the cut-off is held against, and the wire nothing waits."""
    world = worlds(1, rejected=False)
    world.prepare()

    async def turn(self: Any, *, rested: bool = False) -> None:
        world.now += timedelta(minutes=20)

    monkeypatch.setattr(Pace, "turn", turn)
    paid = await paying(world, cut_offs={"lark": world.now + timedelta(minutes=50)})
    assert ([], 1) == (posts(world), paid.not_moved)


async def test_no_wait_goes_beyond_the_cut_off(worlds: WORLDS) -> None:
    """A rail that moves nothing is waited for until then, and no longer."""
    world = worlds(1, rejected=False)
    world.prepare()
    world.fail(1, "refused", span=1000)
    cut_off = world.now + timedelta(minutes=1)
    patient = PayPolicy(attempts_max=99, rounds_max=99, wait_s=3600.0, wait_max_s=3600.0)
    paid = await paying(world, cut_offs={"lark": cut_off}, policy=patient)
    assert (cut_off, {"lark"}) == (world.now, paid.cut_off)


def test_retries_have_a_budget_over_all_payments_of_a_rail() -> None:
    """A fifth of the payments and a few more are tried again, and then none is."""
    policy = PayPolicy(attempts_max=3, retries_percent=20, retries_min=2)
    tries = {f"P-{n}": 1 for n in range(10)}
    assert frozenset() == policy.tried_enough(tries)
    assert frozenset({"P-0"}) == policy.tried_enough(tries | {"P-0": 3})
    spent = tries | {"P-0": 3, "P-1": 3}
    assert frozenset(spent) == policy.tried_enough(spent)


async def test_a_rail_that_moves_nothing_is_not_asked_beyond_the_budget(worlds: WORLDS) -> None:
    """However patient the rounds are, one retry is all there is here."""
    world = worlds(1, rejected=False)
    world.prepare()
    world.fail(1, "refused", span=1000)
    paid = await paying(
        world,
        policy=PayPolicy(attempts_max=50, rounds_max=50, retries_percent=0, retries_min=1),
    )
    assert 2 == paid.not_moved


def test_a_rail_that_asks_for_rest_gets_it_between_rounds_within_bounds() -> None:
    """Longer than our own back-off ever is, and never as long as it likes."""
    policy = PayPolicy()
    assert [0.25, 30.0, policy.retry_after_max_s, policy.wait_max_s] == [
        policy.wait(1, 0.0), policy.wait(1, 30.0), policy.wait(9, 1e9), policy.wait(9, 0.0),
    ]  # fmt: skip


LOST = sa.exc.OperationalError("commit", None, Exception("the connection is closed"))


class LosingWriter(InlineWriter):
    """A writer whose database goes away at one work, before or after it was committed."""

    def __init__(self, store: Store, *, at: str, committed: bool) -> None:
        super().__init__(store)
        self.at, self.committed, self.gone = at, committed, False
        self.last = ""

    async def write(self, work: Any, item: Any) -> Any:
        if self.gone:
            raise LOST
        self.gone = getattr(work, "__name__", "") == self.at
        if self.gone and not self.committed:
            raise LOST
        done = await super().write(work, item)
        if self.gone:
            raise LOST
        self.last = work.__name__
        return done


@pytest.mark.parametrize("committed", [False, True], ids=["not committed", "committed"])
@pytest.mark.parametrize("work", ["claim", "keep_intents", "keep_answers", "end"])
async def test_a_worker_that_loses_its_database_acts_on_nothing_it_could_not_commit(
    worlds: WORLDS,
    work: str,
    committed: bool,  # noqa: FBT001  # pytest gives it by name
) -> None:
    """It ends with the error, has told nobody of an outcome, and the next one finds its work."""
    world = worlds()
    world.prepare()
    writer = LosingWriter(world.store, at=work, committed=committed)
    told: list[str] = []
    with pytest.raises(sa.exc.OperationalError):
        await paying(world, writer=writer, progress=lambda _: told.append(writer.last))
    assert {"end"} >= set(told)
    before = len(posts(world))
    assert not [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
    await world.night()
    assert {"accepted": 2, "rejected": 2} == world.states()
    assert (world.violations(), world.lost()) == ([], [])
    assert before <= len(posts(world))


async def heard_late(
    world: Any, monkeypatch: pytest.MonkeyPatch, *, resends: int = 0
) -> list[dict[str, int]]:
    """A worker hears its answer an hour late, when another has found the payment open.

    The rail shows nothing of what it did for days. This returns the states when the first worker
    has ended, and when the second has looked once more.
    """
    world.bank.lag = timedelta(days=3)
    world.prepare()
    healthy = world.wire.send
    slept: list[Any] = []

    async def look() -> None:
        await look_up(
            world.store, world.rails(), clock=world.clock, worker="second", ids=world.next_id,
            writer=InlineWriter(world.store), policy=LookPolicy(resends_max=resends),
        )  # fmt: skip

    async def slow(self: Any, composed: Any) -> Any:
        answer = await healthy(self, composed)
        if composed.url.path == "/payments" and not slept:
            slept.append(answer)
            world.now += timedelta(hours=1)
            await look()
        return answer

    with monkeypatch.context() as night:
        night.setattr(world.wire, "send", slow)
        paid = await paying(world, worker="first")
    assert (1, 0) == (paid.lost, paid.accepted + paid.rejected)
    first = world.states()
    sent = len(posts(world))
    await look()
    assert sent == len(posts(world)) or resends
    return [first, world.states()]


@pytest.mark.parametrize(("refused", "end"), [(False, "accepted"), (True, "rejected")])
async def test_what_a_worker_heard_too_late_is_acted_on_by_who_looks_next(
    worlds: WORLDS,
    monkeypatch: pytest.MonkeyPatch,
    refused: bool,  # noqa: FBT001  # pytest gives it by name
    end: str,
) -> None:
    """The answer is stored, its worker decides nothing, and nothing is sent to hear it."""
    world = worlds(1, rejected=refused)
    assert [{"unknown": 1}, {end: 1}] == await heard_late(world, monkeypatch)
    assert world.violations() == []


async def test_what_was_heard_too_late_stays_unknown_where_nobody_listens(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stored answer, and nothing else, is what ended it."""

    async def deaf(*_: Any) -> int:
        return 0

    monkeypatch.setattr(polling, "hear", deaf)
    world = worlds(1, rejected=False)
    assert [{"unknown": 1}, {"unknown": 1}] == await heard_late(world, monkeypatch)


class Crossed(Lark):
    """An adapter that calls a conflict a rejection."""

    def submit(self, payment: Payment) -> Conversation[Outcome]:
        reply = yield commits(Request(method="POST", path="/payments", content=b"{}"))
        return Rejected(code=str(reply.status), reason="another content under this key")


class Broken(Lark):
    """An adapter with a bug, before or after the request that moves money."""

    before = False

    def submit(self, payment: Payment) -> Conversation[Outcome]:
        if self.before:
            raise TypeError("a bug")
        yield from super().submit(payment)
        raise TypeError("a bug")


async def test_an_answer_that_says_the_key_is_known_is_never_a_rejection(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the adapter makes of it, the payment stays unknown and is asked about."""
    world = worlds(1, rejected=False)
    world.adapters = (Crossed, Heron)
    world.prepare()

    async def conflict(_: Any, __: Any) -> Response:
        return Response(status=409)

    with monkeypatch.context() as night:
        night.setattr(world.wire, "send", conflict)
        paid = await paying(world)
    assert (1, 0) == (paid.unknown, paid.rejected)
    monkeypatch.setattr(world.wire, "send", lambda *_: _answered(Response(status=422)))
    documented = worlds(1, rejected=False)
    documented.adapters = (Crossed, Heron)
    documented.prepare()
    assert 1 == (await paying(documented)).rejected


async def _answered(response: Response) -> Response:
    return response


async def test_an_unmapped_error_after_the_commits_began_is_unknown(worlds: WORLDS) -> None:
    """The bank has done it; a bug of the adapter's afterwards decides nothing."""
    world = worlds(1, rejected=False)
    world.adapters = (Broken, Heron)
    world.prepare()
    paid = await paying(world)
    assert (1, {"unknown": 1}) == (paid.unknown, world.states())
    world.adapters = (Lark, Heron)
    await world.night()
    assert (world.violations(), world.lost()) == ([], [])


async def test_a_bug_before_anything_left_surfaces_and_leaves_the_payment(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing moved, so the payment waits for a healthy adapter."""
    world = worlds(1, rejected=False)
    world.adapters = (Broken, Heron)
    monkeypatch.setattr(Broken, "before", True)
    world.prepare()
    with pytest.raises(TypeError, match="a bug"):
        await paying(world)
    assert ({"approved": 1}, []) == (world.states(), posts(world))


async def test_conversations_at_once_are_bounded_by_the_rails_own_limit(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rail that takes two at once is never talked to in more than two times eight."""
    world = worlds(80, rejected=False)
    world.prepare()
    healthy = world.wire.send
    at_once: list[int] = [0, 0]

    async def counted(self: Any, composed: Any) -> Any:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0)
        answer = await healthy(self, composed)
        at_once[0] -= 1
        return answer

    monkeypatch.setattr(world.wire, "send", counted)
    assert 80 == (await paying(world)).accepted
    rails = [Lark, Heron]
    assert 2 < at_once[1] <= 2 * CONVERSATIONS_PER_CONNECTION * len(rails)
