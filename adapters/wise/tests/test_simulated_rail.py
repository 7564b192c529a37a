"""The adapter against the rail's simulator, in process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from settle.adapters import (
    Accepted,
    AccountRef,
    Fact,
    LineKind,
    Payment,
    Recall,
    RecallAccepted,
    RecallNotTaken,
    RecallRejected,
    RecallUnknown,
    Rejected,
    Statement,
    Unknown,
    Verb,
)
from settle.adapters.registry import installed
from settle.errors import RailDown
from settle_wise import Wise
from settle_wise.simulator import WiseSimulator

Talk = Callable[[Any], Awaitable[Any]]
TalkTo = Callable[[WiseSimulator, Any], Awaitable[Any]]
Numbered = Callable[..., Payment]
DAY, NEXT = date(2024, 12, 18), date(2024, 12, 19)
ALL_BUT_FUNDING = 7
FEE = 125_050 * 4_100 // 10**6


def gbp(adapter: Wise) -> AccountRef:
    return next(x for x in adapter.accounts() if x.currency == "GBP")


async def stated(adapter: Wise, talk: Talk, day: date) -> Statement:
    statement = adapter.read_report(await talk(adapter.statement(gbp(adapter), day)))
    assert statement.difference_minor == 0
    return statement


def recall(payment: Payment) -> Recall:
    return Recall(recall_id="R1", payment=payment, batch_id=None, code="DUPL", asked_on=DAY)


def test_the_plug_in_is_found_by_its_name() -> None:
    """The entry point leads to the adapter."""
    assert installed()["wise"] is Wise


async def test_a_payment_is_accepted_funded_once_and_found(
    adapter: Wise, payment: Payment, rail: WiseSimulator, talk: Talk
) -> None:
    """One submission is one execution, which `find` proves by our own reference."""
    outcome = await talk(adapter.submit(payment))
    (found,) = await talk(adapter.find(payment))
    (executed,) = rail.executions()
    assert isinstance(outcome, Accepted)
    assert (payment.uetr, 125_050, "GBP") == (
        executed.reference,
        executed.amount_minor,
        executed.currency,
    )
    assert (Fact.ACCEPTED, "E2E-0001", 125_050, outcome.rail_reference) == (
        found.fact,
        found.reference,
        found.amount_minor,
        found.rail_reference,
    )


async def test_the_same_payment_again_is_the_same_transfer(
    adapter: Wise, payment: Payment, rail: WiseSimulator, talk: Talk
) -> None:
    """A second conversation is led to the transfer that is there, and funds nothing."""
    first, again = await talk(adapter.submit(payment)), await talk(adapter.submit(payment))
    assert first.rail_reference == again.rail_reference
    assert again.status == "processing"
    assert len(rail.executions()) == 1


@pytest.mark.parametrize("stop_before", range(1, ALL_BUT_FUNDING + 1))
async def test_killed_before_any_step_it_is_done_again_and_paid_once(
    adapter: Wise, payment: Payment, rail: WiseSimulator, talk: Talk, stop_before: int
) -> None:
    """What an earlier try left behind is used again: its transfer, to its own recipient."""
    await talk(cut(adapter.submit(payment), stop_before))
    assert rail.executions() == ()
    assert isinstance(await talk(adapter.submit(payment)), Accepted)
    assert len(rail.executions()) == 1


def cut(conversation: Any, count: int) -> Any:
    """A conversation whose worker dies after so many answers."""
    exchange = next(conversation)
    for _ in range(count):
        exchange = conversation.send((yield exchange))


async def test_an_unfunded_transfer_is_not_found_and_dies(
    adapter: Wise, payment: Payment, clock: Any, talk: Talk
) -> None:
    """A transfer that nobody funded proves nothing, and once it is cancelled, is rejected."""
    await talk(cut(adapter.submit(payment), ALL_BUT_FUNDING))
    waiting = await talk(adapter.find(payment))
    clock.now += timedelta(days=14)
    dead = await talk(adapter.find(payment))
    again = await talk(adapter.submit(payment))
    assert [x.fact for x in waiting] == [Fact.NOT_FOUND]
    assert [(x.fact, x.code) for x in dead] == [(Fact.REJECTED, "never_funded")]
    assert again == Unknown(reason="the transfer is cancelled")


async def test_the_transfer_of_an_earlier_try_to_somebody_else_is_never_funded(
    adapter: Wise, payment: Payment, rail: WiseSimulator, talk: Talk
) -> None:
    """Where the transfer that is there pays another account, nothing is funded."""
    await talk(cut(adapter.submit(payment), ALL_BUT_FUNDING))
    other = replace(payment, beneficiary=replace(payment.beneficiary, account="99999999"))
    with pytest.raises(Exception, match="pays somebody else"):
        await talk(adapter.submit(other))
    assert rail.executions() == ()


async def test_another_amount_under_the_same_reference_is_never_funded(
    adapter: Wise, payment: Payment, rail: WiseSimulator, talk: Talk
) -> None:
    """The transfer that is there says another amount, so the way ends before its funding."""
    await talk(cut(adapter.submit(payment), ALL_BUT_FUNDING))
    with pytest.raises(Exception, match="another amount"):
        await talk(adapter.submit(replace(payment, amount_minor=1)))
    assert rail.executions() == ()


async def test_what_was_never_sent_is_not_found(
    adapter: Wise, payment: Payment, talk: Talk
) -> None:
    """An empty list is evidence that the rail does not know it now, and no more."""
    assert [x.fact for x in await talk(adapter.find(payment))] == [Fact.NOT_FOUND]


async def test_want_of_balance_is_a_rejection_with_its_code(
    adapter: Wise, numbered: Numbered, rail: WiseSimulator, talk: Talk
) -> None:
    """Funding is refused, nothing is debited, and the transfer goes on waiting."""
    big = numbered(5, amount_minor=10_000_000)  # and the fee, which is more than there is
    outcome = await talk(adapter.submit(big))
    assert isinstance(outcome, Rejected)
    assert outcome.code == "balance.payment-option-unavailable"
    assert outcome.code in adapter.profile.own_rejections
    assert [x.fact for x in await talk(adapter.find(big))] == [Fact.NOT_FOUND]
    assert rail.executions() == ()


async def test_a_refused_recipient_creates_nothing(
    adapter: Wise, numbered: Numbered, rail: WiseSimulator, talk: Talk
) -> None:
    """The sandbox's rejecting name is a refusal of the recipient, with its code."""
    outcome = await talk(adapter.submit(numbered(7, name="SANDBOX REJECT AC01")))
    assert outcome == Rejected(code="recipient_refused", reason="accountNumber: AC01")
    assert "recipient_refused" not in adapter.profile.own_rejections
    assert rail.executions() == ()


async def test_a_payee_of_whom_the_rail_asks_more_than_we_know_is_for_another_rail(
    adapter: Wise, payment: Payment, talk: Talk
) -> None:
    """Dollars want the payee's street, which an instruction does not have."""
    payee = replace(payment.beneficiary, country="US", account="40000000000", bank_code="064000020")
    outcome = await talk(adapter.submit(replace(payment, currency="USD", beneficiary=payee)))
    assert isinstance(outcome, Rejected)
    assert outcome.code == "requirements_unmet"
    assert outcome.reason.startswith("address.")
    assert outcome.code in adapter.profile.own_rejections


@pytest.mark.parametrize(
    ("currency", "account"),
    [
        ("EUR", {"country": "DE", "account": "DE89 3704 0044 0532 0130 00", "bank_code": None}),
        ("SGD", {"country": "SG", "account": "4000000000", "bank_code": "7171"}),
        ("GBP", {"country": "GB", "account": "GB33BUKB20201555555555", "bank_code": None}),
    ],
)
async def test_other_forms_of_account_are_paid(
    adapter: Wise, payment: Payment, talk: Talk, currency: str, account: dict[str, Any]
) -> None:
    """The rail says which form it wants, and gets the one that fits the payee."""
    payee = replace(payment.beneficiary, **account)
    outcome = await talk(adapter.submit(replace(payment, currency=currency, beneficiary=payee)))
    assert isinstance(outcome, Accepted)


async def test_the_states_of_a_bounce_prove_a_return_only_at_their_end(
    adapter: Wise, numbered: Numbered, clock: Any, talk: Talk
) -> None:
    """Sent, bounced, processing and cancelled: the rail has our money. Refunded: it is back."""
    payment = numbered(8, name="SANDBOX RETURN AC04 SHORT 250")
    await talk(adapter.submit(payment))
    begun, told = clock.now, []
    for hours in (0, 1, 48, 49, 50, 72):
        clock.now = begun + timedelta(hours=hours)
        (found,) = await talk(adapter.find(payment))
        told.append((found.detail["status"], found.fact, found.code, found.amount_minor))
    assert told == [
        ("processing", Fact.ACCEPTED, "", 125_050),
        ("outgoing_payment_sent", Fact.ACCEPTED, "", 125_050),
        ("bounced_back", Fact.ACCEPTED, "bounced_back", 125_050),
        ("processing", Fact.ACCEPTED, "", 125_050),
        ("cancelled", Fact.ACCEPTED, "cancelled", 125_050),
        ("funds_refunded", Fact.RETURNED, "funds_refunded", None),
    ]


async def test_a_return_short_of_charges_stands_on_the_statement(
    adapter: Wise, numbered: Numbered, clock: Any, talk: Talk
) -> None:
    """Money that came back short shows its original amount and what was kept."""
    payment = numbered(8, name="SANDBOX RETURN AC04 SHORT 250")
    await talk(adapter.submit(payment))
    clock.now += timedelta(days=3)
    (back,) = (await stated(adapter, talk, date(2024, 12, 21))).lines
    assert (
        back.kind,
        back.amount_minor,
        back.charges_minor,
        back.uetr,
        back.instructed_minor,
    ) == (LineKind.RETURN, 124_800, 250, payment.uetr, 125_050)


async def test_a_return_with_the_fee_is_the_principal_and_a_charge_given_back(
    adapter: Wise, numbered: Numbered, clock: Any, talk: Talk
) -> None:
    """What comes back beyond the principal stands by itself."""
    payment = numbered(8, name="SANDBOX RETURN AC04 SHORT 0")
    await talk(adapter.submit(payment))
    clock.now += timedelta(days=3)
    back, fee = (await stated(adapter, talk, date(2024, 12, 21))).lines
    assert (back.kind, back.amount_minor, back.charges_minor) == (LineKind.RETURN, 125_050, 0)
    assert (fee.kind, fee.amount_minor, fee.uetr) == (LineKind.CHARGE, FEE, None)


async def test_a_statement_shows_principal_and_fee_apart(
    adapter: Wise, payment: Payment, talk: Talk
) -> None:
    """The rail books both at once; read, what was instructed stands alone, and it adds up."""
    await talk(adapter.submit(payment))
    statement = await stated(adapter, talk, DAY)
    deposit, paid, fee = statement.lines
    assert (statement.opening_minor, statement.closing_minor) == (0, 10_000_000 - 125_050 - FEE)
    assert (deposit.remittance_information, deposit.uetr, deposit.counterparty, deposit.kind) == (
        "DEPOSIT P-GBP",
        None,
        "Partner Ltd",
        LineKind.TRANSFER,
    )
    assert (paid.amount_minor, paid.uetr, paid.kind) == (
        -125_050,
        payment.uetr,
        LineKind.TRANSFER,
    )
    assert (fee.amount_minor, fee.uetr, fee.kind) == (-FEE, None, LineKind.CHARGE)
    assert len({x.line_ref for x in statement.lines}) == 3


async def test_a_closed_day_reads_the_same_whenever_it_is_asked_for(
    adapter: Wise, payment: Payment, numbered: Numbered, clock: Any, talk: Talk
) -> None:
    """What was booked since changes no line of yesterday's statement."""
    await talk(adapter.submit(payment))
    before = await stated(adapter, talk, DAY)
    clock.now = datetime(2024, 12, 19, 16, 30, tzinfo=UTC)
    await talk(adapter.submit(numbered(2)))
    after, following = await stated(adapter, talk, DAY), await stated(adapter, talk, NEXT)
    assert before == after
    assert after.closing_minor == following.opening_minor


async def test_many_pages_lose_and_double_nothing(
    adapter: Wise, numbered: Numbered, talk: Talk
) -> None:
    """The oldest of many is found on the last page, and each line of a day has its reference."""
    payments = [numbered(n, amount_minor=n + 1) for n in range(205)]
    for each in payments:
        await talk(adapter.submit(each))
    found = await talk(adapter.find(payments[0]))
    statement = await stated(adapter, talk, DAY)
    references = [x.uetr for x in statement.lines if x.uetr]
    assert [x.fact for x in found] == [Fact.ACCEPTED]
    assert sorted(references) == sorted(x.uetr for x in payments)


async def test_balances_follow_what_was_paid_and_brought(
    adapter: Wise, payment: Payment, clock: Any, talk: Talk
) -> None:
    """What was brought is held, less principal and fee; tomorrow's deposit is not today's."""
    await talk(adapter.submit(payment))
    today = {x.account.currency: x.amount_minor for x in await talk(adapter.balances())}
    clock.now = datetime(2024, 12, 19, 0, 1, tzinfo=UTC)
    tomorrow = {x.account.currency: x.amount_minor for x in await talk(adapter.balances())}
    assert (today["GBP"], today["JPY"]) == (10_000_000 - 125_050 - FEE, 0)
    assert tomorrow["GBP"] == today["GBP"] + 10_000_000


async def test_a_restarted_rail_remembers_what_it_executed(
    adapter: Wise,
    payment: Payment,
    rail: WiseSimulator,
    open_rail: Callable[[], WiseSimulator],
    talk_to: TalkTo,
) -> None:
    """After a restart the same reference still executes nothing, and every list reads the same."""
    first = await talk_to(rail, adapter.submit(payment))
    document = await talk_to(rail, adapter.statement(gbp(adapter), DAY))
    restarted = open_rail()
    assert rail.executions() == restarted.executions()
    assert document == await talk_to(restarted, adapter.statement(gbp(adapter), DAY))
    again = await talk_to(restarted, adapter.submit(payment))
    assert first.rail_reference == again.rail_reference
    assert len(restarted.executions()) == 1


async def test_a_transfer_that_was_not_sent_yet_is_cancelled_and_refunded(
    adapter: Wise, payment: Payment, clock: Any, talk: Talk
) -> None:
    """Cancelling is final at once, and the money is back when the statement says so."""
    await talk(adapter.submit(payment))
    assert await talk(adapter.cancel(recall(payment))) == RecallAccepted(code="cancelled")
    assert await talk(adapter.find_cancellation(recall(payment))) == RecallAccepted(
        code="cancelled"
    )
    clock.now += timedelta(hours=1)
    (found,) = await talk(adapter.find(payment))
    assert found.fact is Fact.RETURNED
    assert (await stated(adapter, talk, DAY)).closing_minor == 10_000_000


async def test_what_was_paid_out_cannot_be_cancelled(
    adapter: Wise, payment: Payment, clock: Any, talk: Talk
) -> None:
    """The rail refuses for good, and says so when it is asked again."""
    await talk(adapter.submit(payment))
    assert isinstance(await talk(adapter.find_cancellation(recall(payment))), RecallUnknown)
    clock.now += timedelta(minutes=5)
    refused = await talk(adapter.cancel(recall(payment)))
    assert isinstance(refused, RecallRejected)
    assert refused.code == "transfer.cancellation.not.allowed"
    assert isinstance(await talk(adapter.find_cancellation(recall(payment))), RecallRejected)


async def test_what_the_rail_does_not_know_was_not_asked_back(
    adapter: Wise, payment: Payment, talk: Talk
) -> None:
    """Without a transfer no request leaves."""
    assert isinstance(await talk(adapter.cancel(recall(payment))), RecallNotTaken)
    assert isinstance(await talk(adapter.find_cancellation(recall(payment))), RecallNotTaken)


async def test_a_wrong_token_opens_nothing_and_decides_nothing(
    adapter: Wise,
    payment: Payment,
    rail: WiseSimulator,
    talk: Talk,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Refused credentials end the way before anything could move."""
    monkeypatch.setenv("WISE_TOKEN", "another")
    for conversation in (adapter.submit(payment), adapter.find(payment)):
        with pytest.raises(RailDown, match="401"):
            await talk(conversation)
    assert rail.executions() == ()


def test_verbs_the_rail_lacks_are_refused_locally(adapter: Wise) -> None:
    """The profile says no to batches and not yet to quotes of their own."""
    supported = {verb for verb in Verb if adapter.profile.supports(verb)}
    assert supported == {
        Verb.SUBMIT,
        Verb.FIND,
        Verb.CANCEL,
        Verb.STATEMENT,
        Verb.BALANCES,
        Verb.NOTIFICATION,
    }
