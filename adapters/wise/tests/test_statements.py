"""Statements: what each line becomes, that they add up, and what is refused of a document."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settle.adapters import (
    AccountRef,
    Exchange,
    LineKind,
    Response,
    Statement,
    StatementDocument,
    converse,
)
from settle.errors import DocumentError
from settle.money import plain
from settle_wise import Wise, report

DAY = date(2024, 12, 18)
GBP = AccountRef(rail="wise", account="200001", currency="GBP")
UETR = "6b1f7a3e-1c5b-4e39-9c1c-3f6f1f6f0001"
OURS = {
    "id": 111,
    "status": "processing",
    "sourceCurrency": "GBP",
    "targetCurrency": "GBP",
    "targetValue": 100,
    "customerTransactionId": UETR.upper(),
}


def line(value: Any, **changes: Any) -> dict[str, Any]:
    return {
        "type": "DEBIT" if str(value).startswith("-") else "CREDIT",
        "date": "2024-12-18T08:47:05.832Z",
        "amount": {"value": value, "currency": "GBP"},
        "totalFees": {"value": 0, "currency": "GBP"},
        "details": {"type": "TRANSFER", "description": "Sent money"},
        "referenceNumber": "TRANSFER-111",
        "surprise": {"a": 1},
    } | changes


def answer(*lines: dict[str, Any], end: Any, start: Any = 0) -> dict[str, Any]:
    return {
        "transactions": list(lines),
        "startOfStatementBalance": {"value": start, "currency": "GBP"},
        "endOfStatementBalance": {"value": end, "currency": "GBP"},
    }


def document(raw: Any, *, transfers: Any = (OURS,)) -> StatementDocument:
    return report.document(GBP, day=DAY, raw=raw, transfers=list(transfers))


def read(raw: Any, *, transfers: Any = (OURS,)) -> Statement:
    return report.statement(document(raw, transfers=transfers))


def shown(statement: Statement) -> list[tuple[str, int, str | None]]:
    return [(x.kind.value, x.amount_minor, x.uetr) for x in statement.lines]


FEES = {"totalFees": {"value": "0.41", "currency": "GBP"}}


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (line("-100.41", **FEES), [("transfer", -10_000, UETR), ("charge", -41, None)]),
        (line("-100"), [("transfer", -10_000, UETR)]),
        # What does not add up to what was instructed stays one line, and becomes a break.
        (line("-100.50", **FEES), [("transfer", -10_050, UETR)]),
        (line("100"), [("return", 10_000, UETR)]),
        (line("75.50"), [("return", 7_550, UETR)]),
        (line("100.41"), [("return", 10_000, UETR), ("charge", 41, None)]),
        (line("-0.41", referenceNumber="FEE-TRANSFER-111"), [("charge", -41, None)]),
        (line("9", referenceNumber="CONVERSION-1"), [("transfer", 900, None)]),
        (line("9", referenceNumber="TRANSFER-999"), [("transfer", 900, None)]),
    ],
)
def test_each_line_becomes_what_it_says(
    one: dict[str, Any], expected: list[tuple[str, int, str | None]]
) -> None:
    """Principal and fee stand apart, both ways, and together they are what was booked."""
    statement = read(answer(one, end=one["amount"]["value"]))
    assert shown(statement) == expected
    assert statement.difference_minor == 0


def test_a_short_return_says_what_was_kept() -> None:
    """What was instructed and what is missing of it stand on the line."""
    (back,) = read(answer(line("75.50"), end="75.50")).lines
    assert (back.instructed_minor, back.instructed_currency, back.charges_minor) == (
        10_000,
        "GBP",
        2_450,
    )


def test_a_payment_and_its_return_have_names_of_their_own() -> None:
    """Both bear the transfer's number, whatever order the rail lists them in."""
    lines = [line("-100.41", **FEES), line("100.41"), line("100.41")]
    forward = read(answer(*lines, end="100.41"))
    backward = read(answer(*reversed(lines), end="100.41"))
    assert forward.lines == backward.lines
    assert len({x.line_ref for x in forward.lines}) == len(forward.lines) == 6


def test_a_statement_that_does_not_add_up_shows_it() -> None:
    """Where the rail states both balances, they are taken at their word."""
    assert read(answer(line("1"), end="3", start="1")).difference_minor == 100


def test_an_opening_balance_that_is_not_stated_is_computed() -> None:
    """The documented answer has none."""
    raw = answer(line("1"), end="3")
    del raw["startOfStatementBalance"]
    assert read(raw).opening_minor == 200


@pytest.mark.parametrize(
    "spoil",
    [
        lambda x: x | {"transactions": [line("-1", type="CREDIT")]},
        lambda x: x | {"transactions": [line("1", type="DEBIT")]},
        lambda x: x | {"transactions": [line("1", type="ODD")]},
        lambda x: x | {"transactions": [line("1", date="2024-12-19T00:00:00Z")]},
        lambda x: x | {"transactions": [line("1.005")]},
        lambda x: x | {"transactions": [line("1", amount={"value": 1, "currency": "EUR"})]},
        lambda x: x | {"transactions": None},
        lambda x: x | {"endOfStatementBalance": {"value": 1, "currency": "EUR"}},
        lambda x: x | {"endOfStatementBalance": None},
    ],
)
def test_a_document_that_does_not_fit_is_refused(
    spoil: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    """A wrong sign, day, currency or fraction is named, and nothing is read out of it."""
    with pytest.raises(DocumentError):
        read(spoil(answer(end="0")))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"statement":{}}'])
def test_a_document_that_is_none_is_refused(content: bytes) -> None:
    """What is no document of ours is said so."""
    with pytest.raises(DocumentError):
        report.statement(replace(document(answer(end=0)), content=content))
    with pytest.raises(DocumentError, match="camt"):
        report.statement(replace(document(answer(end=0)), format="camt.053"))


def test_transfers_made_long_ago_or_by_others_are_looked_up_one_by_one(adapter: Wise) -> None:
    """What the list of the fortnight lacks is asked for; what is not ours stays a plain line."""
    raw = answer(
        line("100", referenceNumber="TRANSFER-111"),
        line("5", referenceNumber="TRANSFER-222"),
        line("7", referenceNumber="TRANSFER-333", details={"type": "DEPOSIT"}),
        end="112",
    )
    asked: list[str] = []

    def reply(exchange: Exchange) -> Response:
        path = exchange.request.path
        asked.append(path)
        bodies: dict[str, Any] = {"/v1/transfers": [], "/v1/transfers/111": OURS}
        if path.endswith("statement.json"):
            return Response(status=200, content=json.dumps(raw).encode())
        if path not in bodies:
            return Response(status=404)
        return Response(status=200, content=json.dumps(bodies[path]).encode())

    found, _ = converse(adapter.statement(GBP, DAY), reply)
    assert found is not None
    statement = adapter.read_report(found)
    assert asked[1:] == ["/v1/transfers", "/v1/transfers/111", "/v1/transfers/222"]
    assert sorted(shown(statement)) == [
        ("return", 10_000, UETR),
        ("transfer", 500, None),
        ("transfer", 700, None),
    ]


@given(
    values=st.lists(st.integers(-(10**12), 10**12).filter(bool), max_size=12),
    start=st.integers(-(10**12), 10**12),
)
def test_whatever_was_booked_adds_up_to_the_minor_unit(values: list[int], start: int) -> None:
    """Reading splits lines and loses nothing of them."""
    lines = [line(plain(x, "GBP")) for x in values]
    raw = answer(*lines, end=plain(start + sum(values), "GBP"), start=plain(start, "GBP"))
    statement = read(raw)
    assert statement.difference_minor == 0
    assert sum(x.amount_minor for x in statement.lines) == sum(values)
    assert {x.kind for x in statement.lines} <= set(LineKind)
