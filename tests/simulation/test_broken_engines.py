"""The suite bites: an engine with one planted defect executes something twice, and is caught."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import NotMoved, Open
from settle.payments import Event, EventKind, lane, outbox, polling
from settle.payments.events import append
from settle.payments.exchanges import StoreRecorder
from settle.payments.instruction import fingerprint_of
from settle.payments.tables import payments

WORLDS = Callable[..., Any]
Plant = Callable[[pytest.MonkeyPatch], None]


def fresh_key_on_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is unknown gets a new key and is released again."""

    def free_it(connection: Any, ends: Any) -> Any:
        result = healthy(connection, ends)
        for event in (e for ending in ends for e in ending.events if e.kind is EventKind.UNKNOWN):
            at = payments.c.payment_id == event.payment_id
            freed = Event(
                payment_id=event.payment_id, event_id="freed", kind=EventKind.NOT_MOVED,
                occurred_at=event.occurred_at, ordinal=event.ordinal,
            )  # fmt: skip
            append(connection, [freed], recorded_at=event.occurred_at)
            (row,) = connection.execute(sa.select(payments).where(at)).mappings()
            values = {"idempotency_key": row["idempotency_key"] + "2"}
            signed = fingerprint_of({**row, **values})
            values |= {"fingerprint": signed, "approved_fingerprint": signed}
            connection.execute(sa.update(payments).where(at).values(values))
        return result

    healthy = outbox.end
    monkeypatch.setattr(lane, "end", free_it)


def timeout_treated_as_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost answer counts as proof that nothing happened."""
    healthy = lane._outcome

    def hasty(row: Any, ending: Any) -> Any:
        failed = isinstance(ending, Open)
        return NotMoved(reason="timeout") if failed else healthy(row, ending)

    monkeypatch.setattr(lane, "_outcome", hasty)


def sent_before_the_intent_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request leaves, and only its answer is written down."""

    async def forgets(*args: Any, **kwargs: Any) -> None:
        """Nothing is stored."""

    monkeypatch.setattr(StoreRecorder, "intent", forgets)


def re_sent_without_deduplication(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the rail does not find is sent again, whatever its profile says."""
    monkeypatch.setattr(polling, "_may_be_resent", lambda *_: True)


DEFECTS: dict[Plant, str] = {
    fresh_key_on_retry: "lost answer",
    timeout_treated_as_failure: "lost answer",
    sent_before_the_intent_is_stored: "kill after",
    re_sent_without_deduplication: "lost answer",
}


async def twice(world: Any, fault: str, number: int) -> list[str]:
    """What is executed twice on rails that keep no keys and whose reads lag behind."""
    world.bank.deduplicates = False
    world.bank.forgetful = True
    world.network.faults[number] = fault
    await world.nights(2)
    return [why for why in world.violations() if why.startswith("executed twice")]


@pytest.mark.parametrize("plant", DEFECTS, ids=lambda plant: plant.__name__)
async def test_a_planted_defect_is_caught_by_name(
    worlds: WORLDS, monkeypatch: pytest.MonkeyPatch, plant: Plant
) -> None:
    """Under the same fault the broken engine pays twice and the healthy one does not."""
    fault = DEFECTS[plant]
    for adapter in worlds().adapters:
        monkeypatch.setattr(adapter, "deduplicates", False)
    for number in range(1, 13):
        with monkeypatch.context() as planted:
            plant(planted)
            caught = await twice(worlds(), fault, number)
        if caught:
            assert await twice(worlds(), fault, number) == []
            return
    pytest.fail(f"{plant.__name__} was not caught")
