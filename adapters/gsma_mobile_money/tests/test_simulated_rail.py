"""The adapter against the rail's simulator, over loopback and with the real sender."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from settle.adapters import (
    Accepted,
    Batch,
    Effect,
    Exchange,
    Fact,
    LineKind,
    Notification,
    NotMoved,
    Payment,
    Recall,
    RecallAccepted,
    RecallNotTaken,
    RecallPending,
    RecallUnknown,
    Rejected,
    Response,
    Statement,
    Unknown,
    converse,
)
from settle.adapters.credentials import credentials
from settle.errors import DocumentError, RailDown
from settle_gsma_mobile_money import GsmaMobileMoney, parties
from settle_gsma_mobile_money.simulator import GsmaSimulator

from .conftest import Opened, Rail, Talk, Wall

DAY = date(2024, 12, 18)


def named(payment: Payment, number: int, name: str = "A Name", **changes: Any) -> Payment:
    """The payment under another number and another payee's name."""
    return replace(
        payment,
        idempotency_key=f"{number:032x}",
        end_to_end_id=f"E2E-{number}",
        beneficiary=replace(payment.beneficiary, name=name),
        **changes,
    )


async def stated(adapter: GsmaMobileMoney, talk: Talk, day: date = DAY) -> Statement:
    usd = next(x for x in adapter.accounts() if x.currency == "USD")
    return adapter.read_report(await talk(adapter.statement(usd, day)))


async def test_a_payment_is_executed_once_and_found(
    adapter: GsmaMobileMoney, payment: Payment, rail: GsmaSimulator, talk: Talk
) -> None:
    """One submission is one execution, which `find` proves to the unit."""
    outcome = await talk(adapter.submit(payment))
    (proof,) = await talk(adapter.find(payment))
    assert isinstance(outcome, Accepted)
    assert [("E2E-0001", 5_250)] == [(x.reference, x.amount_minor) for x in rail.executions()]
    assert (Fact.BOOKED, 5_250, outcome.rail_reference) == (
        proof.fact,
        proof.amount_minor,
        proof.rail_reference,
    )


async def test_a_lost_answer_is_recovered(
    adapter: GsmaMobileMoney, payment: Payment, rail: GsmaSimulator, base_url: str, talk: Talk
) -> None:
    """Executed and never heard: `find` says so, and asking again would make nothing new."""
    assert [Fact.NOT_FOUND] == [x.fact for x in await talk(adapter.find(payment))]
    request = next(adapter.submit(payment)).request
    async with httpx.AsyncClient(base_url=base_url) as client:
        headers = {**request.headers, **credentials(adapter.endpoint.auth)}
        await client.post(request.path, headers=headers, content=request.content)
    assert [Fact.BOOKED] == [x.fact for x in await talk(adapter.find(payment))]
    again = await talk(adapter.submit(replace(payment, amount_minor=1)))
    assert Unknown(reason="400 with businessRule: duplicateRequest") == again
    assert 1 == len(rail.executions())


async def test_what_is_refused_leaves_nothing(
    adapter: GsmaMobileMoney, payment: Payment, rail: GsmaSimulator, talk: Talk
) -> None:
    """Want of funds and a wrong payee are rejections, and nothing is found."""
    poor = named(payment, 1, amount_minor=9_000_000)
    wrong = named(payment, 2, "SANDBOX REJECT identifierError")
    for sent, code in ((poor, "insufficientFunds"), (wrong, "identifierError")):
        outcome = await talk(adapter.submit(sent))
        assert isinstance(outcome, Rejected)
        assert code == outcome.code
        assert [Fact.NOT_FOUND] == [x.fact for x in await talk(adapter.find(sent))]
    assert () == rail.executions()


async def test_a_refused_credential_decides_nothing(
    adapter: GsmaMobileMoney,
    payment: Payment,
    rail: GsmaSimulator,
    talk: Talk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rotated key leaves a submission unknown and a read unanswered."""
    monkeypatch.setenv("GSMA_API_KEY", "another")
    assert isinstance(await talk(adapter.submit(payment)), Unknown)
    assert NotMoved(reason="the rail answered a read with 401") == await talk(adapter.find(payment))
    assert () == rail.executions()


async def test_a_request_carried_out_later_is_polled(
    adapter: GsmaMobileMoney, payment: Payment, rail: GsmaSimulator, clock: Wall, talk: Talk
) -> None:
    """Pending it is accepted, over it is booked; nothing is executed before its time."""
    sent = named(payment, 3, "SANDBOX PENDING 5")
    outcome = await talk(adapter.submit(sent))
    assert isinstance(outcome, Accepted)
    assert "pending" == outcome.status
    assert [Fact.ACCEPTED] == [x.fact for x in await talk(adapter.find(sent))]
    assert () == rail.executions()
    clock.now += timedelta(minutes=5)
    assert [Fact.BOOKED] == [x.fact for x in await talk(adapter.find(sent))]
    assert 1 == len(rail.executions())


async def test_callbacks_tell_of_success_and_of_failure(
    opened: Opened, payment: Payment, rail: GsmaSimulator, clock: Wall, talk: Talk
) -> None:
    """A success is proof; a failure makes us ask, and asking proves the rejection."""
    adapter = opened(callback_url="https://hub.test/gsma")
    good, bad = named(payment, 4), named(payment, 5, "SANDBOX FAIL samePartiesError")
    for sent in (good, bad):
        assert isinstance(await talk(adapter.submit(sent)), Accepted)
    assert [] == list(rail.callbacks())
    clock.now += timedelta(minutes=1)
    told = []
    for url, headers, content in rail.callbacks():
        assert "https://hub.test/gsma" == url
        told.append(adapter.notification(headers, content, clock.now))
    first, second = told
    assert isinstance(first, Notification)
    assert isinstance(second, Notification)
    assert [(Fact.BOOKED, "E2E-4")] == [(x.fact, x.reference) for x in first.evidence]
    assert [first.evidence[0].evidence_id] == [
        x.evidence_id for x in await talk(adapter.find(good))
    ]
    assert (bad.idempotency_key,) == second.find_first
    assert [Fact.REJECTED] == [x.fact for x in await talk(adapter.find(bad))]


async def test_a_status_of_the_providers_own_is_unknown(
    adapter: GsmaMobileMoney, payment: Payment, talk: Talk
) -> None:
    """It is neither accepted nor rejected, and its day has no statement until it is explained."""
    sent = named(payment, 6, "SANDBOX STATUS onhold")
    assert isinstance(await talk(adapter.submit(sent)), Unknown)
    (proof,) = await talk(adapter.find(sent))
    assert (Fact.ACCEPTED, "unmapped:onhold") == (proof.fact, proof.code)
    usd = next(x for x in adapter.accounts() if x.currency == "USD")
    ending = await talk(adapter.statement(usd, DAY))
    assert isinstance(ending, NotMoved)
    assert "onhold" in ending.reason


async def test_balances_and_statement_agree(
    adapter: GsmaMobileMoney, payment: Payment, talk: Talk, clock: Wall
) -> None:
    """The day's lines carry our references out and others' words in, and the days join."""
    await talk(adapter.submit(payment))
    await talk(adapter.submit(named(payment, 7, "SANDBOX RETURN AC04 SHORT 250")))
    statement = await stated(adapter, talk)
    deposit, *others = statement.lines
    assert (0, 1_000_000 - 5_250 - 250, 0) == (
        statement.opening_minor,
        statement.closing_minor,
        statement.difference_minor,
    )
    assert ("DEPOSIT USD", None) == (deposit.remittance_information, deposit.end_to_end_id)
    back = next(x for x in others if x.kind is LineKind.RETURN)
    assert ("E2E-7", 5_000, 250, 5_250) == (
        back.end_to_end_id,
        back.amount_minor,
        back.charges_minor,
        back.instructed_minor,
    )
    assert {"E2E-0001", "E2E-7"} == {x.end_to_end_id for x in others}
    clock.now = datetime(2024, 12, 19, 9, 0, tzinfo=UTC)
    await talk(adapter.submit(named(payment, 8)))
    assert statement == await stated(adapter, talk)
    following = await stated(adapter, talk, date(2024, 12, 19))
    assert statement.closing_minor == following.opening_minor
    held = {x.account.currency: x.amount_minor for x in await talk(adapter.balances())}
    assert {"USD": following.closing_minor, "JPY": 2_000_000} == held


@pytest.mark.parametrize(
    ("party", "is_ours"),
    [
        ([("organisationid", "HUB"), ("accountid", "1")], True),
        ([("organisationid", "HUB")], True),
        ([("organisationid", "HUB"), ("accountid", "2")], False),
        ([("accountid", "2")], False),
        ([("msisdn", "+254700000001")], False),
        ([], False),
    ],
)
def test_two_wallets_of_one_organisation_are_told_apart(
    party: list[tuple[str, str]], *, is_ours: bool
) -> None:
    """An identifier in common is not enough where another one differs."""
    told = [{"key": kind, "value": value} for kind, value in party]
    assert is_ours == parties.is_at("organisationid@HUB$accountid@1", told)


async def test_many_pages_lose_and_double_nothing(
    adapter: GsmaMobileMoney, payment: Payment, talk: Talk
) -> None:
    """A list longer than a page is read whole."""
    for number in range(100, 225):
        await talk(adapter.submit(named(payment, number, amount_minor=number)))
    statement = await stated(adapter, talk)
    ours = [x.end_to_end_id for x in statement.lines if x.end_to_end_id]
    assert 125 == len(ours) == len(set(ours))
    assert 0 == statement.opening_minor


async def test_a_reversal_brings_it_back(
    opened: Opened, payment: Payment, rail: GsmaSimulator, talk: Talk, clock: Wall
) -> None:
    """Asked back at once or later; asked again it is a doubt, and one that never left, nothing."""
    adapter = opened()
    recall = Recall(recall_id="A" * 32, payment=payment, batch_id=None, code="DUPL", asked_on=DAY)
    assert isinstance(await talk(adapter.cancel(recall)), RecallNotTaken)
    assert isinstance(await talk(adapter.find_cancellation(recall)), RecallUnknown)
    await talk(adapter.submit(payment))
    assert isinstance(await talk(adapter.cancel(recall)), RecallAccepted)
    assert isinstance(await talk(adapter.find_cancellation(recall)), RecallAccepted)
    second = replace(recall, recall_id="B" * 32)
    assert isinstance(await talk(adapter.cancel(second)), RecallUnknown)
    statement = await stated(adapter, talk)
    assert [("E2E-0001", 5_250)] == [
        (x.end_to_end_id, x.amount_minor) for x in statement.lines if x.kind is LineKind.RETURN
    ]
    later = opened(callback_url="https://hub.test/gsma")
    other = named(payment, 9)
    await talk(adapter.submit(other))
    asked = replace(recall, recall_id="C" * 32, payment=other)
    assert isinstance(await talk(later.cancel(asked)), RecallPending)
    clock.now += timedelta(minutes=1)
    assert isinstance(await talk(later.find_cancellation(asked)), RecallAccepted)
    assert 2 == len(rail.executions())


async def test_a_batch_is_taken_as_a_whole_and_told_one_by_one(
    opened: Opened, payment: Payment, rail: GsmaSimulator, talk: Talk, clock: Wall
) -> None:
    """Taken, then listed: completed ones are booked, rejected ones freed, with their codes."""
    adapter = opened(batches=True)
    payments = [named(payment, 10), named(payment, 11, "SANDBOX REJECT identifierError")]
    payments.append(named(payment, 12, amount_minor=999_000))
    batch = Batch(
        batch_id="D" * 32, currency="USD", value_date=payment.value_date,
        created_on=DAY, payments=payments,
    )  # fmt: skip
    assert [Fact.NOT_FOUND] * 3 == [x.fact for x in await talk(adapter.find_batch(batch))]
    outcomes = await talk(adapter.submit_batch(batch))
    assert all(isinstance(outcomes[x.payment_id], Accepted) for x in payments)
    assert [Fact.ACCEPTED] * 3 == [x.fact for x in await talk(adapter.find_batch(batch))]
    clock.now += timedelta(minutes=1)
    found = await talk(adapter.find_batch(batch))
    assert [
        (Fact.BOOKED, "E2E-10", "", 5_250),
        (Fact.REJECTED, "E2E-11", "identifierError", None),
        (Fact.REJECTED, "E2E-12", "insufficientFunds", None),
    ] == [(x.fact, x.reference, x.code, x.amount_minor) for x in found]
    assert ["E2E-10"] == [x.reference for x in rail.executions()]


async def test_a_restarted_rail_remembers(
    adapter: GsmaMobileMoney, payment: Payment, rail: GsmaSimulator, open_rail: Rail, talk: Talk
) -> None:
    """What it executed, what it was asked and what waits is there after a kill."""
    await talk(adapter.submit(payment))
    await talk(adapter.submit(named(payment, 13, "SANDBOX PENDING 5")))
    restarted = open_rail()
    assert rail.executions() == restarted.executions()
    assert ["completed", "pending"] == [x.state for x in restarted._books.asks]


def test_a_list_that_does_not_move_on_is_refused(adapter: GsmaMobileMoney) -> None:
    """A provider that ignores the offset would hide what is on its second page."""
    item = '{"transactionReference":"R","transactionStatus":"completed","type":"deposit"}'

    def answer(exchange: Exchange) -> Response:
        assert exchange.effect is Effect.READS
        body = '{"currentBalance":"1"}' if "balance" in exchange.request.path else f"[{item}]"
        return Response(status=200, content=body.encode())

    with pytest.raises(DocumentError, match="do not move on"):
        converse(adapter.statement(adapter.accounts()[1], DAY), answer)


def test_a_list_that_shrinks_while_it_is_read_is_read_again(adapter: GsmaMobileMoney) -> None:
    """After three tries the rail is said to be down, and no line is left out in silence."""

    def answer(exchange: Exchange) -> Response:
        if "balance" in exchange.request.path:
            return Response(status=200, content=b'{"currentBalance":"1"}')
        return Response(status=200, headers={"x-records-available-count": "2"}, content=b"[]")

    with pytest.raises(RailDown, match="moved"):
        converse(adapter.statement(adapter.accounts()[1], DAY), answer)
