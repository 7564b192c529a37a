"""Recalls: what is written, what each answer means, and what the simulated bank does about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from lxml import etree

from settle.adapters import (
    Batch,
    Effect,
    Exchange,
    Recall,
    RecallAccepted,
    RecallNotTaken,
    RecallPending,
    RecallRejected,
    RecallUnknown,
    Response,
    converse,
)
from settle_iso20022_bank import Iso20022Bank

Play = Callable[..., Callable[[Exchange], Response]]


def recall_of(batch: Batch, number: int = 0, *, name: str = "RECALL-1") -> Recall:
    return Recall(
        recall_id=name, payment=batch.payments[number], batch_id=batch.batch_id, code="DUPL",
        asked_on=date(2024, 12, 19),
    )  # fmt: skip


def answer(
    status: str, *, recall_id: str = "RECALL-1", end_to_end_id: str = "E2E-1", code: str = ""
) -> Response:
    reason = f"<CxlStsRsnInf><Rsn><Cd>{code}</Cd></Rsn></CxlStsRsnInf>" if code else ""
    content = (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.029.001.09"><RsltnOfInvstgtn>'
        f"<CxlDtls><OrgnlPmtInfAndSts><TxInfAndSts><CxlStsId>{recall_id}</CxlStsId>"
        f"<OrgnlEndToEndId>{end_to_end_id}</OrgnlEndToEndId><TxCxlSts>{status}</TxCxlSts>"
        f"{reason}</TxInfAndSts></OrgnlPmtInfAndSts></CxlDtls></RsltnOfInvstgtn></Document>"
    )
    return Response(status=200, content=content.encode())


def test_a_recall_names_the_payment_by_every_reference(
    bank: Iso20022Bank, batch: Callable[..., Batch]
) -> None:
    """One commits, then one read; the same recall is the same bytes."""
    recall = recall_of(batch())
    asked = []
    for _ in range(2):
        _, exchanges = converse(bank.cancel(recall), lambda x: answer("PDCR"))
        asked.append([(x.effect, x.request.target, x.request.content) for x in exchanges])
    assert asked[0] == asked[1]
    (effect, target, content), (then, found, _) = asked[0]
    assert (effect, target) == (Effect.COMMITS, "/cancellations")
    assert (then, found) == (Effect.READS, "/cancellations/RECALL-1")
    root = etree.fromstring(content)
    for name, value in {
        "CxlId": "RECALL-1", "OrgnlMsgId": "BATCH-1", "OrgnlEndToEndId": "E2E-1",
        "OrgnlUETR": "00000000-0000-4000-8000-000000000001", "OrgnlInstdAmt": "123.45",
    }.items():  # fmt: skip
        assert value == root.findtext(f".//{{*}}{name}")
    assert root.findtext(".//{*}CxlRsnInf/{*}Rsn/{*}Cd") == "DUPL"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer("ACCR"), RecallAccepted(code="ACCR")),
        (answer("CNCL"), RecallUnknown),
        (answer("RJCR", code="NOAS"), RecallRejected(code="NOAS")),
        (answer("PDCR"), RecallPending()),
        (answer("PECR"), RecallUnknown),
        (answer(""), RecallUnknown),
        (answer("ACCR", recall_id="RECALL-2"), RecallUnknown),
        (answer("ACCR", end_to_end_id="E2E-2"), RecallUnknown),
        (Response(status=404), RecallUnknown),
        (Response(status=500), RecallUnknown),
        (Response(status=200, content=b"<html>"), RecallUnknown),
        (Response(status=200, content=b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), RecallUnknown),
    ],
)
def test_only_a_documented_status_of_this_very_recall_decides(
    bank: Iso20022Bank, batch: Callable[..., Batch], given: Response, expected: Any
) -> None:
    """Another recall's answer, an unlisted status or an unreadable one leaves it open."""
    found, _ = converse(bank.find_cancellation(recall_of(batch())), lambda x: given)
    assert found == expected if not isinstance(expected, type) else isinstance(found, expected)


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (400, b"<error><code>FF01</code><reason>no</reason></error>", RecallNotTaken),
        (400, b"", RecallUnknown),
        (409, b"", RecallUnknown),
        (502, b"", RecallUnknown),
    ],
)
def test_a_request_that_was_not_taken_is_told_from_one_that_may_have_been(
    bank: Iso20022Bank, batch: Callable[..., Batch], status: int, content: bytes, expected: type
) -> None:
    """Only the bank's own "nothing was created" lets it be asked anew as if it never left."""
    reply = Response(status=status, content=content)
    found, asked = converse(bank.cancel(recall_of(batch())), lambda x: reply)
    assert isinstance(found, expected)
    assert 1 == len(asked)


def test_a_request_that_was_taken_and_has_no_answer_yet_is_pending(
    bank: Iso20022Bank, batch: Callable[..., Batch]
) -> None:
    """The bank has it: somebody there still has to look."""
    replies = iter([Response(status=202), Response(status=404)])
    found, _ = converse(bank.cancel(recall_of(batch())), lambda x: next(replies))
    assert isinstance(found, RecallPending)


def test_the_bank_sends_back_once_what_it_said_it_would(
    bank: Iso20022Bank, batch: Callable[..., Batch], opened: Callable[..., Any], play: Play
) -> None:
    """Asked twice under two names, and opened anew from its memory, it books one return."""
    sent = batch("Mo SANDBOX RECALL ACCR SHORT 45", "Bo & Co")
    later = datetime(2024, 12, 20, 9, tzinfo=UTC)
    rail = opened(now=later)
    ask = play(rail)
    converse(bank.submit_batch(sent), ask)
    first = recall_of(sent)
    for recall in (first, first, replace(first, recall_id="RECALL-2")):
        assert RecallAccepted(code="ACCR") == converse(bank.cancel(recall), ask)[0]
    other = recall_of(sent, 1, name="RECALL-3")
    assert RecallRejected(code="NOAS") == converse(bank.cancel(other), ask)[0]
    for simulator in (rail, opened(now=later)):
        account = bank.accounts()[0]
        (eur,) = [ref for ref in bank.accounts() if ref.currency == "EUR"]
        document, _ = converse(bank.statement(eur, later.date()), play(simulator))
        assert account.rail == "iso20022_bank"
        assert document is not None
        assert 1 == document.content.count(b"<Cd>FOCR</Cd>")
        assert b'Ccy="EUR">123.00<' in document.content
        assert 2 == len(simulator.executions())


def test_a_payment_that_the_bank_never_had_is_not_found_there(
    bank: Iso20022Bank, batch: Callable[..., Batch], opened: Callable[..., Any], play: Play
) -> None:
    """The request stands, and its answer says that there is no such payment."""
    found, _ = converse(bank.cancel(recall_of(batch())), play(opened()))
    assert RecallRejected(code="NOOR") == found
