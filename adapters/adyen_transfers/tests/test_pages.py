"""Lists and statements under conditions that the simulator does not produce by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from settle.adapters import Exchange, Fact, Payment, Response, converse
from settle.errors import DocumentError, RailDown
from settle_adyen_transfers import AdyenTransfers, lists

DAY = date(2024, 12, 18)


def booking(name: str, value: int, at: str = "2024-12-18T10:00:00Z", **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "amount": {"currency": "AUD", "value": value},
        "bookingDate": at,
        "valueDate": at,
        "status": "booked",
        "transfer": {"id": f"T{name}", "reference": f"E2E-{name}"},
    } | more


def page(items: list[dict[str, Any]], cursor: str | None = None) -> dict[str, Any]:
    link = {"next": {"href": f"http://elsewhere.test/x?cursor={cursor}"}} if cursor else {}
    return {"data": items, "_links": link}


def answers(pages: dict[str, Any], *, balances: Iterator[int]) -> Callable[[Exchange], Response]:
    def answer(exchange: Exchange) -> Response:
        request = exchange.request
        if "balanceAccounts" in request.path:
            held = [{"currency": "AUD", "balance": next(balances)}]
            return Response(status=200, content=json.dumps({"id": "BA", "balances": held}).encode())
        found = pages[request.query.get("cursor", "")]
        return Response(status=200, content=json.dumps(found).encode())

    return answer


def test_an_item_that_shifts_between_pages_is_counted_once(adapter: AdyenTransfers) -> None:
    """A line seen on two pages is one line."""
    pages = {"": page([booking("1", -1), booking("2", -2)], "a"), "a": page([booking("2", -2)])}
    account = adapter.accounts()[0]
    document, asked = converse(
        adapter.statement(account, DAY), answers(pages, balances=iter([7, 7]))
    )
    assert document is not None
    assert [x.amount_minor for x in adapter.read_report(document).lines] == [-1, -2]
    assert all(x.request.path.startswith("/") for x in asked)


def test_a_line_booked_days_after_its_creation_is_on_its_day(adapter: AdyenTransfers) -> None:
    """Booking, not creation, says on which statement a line stands; pending ones wait."""
    pages = {
        "": page(
            [
                booking("1", -1, creationDate="2024-12-15T10:00:00Z"),
                booking("2", -2, at="2024-12-17T23:59:59.999Z"),
                booking("3", -3, at="2024-12-19T00:00:00+01:00"),
                booking("4", -4, at="2024-12-19T00:00:00Z"),
                booking("5", -5, status="pending"),
                booking("6", -6) | {"amount": {"currency": "SGD", "value": -6}},
            ]
        )
    }
    account = adapter.accounts()[0]
    document, _ = converse(adapter.statement(account, DAY), answers(pages, balances=iter([0, 0])))
    assert document is not None
    statement = adapter.read_report(document)
    assert [x.line_ref for x in statement.lines] == ["1", "3"]
    assert (statement.opening_minor, statement.closing_minor) == (8, 4)


def test_an_account_that_never_stands_still_has_no_statement(adapter: AdyenTransfers) -> None:
    """Lists and balance that cannot be shown to belong together are not put together."""
    moving = answers({"": page([])}, balances=iter(range(10)))
    with pytest.raises(RailDown, match="moved"):
        converse(adapter.statement(adapter.accounts()[0], DAY), moving)


def test_pages_that_go_round_in_a_circle_are_refused(
    adapter: AdyenTransfers, payment: Payment
) -> None:
    """A cursor that comes back stops the reading."""
    circle = answers({"": page([], "a"), "a": page([], "a")}, balances=iter([]))
    with pytest.raises(DocumentError, match="circle"):
        converse(adapter.find(payment), circle)


def test_pages_without_end_are_refused(
    adapter: AdyenTransfers, payment: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cursor that is always new stops the reading, too."""
    monkeypatch.setattr(lists, "PAGES_MAX", 3)
    pages = {"": page([], "1")} | {str(n): page([], str(n + 1)) for n in range(1, 9)}
    with pytest.raises(DocumentError, match="more than 3 pages"):
        converse(adapter.find(payment), answers(pages, balances=iter([])))


@pytest.mark.parametrize("moved", ["booked", "credited", "returned"])
def test_a_refusal_hides_no_money_that_moved(
    adapter: AdyenTransfers, payment: Payment, moved: str
) -> None:
    """A rail that says both contradicts itself: each is told, and execution is the stronger."""
    transfer = {
        "id": "T1",
        "amount": {"currency": "AUD", "value": 125_050},
        "reference": "E2E-0001",
        "reason": "notEnoughBalance",
        "status": "refused",
        "events": [{"id": "1", "status": "received"}, {"id": "2", "status": moved}],
    }
    finding, _ = converse(adapter.find(payment), answers({"": page([transfer])}, balances=iter([])))
    assert [Fact.ACCEPTED, Fact(moved), Fact.REJECTED] == [x.fact for x in finding]


def test_a_status_nobody_knows_shows_that_the_rail_has_the_payment(
    adapter: AdyenTransfers, payment: Payment
) -> None:
    """An unmapped status is kept with its name, and never read as a failure."""
    transfer = {
        "id": "T1",
        "amount": {"currency": "AUD", "value": 125_050},
        "reference": "E2E-0001",
        "status": "brandNew",
    }
    finding, _ = converse(adapter.find(payment), answers({"": page([transfer])}, balances=iter([])))
    assert [(x.fact, x.code) for x in finding] == [(Fact.ACCEPTED, "unmapped:brandNew")]


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        ("failed", "counterpartyAccountClosed", Fact.FAILED),
        ("refused", "duplicateTransmissionDetected", Fact.FAILED),
        ("refused", "notEnoughBalance", Fact.REJECTED),
    ],
)
def test_only_adyens_own_refusal_ends_a_payment(
    adapter: AdyenTransfers, payment: Payment, status: str, reason: str, expected: Fact
) -> None:
    """A failure further on needs proof of where the money is."""
    transfer = {
        "id": "T1",
        "amount": {"currency": "AUD", "value": 125_050},
        "reference": "E2E-0001",
        "reason": reason,
        "status": status,
    }
    finding, _ = converse(adapter.find(payment), answers({"": page([transfer])}, balances=iter([])))
    assert [(expected, reason)] == [(x.fact, x.code) for x in finding]


def test_another_payments_transfer_is_not_ours(adapter: AdyenTransfers, payment: Payment) -> None:
    """A list that ignores the filter does not lend us its proofs."""
    transfer = {
        "id": "T1",
        "amount": {"currency": "AUD", "value": 1},
        "reference": "E2E-0001",
        "status": "booked",
    }
    other = replace(payment, end_to_end_id="E2E-0002")
    finding, _ = converse(adapter.find(other), answers({"": page([transfer])}, balances=iter([])))
    assert [x.fact for x in finding] == [Fact.NOT_FOUND]


def test_a_document_of_another_format_is_refused_by_name(adapter: AdyenTransfers) -> None:
    """The reader reads its own documents and no others."""
    account = adapter.accounts()[0]
    document, _ = converse(
        adapter.statement(account, DAY), answers({"": page([])}, balances=iter([0, 0]))
    )
    assert document is not None
    with pytest.raises(DocumentError, match=r"camt\.053"):
        adapter.read_report(replace(document, format="camt.053"))
    with pytest.raises(DocumentError, match="not JSON"):
        adapter.read_report(replace(document, content=b"{"))
