"""What a person must see: one definition, one query, each with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from settle.adapters import Accepted, Evidence, Fact, Outcome, Rejected, Source, Unknown
from settle.payments import State, attention, record
from settle.payments.ending import End, end
from settle.payments.lane import event_of
from settle.store import Store

OUTCOMES: tuple[Outcome, ...] = (
    Accepted(),
    Unknown(reason="lost"),
    Rejected(code="AC04", reason="closed"),
)
OTHER = {"account": "DE02120300000000202051"}


def seen(store: Store, **of: Any) -> dict[str, Any]:
    """What a person must see, by obligation."""
    with store.reading() as connection:
        return {item.obligation_id: item for item in attention(connection, **of)}


def ended(desk: Any) -> None:
    """Three payments sent that end accepted, unknown and rejected."""
    desk.ready(*desk.dues(3))
    events = [
        event_of(sending.rows[0], outcome, desk.now)
        for sending, outcome in zip(desk.claim(), OUTCOMES, strict=True)
    ]
    with desk.store.transaction() as connection:
        end(connection, [End(events=events, worker="w", recorded_at=desk.now)])


def test_each_open_payment_is_seen_with_its_last_word(desk: Any, store: Store) -> None:
    """What is well is not shown; what is not says why in the words of what happened."""
    ended(desk)
    found = seen(store)
    assert {"O-2": "lost", "O-3": "AC04 closed"} == {k: x.why for k, x in found.items()}
    assert (State.REJECTED, "AC04", "closed") == (
        found["O-3"].state, found["O-3"].code, found["O-3"].detail,
    )  # fmt: skip


def test_a_rejected_payment_is_seen_until_another_stands_for_its_obligation(
    desk: Any, store: Store
) -> None:
    """The corrected payment takes its place in the list as in the books."""
    ended(desk)
    corrected = replace(desk.due, obligation_id="O-3", amount_minor=100)
    other = replace(desk.due.beneficiary, **OTHER)
    assert desk.plan(replace(corrected, beneficiary=other)).planned == 1
    assert State.PLANNED is seen(store)["O-3"].state
    assert "waits for an approval" == seen(store)["O-3"].why


def test_what_waits_for_cover_or_came_back_short_is_seen(desk: Any, store: Store) -> None:
    """A return says its code and what is missing from it."""
    ended(desk)
    desk.plan(replace(desk.due, obligation_id="O-4", beneficiary=replace(desk.due.beneficiary,
                                                                         **OTHER)))  # fmt: skip
    desk.approve()
    desk.fund(0)
    back = Evidence(
        evidence_id="line/1", source=Source.STATEMENT, fact=Fact.RETURNED, reference="P-00001",
        occurred_at=desk.now, rail="single", amount_minor=88, currency="EUR", code="AC06",
    )  # fmt: skip
    record(store, [back], recorded_at=desk.now)
    found = seen(store)
    assert "the account does not hold enough" == found["O-4"].why
    assert ("AC06", 12) == (found["O-1"].code, found["O-1"].short_minor)


def test_a_tenant_sees_its_own(desk: Any, store: Store) -> None:
    """Without a tenant those of all are given."""
    desk.plan(desk.due)
    desk.plan(replace(desk.due, obligation_id="O-9"), tenant="other")
    assert {"O-9"} == set(seen(store, tenant="other"))
    assert {"O-1", "O-9"} == set(seen(store))


@pytest.mark.parametrize("count", [1, 50])
def test_however_many_there_are_it_is_one_query(desk: Any, store: Store, count: int) -> None:
    """The list of a bad night costs no query for each payment."""
    desk.ready(*desk.dues(count))
    desk.claim()
    said: list[str] = []
    with store.reading() as connection:
        sa.event.listen(connection, "before_cursor_execute", lambda *given: said.append(given[2]))
        assert len(attention(connection)) == count
    assert 1 == len(said)
