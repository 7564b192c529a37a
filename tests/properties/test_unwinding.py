"""A window unwound is, to the unit, the window that would have closed without who failed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.properties.test_failed import (
    DECIDED,
    FAILED,
    MERCHANTS,
    PARTICIPANTS,
    RATES,
    SECOND,
    SOME,
    THIRD,
    TRADES,
    Trade,
    World,
    before,
    engine,
    records_of,
)
from tests.size import examples

from settle.clearing import Closing, Cutoff, Unwound, tables, unwind, unwinding
from settle.clearing.computation import Stand
from settle.clearing.lake import Lake
from settle.clearing.rewinding import stand_before
from settle.clearing.standing import Standing
from settle.clearing.unsettled import Unsettled
from settle.errors import SettleError
from settle.ledger import balances, clearing_is_empty, trial_balance
from settle.ledger.tables import journal

__all__ = ["before", "engine"]  # fixtures of the windows that close with a failure

AT = Cutoff().ends_at(SECOND) + timedelta(hours=2)
LATER = "closed_at outcome"
"""What of a window's own row says when and how often it was computed."""


def unwound(world: World, failed: Collection[str], **more: Any) -> Unwound:
    where = {name: world.where[name] for name in ("store", "engine", "lake", "cutoff")}
    return unwind(
        SECOND, failed=failed, actor="ada", reason="insolvent", at=AT, rates=RATES,
        **{**where, **more},
    )  # fmt: skip


class Twice:
    """One day closed with who failed named at once, and closed first and unwound afterwards."""

    def __init__(
        self, before: World, trades: dict[str, list[Trade]], failed: Collection[str]
    ) -> None:
        folder = f"unwound-{len(list(before.folder.parent.iterdir()))}"
        records = records_of(trades, SECOND)
        self.failed = sorted(failed)
        self.at_once = before.doubled(f"{folder}-at-once")
        self.unwound = before.doubled(f"{folder}-afterwards")
        for world in (self.at_once, self.unwound):
            world.take(records, SECOND)
        self.at_once.close(SECOND, self.failed)


def rows_of(world: World, table: sa.Table, order: str) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name not in LATER.split()}
        for row in world.rows(table, order=order)
    ]


OWN = {
    tables.covers: "agreement_id currency source source_id window_id",
    tables.windows: "window_id",
    tables.left_out: "window_id batch_id participant_id reason",
    tables.manifests: "window_id batch_id",
}


def check_the_same_is_decided(both: Twice) -> None:
    """Positions, obligations, reserves, rests, volume, manifests: row by row."""
    for table, order in (DECIDED | OWN).items():
        if table is not journal:
            assert rows_of(both.at_once, table, order) == rows_of(both.unwound, table, order), table
    waits = [
        [{k: v for k, v in row.items() if k != "digest"} for row in
         rows_of(world, tables.deferrals, "window_id settles_in")]
        for world in (both.at_once, both.unwound)
    ]  # fmt: skip
    assert waits[0] == waits[1]


def check_the_ledger_is_the_same(both: Twice) -> None:
    """Every account has the same balance, and nothing stays on the clearing account."""
    found = []
    for world in (both.at_once, both.unwound):
        with world.store.reading() as connection:
            told = balances(connection)
        assert all(proof.holds for proof in (*trial_balance(told), *clearing_is_empty(told)))
        found.append([balance for balance in told if balance.balance_minor])
    assert found[0] == found[1]


def check_nothing_was_edited(both: Twice, earlier: list[dict[str, Any]]) -> None:
    """The rows that the first outcome posted are there yet, each with one that reverses it."""
    rows = both.unwound.rows(journal, order="entry_id")
    assert [row for row in rows if row["event"] == "close"] == earlier
    close = [row for row in earlier if row["subject"] == SECOND.isoformat()]
    back = [row for row in rows if row["event"] == "unwind/1"]
    assert sorted((r["debit"], r["credit"], r["currency"], r["amount_minor"]) for r in close) == (
        sorted((r["credit"], r["debit"], r["currency"], r["amount_minor"]) for r in back)
    )
    assert {THIRD} == {row["posted_on"] for row in rows if row["event"] in ("unwind/1", "close/2")}


def hold(both: Twice) -> None:
    both.unwound.close(SECOND)
    earlier = both.unwound.rows(journal, order="entry_id")
    told = unwound(both.unwound, both.failed)
    assert told.is_done
    assert both.failed == list(told.closing.failed)
    check_the_same_is_decided(both)
    check_the_ledger_is_the_same(both)
    check_nothing_was_edited(both, earlier)
    again = unwound(both.unwound, both.failed[:1])
    assert (told.closing, ()) == (again.closing, again.changes)


@settings(
    deadline=None, max_examples=examples(2, full=20), phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(
    trades=st.fixed_dictionaries(dict.fromkeys(sorted(MERCHANTS), TRADES)),
    failed=st.sets(st.sampled_from(PARTICIPANTS), min_size=1, max_size=5),
)
def test_unwound_is_as_if_they_had_been_named_to_the_close(
    before: World, trades: dict[str, list[Trade]], failed: set[str]
) -> None:
    """Sixteen agreements a window, agents and principals: the same rows, balances and proofs."""
    hold(Twice(before, trades, failed))


def test_one_after_the_other_is_all_at_once(before: World) -> None:
    """A window unwound for one, and then for the others, is the one unwound for all of them."""
    both = Twice(before, SOME, FAILED)
    both.unwound.close(SECOND)
    for n in range(len(FAILED)):
        told = unwound(both.unwound, FAILED[: n + 1])
        assert (n + 2, sorted(FAILED[: n + 1])) == (told.closing.outcome, list(told.closing.failed))
    check_the_same_is_decided(both)
    check_the_ledger_is_the_same(both)


def test_the_next_windows_come_to_the_same(before: World) -> None:
    """What waits settles late, and reserves, rests and volume are taken up as they stand."""
    both = Twice(before, SOME, FAILED)
    both.unwound.close(SECOND)
    unwound(both.unwound, FAILED)
    for world in (both.at_once, both.unwound):
        world.close(THIRD)
    check_the_same_is_decided(both)
    check_the_ledger_is_the_same(both)


def test_what_came_after_the_close_stays_out(before: World) -> None:
    """A batch of the window's own day that came too late for it is late all the same."""
    both = Twice(before, SOME, FAILED)
    both.unwound.close(SECOND)
    late = {"a0": [("sale", 1, "EUR", "P2")]}
    rows = [{**row, "record_id": "late"} for row in records_of({"A-a0": late["a0"]}, SECOND)]
    both.unwound.take(rows, SECOND)
    told = unwound(both.unwound, FAILED)
    assert told.left_out == sum(row["records"] for row in both.at_once.rows(
        tables.left_out, order="batch_id participant_id reason"))  # fmt: skip
    assert told.left_out + 1 == both.unwound.close(THIRD).late


def test_a_rehearsal_says_what_it_would_do_and_writes_nothing(before: World) -> None:
    """What it tells is what the unwinding then does; until then the store is as it was."""
    both = Twice(before, SOME, FAILED)
    world = both.unwound
    world.close(SECOND)
    tables_of = (*DECIDED, *OWN)
    orders = DECIDED | OWN
    stood = [world.rows(table, order=orders[table]) for table in tables_of]
    told = unwound(world, FAILED, rehearse=True)
    assert stood == [world.rows(table, order=orders[table]) for table in tables_of]
    assert not list(Path(world.where["lake"]).rglob("*.2.parquet"))
    done = unwound(world, FAILED)
    assert (told.changes, told.closing) == (done.changes, done.closing)
    assert not told.is_done
    owed = {row["obligation_id"]: row["amount_minor"]
            for row in world.rows(tables.obligations, order="obligation_id")}  # fmt: skip
    assert all(change.after_minor == owed.get(change.obligation_id, 0) for change in done.changes)


# ---- broken ones, each caught ----


def forgets_what_stood(connection: sa.Connection, closing: Closing, *, lake: Lake) -> Stand:
    return replace(stand_before(connection, closing, lake=lake), standing=Standing.of(connection))


def takes_what_came_since(connection: sa.Connection, closing: Closing, *, lake: Lake) -> Stand:
    sound = stand_before(connection, closing, lake=lake)
    fresh = {**sound.unsettled.fresh, **Unsettled.of(connection, lake).fresh}
    return replace(sound, unsettled=replace(sound.unsettled, fresh=fresh))


def leaves_the_journal(*_: object, **__: object) -> int:
    return 0


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("stand_before", forgets_what_stood),
        ("stand_before", takes_what_came_since),
        ("reverse_event", leaves_the_journal),
    ],
)
def test_a_broken_unwinding_is_caught(
    before: World, monkeypatch: pytest.MonkeyPatch, name: str, broken: Callable[..., Any]
) -> None:
    """The checks bite: each is seen, or refuses to commit."""
    both = Twice(before, SOME, FAILED)
    both.unwound.close(SECOND)
    late = {**records_of(SOME, SECOND)[0], "record_id": "late"}
    both.unwound.take([late], SECOND)
    monkeypatch.setattr(unwinding, name, broken)
    with pytest.raises((AssertionError, SettleError, sa.exc.IntegrityError)):
        unwind_and_check(both)


def unwind_and_check(both: Twice) -> None:
    unwound(both.unwound, FAILED)
    check_the_same_is_decided(both)
    check_the_ledger_is_the_same(both)
