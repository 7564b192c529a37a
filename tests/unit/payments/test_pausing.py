"""A switch holds a rail, a currency or a party; what waits says so, and nothing of it is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from settle.errors import BadInput
from settle.payments import Controls, Pauses, Scope, pause, resume, switched
from settle.store import Store

SWITCHES = [(Scope.RAIL, "single"), (Scope.CURRENCY, "EUR"), (Scope.PARTY, "A-1")]
BY_FILE = {Scope.RAIL: "rails", Scope.CURRENCY: "currencies", Scope.PARTY: "parties"}


def turn(desk: Any, scope: Scope, name: str, *, off: bool) -> None:
    act = pause if off else resume
    act(desk.store, scope, name=name, actor="ann", reason="a call", now=desk.now)


def others(desk: Any) -> list[Any]:
    """One payment that each switch holds, and one that none does."""
    return [desk.due, replace(desk.due, obligation_id="O-2", agreement_id="A-2", currency="NOK")]


@pytest.mark.parametrize(("scope", "name"), SWITCHES)
def test_what_a_switch_pauses_waits_with_the_reason_and_goes_when_it_is_on(
    desk: Any, scope: Scope, name: str
) -> None:
    """Whatever else there is goes meanwhile, and what waited goes once."""
    turn(desk, scope, name, off=True)
    assert ["O-2"] == desk.release(*others(desk))
    assert {"O-1": ("pause", f"{scope} {name} is paused")} == desk.held()
    turn(desk, scope, name, off=False)
    assert ["O-1"] == desk.release(*others(desk))
    assert {} == desk.held()
    assert [] == desk.release(*others(desk))


@pytest.mark.parametrize(("scope", "name"), SWITCHES)
def test_what_the_file_pauses_waits_like_what_a_switch_does(
    desk: Any, scope: Scope, name: str
) -> None:
    """The reason is the same, and another file lets it go."""
    controls = Controls(pauses=Pauses(**{BY_FILE[scope]: frozenset({name})}))
    assert ["O-2"] == desk.release(*others(desk), controls=controls)
    assert {"O-1": ("pause", f"{scope} {name} is paused")} == desk.held()
    assert ["O-1"] == desk.release(controls=Controls())


@pytest.mark.parametrize(("scope", "name"), SWITCHES)
def test_a_switch_stops_what_was_let_go_already(desk: Any, scope: Scope, name: str) -> None:
    """Whoever turns it in the middle of a night does not wait for the next one."""
    desk.ready(*others(desk))
    turn(desk, scope, name, off=True)
    assert {"O-1": ("pause", f"{scope} {name} is paused")} == desk.held()
    assert ["O-2"] == sorted(x for rail in desk.rails for x in desk.accept(desk.claim(rail)))
    turn(desk, scope, name, off=False)
    assert ["O-1"] == desk.accept(desk.claim())


def test_a_switch_is_turned_by_somebody_for_a_reason_and_once(desk: Any, store: Store) -> None:
    """Nothing is turned twice the same way, and no turn is forgotten."""
    turn(desk, Scope.PARTY, "A-1", off=True)
    with pytest.raises(BadInput, match="A-1 is paused already"):
        turn(desk, Scope.PARTY, "A-1", off=True)
    with store.reading() as connection:
        (off,) = switched(connection)
    assert (Scope.PARTY, "A-1", "ann", "a call") == (off.scope, off.name, off.actor, off.reason)
    turn(desk, Scope.PARTY, "A-1", off=False)
    with pytest.raises(BadInput, match="A-1 is not paused"):
        turn(desk, Scope.PARTY, "A-1", off=False)
    for wrong in ({"actor": " "}, {"reason": ""}, {"name": "\t"}):
        said = {"name": "A-1", "actor": "ann", "reason": "r"} | wrong
        with pytest.raises(BadInput, match="blank"):
            pause(store, Scope.PARTY, now=desk.now, **said)
