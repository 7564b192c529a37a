"""Work done at once ends at once."""

from __future__ import annotations

import asyncio

import pytest

from settle.payments.tasks import all_of


async def test_results_come_in_order() -> None:
    """Whoever is done first stands where it was asked."""

    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert [3, 1, 2] == await all_of(map(after, (3, 1, 2)))


async def test_the_first_error_ends_the_others_before_it_surfaces() -> None:
    """When the caller hears of it, nothing of the run is under way any more."""
    ended: list[str] = []

    async def fails() -> None:
        await asyncio.sleep(0)
        raise OSError("the database is gone")

    async def works(name: str) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append(name)

    with pytest.raises(OSError, match="gone"):
        await all_of([works("a"), fails(), works("b")])
    assert ["a", "b"] == ended
