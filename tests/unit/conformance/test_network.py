"""The hostile network passes everything through as it is, and loses what its rules say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from settle.adapters import (
    Conversation,
    Endpoint,
    Finished,
    NotMoved,
    Open,
    Request,
    Response,
    Sender,
    commits,
)
from settle.adapters.simulator import Memory
from settle.conformance import Fault, FaultPlan, FaultRule, HostileNetwork, read_faults
from settle.errors import ConfigError

ANSWER = b'HTTP/1.1 201 Created\r\nX-ODD:  kept \r\ncontent-length: 11\r\n\r\n{"ok":true}'


class Rail:
    """A raw server that keeps every request byte for byte and always answers the same."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = int(httpx.Headers(_lines(head)).get("content-length", 0))
                self.bodies.append(await reader.readexactly(length))
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def _lines(head: bytes) -> list[tuple[bytes, bytes]]:
    pairs = (line.partition(b":") for line in head.split(b"\r\n")[1:] if line)
    return [(name, value.strip()) for name, _, value in pairs]


@pytest.fixture
def rail() -> Rail:
    return Rail()


@pytest.fixture
async def upstream(rail: Rail) -> AsyncIterator[tuple[str, int]]:
    server = await asyncio.start_server(rail.serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()
    server.close()


def pay(body: bytes = b"pay") -> Conversation[Response]:
    return (yield commits(Request(method="POST", path="/payments", content=body)))


async def endings(network: HostileNetwork, *, count: int = 1) -> list[object]:
    endpoint = Endpoint(base_url=network.base_url, timeout_s=10.0)
    async with Sender(endpoint, connections=1) as sender:
        return [await sender.run(pay(), conversation_id=str(n)) for n in range(count)]


async def test_what_passes_is_not_touched(rail: Rail, upstream: tuple[str, int]) -> None:
    """Every byte of the request and of the answer comes out as it went in."""
    request = b"PUT /a%2fb?x=1 HTTP/1.1\r\nhOst: here\r\nX-A:  b \r\nContent-Length: 3\r\n\r\nabc"
    async with HostileNetwork(upstream) as network:
        host, port = network.base_url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(2):
            writer.write(request)
            assert await reader.readexactly(len(ANSWER)) == ANSWER
        writer.close()
    assert [request[:-3]] * 2 == rail.heads
    assert (network.traffic.arrived, network.traffic.forwarded) == (2, 2)


async def test_pipelined_requests_are_passed_one_by_one(
    rail: Rail, upstream: tuple[str, int]
) -> None:
    """Two requests in one packet are two requests to the rail."""
    request = b"GET /a HTTP/1.1\r\nHost: here\r\n\r\n"
    async with HostileNetwork(upstream) as network:
        host, port = network.base_url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request * 2)
        assert await reader.readexactly(2 * len(ANSWER)) == ANSWER * 2
        writer.close()
    assert [request] * 2 == rail.heads


@pytest.mark.parametrize(
    ("fault", "forwarded", "ending"),
    [
        (Fault.LOSE_REQUEST, 0, Open),
        (Fault.LOSE_ANSWER, 1, Open),
        (Fault.HALF_ANSWER, 1, Open),
        (Fault.STATUS_503, 0, 503),
        (Fault.STATUS_500_AFTER, 1, 500),
        (Fault.GARBAGE, 1, 200),
        (Fault.DELAY, 1, 201),
    ],
)
async def test_each_fault_does_what_it_says(
    rail: Rail, upstream: tuple[str, int], fault: Fault, forwarded: int, ending: object
) -> None:
    """A fault reaches the rail, or not, exactly as its table says, and is in the journal."""
    rule = FaultRule(fault=fault, method="POST", path="/pay", delay_s=0.01)
    async with HostileNetwork(upstream, [rule]) as network:
        (heard,) = await endings(network)
    assert forwarded == len(rail.heads)
    assert [(fault, bool(forwarded))] == [(x.fault, x.forwarded) for x in network.journal]
    assert {fault: 1} == network.injected
    assert ending == (heard.value.status if isinstance(heard, Finished) else type(heard))


async def test_a_rule_meets_its_ordinals_only(rail: Rail, upstream: tuple[str, int]) -> None:
    """`first` and `count` choose among the matching requests, and other requests do not count."""
    rules = [
        FaultRule(fault=Fault.STATUS_503, path="/payments", first=2, count=2, retry_after_s=7),
        FaultRule(fault=Fault.LOSE_REQUEST, path="/other"),
        FaultRule(fault=Fault.LOSE_REQUEST, containing="somebody else"),
    ]
    async with HostileNetwork(upstream, rules) as network:
        heard = await endings(network, count=5)
    responses = [x.value for x in heard if isinstance(x, Finished)]
    assert [x.status for x in responses] == [201, 503, 503, 201, 201]
    assert responses[1].headers["retry-after"] == "7"
    assert len(rail.heads) == 3


def test_a_spent_fault_is_not_injected_again(tmp_path: Path) -> None:
    """How far each rule has counted survives its process."""
    rule = FaultRule(fault=Fault.LOSE_ANSWER, first=2, count=2)
    met = []
    for _ in range(5):  # each with a new plan on the same memory
        plan = FaultPlan([rule], memory=Memory(tmp_path / "faults.jsonl"))
        met.append(plan.meet("POST", "/", b"") is not None)
    assert met == [False, True, True, False, False]
    assert plan.injected == {Fault.LOSE_ANSWER: 2}


def test_a_rule_can_name_a_payment_by_what_its_body_contains() -> None:
    """Whatever order requests come in, the fault meets the one that holds the bytes."""
    rule = FaultRule(fault=Fault.LOSE_ANSWER, containing="Åse AS")
    plan = FaultPlan([rule], memory=Memory(None))
    bodies = ["Bo AB", "Åse AS", "Åse AS"]
    met = [plan.meet("POST", "/payments", body.encode()) for body in bodies]
    assert met == [None, rule, None]


async def test_a_rail_that_is_gone_is_a_closed_connection(unused_tcp_port: int) -> None:
    """Where the rail itself does not listen, the client's connection just closes."""
    async with HostileNetwork(("127.0.0.1", unused_tcp_port)) as network:
        (heard,) = await endings(network)
    assert isinstance(heard, Open)
    assert (network.traffic.arrived, network.traffic.forwarded) == (1, 0)


async def test_a_closed_network_refuses(upstream: tuple[str, int]) -> None:
    """After aclose nobody listens, and a commits is not moved."""
    async with HostileNetwork(upstream) as network:
        base_url = network.base_url
    async with Sender(Endpoint(base_url=base_url, timeout_s=10.0)) as sender:
        heard = await sender.run(pay(), conversation_id="c")
    assert isinstance(heard, NotMoved)


async def test_many_clients_pass_at_once(rail: Rail, upstream: tuple[str, int]) -> None:
    """Eight connections at a time keep their own order, and nothing is lost between them."""
    async with HostileNetwork(upstream) as network:
        endpoint = Endpoint(base_url=network.base_url)
        async with Sender(endpoint, connections=8) as sender:
            runs = (sender.run(pay(b"%d" % n), conversation_id=str(n)) for n in range(200))
            heard = await asyncio.gather(*runs)
    assert all(isinstance(ending, Finished) for ending in heard)
    assert sorted(rail.bodies) == sorted(b"%d" % n for n in range(200))
    assert (network.traffic.arrived, network.traffic.forwarded) == (200, 200)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ([{"fault": "lose_anser"}], "rule 0.fault"),
        ([{"fault": "delay"}, {"fault": "delay", "first": 0}], "rule 1.first"),
        ([{"fault": "delay", "colour": 1}], "rule 0.colour"),
    ],
)
def test_a_bad_rule_is_named(tmp_path: Path, content: object, named: str) -> None:
    """A rule that does not fit is refused with its place and its field."""
    path = tmp_path / "faults.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match=named):
        read_faults(path)
