"""What may be on its way over a rail, what an account keeps, and who goes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from settle.adapters import Source
from settle.payments import Control, Controls, Event, EventKind
from settle.payments.events import append
from settle.payments.gate.queue import Order, Room, Waits, decided
from settle.payments.instruction import Row

AT = ("single", "EUR")
NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)


def test_what_does_not_fit_waits_in_order_and_goes_as_room_comes(desk: Any) -> None:
    """An unbooked payment takes room until a statement shows it; nobody overtakes."""
    controls = Controls(exposures={AT: 250})
    dues = [*desk.dues(3), replace(desk.due, obligation_id="O-4", amount_minor=50)]
    assert ["O-1", "O-2"] == desk.release(*dues, controls=controls)
    why = "EUR 2.50 at most on its way over single and not booked"
    assert {"O-3": ("exposure limit", why), "O-4": ("exposure limit", why)} == desk.held()
    assert [] == desk.release(controls=controls)
    book(desk, "P-00001")
    assert ["O-3", "O-4"] == desk.release(controls=controls)


def book(desk: Any, payment_id: str) -> None:
    event = Event(
        payment_id=payment_id, event_id="line", kind=EventKind.BOOKED, occurred_at=desk.now,
        source=Source.STATEMENT.value, amount_minor=100, account="acc",
    )  # fmt: skip
    with desk.store.transaction() as connection:
        append(connection, [event], recorded_at=desk.now)


def test_what_is_more_than_the_limit_by_itself_keeps_nobody_waiting(desk: Any) -> None:
    """It never fits; those behind it do."""
    dues = [replace(desk.due, amount_minor=300), *desk.dues(2)[1:]]
    assert ["O-2"] == desk.release(*dues, controls=Controls(exposures={AT: 250}))
    ((control, why),) = desk.held().values()
    assert ("exposure limit", True) == (control, "more than that by itself" in why)


def test_an_account_is_not_drawn_below_its_floor(desk: Any) -> None:
    """Another currency of the rail is another account, and has no floor."""
    controls = Controls(floors={AT: 9_900})
    other = replace(desk.due, obligation_id="O-9", currency="NOK")
    left = desk.release(*desk.dues(2), other, controls=controls, available_minor=10_050)
    assert ["O-1", "O-9"] == left
    why = "account acc at single is not drawn below EUR 99.00"
    assert {"O-2": ("balance threshold", why)} == desk.held()


def test_one_that_lacks_funds_is_overtaken_until_it_has_waited_long_enough(desk: Any) -> None:
    """Small ones would eat what a large one waits for, night after night."""
    large = replace(desk.due, obligation_id="O-0", amount_minor=1_000)
    controls = Controls(patience_days=2)
    assert ["O-1"] == desk.release(large, *desk.dues(1), controls=controls, available_minor=900)
    desk.now += timedelta(days=3)
    later = desk.dues(2)[1:]
    assert [] == desk.release(*later, controls=controls, available_minor=900)
    assert ["O-0"] == desk.release(controls=controls, available_minor=1_050)
    assert ["O-2"] == desk.release(controls=controls, available_minor=100)


def row(number: int, amount: int, day: int) -> dict[str, Any]:
    on = date(2024, 12, 1) + timedelta(days=day)
    return {
        "payment_id": f"P-{number:03d}", "obligation_id": f"O-{number:03d}",
        "amount_minor": amount, "value_date": on, "not_before": on,
    }  # fmt: skip


queues = st.lists(st.tuples(st.integers(1, 100), st.integers(0, 3)), max_size=25).map(
    lambda drawn: [row(number, *each) for number, each in enumerate(drawn)]
)


def run(rows: Sequence[Row], *rooms: Room, patient: bool = True) -> list[tuple[Row, Waits | None]]:
    return list(
        decided(
            rows,
            stopped=lambda _: None,
            rooms=lambda _: rooms,
            cleared=lambda _: frozenset(),
            is_patient=lambda _: patient,
        )
    )


def exposure(left: int, whole: int) -> Room:
    return Room(
        control=Control.EXPOSURE, why="", left_minor=left, whole_minor=whole, order=Order.KEPT
    )


@given(queues, st.integers(0, 300), st.integers(0, 300), st.randoms(use_true_random=False))
def test_the_queue_never_overdraws_and_does_not_depend_on_how_it_is_read(
    rows: list[dict[str, Any]], left: int, funds: int, chance: Any
) -> None:
    """What goes fits in every room together; each payment is decided once, in its order."""
    told = run(rows, exposure(left, 300), Room(control=Control.FUNDS, why="", left_minor=funds))
    gone = sum(each["amount_minor"] for each, waits in told if waits is None)
    assert gone <= min(left, funds)
    assert sorted(x["payment_id"] for x in rows) == sorted(x["payment_id"] for x, _ in told)
    shuffled = list(rows)
    chance.shuffle(shuffled)
    room = Room(control=Control.FUNDS, why="", left_minor=funds)
    assert told == run(shuffled, exposure(left, 300), room)


@given(queues, st.integers(0, 300), st.integers(50, 300))
def test_nobody_overtakes_one_that_waits_for_exposure(
    rows: list[dict[str, Any]], left: int, whole: int
) -> None:
    """Behind the first that waits and could ever fit, everybody waits, however small."""
    told = run(rows, exposure(left, whole))
    waits = False
    for each, held in told:
        waits = waits or (held is not None and each["amount_minor"] <= whole)
        assert held is not None or not waits


@given(queues, st.integers(0, 200), st.integers(100, 200))
def test_everyone_that_can_ever_fit_goes_at_last_in_order(
    rows: list[dict[str, Any]], first: int, whole: int
) -> None:
    """As what left is booked the room comes back: no payment starves, and order is kept."""
    waiting, gone, left = list[Row](rows), list[Row](), min(first, whole)
    for _ in range(len(rows) + 1):
        told = run(waiting, exposure(left, whole))
        gone += [each for each, held in told if held is None]
        waiting = [each for each, held in told if held is not None]
        left = whole
    assert all(each["amount_minor"] > whole for each in waiting)
    assert gone == sorted(gone, key=lambda x: (x["value_date"], x["obligation_id"]))


@given(queues, st.integers(0, 300))
def test_one_whose_patience_is_over_is_not_overtaken_for_funds(
    rows: list[dict[str, Any]], funds: int
) -> None:
    """What comes in is kept for it."""
    told = run(rows, Room(control=Control.FUNDS, why="", left_minor=funds), patient=False)
    held = [waits is not None for _, waits in told]
    assert held == sorted(held)
