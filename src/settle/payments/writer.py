"""Group commit: many small writes, one transaction, and no answer before it is durable."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy.engine import Connection

from settle.store import Store, uncollected

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741

Work = Callable[[Connection, Sequence[I]], Sequence[O]]
"""Something that writes many items with few statements, and gives one result for each."""

GROUP_MAX = 256
"""Writes per transaction at most; more wait for the next, so that nobody waits long."""


class Writer(Protocol):
    """What makes writes durable. A write's result is given only after its commit."""

    async def write(self, work: Work[I, O], item: I) -> O:
        """Do `work` for one item, perhaps together with others of the same work."""
        ...


class InlineWriter:
    """A writer that commits each write by itself, in the caller. This is for the simulation."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def write(self, work: Work[I, O], item: I) -> O:
        """Do the work in a transaction of its own."""
        return _alone(self._store, work, item)


@dataclass(slots=True)
class _Waiting:
    work: Work[Any, Any]
    item: Any
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class ThreadWriter:
    """A writer with one thread, which commits what has queued up meanwhile as one group.

    Items of the same work are given to it together. Within a group the works run in the order
    in which they first came: writes that depend on one another are awaited one by one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="settle-writer", daemon=True)

    async def write(self, work: Work[I, O], item: I) -> O:
        """Queue the work, and wait until its group is committed."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(work=work, item=item, future=loop.create_future())
        self._queue.put(waiting)
        result: O = await waiting.future
        return result

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._thread.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group, ended = self._group(first)
            self._commit(group)
            self._loop.call_soon_threadsafe(_resolve, group)
            if ended:
                return

    def _group(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        group = [first]
        while len(group) < GROUP_MAX:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return group, True
            group.append(following)
        return group, False

    def _commit(self, group: Sequence[_Waiting]) -> None:
        try:
            with uncollected(), self._store.transaction() as connection:
                for work, members in _by_work(group):
                    results = work(connection, [member.item for member in members])
                    for member, result in zip(members, results, strict=True):
                        member.result = result
        except Exception:  # noqa: BLE001  # whose it is shows when each is done alone
            for member in group:
                self._commit_alone(member)

    def _commit_alone(self, member: _Waiting) -> None:
        try:
            member.result = _alone(self._store, member.work, member.item)
        except Exception as error:  # noqa: BLE001  # it is given to whoever waits for it
            member.error = error


@asynccontextmanager
async def writing(store: Store, writer: Writer | None) -> AsyncIterator[Writer]:
    """The writer given, or one with a thread of its own for as long as this lasts."""
    if writer is not None:
        yield writer
        return
    async with ThreadWriter(store) as own:
        yield own


def _alone(store: Store, work: Work[I, O], item: I) -> O:
    with uncollected(), store.transaction() as connection:
        (result,) = work(connection, [item])
    return result


def _by_work(group: Iterable[_Waiting]) -> Iterable[tuple[Work[Any, Any], list[_Waiting]]]:
    works: dict[Work[Any, Any], list[_Waiting]] = {}
    for member in group:
        works.setdefault(member.work, []).append(member)
    return works.items()


def _resolve(group: Sequence[_Waiting]) -> None:
    for member in group:
        if member.future.done():  # whoever waited was cancelled; the write stands all the same
            continue
        if member.error is not None:
            member.future.set_exception(member.error)
        else:
            member.future.set_result(member.result)
