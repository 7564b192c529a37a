"""The rail over real loopback HTTP, through the real sender, behind a network that loses things."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from settle.adapters import (
    Accepted,
    Effect,
    Exchange,
    Fact,
    Finished,
    NotMoved,
    Open,
    Payment,
    ReadPolicy,
    Recorded,
    Response,
    Sender,
    Unknown,
)
from settle.conformance import HostileNetwork
from settle.conformance.faults import Fault, FaultRule
from settle.simulation.serve import serving
from settle_wise import Wise, WiseSettings
from settle_wise.simulator import WiseSimulator

FUNDING = "/v3/profiles/30000001/transfers/"
STEPS = {
    "quote": ("POST", "/v3/profiles/30000001/quotes"),
    "recipient": ("POST", "/v1/accounts"),
    "attach": ("PATCH", "/v3/profiles/30000001/quotes/"),
    "asks": ("POST", "/v1/transfer-requirements"),
    "transfer": ("POST", "/v1/transfers"),
}


@dataclass(slots=True)
class Kept:
    """What a store keeps of conversations, in memory."""

    entries: dict[tuple[str, int], Recorded] = field(default_factory=dict)

    async def history(self, conversation_id: str) -> Sequence[Recorded]:
        found = [v for (name, _), v in sorted(self.entries.items()) if name == conversation_id]
        return tuple(found)

    async def intent(self, conversation_id: str, step: int, exchange: Exchange) -> None:
        self.entries[conversation_id, step] = Recorded(
            step=step, effect=exchange.effect, fingerprint=exchange.request.fingerprint
        )

    async def answer(self, conversation_id: str, step: int, response: Response) -> None:
        here = (conversation_id, step)
        self.entries[here] = replace(self.entries[here], response=response)

    async def silence(self, conversation_id: str, step: int, reason: str, *, sent: bool) -> None:
        del reason
        here = (conversation_id, step)
        self.entries[here] = replace(self.entries[here], sent=sent)


@dataclass(slots=True)
class Line:
    """The adapter at the rail's address, a sender to it, and what is kept."""

    adapter: Wise
    sender: Sender
    kept: Kept

    async def pay(self, payment: Payment, *, name: str = "c", resend: bool = False) -> Any:
        return await self.sender.run(
            self.adapter.submit(payment), conversation_id=name, recorder=self.kept, resend=resend
        )

    async def find(self, payment: Payment) -> Any:
        ending = await self.sender.run(self.adapter.find(payment), conversation_id="find")
        assert isinstance(ending, Finished)
        return [x.fact for x in ending.value]


Opened = Callable[..., Any]


@pytest.fixture
def line_to(rail: WiseSimulator, settings: WiseSettings) -> Opened:
    @asynccontextmanager
    async def opened(*faults: FaultRule) -> AsyncIterator[Line]:
        async with serving(rail.app) as upstream, HostileNetwork(upstream, faults) as network:
            adapter = Wise(settings.model_copy(update={"base_url": network.base_url}))
            reads = ReadPolicy(attempts_max=2, wait_s=0.01)
            async with Sender(adapter.endpoint, connections=1, reads=reads) as sender:
                yield Line(adapter, sender, Kept())

    return opened


async def test_a_payment_goes_over_the_wire(
    line_to: Opened, payment: Payment, rail: WiseSimulator
) -> None:
    """One conversation, one funding, found by our reference."""
    async with line_to() as line:
        ending = await line.pay(payment)
        assert isinstance(ending, Finished)
        assert isinstance(ending.value, Accepted)
        assert await line.find(payment) == [Fact.ACCEPTED]
    assert [x.reference for x in rail.executions()] == [payment.uetr]


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.HALF_ANSWER])
async def test_a_funding_whose_answer_is_lost_is_found_and_never_made_twice(
    line_to: Opened, payment: Payment, rail: WiseSimulator, fault: Fault
) -> None:
    """Nobody knows, `find` does; sent again all the same, the rail refuses it."""
    async with line_to(FaultRule(method="POST", path=FUNDING, fault=fault)) as line:
        assert isinstance(await line.pay(payment), Open)
        assert await line.find(payment) == [Fact.ACCEPTED]
        assert isinstance(await line.pay(payment), Open)  # a replay sends nothing
        again = await line.pay(payment, resend=True)
        assert isinstance(again, Finished)
        assert again.value == Unknown(reason="funding: status: Field required")
        assert await line.find(payment) == [Fact.ACCEPTED]
    assert len(rail.executions()) == 1


@pytest.mark.parametrize("fault", [Fault.STATUS_500_AFTER, Fault.GARBAGE])
async def test_a_funding_with_another_answer_in_its_place_is_found(
    line_to: Opened, payment: Payment, rail: WiseSimulator, fault: Fault
) -> None:
    """An error or a page of somebody else's says nothing about the money that moved."""
    async with line_to(FaultRule(method="POST", path=FUNDING, fault=fault)) as line:
        ending = await line.pay(payment)
        assert isinstance(ending, Finished)
        assert isinstance(ending.value, Unknown)
        assert await line.find(payment) == [Fact.ACCEPTED]
    assert len(rail.executions()) == 1


@pytest.mark.parametrize("fault", [Fault.LOSE_REQUEST, Fault.STATUS_503])
async def test_a_funding_that_never_arrived_is_sent_again_for_the_same_transfer(
    line_to: Opened, payment: Payment, rail: WiseSimulator, fault: Fault
) -> None:
    """`find` says not found, the re-sending funds what was made, and nothing is made anew."""
    async with line_to(FaultRule(method="POST", path=FUNDING, fault=fault)) as line:
        ending = await line.pay(payment)
        assert isinstance(ending, Open) or isinstance(ending.value, Unknown)
        assert await line.find(payment) == [Fact.NOT_FOUND]
        forget_answer(line.kept)
        again = await line.pay(payment, resend=True)
        assert isinstance(again, Finished)
        assert isinstance(again.value, Accepted)
    assert len(rail.executions()) == 1


def forget_answer(kept: Kept) -> None:
    """What a re-sending replays: everything but the answer to what may have moved money."""
    for here, entry in kept.entries.items():
        if entry.effect is Effect.COMMITS:
            kept.entries[here] = replace(entry, response=None)


@pytest.mark.parametrize("name", sorted(STEPS))
@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.STATUS_500_AFTER, Fault.GARBAGE])
async def test_what_is_lost_before_the_funding_is_done_anew_and_paid_once(
    line_to: Opened, payment: Payment, rail: WiseSimulator, name: str, fault: Fault
) -> None:
    """Nothing moved, so a new conversation goes the whole way; the transfer is still one."""
    method, path = STEPS[name]
    times = 2 if name == "asks" and fault is not Fault.GARBAGE else 1  # a read is repeated
    async with line_to(FaultRule(method=method, path=path, fault=fault, count=times)) as line:
        assert isinstance(await line.pay(payment), NotMoved)
        assert rail.executions() == ()
        ending = await line.pay(payment, name="d")
        assert isinstance(ending, Finished)
        assert isinstance(ending.value, Accepted)
    assert len(rail.executions()) == 1


async def test_a_conversation_killed_after_any_answer_goes_on_from_what_was_stored(
    line_to: Opened, payment: Payment, rail: WiseSimulator
) -> None:
    """Replayed on its stored answers it asks only for what is missing, and funds once."""
    async with line_to() as line:
        await line.pay(payment)
        whole = dict(line.kept.entries)
        for kept in range(len(whole), 0, -1):
            line.kept.entries = {here: x for here, x in whole.items() if x.step < kept}
            ending = await line.pay(payment)
            assert isinstance(ending, Finished)
            assert isinstance(ending.value, (Accepted, Unknown))
            assert await line.find(payment) == [Fact.ACCEPTED]
    assert len(rail.executions()) == 1
