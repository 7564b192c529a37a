"""A wish to ask the rail: kept with what caused it, open again when told anew, by whoever looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.properties.test_notifications import NOW, RAIL, keys, told
from tests.unit.hub.test_correcting import hub as hub  # noqa: PLC0414  # a fixture

from settle import payments as room
from settle.hub import Hub
from settle.payments import State
from settle.payments.tables import deliveries, find_wishes, payments
from settle.payments.wishes import answered, wish, wish_about, wished
from settle.store import Store


def open_wishes(store: Store) -> list[str]:
    query = sa.select(find_wishes.c.payment_id).where(find_wishes.c.answered_at.is_(None))
    with store.reading() as connection:
        return sorted(connection.scalars(query))


def test_a_wish_told_anew_is_open_again(desk: Any, store: Store) -> None:
    """An answer ends what was wished before it was asked for, and nothing later."""
    desk.release(*desk.dues(3))
    late = desk.now + timedelta(minutes=5)
    with store.transaction() as connection:
        wish(connection, ["P-00001", "P-00002"], why="w", at=desk.now)
        wish(connection, ["P-00002"], why="again", at=late)
        answered(connection, ["P-00001", "P-00002", "P-00003"], asked_at=desk.now, at=late)
    assert ["P-00002"] == open_wishes(store)
    with store.transaction() as connection:
        answered(connection, ["P-00002"], asked_at=late, at=late)
    assert [] == open_wishes(store)
    with store.transaction() as connection:
        wish(connection, ["P-00001"], why="w", at=late)
    assert ["P-00001"] == open_wishes(store)


def test_a_wish_finds_its_payment_by_any_name_on_its_own_rail(desk: Any, store: Store) -> None:
    """What nobody here knows, or another rail's payment, is wished by nobody."""
    desk.release(*desk.dues(3))
    query = sa.select(payments).order_by(payments.c.payment_id)
    with store.transaction() as connection:
        one, two, three = connection.execute(query).mappings()
        names = [one["end_to_end_id"], two["uetr"], three["idempotency_key"], "nobody's"]
        wish_about(connection, "batched", names, why="w", at=desk.now)
        wish_about(connection, "single", [*names, three["payment_id"]], why="w", at=desk.now)
    by_rail = {one["rail"], two["rail"], three["rail"]}
    assert ({"single"}, 3) == (by_rail, len(open_wishes(store)))
    with store.reading() as connection:
        assert 3 == len(wished(connection, "single", beside=()))
        assert [] == list(wished(connection, "single", beside=[State.ACCEPTED]))
        assert [] == list(wished(connection, "batched", beside=()))


def test_what_a_worker_is_sending_is_asked_about_once_it_is_done(desk: Any, store: Store) -> None:
    """Its answer is on the way; the wish stays."""
    desk.ready(desk.due)
    desk.claim()
    with store.transaction() as connection:
        wish(connection, ["P-00001"], why="w", at=desk.now)
        assert [] == list(wished(connection, "single", beside=()))
    assert ["P-00001"] == open_wishes(store)


def test_a_delivery_and_its_wish_are_kept_together_or_not_at_all(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies in between is told the same once more, and does both."""
    keys(monkeypatch)
    with hub.store.reading() as connection:
        query = sa.select(payments.c.end_to_end_id).where(payments.c.payment_id == "P-1")
        reference = str(connection.scalar(query))
    failed = told(reference, 2, status="failed", reason="notEnoughBalance")

    def die(*given: object, **named: object) -> None:
        raise ZeroDivisionError

    def kept() -> int:
        with hub.store.reading() as connection:
            return len(connection.execute(sa.select(deliveries)).all())

    with monkeypatch.context() as dying:
        dying.setattr(room, "wish_about", die)
        with pytest.raises(ZeroDivisionError):
            hub.receive(RAIL, *failed, received_at=NOW)
    assert ([], 0) == (open_wishes(hub.store), kept())
    assert hub.receive(RAIL, *failed, received_at=NOW).look_up
    assert (["P-1"], 1) == (open_wishes(hub.store), kept())
    with hub.store.transaction() as connection:
        answered(connection, ["P-1"], asked_at=NOW, at=NOW)
    hub.receive(RAIL, *failed, received_at=NOW)
    assert [] == open_wishes(hub.store), "a copy has nothing to add"
