"""Lists of a few names, and a desk whose payees stand on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from settle.payments.screening import Entry, Screened, Screener, ScreeningList, Thresholds, screen

Listed = Callable[..., Screener]


def listed(*names: str, day: int = 1, thresholds: Thresholds | None = None) -> Screener:
    """A screener with one list, dated in December 2024, of an entry a name."""
    entries = tuple(Entry(entry_id=f"E-{n}", names=(name,)) for n, name in enumerate(names, 1))
    digest = "".join(entry.digest[:8] for entry in entries)
    found = ScreeningList("own", date(2024, 12, day), digest, entries)
    return Screener([found], thresholds or Thresholds())


class Screens:
    """A desk that screens."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.ids = (f"D-{n:05d}" for n in range(1, 10_000))

    def due(self, number: int, name: str, **changes: Any) -> Any:
        payee = replace(self.desk.due.beneficiary, name=name, **changes)
        return replace(self.desk.due, obligation_id=f"O-{number}", beneficiary=payee)

    def ready(self, *names: str) -> None:
        self.desk.ready(*(self.due(number, name) for number, name in enumerate(names, 1)))

    def screen(self, screener: Screener, *, releasing: bool = False) -> Screened:
        return screen(self.desk.store, screener, tenant="t", now=self.desk.now, releasing=releasing)

    def claimed(self) -> list[str]:
        return [row["beneficiary_name"] for sending in self.desk.claim() for row in sending.rows]


@pytest.fixture
def screens(desk: Any) -> Screens:
    """A desk on a fresh store that screens, on each database in turn."""
    return Screens(desk)


@pytest.fixture
def lists() -> Listed:
    """How to make a screener of names."""
    return listed
