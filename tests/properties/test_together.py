"""Of many worlds that are netted as one, the one that breaks a promise is told, and alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pytest
from tests.properties.together import Window, apart, hold, of_each, split, together


@dataclass(frozen=True)
class Sums:
    """What amounts come to by agreement."""

    summed: pa.Table


@dataclass(frozen=True)
class Amounts:
    """A world of amounts, and of rows that nothing looks at."""

    rows: Sequence[dict[str, Any]] = field(default_factory=list)
    terms: Sequence[dict[str, Any]] = field(default_factory=list)


def amounts(*values: int) -> Amounts:
    """A world of one agreement."""
    return Amounts(
        [{"agreement_id": "A", "amount_minor": value} for value in values],
        [{"agreement_id": "A", "fx_party": "hub", "schedule_id": None}],
    )


def summed(world: Amounts) -> Sums:
    table = pa.Table.from_pylist([*world.rows]).group_by("agreement_id")
    return Sums(table.aggregate([("amount_minor", "sum")]))


def window_of(*worlds: Amounts) -> Window[Amounts, Sums]:
    return Window(worlds, summed, split)


def is_small(result: Sums, world: Amounts) -> None:
    """A sum is below 100."""
    assert max(result.summed.column("amount_minor_sum").to_pylist()) < 100


def test_each_world_has_what_it_comes_to_alone() -> None:
    """Names are apart while worlds are summed as one, and each world's own again afterwards."""
    window = window_of(amounts(1, 2), amounts(30), amounts(4, 5))
    assert [3, 30, 9] == [r.summed.column("amount_minor_sum")[0].as_py() for r, _ in window.each]
    assert {"A"} == {r.summed.column("agreement_id")[0].as_py() for r, _ in window.each}
    assert {"hub", None} == {
        row[name] for row in together(window.worlds).terms for name in ("fx_party", "schedule_id")
    }


def test_a_row_that_names_nobody_is_no_worlds() -> None:
    """A sum over all worlds cannot be told of one."""
    rows = [{"currency": "EUR"}, {"row": "agreement/A@1/P1@1/EUR"}]
    assert [[], [{"row": "agreement/A/P1/EUR"}]] == apart(rows, 2)


def test_the_world_that_breaks_a_promise_is_told_with_the_rows_it_takes() -> None:
    """One of many fails: the error is its own, and its note has the one row to blame."""
    many = [amounts(n, 1) for n in range(40)]
    many[23] = amounts(7, 100, 8)
    with pytest.raises(AssertionError) as caught:
        hold(of_each(is_small), [window_of(*many[:20]), window_of(*many[20:])])
    (note,) = caught.value.__notes__
    assert ["100"] == re.findall(r"'amount_minor': (\d+)", note)
    assert "@" not in note


def test_what_only_many_break_says_so() -> None:
    """A promise that every world keeps alone is not laid to one of them."""

    def few(window: Window[Amounts, Sums]) -> None:
        assert len(window.worlds) < 3

    with pytest.raises(AssertionError) as caught:
        hold(few, [window_of(*map(amounts, range(6)))])
    assert ["no world breaks it alone, but these 3 do together"] == caught.value.__notes__


def test_a_promise_that_holds_is_silent() -> None:
    """Nothing is raised where nothing is broken."""
    hold(of_each(is_small), [window_of(amounts(1), amounts(2))])
