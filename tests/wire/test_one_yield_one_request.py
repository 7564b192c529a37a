"""One yield is at most one request on the wire, and "not moved" is only said when nothing left."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import Any

import pytest

from settle.adapters import (
    BreakerPolicy,
    Conversation,
    Effect,
    Endpoint,
    Exchange,
    Finished,
    NotMoved,
    Open,
    Request,
    Response,
    Sender,
    commits,
    reads,
)
from settle.adapters.wire import Answer, Composed, Silence, Wire

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
FAULTS = [
    "drop after read",
    "drop before read",
    "half answer",
    "half head",
    "close idle",
    "reset",
    "slow",
]


def pay(method: str, effect: Effect) -> Conversation[Response]:
    content = b"" if method in ("GET", "DELETE") else b'{"amount": 1}'
    request = Request(method=method, path="/pay", content=content)
    return (yield Exchange(request=request, effect=effect))


def warm_then_pay(method: str, effect: Effect) -> Conversation[Response]:
    yield reads(Request(method="GET", path="/warm"))
    return (yield from pay(method, effect))


def sender(base_url: str, *, timeout_s: float = 10.0, **given: Any) -> Sender:
    return Sender(Endpoint(base_url=base_url, timeout_s=timeout_s), connections=1, **given)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("effect", [Effect.COMMITS, Effect.PREPARES])
async def test_a_yield_is_at_most_one_request(
    server: Any, method: str, fault: str, effect: Effect
) -> None:
    """Whatever the server does to a request, it sees it once and the ending does not lie."""
    server.fault = fault
    timeout_s = 1.5 if fault == "slow" else 10.0  # long enough to connect on a busy machine
    async with sender(server.base_url, timeout_s=timeout_s) as sending:
        ending = await sending.run(pay(method, effect), conversation_id="c")
    assert server.payments <= 1
    if fault == "close idle":
        assert isinstance(ending, Finished)
    elif effect is Effect.PREPARES:
        assert isinstance(ending, NotMoved)
    else:
        assert isinstance(ending, Open)


async def test_the_count_bites(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wire that repeats what was not answered, as many clients do, is seen by the count."""
    once = Wire.send

    async def again(wire: Wire, composed: Composed) -> Answer:
        answer = await once(wire, composed)
        return await once(wire, composed) if isinstance(answer, Silence) else answer

    monkeypatch.setattr(Wire, "send", again)
    server.fault = "drop after read"
    async with sender(server.base_url) as sending:
        await sending.run(pay("PUT", Effect.COMMITS), conversation_id="c")
    assert server.payments == 2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("fault", ["close idle", "drop after read", "reset", "half answer"])
async def test_a_stale_connection_never_sends_twice(server: Any, method: str, fault: str) -> None:
    """A kept connection that dies under a request is not replaced behind our back."""
    server.fault = fault
    async with sender(server.base_url) as sending:
        ending = await sending.run(warm_then_pay(method, Effect.COMMITS), conversation_id="c")
    assert server.payments <= 1
    if isinstance(ending, Finished):
        assert server.payments == 1
    if isinstance(ending, NotMoved):
        assert server.payments == 0


async def test_a_connection_closed_while_idle_is_noticed_before_anything_leaves(
    server: Any,
) -> None:
    """A connection the server closed in peace is replaced by a new one, and the yield succeeds."""
    server.fault = "close idle"
    async with sender(server.base_url) as sending:
        await sending.run(warm_then_pay("POST", Effect.READS), conversation_id="warm")
        await asyncio.sleep(0.05)
        ending = await sending.run(pay("POST", Effect.COMMITS), conversation_id="c")
    assert isinstance(ending, Finished)
    assert server.payments == 2


@pytest.mark.parametrize("method", METHODS)
async def test_a_refused_port_is_not_moved(method: str) -> None:
    """Where nobody listens, nothing has left this machine."""
    with socket.socket() as taken:  # bound and not listening: refused, and nobody else's
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with sender(url) as sending:
            ending = await sending.run(pay(method, Effect.COMMITS), conversation_id="c")
    assert ending == NotMoved(reason="ConnectionRefusedError: Connection refused")


async def test_a_name_that_does_not_resolve_is_not_moved() -> None:
    """A host without an address was never spoken to."""
    # A label of more than 63 characters fails in the resolver itself, with no network.
    async with sender(f"http://{'x' * 64}.invalid") as sending:
        ending = await sending.run(pay("POST", Effect.COMMITS), conversation_id="c")
    assert isinstance(ending, NotMoved)


async def test_a_tls_handshake_that_fails_is_not_moved(server: Any) -> None:
    """Before the handshake is done no byte of a request has left, whatever the server answers."""
    url = server.base_url.replace("http:", "https:")
    async with sender(url, timeout_s=0.5) as sending:
        ending = await sending.run(pay("POST", Effect.COMMITS), conversation_id="c")
    assert isinstance(ending, NotMoved)
    assert server.payments == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer(server: Any, status: int) -> None:
    """A redirect is handed to the conversation and followed by nobody."""
    server.answer = (
        f"HTTP/1.1 {status} Moved\r\nLocation: /pay/again\r\nContent-Length: 0\r\n\r\n".encode()
    )
    async with sender(server.base_url) as sending:
        ending = await sending.run(pay("POST", Effect.COMMITS), conversation_id="c")
    assert isinstance(ending, Finished)
    assert ending.value.status == status
    assert server.targets == ["/pay"]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("effect", [Effect.COMMITS, Effect.PREPARES])
async def test_every_status_is_an_answer(server: Any, status: int, effect: Effect) -> None:
    """A commits or prepares that is answered is never repeated, whatever the status invites to."""
    server.answer = (
        f"HTTP/1.1 {status} Again\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n".encode()
    )
    async with sender(server.base_url) as sending:
        ending = await sending.run(pay("POST", effect), conversation_id="c")
    assert isinstance(ending, Finished)
    assert (status, 1) == (ending.value.status, server.payments)


async def test_an_answer_that_drips_has_a_deadline(server: Any) -> None:
    """A rail that sends a byte now and then is given up all the same, and the payment is open."""
    server.fault = "drip"
    async with sender(server.base_url, timeout_s=0.5) as sending:
        ending = await sending.run(pay("POST", Effect.COMMITS), conversation_id="c")
    assert ending == Open(reason="TimeoutError")
    assert server.payments == 1


async def test_what_is_cancelled_is_not_repeated(server: Any) -> None:
    """A cancelled commits stands once on the wire, and its connection is not used again."""
    server.fault = "slow"
    async with sender(server.base_url) as sending:
        task = asyncio.create_task(sending.run(pay("POST", Effect.COMMITS), conversation_id="c"))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.fault = "none"
        after = await sending.run(pay("POST", Effect.COMMITS), conversation_id="d")
    assert isinstance(after, Finished)
    assert server.payments == 2


async def test_many_at_once_each_stand_once_on_the_wire(server: Any) -> None:
    """Two hundred payments over a few connections are two hundred requests."""

    def numbered(number: int) -> Conversation[int]:
        yield commits(Request(method="POST", path=f"/pay/{number}", content=b"x"))
        return number

    async with Sender(Endpoint(base_url=server.base_url), connections=8) as sending:
        runs = (sending.run(numbered(n), conversation_id=str(n)) for n in range(200))
        endings = await asyncio.gather(*runs)
    assert endings == [Finished(n) for n in range(200)]
    assert sorted(server.targets) == sorted(f"/pay/{n}" for n in range(200))


async def test_an_open_breaker_touches_no_wire(server: Any) -> None:
    """After failures in a row the rail is left alone until it has cooled."""
    now = 100.0
    server.fault = "drop after read"
    policy = BreakerPolicy(failures_max=2, cooling_s=5.0)
    async with sender(server.base_url, breaker=policy, monotonic=lambda: now) as sending:
        for number in range(2):
            await sending.run(pay("POST", Effect.COMMITS), conversation_id=str(number))
        assert sending.down
        ending = await sending.run(pay("POST", Effect.COMMITS), conversation_id="c")
        assert ending == NotMoved(reason="the rail is down", retry_after_s=5.0)
        assert server.payments == 2
        now, server.fault = 106.0, "none"
        assert not sending.down
        cooled = await sending.run(pay("POST", Effect.COMMITS), conversation_id="c")
    assert isinstance(cooled, Finished)


async def test_the_target_on_the_wire_is_the_one_fingerprinted(server: Any) -> None:
    """No layer re-encodes what the conversation asked for."""
    request = Request(method="GET", path="/pay/a|b%2fc/../d", query={"q": "ä [1]"})

    def ask() -> Conversation[None]:
        yield reads(request)

    async with sender(server.base_url + "/v1") as sending:
        await sending.run(ask(), conversation_id="c")
    assert ["/v1" + request.target] == server.targets


async def test_no_more_requests_are_under_way_than_there_are_connections() -> None:
    """Forty conversations over three connections: the rail never sees a fourth at once."""
    at_once = [0, 0]
    clients: list[asyncio.Task[None] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients.append(asyncio.current_task())
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while await reader.readuntil(b"\r\n\r\n"):
                at_once[0] += 1
                at_once[1] = max(at_once)
                await asyncio.sleep(0.005)
                at_once[0] -= 1
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        writer.close()
        await writer.wait_closed()

    counting = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{counting.sockets[0].getsockname()[1]}"
    async with Sender(Endpoint(base_url=url), connections=3) as sending:
        runs = (sending.run(pay("GET", Effect.COMMITS), conversation_id=str(n)) for n in range(40))
        assert all(isinstance(ending, Finished) for ending in await asyncio.gather(*runs))
    counting.close()
    await asyncio.gather(*filter(None, clients))
    assert at_once == [0, 3]


async def test_requests_keep_the_pace_of_the_profile(server: Any) -> None:
    """Ten conversations at four a second begin a quarter of a second apart."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with Sender(
        Endpoint(base_url=server.base_url), requests_per_second=4, sleep=sleep,
        monotonic=lambda: 0.0,
    ) as sending:  # fmt: skip
        runs = (sending.run(pay("GET", Effect.COMMITS), conversation_id=str(n)) for n in range(10))
        await asyncio.gather(*runs)
    assert [0.25 * n for n in range(1, 10)] == slept
