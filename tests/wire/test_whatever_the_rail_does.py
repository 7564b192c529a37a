"""The wire against a rail that misbehaves: sent or not, heard or not, never twice, nothing left."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import time
from collections.abc import Callable

import pytest

from settle.adapters import Endpoint, HeaderAuth, Request, Response, Secret
from settle.adapters.answer import Silence
from settle.adapters.deadlines import Deadlines
from settle.adapters.dialling import dial
from settle.adapters.origin import origin_of
from settle.adapters.wire import Answer, Wire

from .raw_rail import WAIT_S_MAX, WHOLE, Line, RawRail, Script, after_one, answer_all

PAY = Request(method="POST", path="/pay", content=b'{"amount": 1}')
LARGE = Request(method="POST", path="/pay", content=b"x" * 20_000_000)


def wire(rail: RawRail, *, connections: int = 1, timeout_s: float = 10.0) -> Wire:
    endpoint = Endpoint(base_url=rail.base_url, timeout_s=timeout_s)
    return Wire(endpoint, connections=connections, response_bytes_max=1_000_000)


async def sent(rail: RawRail, *requests: Request) -> list[Answer]:
    """The answers, one after the other over one connection at a time."""
    async with wire(rail) as sending:
        return [await sending.send(sending.compose(request)) for request in requests]


def contents(answers: list[Answer]) -> list[bytes]:
    return [answer.content for answer in answers if isinstance(answer, Response)]


def say_more(line: Line) -> None:
    line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npaid")


@pytest.mark.parametrize("then", [Line.hang_up, Line.reset, say_more])
async def test_a_kept_connection_is_looked_at_before_it_is_written_to(
    then: Callable[[Line], None],
) -> None:
    """What ended or spoke while nobody asked carries nothing, though our loop never heard of it."""
    with RawRail(after_one(then)) as rail:
        async with wire(rail) as sending:
            first = await sending.send(sending.compose(PAY))
            assert rail.went_on()
            second = await sending.send(sending.compose(PAY))
    assert [b"ok", b"ok"] == contents([first, second])
    assert (2, 2) == (rail.connections, len(rail.requests))


@pytest.mark.parametrize("then", [Line.hang_up, Line.reset, say_more])
async def test_a_kept_connection_is_listened_to(then: Callable[[Line], None]) -> None:
    """The same while our loop runs: it lets the connection go by itself."""
    with RawRail(after_one(then)) as rail:
        async with wire(rail) as sending:
            await sending.send(sending.compose(PAY))
            assert await asyncio.to_thread(rail.went_on)
            await asyncio.sleep(0.1)
            assert not any(connection.is_open for connection in sending._idle)
            answer = await sending.send(sending.compose(PAY))
    assert isinstance(answer, Response)
    assert (2, 2) == (rail.connections, len(rail.requests))


@pytest.mark.parametrize("end", [Line.hang_up, Line.reset])
async def test_a_kept_connection_that_dies_under_a_request_may_have_sent_it(
    end: Callable[[Line], None],
) -> None:
    """The rail read the request and vanished: it may have paid, and nothing is written again."""

    def play(line: Line) -> None:
        line.asked()
        line.say(WHOLE)
        line.asked()
        end(line)

    with RawRail(play) as rail:
        _, second = await sent(rail, PAY, PAY)
    assert isinstance(second, Silence)
    assert second.sent
    assert (1, 2) == (rail.connections, len(rail.requests))


@pytest.mark.parametrize("speaks", [b"", WHOLE])
async def test_a_new_connection_that_speaks_or_ends_first_is_not_written_to(speaks: bytes) -> None:
    """An answer that was there before the question answers nothing of ours."""

    def play(line: Line) -> None:
        if speaks:
            line.say(speaks)
        else:
            line.hang_up()
        line.rail.did.release()
        line.until_gone()

    with RawRail(play) as rail:
        composed = wire(rail).compose(PAY)
        connection = await dial(origin_of(rail.base_url), timeout_s=5)
        assert rail.did.acquire(timeout=WAIT_S_MAX)  # our loop stands still meanwhile
        answer = await connection.ask(
            composed, deadlines=Deadlines(whole_s=5), response_bytes_max=100
        )
        assert not connection.is_open
        await connection.aclose()
    assert isinstance(answer, Silence)
    assert (False, 0) == (answer.sent, rail.bytes_heard)


async def test_an_answer_with_more_behind_it_ends_its_connection() -> None:
    """Two answers in one packet: the second never answers our next request."""

    def play(line: Line) -> None:
        if line.number == 1:
            line.asked()
            line.say(WHOLE + WHOLE.replace(b"ok", b"no"))
            line.until_gone()
        answer_all(line)

    with RawRail(play) as rail:
        answers = await sent(rail, PAY, PAY)
    assert [b"ok", b"ok"] == contents(answers)
    assert 2 == rail.connections


async def test_healthy_connections_are_kept_the_warmest_first() -> None:
    """Requests one after the other share a connection; those at once do not."""
    with RawRail() as rail:
        async with wire(rail, connections=3) as sending:
            for _ in range(3):
                await sending.send(sending.compose(PAY))
            assert 1 == rail.connections
            await asyncio.gather(*(sending.send(sending.compose(PAY)) for _ in range(9)))
            assert 3 == rail.connections
            warmest = sending._idle[-1]
            await sending.send(sending.compose(PAY))
            assert warmest is sending._idle[-1]
    assert 13 == len(rail.requests)


async def test_a_connection_that_was_idle_for_long_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What stands between may have forgotten it, and would swallow a payment without a word."""
    monkeypatch.setattr("settle.adapters.connection.IDLE_S_MAX", 0.05)
    with RawRail() as rail:
        async with wire(rail) as sending:
            await sending.send(sending.compose(PAY))
            await asyncio.sleep(0.1)
            await sending.send(sending.compose(PAY))
    assert 2 == rail.connections


async def test_a_refusal_before_the_request_was_wholly_written_is_heard() -> None:
    """413 comes while we still write: it is the answer, and the connection is at its end."""

    def play(line: Line) -> None:
        if line.number > 1:
            answer_all(line)
        line.read_until(b"\r\n\r\n")
        line.say(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        line.until_gone()

    with RawRail(play) as rail:
        answers = await sent(rail, LARGE, PAY)
    assert [413, 200] == [a.status for a in answers if isinstance(a, Response)]
    assert 2 == rail.connections


async def test_a_rail_that_reads_no_more_is_given_up_in_time() -> None:
    """Our own writing ends by the deadline, too; part of the request left."""

    def play(line: Line) -> None:
        line.read_until(b"\r\n\r\n")
        line.rail.go.acquire(timeout=WAIT_S_MAX)

    with RawRail(play) as rail:
        async with wire(rail, timeout_s=0.3) as sending:
            began = time.monotonic()
            answer = await sending.send(sending.compose(LARGE))
            took_s = time.monotonic() - began
        rail.go.release()
    assert Silence(reason="TimeoutError", sent=True) == answer
    assert took_s < WAIT_S_MAX / 2


@pytest.mark.parametrize("piece", [b"HTTP/1.1 200 OK\r\n", WHOLE[:-1], WHOLE[:12], b""])
async def test_an_answer_that_breaks_off_is_silence(piece: bytes) -> None:
    """Half an answer decides nothing, and what was sent may have been done."""

    def play(line: Line) -> None:
        line.asked()
        line.say(piece)

    with RawRail(play) as rail:
        (answer,) = await sent(rail, PAY)
    assert isinstance(answer, Silence)
    assert answer.sent
    assert 1 == len(rail.requests)


async def test_an_answer_that_is_too_large_ends_its_connection() -> None:
    """We stop reading, and close, where the bound is."""

    def play(line: Line) -> None:
        line.asked()
        line.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            line.say(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    with RawRail(play) as rail:
        (answer,) = await sent(rail, PAY)
    assert Silence(reason="the answer is larger than 1000000 bytes", sent=True) == answer


async def test_what_is_cancelled_closes_its_socket() -> None:
    """The rail sees us go, and the next request has a connection of its own."""

    def play(line: Line) -> None:
        if line.number > 1:
            answer_all(line)
        line.asked()
        line.until_gone()

    with RawRail(play) as rail:
        async with wire(rail) as sending:
            task = asyncio.create_task(sending.send(sending.compose(PAY)))
            assert await asyncio.to_thread(rail.heard.acquire, timeout=WAIT_S_MAX)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            answer = await sending.send(sending.compose(PAY))
            assert rail.gone.acquire(timeout=WAIT_S_MAX)
    assert isinstance(answer, Response)
    assert (2, 2) == (rail.connections, len(rail.requests))


async def test_what_waits_for_a_connection_can_be_cancelled() -> None:
    """Whoever gives up while all connections are busy sends nothing and takes none away."""

    def play(line: Line) -> None:
        line.asked()
        time.sleep(0.1)
        line.say(WHOLE)
        answer_all(line)

    with RawRail(play) as rail:
        async with wire(rail) as sending:
            first = asyncio.create_task(sending.send(sending.compose(PAY)))
            waiting = asyncio.create_task(sending.send(sending.compose(PAY)))
            await asyncio.sleep(0.01)
            waiting.cancel()
            assert isinstance(await first, Response)
            assert isinstance(await sending.send(sending.compose(PAY)), Response)
    assert 2 == len(rail.requests)


async def test_the_bytes_are_those_that_were_fingerprinted() -> None:
    """Method, target and content on the wire hash to the request's fingerprint."""
    request = Request(
        method="PUT", path="/pay/a|b%2fc/../d", query={"q": "ä [1]"}, content=b"\x00\r\n\xff"
    )
    with RawRail() as rail:
        async with wire(rail) as sending:
            composed = sending.compose(request)
            await sending.send(composed)
    (raw,) = rail.requests
    assert composed.wire == raw
    head, _, content = raw.partition(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n")[0].split(b" ")
    digest = hashlib.sha256(method + b" " + target + b"\n" + content).hexdigest()
    assert request.fingerprint == digest


async def test_closing_lets_what_is_under_way_end() -> None:
    """An idle connection closes at once; the answer that is awaited is heard, then closed too."""

    def play(line: Line) -> None:
        line.asked()
        time.sleep(0.1)
        line.say(WHOLE)
        line.until_gone()

    with RawRail(play) as rail:
        sending = wire(rail)
        under_way = asyncio.create_task(sending.send(sending.compose(PAY)))
        assert await asyncio.to_thread(rail.heard.acquire, timeout=WAIT_S_MAX)
        await sending.aclose()
        assert isinstance(await under_way, Response)
        await asyncio.sleep(0)
        assert rail.gone.acquire(timeout=WAIT_S_MAX)
    assert not sending._idle


def spoil(line: Line) -> None:
    line.asked()
    line.say(b"HTTP/1.1 200 OK\r\nx-echo: hunter2\r\nno header\r\n\r\nhunter2")


def echo_and_reset(line: Line) -> None:
    line.say(line.asked()[:40])
    line.reset()


@pytest.mark.parametrize("play", [spoil, echo_and_reset, Line.reset, Line.hang_up])
async def test_no_reason_quotes_a_secret(play: Script) -> None:
    """A reason is stored and shown; a rail that echoes what it was sent puts nothing in it."""
    with RawRail(play) as rail:
        auth = HeaderAuth(header="authorization", secret=Secret(lambda: "hunter2"))
        async with Wire(Endpoint(base_url=rail.base_url, auth=auth)) as sending:
            answer = await sending.send(sending.compose(PAY))
    assert isinstance(answer, Silence)
    assert "hunter2" not in repr(answer)


def test_a_bug_of_ours_while_hearing_is_silence_after_sending(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever reading an answer raises, the request has left."""

    def broken(*_: object) -> None:
        raise KeyError("a bug")

    async def ask() -> Answer:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        monkeypatch.setattr("settle.adapters.hearing.Hearing.hear", broken)
        return (await sent(rail, PAY))[0]

    with RawRail() as rail:
        answer = asyncio.run(ask())
    assert Silence(reason="KeyError", sent=True) == answer


async def test_a_backlog_that_is_full_is_not_sent() -> None:
    """Nobody takes the connection: the dial ends in its own time, and nothing has left."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)  # noqa: FBT003
            each.connect_ex(address)
        endpoint = Endpoint(base_url=f"http://127.0.0.1:{address[1]}", connect_timeout_s=0.3)
        async with Wire(endpoint) as sending:
            answer = await sending.send(sending.compose(PAY))
        for each in waiting:
            each.close()
    assert Silence(reason="TimeoutError", sent=False) == answer
