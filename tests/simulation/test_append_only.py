"""A whole night, and no statement of it changes what is append-only."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

TABLES = "journal|payment_events|seal_blocks|sealed_rows|erasures"
CHANGES = re.compile(rf'^\s*(?:update|delete\s+from)\s+"?(?:{TABLES})\b', re.IGNORECASE)


async def test_a_night_only_adds_to_what_is_append_only(worlds: Callable[..., Any]) -> None:
    """Planned, paid, rejected, lost, found and paid again: every statement is looked at."""
    world = worlds(4)
    world.fail(3, "lost answer")
    said: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        said.append(statement)

    sa.event.listen(world.store.engine, "before_cursor_execute", hear)
    await world.nights(2)
    assert any(each.startswith("INSERT INTO payment_events") for each in said)
    assert any(each.startswith("INSERT INTO journal") for each in said)
    assert any(each.startswith("UPDATE payments") for each in said)
    assert [] == [each for each in said if CHANGES.match(each)]
    assert CHANGES.match("UPDATE journal SET credit = ?")
