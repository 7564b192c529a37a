"""Looking: what is paused is found and not sent again, and no silent rail hides another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from settle.adapters import Profile
from settle.adapters.wire import Silence
from settle.payments import missing
from settle.simulation.trial.rails import Heron, Lark

WORLDS = Callable[..., Any]
PAUSES = ({"paused": {"lark"}}, {"paused_currencies": {"SGD"}})


async def unknown(worlds: WORLDS, fault: str) -> Any:
    """A world whose one payment, on the rail with single calls, met a fault at its commits."""
    world = worlds(1, rejected=False)
    world.prepare()
    world.fail(3, fault)
    await world.pay()
    assert world.states() == {"unknown": 1}
    return world


@pytest.mark.parametrize("pause", PAUSES, ids=lambda pause: next(iter(pause)))
async def test_where_the_pause_switch_is_on_nothing_is_sent_again(
    worlds: WORLDS, pause: dict[str, Any]
) -> None:
    """The rail says that it does not know the payment, and it waits until the pause is over."""
    world = await unknown(worlds, "lost request")
    looked = await world.look(**pause)
    assert (1, 0, {"lark": 1}) == (looked.asked, looked.resent, looked.still_unknown_by_rail)
    assert not world.executed()
    looked = await world.look()
    assert (1, 0) == (looked.resent, looked.still_unknown)
    assert world.lost() == []


@pytest.mark.parametrize("pause", PAUSES, ids=lambda pause: next(iter(pause)))
async def test_what_a_paused_rail_executed_is_found(worlds: WORLDS, pause: dict[str, Any]) -> None:
    """Asking moves nothing, so a pause never keeps a payment unknown."""
    world = await unknown(worlds, "lost answer")
    looked = await world.look(**pause)
    assert ({}, {}) == (looked.still_unknown_by_rail, looked.silent)
    assert world.states() == {"accepted": 1}


async def test_a_silent_rail_is_named_and_the_others_are_searched(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first rail says nothing; what is unknown on the second is found all the same."""
    world = worlds(2, rejected=False)
    world.prepare()
    healthy = world.wire.send

    async def unanswered(self: Any, composed: Any) -> Any:
        answer = await healthy(self, composed)
        moves = composed.path in {"/payments", "/batches"}
        return Silence(reason="lost", sent=True) if moves else answer

    async def silent(self: Any, composed: Any) -> Any:
        if composed.path.startswith("/payments/"):
            return Silence(reason="no answer", sent=True)
        return await healthy(self, composed)

    with monkeypatch.context() as night:
        night.setattr(world.wire, "send", unanswered)
        await world.pay()
    assert world.states() == {"unknown": 2}
    with monkeypatch.context() as night:
        night.setattr(world.wire, "send", silent)
        looked = await world.look()
    assert ["lark"] == list(looked.silent)
    assert {"lark": 1} == looked.still_unknown_by_rail
    assert world.states() == {"accepted": 1, "unknown": 1}


async def test_nothing_is_sent_again_from_a_rails_cut_off_on(worlds: WORLDS) -> None:
    """It is found out what became of it, and it waits for the next day."""
    world = await unknown(worlds, "lost request")
    looked = await world.look(cut_offs={"lark": world.now, "heron": world.now + timedelta(days=1)})
    assert (1, 0, {"lark": 1}) == (looked.asked, looked.resent, looked.still_unknown_by_rail)
    assert not world.executed()
    looked = await world.look(cut_offs={"lark": world.now + timedelta(days=1)})
    assert (1, 0) == (looked.resent, looked.still_unknown)
    assert world.lost() == []


async def test_a_cut_off_that_passes_while_it_is_sent_again_leaves_it_unknown(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was sent before: that this time nothing left proves nothing about that."""
    world = await unknown(worlds, "lost answer")
    world.bank.deduplicates = False
    monkeypatch.setattr(world.bank, "lag", timedelta(hours=2))
    healthy = world.wire.send
    asked: list[str] = []

    async def slow(self: Any, composed: Any) -> Any:
        if composed.request.method == "GET":
            asked.append(composed.path)
            world.now += timedelta(minutes=40)
        return await healthy(self, composed)

    monkeypatch.setattr(world.wire, "send", slow)
    await world.look(cut_offs={"lark": world.now + timedelta(minutes=30)})
    assert asked
    assert 1 == sum(world.executed().values())
    assert {"unknown": 1} == world.states()
    assert world.violations() == []


class Final(Lark):
    """A rail that executes nothing later than an hour after it was sent, and keeps no keys."""

    @property
    def profile(self) -> Profile:
        """What the rail is, as data."""
        kept = super().profile
        return replace(
            kept, late_execution_impossible=True, finality_horizon=timedelta(hours=1),
            key=replace(kept.key, deduplicates=False),
        )  # fmt: skip


@pytest.mark.parametrize(("asked_after", "counts"), [(20, False), (70, False), (80, True)])
async def test_a_rail_that_was_asked_before_its_horizon_proves_nothing_for_another_was_slow(
    worlds: WORLDS,
    monkeypatch: pytest.MonkeyPatch,
    asked_after: int,
    counts: bool,  # noqa: FBT001  # pytest gives it by name
) -> None:
    """The look ends past the horizon, and "not found" is as old as its question.

    The horizon is counted from when the request may have left at the latest.
    """
    world = worlds(2, rejected=False)
    world.adapters = (Final, Heron)
    world.prepare()
    world.fail(3, "lost request", span=30)
    sent_at = world.now
    await world.pay()
    world.network.faults = []
    healthy = world.wire.send

    async def slow(self: Any, composed: Any) -> Any:
        answer = await healthy(self, composed)
        world.now += timedelta(hours=2)
        return answer

    monkeypatch.setattr(world.wire, "send", slow)
    world.now = sent_at + timedelta(minutes=asked_after)
    await world.look()
    rails = {name: rail.adapter for name, rail in world.rails().items()}
    with world.store.reading() as connection:
        found = [each.asked_at for each in missing(connection, rails)]
    assert ([sent_at + timedelta(minutes=80)] if counts else []) == found
