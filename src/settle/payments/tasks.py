"""Several pieces of work at once, of which none goes on once one has failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

T = TypeVar("T")


async def all_of(works: Iterable[Awaitable[T]]) -> list[T]:
    """Do all of them, and give their results in order.

    The first error ends the others, and surfaces once they have ended: nobody goes on sending
    for a run that is over, and nobody writes with a writer that is closed.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
