"""A worker's name is borne by one run at a time: a newer one fences off those before it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import LEAVES_WITHIN, Accepted, Request, Response, commits
from settle.errors import BadInput
from settle.payments.claiming import Claim, claim
from settle.payments.ending import End, end
from settle.payments.exchanges import LeaseLost, StoreRecorder, histories
from settle.payments.fences import Fenced, name_of, succeed
from settle.payments.lane import Run, event_of
from settle.payments.leasing import Lease
from settle.payments.retaking import resend, take_over, take_up
from settle.payments.sending import Sending
from settle.payments.tables import payments
from settle.payments.writer import InlineWriter
from settle.store import Store

PAY = commits(Request(method="POST", path="/pay"))


def lease(desk: Any, worker: str) -> Lease:
    return Lease(rail="single", worker=worker, now=desk.now, length=timedelta(minutes=5))


def recorder(desk: Any, worker: str) -> StoreRecorder:
    return StoreRecorder(writer=InlineWriter(desk.store), clock=desk.clock, worker=worker)


def taken(desk: Any, worker: str) -> list[Sending]:
    with desk.store.transaction() as connection:
        (sendings,) = take_over(connection, [lease(desk, worker)])
    return list(sendings)


def holders(store: Store) -> list[str | None]:
    with store.reading() as connection:
        query = sa.select(payments.c.worker).order_by(payments.c.payment_id)
        return list(connection.scalars(query))


def test_each_run_takes_its_name_with_the_next_number(desk: Any, store: Store) -> None:
    """Of fixed width, and counted for each name by itself."""
    names = [succeed(store, name, now=desk.now) for name in ("night", "night", "day", "night")]
    assert ["night#0000000001", "night#0000000002", "day#0000000001", "night#0000000003"] == names
    assert ["night", "plain"] == [name_of("night#0000000001"), name_of("plain")]


@pytest.mark.parametrize("name", ["", "night#0000000001"])
def test_a_name_that_looks_numbered_is_refused(desk: Any, store: Store, name: str) -> None:
    """It could pass for another run."""
    with pytest.raises(BadInput, match="worker"):
        succeed(store, name, now=desk.now)


def test_a_newcomer_takes_over_what_its_name_has_and_nobody_elses(desk: Any, store: Store) -> None:
    """Its own name without a number is from before there were numbers."""
    desk.ready(*desk.dues(7))
    claimed = [payment for sending in desk.claim() for payment in sending.payments]
    others = ("night", "night#0000000001", "day#0000000001", "nigh#0000000001", "nightly",
              "night0#0000000001", "night#0000000009")  # fmt: skip
    with store.transaction() as connection:
        for payment, worker in zip(claimed, others, strict=True):
            here = payments.c.payment_id == payment.payment_id
            connection.execute(sa.update(payments).where(here).values(worker=worker))
    second = [succeed(store, "night", now=desk.now) for _ in range(2)][-1]
    assert 2 == len(taken(desk, second))
    assert [second, second, *others[2:]] == holders(store)


def test_who_is_succeeded_takes_nothing_more(desk: Any, store: Store) -> None:
    """Neither what is new nor what is open, and the error names the successor."""
    desk.ready(*desk.dues(2))
    first = succeed(store, "night", now=desk.now)
    second = succeed(store, "night", now=desk.now)
    own = lease(desk, first)
    wish = Claim(lease=own, count_max=9, batch_size_max=None, day=desk.now.date())
    works: list[tuple[Any, Any]] = [
        (claim, wish), (take_over, own), (resend, (own, ["c"])), (take_up, (own, ["c"])),
    ]  # fmt: skip
    for work, asked in works:
        said = f"{second} has succeeded {first} at 2024-12-18"
        with pytest.raises(Fenced, match=said) as found, store.transaction() as connection:
            work(connection, [asked])
        assert (first, second) == (found.value.worker, found.value.by)
    assert [None, None] == holders(store)


async def test_from_its_successors_commit_on_an_intent_is_refused(desk: Any, store: Store) -> None:
    """Also while nobody has taken the payment over yet."""
    desk.ready(*desk.dues(1))
    first = succeed(store, "night", now=desk.now)
    (sending,) = desk.claim(worker=first)
    await recorder(desk, first).intent(sending.conversation_id, 0, PAY)
    second = succeed(store, "night", now=desk.now)
    with pytest.raises(LeaseLost):
        await recorder(desk, first).intent(sending.conversation_id, 1, PAY)
    assert [first] == holders(store)
    assert 1 == len(taken(desk, second))
    with pytest.raises(LeaseLost):
        await recorder(desk, first).intent(sending.conversation_id, 1, PAY)


async def test_the_late_answer_is_kept_and_its_ending_is_the_successors(
    desk: Any, store: Store
) -> None:
    """What was heard is evidence; what it means is said by who holds the payment."""
    desk.ready(*desk.dues(1))
    first = succeed(store, "night", now=desk.now)
    (sending,) = desk.claim(worker=first)
    late = recorder(desk, first)
    await late.intent(sending.conversation_id, 0, PAY)
    second = succeed(store, "night", now=desk.now)
    await late.answer(sending.conversation_id, 0, Response(status=201, content=b"T1"))
    event = event_of(sending.rows[0], Accepted(), desk.now)
    with store.transaction() as connection:
        ending = End(events=[event], worker=first, recorded_at=desk.now)
        assert [[]] == [list(each) for each in end(connection, [ending])]
        kept = histories(connection, [sending.conversation_id])[sending.conversation_id]
    assert [Response(status=201, content=b"T1")] == [entry.response for entry in kept]
    (mine,) = taken(desk, second)
    with store.transaction() as connection:
        ending = End(events=[event], worker=second, recorded_at=desk.now)
        assert [[event]] == [list(each) for each in end(connection, [ending])]
    assert mine.commit is not None


def test_a_run_that_lost_payments_says_to_whom(desk: Any, store: Store) -> None:
    """To its successor: that is an error. To another worker, as leases end: that is none."""
    first = succeed(store, "night", now=desk.now)
    run = Run(clock=desk.clock, worker=first, lease_length=timedelta(minutes=5))
    run.surface(store, lost=1)
    second = succeed(store, "night", now=desk.now)
    run.surface(store)
    with pytest.raises(Fenced, match=second):
        run.surface(store, lost=1)


def test_no_lease_outlasts_a_permit_to_leave(desk: Any) -> None:
    """After a restore a search waits for as long as the permit lasts, and no longer."""
    with pytest.raises(BadInput, match="longer than 0:15:00"):
        Run(clock=desk.clock, worker="night", lease_length=LEAVES_WITHIN + timedelta(seconds=1))
