"""A backup taken in the midst of a run and put back after it sends nothing, whoever asks it to."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Request, commits
from settle.errors import Restored
from settle.hub.epoch import Epoch
from settle.payments.exchanges import LeaseLost, StoreRecorder
from settle.payments.fences import succeed
from settle.payments.forgetting import catch_up, has_forgotten, telling
from settle.payments.leasing import Lease
from settle.payments.retaking import resend, take_over
from settle.payments.sending import Sending
from settle.payments.tables import epochs, fences, restores
from settle.payments.writer import InlineWriter
from settle.store import Store, Watermark

PAY = commits(Request(method="POST", path="/pay"))


@pytest.fixture
def told(store: Store, tmp_path: Path) -> Store:
    """The store, which tells in a folder how far it has got."""
    return Store(store.engine, watermark=Watermark(tmp_path / "lake" / "epochs"))


@pytest.fixture
def keen(desk: Any, told: Store) -> Any:
    """A desk on it, with payments that are ready."""
    desk.store = told
    desk.ready(*desk.dues(3))
    return desk


async def sent(desk: Any, worker: str, sending: Sending) -> None:
    """An intent of one conversation is stored and told."""
    recorder = StoreRecorder(
        writer=InlineWriter(desk.store), clock=desk.clock, worker=worker,
        tell=telling(desk.store, worker),
    )  # fmt: skip
    await recorder.intent(sending.conversation_id, 0, PAY)


def counts(store: Store) -> list[int]:
    with store.reading() as connection:
        return list(connection.scalars(sa.select(fences.c.sent)))


def told_of(store: Store) -> int:
    """What stands outside of the store, as another process reads it."""
    with store.reading() as connection:
        store_id = str(connection.scalar(sa.select(epochs.c.store_id)))
    (count,) = store.watermark.reached(store_id).values()
    return count


def put_back(store: Store, *, sent: int) -> None:
    """The count of a backup that was taken when so much was sent."""
    with store.transaction() as connection:
        connection.execute(sa.update(fences).values(sent=sent))


async def test_each_group_of_intents_counts_and_is_told_before_anything_leaves(
    keen: Any, told: Store
) -> None:
    """By name: whatever its runs, a name counts on."""
    first = succeed(told, "a/b", now=keen.now)
    one, two, three = keen.claim(worker=first)
    await sent(keen, first, one)
    await sent(keen, first, two)
    assert ([2], 2) == (counts(told), told_of(told))
    second = succeed(told, "a/b", now=keen.now)
    with pytest.raises(LeaseLost):
        await sent(keen, first, three)
    assert ([2], 2) == (counts(told), told_of(told))
    with told.transaction() as connection:
        lease = Lease(rail="single", worker=second, now=keen.now, length=timedelta(minutes=5))
        assert 3 == len(take_over(connection, [lease])[0])
    await sent(keen, second, three)
    assert ([3], 3) == (counts(told), told_of(told))


async def test_a_backup_taken_in_the_midst_of_a_run_is_noticed(keen: Any, told: Store) -> None:
    """It takes nothing and sends nothing again, without a hub that asks, until it may go on."""
    worker = succeed(told, "night", now=keen.now)
    one, two, _ = keen.claim(worker=worker)
    await sent(keen, worker, one)
    await sent(keen, worker, two)
    with told.transaction() as connection:
        assert not has_forgotten(connection)
    put_back(told, sent=1)
    lease = Lease(rail="single", worker=worker, now=keen.now, length=timedelta(minutes=5))
    with pytest.raises(Restored, match="settle search"):
        keen.claim(worker=worker)
    with pytest.raises(Restored), told.transaction() as connection:
        resend(connection, [(lease, [one.conversation_id])])
    with told.transaction() as connection:
        assert has_forgotten(connection)
        catch_up(connection)
    assert [2] == counts(told)
    assert [] == keen.claim(worker=worker)


async def test_a_name_that_the_backup_never_heard_of_is_noticed_too(keen: Any, told: Store) -> None:
    """It was taken before the name's first run."""
    worker = succeed(told, "night", now=keen.now)
    (sending, *_) = keen.claim(worker=worker)
    await sent(keen, worker, sending)
    with told.transaction() as connection:
        connection.execute(sa.delete(fences))
    with pytest.raises(Restored):
        keen.claim(worker="other")
    with told.transaction() as connection:
        catch_up(connection)
    assert [1] == counts(told)
    assert "night#0000000001" == succeed(told, "night", now=keen.now)


async def test_a_store_that_died_before_it_told_goes_on(keen: Any, told: Store) -> None:
    """What is committed and not told has not left."""
    worker = succeed(told, "night", now=keen.now)
    one, two, _ = keen.claim(worker=worker)
    await sent(keen, worker, one)
    quiet = StoreRecorder(writer=InlineWriter(told), clock=keen.clock, worker=worker)
    await quiet.intent(two.conversation_id, 0, PAY)
    assert ([2], 1) == (counts(told), told_of(told))
    assert [] == keen.claim(worker=worker)


def test_a_restore_that_the_store_itself_knows_of_stops_it(keen: Any, told: Store) -> None:
    """As `settle restore` writes it, on a machine without the lake."""
    row = {"restore_id": "r", "taken_at": keen.now, "restored_at": keen.now}
    with told.transaction() as connection:
        connection.execute(sa.insert(restores), row)
    with pytest.raises(Restored):
        keen.claim()
    with told.transaction() as connection:
        connection.execute(sa.update(restores).values(resumed_at=keen.now))
    assert 3 == len(keen.claim())


async def test_the_hub_notices_it_and_goes_on_after_a_persons_word(
    keen: Any, told: Store, tmp_path: Path
) -> None:
    """The count of runs is the same in the backup; that of intents is not."""
    worker = succeed(told, "night", now=keen.now)
    (sending, *_) = keen.claim(worker=worker)
    epoch = Epoch(told, tmp_path / "lake")
    epoch.count()
    await sent(keen, worker, sending)
    assert not epoch.was_restored()
    put_back(told, sent=0)
    assert epoch.was_restored()
    epoch.accept(actor="alice", at=keen.now)
    assert not epoch.was_restored()


def test_what_is_told_never_goes_back(tmp_path: Path) -> None:
    """A run that was slow tells later what it counted before."""
    slow, quick = Watermark(tmp_path), Watermark(tmp_path)
    quick.reach("s", "night", 6)
    slow.reach("s", "night", 5)
    quick.reach("s2", "a/b", 1)
    assert ({"night": 6}, {"a/b": 1}) == (slow.reached("s"), slow.reached("s2"))
    assert {} == Watermark(tmp_path / "nowhere").reached("s")


def test_a_run_killed_as_it_is_counted_beside_the_lake_is_no_restore(
    told: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The half that it leaves there is the count of no name."""
    epoch = Epoch(told, tmp_path / "lake")
    with monkeypatch.context() as killed:
        killed.setattr(Path, "replace", _die)
        with pytest.raises(KeyboardInterrupt):
            epoch.count()
    assert not epoch.was_restored()


def _die(*_: object) -> None:
    raise KeyboardInterrupt
