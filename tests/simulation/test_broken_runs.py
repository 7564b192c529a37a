"""What ends a run: a missing credential and bugs surface, once what was under way is written."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from settle.adapters import Request, commits, reads
from settle.errors import ConfigError

WORLDS = Callable[..., Any]


def buggy(healthy: Any, name: str) -> Any:
    """A `submit` with a bug that only the payee of this name meets, before anything leaves."""

    def submit(self: Any, payment: Any) -> Any:
        if payment.beneficiary.name == name:
            raise TypeError("a bug in an adapter")
        return (yield from healthy(self, payment))

    return submit


async def test_a_bug_in_an_adapter_surfaces_with_its_place(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its payment is back, untouched; what was under way has its end, and the rail is not down."""
    world = worlds(6, rejected=False)
    world.prepare()
    (lark, _) = world.adapters
    with monkeypatch.context() as broken:
        broken.setattr(lark, "submit", buggy(lark.submit, "payee 2"))
        with pytest.raises(TypeError, match="a bug in an adapter") as raised:
            await world.pay()
    assert "submit" in [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    assert set(world.states()) <= {"accepted", "approved"}
    assert world.states()["approved"] >= 1
    assert world.violations() == []
    await world.night()
    assert (world.states(), world.lost()) == ({"accepted": 6}, [])


async def test_a_missing_credential_ends_the_run_and_nothing_is_lost(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key that is missing is named, and the run is not tried three times in vain."""
    world = worlds()
    world.prepare()
    asked = []

    def unsigned(self: Any, request: Any, token: Any = None) -> Any:  # as the wire's own
        asked.append(request)
        raise ConfigError("rails.lark.token: there is no such variable", key="rails.lark.token")

    with monkeypatch.context() as broken:
        broken.setattr(world.wire, "compose", unsigned)
        with pytest.raises(ConfigError, match=r"rails\.lark\.token"):
            await world.pay()
    assert len(asked) <= len(world.adapters)
    assert world.states() == {"approved": 4}
    assert world.violations() == []
    await world.night()
    assert world.states() == {"accepted": 2, "rejected": 2}


async def test_a_missing_credential_shows_when_looking_and_the_rest_is_let_in(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other rail's answers count before the error surfaces."""
    world = worlds(2, rejected=False)
    world.prepare()
    healthy = world.wire.send

    async def unlucky(self: Any, composed: Any) -> Any:
        answer = await healthy(self, composed)
        lost = composed.path in {"/payments", "/batches"}
        return type(answer)(status=503) if lost else answer

    def unsigned(self: Any, payment: Any) -> Iterator[Any]:
        yield reads(Request(method="GET", path="/quote"))
        raise ConfigError("rails.lark.token: there is no such variable", key="rails.lark.token")

    with monkeypatch.context() as night:
        night.setattr(world.wire, "send", unlucky)
        await world.pay()
    assert world.states() == {"unknown": 2}
    with monkeypatch.context() as night:
        night.setattr(world.adapters[0], "find", unsigned)
        with pytest.raises(ConfigError, match="lark"):
            await world.look()
    assert world.states() == {"accepted": 1, "unknown": 1}


async def test_a_bug_after_the_commits_leaves_the_payment_unknown(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Money may have moved: the payment is written as unknown, and the run goes on."""
    world = worlds(1, rejected=False)
    world.prepare()

    def submit(self: Any, payment: Any) -> Iterator[Any]:
        yield commits(Request(method="POST", path="/quote"))
        raise TypeError("a bug after the commits")

    with monkeypatch.context() as broken:
        broken.setattr(world.adapters[0], "submit", submit)
        paid = await world.pay()
    assert (1, {}) == (paid.unknown, paid.rails_down)
    assert world.states() == {"unknown": 1}
