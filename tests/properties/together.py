"""Many worlds as one window, in which none touches another: a plan costs more than its rows.

A world is a dataclass of lists of rows. What fails among many is told of one, made small.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pprint import pformat
from typing import Any, Generic, TypeVar

import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

NAMES = frozenset(
    (
        "agreement_id", "participant_id", "counterparty_id", "schedule_id", "fee_schedule",
        "fx_party", "record_id", "slice_id", "carry_id",
    )
)  # fmt: skip
"""What differs between worlds that are netted together."""

MARK = re.compile(r"@(\d+)")
W = TypeVar("W")
R = TypeVar("R")


def drawn(strategy: st.SearchStrategy[W], count: int) -> list[W]:
    """As many examples as asked for, drawn one by one: a long list would be the simplest one."""
    found: list[W] = []

    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(example=strategy)
    def collect(example: W) -> None:
        found.append(example)

    collect()
    return found


# ---- many as one, and one as many ----


def together(worlds: Sequence[W]) -> W:
    """Many worlds as one, each under names that no other has."""
    first: Any = worlds[0]
    whole: W = replace(
        first,
        **{
            field.name: [
                _marked(row, number)
                for number, world in enumerate(worlds)
                for row in getattr(world, field.name)
            ]
            for field in fields(first)
        },
    )
    return whole


def _marked(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    return {
        name: f"{value}@{number}" if name in NAMES and value not in (None, "hub") else value
        for name, value in row.items()
    }


def apart(rows: Iterable[Mapping[str, Any]], count: int) -> list[list[dict[str, Any]]]:
    """The rows of each world under its own names. A row that names none is no world's."""
    found: list[list[dict[str, Any]]] = [[] for _ in range(count)]
    for row in rows:
        texts = {name: value for name, value in row.items() if isinstance(value, str)}
        if mark := next(filter(None, map(MARK.search, texts.values())), None):
            bare = {name: MARK.sub("", value) for name, value in texts.items()}
            found[int(mark[1])].append({**row, **bare})
    return found


def split(result: R, count: int) -> list[R]:
    """A dataclass of tables, of many worlds, as one of each world."""
    whole: Any = result
    parts = {
        field.name: [pa.Table.from_pylist(rows, schema=table.schema)
                     for rows in apart(table.to_pylist(), count)]
        for field in fields(whole)
        if isinstance(table := getattr(whole, field.name), pa.Table)
    }  # fmt: skip
    return [
        replace(whole, **{name: tables[number] for name, tables in parts.items()})
        for number in range(count)
    ]


@dataclass(frozen=True)
class Window(Generic[W, R]):
    """Worlds that are run as one: `run` gives what one comes to, `split` what each of many."""

    worlds: Sequence[W]
    run: Callable[[W], R]
    split: Callable[[R, int], list[R]]

    @cached_property
    def world(self) -> W:
        """All of them as one."""
        return together(self.worlds)

    @cached_property
    def whole(self) -> R:
        """What all of them come to."""
        return self.run(self.world)

    @cached_property
    def each(self) -> list[tuple[R, W]]:
        """What each comes to, and it."""
        return list(zip(self.split(self.whole, len(self.worlds)), self.worlds, strict=True))

    def of(self, *worlds: W) -> Window[W, R]:
        """Other worlds, run likewise."""
        return Window(worlds, self.run, self.split)


# ---- promises ----

Promise = Callable[[Window[W, R]], None]


def of_each(*checks: Callable[[R, W], None]) -> Promise[W, R]:
    """The promise that every world of a window passes these."""

    def promise(window: Window[W, R]) -> None:
        for result, world in window.each:
            for check in checks:
                check(result, world)

    return promise


def hold(promise: Promise[W, R], windows: Iterable[Window[W, R]]) -> None:
    """Hold a promise against every window.

    Raises:
        Exception: it is broken. This is told as one world breaks it, with the fewest rows.
    """
    for window in windows:
        if error := _failure(promise, window):
            raise _named(promise, window, error)


def _failure(promise: Promise[W, R], window: Window[W, R]) -> Exception | None:
    try:
        promise(window)
    except Exception as error:  # noqa: BLE001  # whatever a world can break
        return error
    return None


def _named(promise: Promise[W, R], window: Window[W, R], error: Exception) -> Exception:
    found = _alone(promise, window)
    if len(found.worlds) > 1:
        error.add_note(f"no world breaks it alone, but these {len(found.worlds)} do together")
        return error
    reason = _failure(promise, found) or error
    small = _smaller(promise, found, as_what=type(reason))
    reason = _failure(promise, small) or reason
    reason.add_note(f"the world that breaks it:\n{pformat(small.worlds[0], sort_dicts=False)}")
    return reason


def _alone(promise: Promise[W, R], window: Window[W, R]) -> Window[W, R]:
    """The first world that breaks it, or the fewest that do."""
    while len(window.worlds) > 1:
        middle = len(window.worlds) // 2
        halves = (window.of(*window.worlds[:middle]), window.of(*window.worlds[middle:]))
        broken = next((half for half in halves if _failure(promise, half)), None)
        if broken is None:
            return window
        window = broken
    return window


def _smaller(
    promise: Promise[W, R], window: Window[W, R], *, as_what: type[Exception]
) -> Window[W, R]:
    """The same world without the rows that it takes no part in."""
    for field in fields(window.worlds[0]):  # type: ignore[arg-type]  # a dataclass, see above
        rows = list(getattr(window.worlds[0], field.name))
        spans = [(0, len(rows)), *((n, n + 1) for n in reversed(range(len(rows))))]
        for start, end in spans:
            without = [*rows[:start], *rows[end:]]
            world: Any = window.worlds[0]
            fewer = window.of(replace(world, **{field.name: without}))
            if len(without) < len(rows) and type(_failure(promise, fewer)) is as_what:
                window, rows = fewer, without
    return window
