"""The adapter against the rail's simulator, in process."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from settle.adapters import (
    Accepted,
    AccountRef,
    Fact,
    LineKind,
    Payment,
    Rejected,
    Statement,
    Unknown,
    Verb,
)
from settle.adapters.registry import installed
from settle.errors import RailDown
from settle_adyen_transfers import AdyenTransfers
from settle_adyen_transfers.simulator import AdyenSimulator

Talk = Callable[[Any], Awaitable[Any]]
TalkTo = Callable[[AdyenSimulator, Any], Awaitable[Any]]
Named = Callable[[str, str], Payment]
DAY, NEXT = date(2024, 12, 18), date(2024, 12, 19)


def aud(adapter: AdyenTransfers) -> AccountRef:
    return next(x for x in adapter.accounts() if x.currency == "AUD")


async def stated(adapter: AdyenTransfers, talk: Talk, day: date) -> Statement:
    return adapter.read_report(await talk(adapter.statement(aud(adapter), day)))


def test_the_plug_in_is_found_by_its_name() -> None:
    """The entry point leads to the adapter."""
    assert installed()["adyen_transfers"] is AdyenTransfers


async def test_a_payment_is_accepted_executed_and_found_booked(
    adapter: AdyenTransfers, payment: Payment, rail: AdyenSimulator, talk: Talk
) -> None:
    """One submission is one execution, which `find` proves step by step."""
    outcome = await talk(adapter.submit(payment))
    finding = await talk(adapter.find(payment))
    assert isinstance(outcome, Accepted)
    assert [x.reference for x in rail.executions()] == ["E2E-0001"]
    assert [x.fact for x in finding] == [Fact.ACCEPTED, Fact.ACCEPTED, Fact.BOOKED]
    assert (125_050, "AUD", outcome.rail_reference) == (
        finding[-1].amount_minor,
        finding[-1].currency,
        finding[-1].rail_reference,
    )


async def test_the_same_key_executes_nothing_new(
    adapter: AdyenTransfers, payment: Payment, rail: AdyenSimulator, talk: Talk
) -> None:
    """A re-sent submission is answered as the first one was."""
    first, again = await talk(adapter.submit(payment)), await talk(adapter.submit(payment))
    assert first == again
    assert len(rail.executions()) == 1


async def test_the_same_key_for_another_body_is_unknown_and_executes_nothing(
    adapter: AdyenTransfers, payment: Payment, rail: AdyenSimulator, talk: Talk
) -> None:
    """A key conflict is never a rejection, for the first request was executed."""
    await talk(adapter.submit(payment))
    outcome = await talk(adapter.submit(replace(payment, amount_minor=1)))
    assert Unknown(reason="422 with error code 704") == outcome
    assert len(rail.executions()) == 1


async def test_another_key_for_the_same_payment_is_a_second_execution(
    adapter: AdyenTransfers, payment: Payment, rail: AdyenSimulator, talk: Talk
) -> None:
    """The rail deduplicates by key alone, so a double payment of ours would show."""
    await talk(adapter.submit(payment))
    await talk(adapter.submit(replace(payment, idempotency_key="k-other")))
    assert [x.reference for x in rail.executions()] == ["E2E-0001", "E2E-0001"]


async def test_what_was_never_sent_is_not_found(
    adapter: AdyenTransfers, payment: Payment, talk: Talk
) -> None:
    """An empty list is evidence that the rail does not know it now, and no more."""
    assert [x.fact for x in await talk(adapter.find(payment))] == [Fact.NOT_FOUND]


async def test_want_of_balance_is_a_rejection_with_its_reason(
    adapter: AdyenTransfers, payment: Payment, rail: AdyenSimulator, talk: Talk
) -> None:
    """A refusal for want of balance moved nothing, and `find` says so too."""
    big = replace(payment, currency="NOK", beneficiary=norwegian(payment))
    outcome = await talk(adapter.submit(big))
    finding = await talk(adapter.find(big))
    assert Rejected(code="notEnoughBalance", reason="refused: notEnoughBalance") == outcome
    assert [x.fact for x in finding] == [Fact.REJECTED]
    assert rail.executions() == ()


def norwegian(payment: Payment) -> Any:
    return replace(payment.beneficiary, country="NO", account="NO9386011117947", bank_code=None)


async def test_a_rejected_account_creates_nothing(
    adapter: AdyenTransfers, named: Named, rail: AdyenSimulator, talk: Talk
) -> None:
    """The sandbox's rejecting name is a validation error with its code."""
    outcome = await talk(adapter.submit(named("7", "SANDBOX REJECT AC01")))
    assert Rejected(code="AC01", reason="counterparty.bankAccount: AC01") == outcome
    assert rail.executions() == ()


async def test_a_return_short_of_charges_is_found_and_stands_on_the_statement(
    adapter: AdyenTransfers, named: Named, talk: Talk
) -> None:
    """Money that came back short shows its code, its original amount and what was kept."""
    payment = named("8", "SANDBOX RETURN AC04 SHORT 250")
    await talk(adapter.submit(payment))
    finding = await talk(adapter.find(payment))
    statement = await stated(adapter, talk, DAY)
    back = statement.lines[-1]
    assert [x.fact for x in finding[-2:]] == [Fact.BOOKED, Fact.RETURNED]
    assert (finding[-1].amount_minor, finding[-1].code) == (124_800, "AC04")
    assert (
        back.kind,
        back.amount_minor,
        back.charges_minor,
        back.return_code,
        back.end_to_end_id,
        back.instructed_minor,
    ) == (LineKind.RETURN, 124_800, 250, "AC04", "E2E-8", 125_050)


async def test_a_statement_shows_our_payments_and_what_others_brought(
    adapter: AdyenTransfers, payment: Payment, talk: Talk
) -> None:
    """A day's lines carry our references out and the depositor's words in, and they add up."""
    await talk(adapter.submit(payment))
    statement = await stated(adapter, talk, DAY)
    deposit, payout = statement.lines
    assert (
        statement.opening_minor,
        statement.closing_minor,
        statement.difference_minor,
    ) == (0, 9_874_950, 0)
    assert (
        deposit.remittance_information,
        deposit.end_to_end_id,
        deposit.counterparty,
        deposit.kind,
    ) == ("DEPOSIT P-AUD", None, "Partner Ltd", LineKind.TRANSFER)
    assert (
        payout.amount_minor,
        payout.end_to_end_id,
        payout.booked_on,
    ) == (-125_050, "E2E-0001", DAY)


async def test_a_closed_day_reads_the_same_whenever_it_is_asked_for(
    adapter: AdyenTransfers, payment: Payment, clock: Any, talk: Talk
) -> None:
    """What was booked since changes not a byte of yesterday's statement."""
    await talk(adapter.submit(payment))
    before = await talk(adapter.statement(aud(adapter), DAY))
    clock.now = datetime(2024, 12, 19, 16, 30, tzinfo=UTC)
    await talk(adapter.submit(replace(payment, idempotency_key="k-2", end_to_end_id="E2E-2")))
    after = await talk(adapter.statement(aud(adapter), DAY))
    following = await stated(adapter, talk, NEXT)
    assert before == after
    assert adapter.read_report(after).closing_minor == following.opening_minor


async def test_many_pages_lose_and_double_nothing(
    adapter: AdyenTransfers, named: Named, talk: Talk
) -> None:
    """Lists longer than a page are read whole."""
    for number in range(230):
        await talk(adapter.submit(replace(named(str(number), "A Name"), amount_minor=number + 1)))
    statement = await stated(adapter, talk, DAY)
    references = [x.end_to_end_id for x in statement.lines if x.end_to_end_id]
    assert 230 == len(references) == len(set(references))
    assert statement.opening_minor == 0


async def test_lines_of_a_day_stay_hidden_until_that_day(
    adapter: AdyenTransfers, clock: Any, talk: Talk
) -> None:
    """What others bring tomorrow is on no list and in no balance today."""
    today = {x.account.currency: x.amount_minor for x in await talk(adapter.balances())}
    clock.now = datetime(2024, 12, 19, 0, 0, tzinfo=UTC)
    tomorrow = {x.account.currency: x.amount_minor for x in await talk(adapter.balances())}
    assert today == {"AUD": 10_000_000, "SGD": 10_000_000, "NOK": 0, "JPY": 0}
    assert tomorrow == {"AUD": 20_000_000, "SGD": 20_000_000, "NOK": 0, "JPY": 0}


async def test_a_restarted_rail_remembers_what_it_executed(
    adapter: AdyenTransfers,
    payment: Payment,
    rail: AdyenSimulator,
    open_rail: Callable[[], AdyenSimulator],
    talk_to: TalkTo,
) -> None:
    """After a restart the same key still executes nothing, and every list reads the same."""
    first = await talk_to(rail, adapter.submit(payment))
    document = await talk_to(rail, adapter.statement(aud(adapter), DAY))
    restarted = open_rail()
    assert rail.executions() == restarted.executions()
    assert first == await talk_to(restarted, adapter.submit(payment))
    assert document == await talk_to(restarted, adapter.statement(aud(adapter), DAY))
    assert len(restarted.executions()) == 1


async def test_a_wrong_key_opens_nothing_and_decides_nothing(
    adapter: AdyenTransfers,
    payment: Payment,
    rail: AdyenSimulator,
    talk: Talk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refused credentials leave a submission unknown and a read unanswered."""
    monkeypatch.setenv("ADYEN_API_KEY", "another")
    assert Unknown(reason="POST /transfers answered 401") == await talk(adapter.submit(payment))
    with pytest.raises(RailDown, match="401"):
        await talk(adapter.find(payment))
    assert rail.executions() == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": {"currency": "AUD", "value": 1.5}}, "amount.value"),
        ({"amount": {"currency": "AUD", "value": True}}, "amount.value"),
        ({"amount": {"currency": "NOK", "value": 1}}, "amount.currency"),
        ({"priority": None}, "priority"),
        ({"surprise": 1}, "surprise"),
        ({"description": "ü"}, "description"),
        ({"referenceForBeneficiary": "E2E-0001"}, "referenceForBeneficiary"),
        ({"balanceAccountId": "BA0"}, "balanceAccountId"),
    ],
)
async def test_the_simulator_demands_what_the_spec_demands(
    adapter: AdyenTransfers,
    payment: Payment,
    rail: AdyenSimulator,
    change: dict[str, Any],
    field: str,
) -> None:
    """A request that does not fit is refused by field, and nothing is executed."""
    request = next(adapter.submit(payment)).request
    body = json.loads(request.content) | change
    transport = httpx.ASGITransport(app=rail.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://rail.test") as client:
        answer = await client.post(
            request.path, json=body, headers={"X-API-Key": "a-key-for-tests"}
        )
    assert answer.status_code == 422
    assert field in [x["name"] for x in answer.json()["invalidFields"]]
    assert rail.executions() == ()


def test_verbs_the_rail_lacks_are_refused_locally(adapter: AdyenTransfers) -> None:
    """The profile says no to batches and not yet to cancelling."""
    supported = {verb for verb in Verb if adapter.profile.supports(verb)}
    assert {
        Verb.SUBMIT,
        Verb.FIND,
        Verb.STATEMENT,
        Verb.BALANCES,
        Verb.NOTIFICATION,
    } == supported
