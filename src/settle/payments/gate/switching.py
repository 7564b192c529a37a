"""The pause switch that the store keeps: it acts at once, on every worker of every machine."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.errors import BadInput
from settle.payments.gate.persons import person_of
from settle.payments.gate.rules import Pauses, Scope
from settle.payments.gate.tables import switches
from settle.payments.tables import payments
from settle.store import Store, insert_new

_COLUMNS = {
    Scope.RAIL: payments.c.rail,
    Scope.CURRENCY: payments.c.currency,
    Scope.PARTY: payments.c.agreement_id,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """Something that is paused: since when, by whom and why."""

    scope: Scope
    name: str
    actor: str
    reason: str
    since: datetime


def pause(store: Store, scope: Scope, *, name: str, actor: str, reason: str, now: datetime) -> None:
    """Send nothing more to a rail, currency or party, from the next intent on. Nothing is lost.

    Raises:
        BadInput: it is paused already, or what, who or why is blank.
    """
    _turn(store, scope, name=name, actor=actor, reason=reason, now=now, to_pause=True)


def resume(
    store: Store, scope: Scope, *, name: str, actor: str, reason: str, now: datetime
) -> None:
    """Let a rail, currency or party go on; what waited for it is decided anew, in its order.

    Raises:
        BadInput: it is not paused by a switch, or what, who or why is blank.
    """
    _turn(store, scope, name=name, actor=actor, reason=reason, now=now, to_pause=False)


def _turn(
    store: Store, scope: Scope, *, name: str, actor: str, reason: str, now: datetime,
    to_pause: bool,
) -> None:  # fmt: skip
    person_of(actor)
    for field, said in (("name", name), ("reason", reason)):
        if not said.strip():
            raise BadInput(f"{field} is blank: it is kept as evidence", field=field)
    last = sa.select(sa.func.coalesce(sa.func.max(switches.c.turn), 0)).where(
        switches.c.scope == scope.value, switches.c.name == name
    )
    with store.transaction() as connection:
        turn = int(connection.execute(last).scalar_one()) + 1
        row = {
            "scope": scope.value, "name": name, "turn": turn, "actor": actor.strip(),
            "reason": reason.strip(), "turned_at": now,
        }  # fmt: skip
        is_right = to_pause == bool(turn % 2)
        if not is_right or not insert_new(connection, switches, [row]):
            state = "paused already" if to_pause else "not paused by a switch"
            raise BadInput(f"{scope} {name} is {state}", field=name)


def switched(connection: Connection) -> list[Switch]:
    """What is paused now, by scope and name."""
    return [
        Switch(
            scope=Scope(row.scope), name=row.name, actor=row.actor, reason=row.reason,
            since=row.turned_at,
        )
        for row in connection.execute(_switched())
    ]  # fmt: skip


@cache
def _switched() -> sa.Select[Any]:
    on = _on().subquery()
    return (
        sa.select(switches)
        .join(on, sa.and_(*(switches.c[key] == on.c[key] for key in ("scope", "name", "turn"))))
        .order_by(switches.c.scope, switches.c.name)
    )


def paused(connection: Connection) -> Pauses:
    """The switches that are off now, as the gate takes them."""
    names: dict[Scope, set[str]] = defaultdict(set)
    for each in switched(connection):
        names[each.scope].add(each.name)
    return Pauses(
        rails=frozenset(names[Scope.RAIL]),
        currencies=frozenset(names[Scope.CURRENCY]),
        parties=frozenset(names[Scope.PARTY]),
    )


def is_free(given: Pauses) -> sa.ColumnElement[bool]:
    """Whether nothing of a payment is paused, by a switch of the store or as `given`."""
    by_name = {
        Scope.RAIL: given.rails, Scope.CURRENCY: given.currencies, Scope.PARTY: given.parties,
    }  # fmt: skip
    return sa.and_(
        *(_COLUMNS[scope].not_in(sorted(names)) for scope, names in by_name.items() if names),
        *(_COLUMNS[scope].not_in(_names(scope)) for scope in Scope),
    )


def _names(scope: Scope) -> sa.Select[Any]:
    on = _on().where(switches.c.scope == scope.value).subquery()
    return sa.select(on.c.name)


def _on() -> sa.Select[Any]:
    """rows: one per switch whose last turn paused."""
    key = (switches.c.scope, switches.c.name)
    turn = sa.func.max(switches.c.turn)
    return sa.select(*key, turn.label("turn")).group_by(*key).having(turn % 2 == 1)
