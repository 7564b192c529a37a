"""The sender writes down before it sends, replays what is stored, and never lies at the end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from settle.adapters import (
    Conversation,
    Effect,
    Endpoint,
    Exchange,
    Finished,
    HeaderAuth,
    NotMoved,
    Open,
    ReadPolicy,
    Recorded,
    Request,
    Response,
    Secret,
    Sender,
    commits,
    prepares,
    reads,
)
from settle.errors import ConfigError, DocumentError, ReplayMismatch

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\n\r\nok"

NONSENSE = b"HTTP/1.1 nonsense\r\n\r\n"


def status(code: int, *, headers: str = "") -> bytes:
    return f"HTTP/1.1 {code} X\r\n{headers}Content-Length: 0\r\n\r\n".encode()


@dataclass
class Notebook:
    """A recorder in memory that also keeps the order of events, the wire's included."""

    events: list[str] = field(default_factory=list)
    entries: dict[int, Recorded] = field(default_factory=dict)
    asked: list[Exchange] = field(default_factory=list)

    async def history(self, conversation_id: str) -> Sequence[Recorded]:
        return list(self.entries.values())

    async def intent(self, conversation_id: str, step: int, exchange: Exchange) -> None:
        self.events.append(f"intent {step}")
        self.asked.append(exchange)
        self.entries[step] = recorded(step, exchange)

    async def answer(self, conversation_id: str, step: int, response: Response) -> None:
        self.events.append(f"answer {step}")
        self.entries[step] = recorded(step, self.asked[-1], response=response)

    async def silence(self, conversation_id: str, step: int, reason: str, *, sent: bool) -> None:
        self.events.append(f"silence {step} sent={sent}")
        self.entries[step] = recorded(step, self.asked[-1], sent=sent)


def recorded(
    step: int, exchange: Exchange, *, response: Response | None = None, sent: bool = True
) -> Recorded:
    return Recorded(
        step=step,
        effect=exchange.effect,
        fingerprint=exchange.request.fingerprint,
        response=response,
        sent=sent,
    )


class Rail:
    """A raw server: `answers` by target, one after the other; None closes instead."""

    def __init__(self, events: list[str]) -> None:
        self.events = events
        self.answers: dict[str, list[bytes | None]] = {}
        self.heads: list[str] = []
        self.base_url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                self.heads.append(head)
                target = head.split(" ")[1]
                self.events.append(f"wire {target}")
                scripted = self.answers.get(target)
                answer = scripted.pop(0) if scripted else OK
                if answer is None:
                    break
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        writer.close()


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


@pytest.fixture
async def rail(notebook: Notebook) -> AsyncIterator[Rail]:
    serving = Rail(notebook.events)
    server = await asyncio.start_server(serving.serve, "127.0.0.1", 0)
    serving.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield serving
    server.close()


@pytest.fixture
def refused_url() -> str:
    return "http://127.0.0.1:1"  # nothing listens on tcpmux


async def no_sleep(_: float) -> None:
    return


def sender(
    base_url: str,
    *,
    sleep: Callable[[float], Awaitable[None]] = no_sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Sender:
    endpoint = Endpoint(base_url=base_url, timeout_s=10.0)
    return Sender(endpoint, connections=1, sleep=sleep, monotonic=monotonic)


READ = reads(Request(method="GET", path="/quote"))
PREPARE = prepares(Request(method="POST", path="/payee"))
COMMIT = commits(Request(method="POST", path="/pay"))


def three() -> Conversation[int]:
    yield READ
    yield PREPARE
    reply = yield COMMIT
    return reply.status


def paying() -> Conversation[int]:
    return (yield COMMIT).status


async def test_everything_is_written_down_before_it_leaves_and_before_it_is_heard(
    rail: Rail, notebook: Notebook
) -> None:
    """The order of intent, wire and answer holds at every step."""
    async with sender(rail.base_url) as sending:
        ending = await sending.run(three(), conversation_id="c", recorder=notebook)
    assert ending == Finished(200)
    expected = [
        *("intent 0", "wire /quote", "answer 0"),
        *("intent 1", "wire /payee", "answer 1"),
        *("intent 2", "wire /pay", "answer 2"),
    ]
    assert expected == notebook.events


async def test_a_replay_is_answered_from_the_store(rail: Rail, notebook: Notebook) -> None:
    """A conversation that was answered to its end touches no wire when it is run again."""
    async with sender(rail.base_url) as sending:
        first = await sending.run(three(), conversation_id="c", recorder=notebook)
        before = list(notebook.events)
        assert first == await sending.run(three(), conversation_id="c", recorder=notebook)
    assert before == notebook.events


@pytest.mark.parametrize("step", [0, 1, 2])
async def test_a_replay_after_a_crash_at_any_step(
    rail: Rail, notebook: Notebook, step: int
) -> None:
    """An intent without an answer is sent again if it moves nothing, and is Open if it commits."""
    async with sender(rail.base_url) as sending:
        await sending.run(three(), conversation_id="c", recorder=notebook)
        exchange = (READ, PREPARE, COMMIT)[step]
        notebook.entries = {n: e for n, e in notebook.entries.items() if n < step}
        notebook.entries[step] = recorded(step, exchange)
        rail.heads.clear()
        ending = await sending.run(three(), conversation_id="c", recorder=notebook)
    if exchange is COMMIT:
        assert isinstance(ending, Open)
        assert rail.heads == []
    else:
        assert ending == Finished(200)
        assert len(rail.heads) == 3 - step


async def test_a_resend_is_only_sent_when_allowed(rail: Rail, notebook: Notebook) -> None:
    """A commits without an answer leaves again when the caller vouches for the rail."""
    notebook.entries = {0: recorded(0, COMMIT)}
    async with sender(rail.base_url) as sending:
        refused = await sending.run(paying(), conversation_id="c", recorder=notebook)
        assert isinstance(refused, Open)
        assert rail.heads == []
        allowed = await sending.run(paying(), conversation_id="c", recorder=notebook, resend=True)
    assert allowed == Finished(200)
    assert len(rail.heads) == 1


async def test_what_was_provably_not_sent_is_sent_without_permission(
    rail: Rail, refused_url: str, notebook: Notebook
) -> None:
    """A refused connection is not moved, and the next run sends it for the first time."""
    async with sender(refused_url) as sending:
        ending = await sending.run(paying(), conversation_id="c", recorder=notebook)
    assert isinstance(ending, NotMoved)
    assert notebook.events == ["intent 0", "silence 0 sent=False"]
    async with sender(rail.base_url) as sending:
        again = await sending.run(paying(), conversation_id="c", recorder=notebook)
    assert again == Finished(200)


async def test_a_resend_that_is_refused_is_still_open(refused_url: str, notebook: Notebook) -> None:
    """That the second sending never left says nothing about the first."""
    notebook.entries = {0: recorded(0, COMMIT)}
    async with sender(refused_url) as sending:
        ending = await sending.run(paying(), conversation_id="c", recorder=notebook, resend=True)
    assert isinstance(ending, Open)
    assert notebook.events == ["intent 0", "silence 0 sent=True"]


@pytest.mark.parametrize("step", [0, 2])
async def test_a_replay_that_asks_for_something_else_stops(
    rail: Rail, notebook: Notebook, step: int
) -> None:
    """A stored step with another fingerprint or effect sends nothing and says so."""
    async with sender(rail.base_url) as sending:
        await sending.run(three(), conversation_id="c", recorder=notebook)
        other = Exchange(request=Request(method="GET", path="/other"), effect=Effect.READS)
        notebook.entries[step] = recorded(step, other)
        rail.heads.clear()
        with pytest.raises(ReplayMismatch):
            await sending.run(three(), conversation_id="c", recorder=notebook)
    assert rail.heads == []


async def test_a_second_commits_is_refused_before_it_is_sent(
    rail: Rail, notebook: Notebook
) -> None:
    """A conversation has one commits; asking for another is a bug in the adapter."""

    def twice() -> Conversation[None]:
        yield COMMIT
        yield commits(Request(method="POST", path="/again"))

    async with sender(rail.base_url) as sending:
        with pytest.raises(AssertionError, match="second commits"):
            await sending.run(twice(), conversation_id="c", recorder=notebook)
    assert notebook.events == ["intent 0", "wire /pay", "answer 0"]


@pytest.mark.parametrize("error", [DocumentError("odd"), KeyError("id"), TypeError("bug")])
async def test_an_error_after_the_commits_is_open(rail: Rail, error: Exception) -> None:
    """Whatever the conversation raises after its commits, nobody knows what happened."""

    def raising() -> Conversation[None]:
        yield COMMIT
        raise error

    async with sender(rail.base_url) as sending:
        ending = await sending.run(raising(), conversation_id="c")
    assert isinstance(ending, Open)


async def test_an_error_before_the_commits(rail: Rail) -> None:
    """An odd answer before the commits moved nothing; a bug is raised."""

    def raising(error: Exception) -> Conversation[None]:
        yield READ
        raise error

    async with sender(rail.base_url) as sending:
        odd = await sending.run(raising(DocumentError("odd")), conversation_id="c")
        quoting = await sending.run(raising(ValueError("account 1")), conversation_id="c")
        assert odd == NotMoved(reason="odd")
        assert quoting == NotMoved(reason="ValueError")
        with pytest.raises(TypeError):
            await sending.run(raising(TypeError("bug")), conversation_id="c")


async def test_a_read_that_fails_after_the_commits_is_open(rail: Rail, notebook: Notebook) -> None:
    """A rail that goes down between a commits and the read after it leaves the payment open."""

    def read_after() -> Conversation[None]:
        yield COMMIT
        yield READ

    rail.answers["/quote"] = [status(503)] * 9
    async with sender(rail.base_url) as sending:
        ending = await sending.run(read_after(), conversation_id="c", recorder=notebook)
    assert ending == Open(reason="still status 503 at attempt 4")
    assert notebook.events[-1] == "silence 1 sent=True"


@pytest.mark.parametrize("first", [None, status(429), status(500), status(503), NONSENSE])
async def test_reads_are_repeated(rail: Rail, notebook: Notebook, first: bytes | None) -> None:
    """A read that is not answered is asked again, and is one step all the same."""
    rail.answers["/quote"] = [first]
    async with sender(rail.base_url) as sending:
        ending = await sending.run(three(), conversation_id="c", recorder=notebook)
    assert ending == Finished(200)
    assert len(rail.heads) == 4
    steps = [event for event in notebook.events if not event.startswith("wire")]
    assert steps[:2] == ["intent 0", "answer 0"]


async def test_a_rail_that_is_down_moves_nothing_and_says_when(rail: Rail) -> None:
    """Reads that fail for as long as the policy allows end the conversation before its commits."""
    rail.answers["/quote"] = [status(503, headers="Retry-After: 2\r\n")] * 9
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with sender(rail.base_url, sleep=sleep) as sending:
        ending = await sending.run(three(), conversation_id="c")
    assert ending == NotMoved(reason="still status 503 at attempt 4", retry_after_s=2.0)
    assert slept == [2.0, 2.0, 2.0]
    assert ReadPolicy().attempts_max == len(rail.heads)


@pytest.mark.parametrize(
    ("asked", "rests_s"),
    [
        ("Retry-After: 7\r\n", 7.0),
        (
            "Retry-After: Wed, 18 Dec 2024 16:30:09 GMT\r\nDate: Wed, 18 Dec 2024 16:30:00 GMT\r\n",
            9.0,
        ),
        ("Retry-After: 99999999999999\r\n", ReadPolicy().retry_after_max_s),
        ("Retry-After: next week\r\n", None),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
async def test_a_rail_that_asks_a_commits_for_rest_is_left_alone_by_all(
    rail: Rail, asked: str, rests_s: float | None, code: int
) -> None:
    """In either form and within bounds; the commits itself is not repeated."""
    rail.answers["/pay"] = [status(code, headers=asked)]
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with sender(rail.base_url, sleep=sleep, monotonic=lambda: 0.0) as sending:
        ending = await sending.run(three(), conversation_id="c")
        assert [] == slept
        assert len(rail.heads) == 3
        await sending.run(three(), conversation_id="d")
    assert ending == Finished(code)
    assert ([] if rests_s is None else [rests_s] * 3) == slept


async def test_credentials_are_on_the_wire_and_nowhere_else(
    rail: Rail, notebook: Notebook, caplog: pytest.LogCaptureFixture
) -> None:
    """The secret reaches the rail; the recorder, the logs and the reprs never see it."""
    auth = HeaderAuth(header="X-API-Key", secret=Secret(lambda: "hunter2"))
    own = {"Authorization": "Bearer hunter2", "Idempotency-Key": "k", "X-Auth-Token": "hunter2"}

    def asking() -> Conversation[Response]:
        return (yield commits(Request(method="POST", path="/pay", headers=own)))

    with caplog.at_level(logging.DEBUG):
        async with Sender(Endpoint(base_url=rail.base_url, auth=auth)) as sending:
            ending = await sending.run(asking(), conversation_id="c", recorder=notebook)
    assert "x-api-key: hunter2" in rail.heads[0].lower()
    assert notebook.asked[0].request.headers == {"Idempotency-Key": "k"}
    assert isinstance(ending, Finished)
    assert "set-cookie" not in ending.value.headers
    assert "hunter2" not in "".join([caplog.text, repr(notebook), repr(sending), repr(ending)])


async def test_a_missing_credential_is_a_config_error_before_any_intent(
    rail: Rail, notebook: Notebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A credential that cannot be found stops the call with nothing written and nothing sent."""
    monkeypatch.delenv("LARK_KEY", raising=False)
    auth = HeaderAuth(header="X-API-Key", secret=Secret("env:LARK_KEY"))
    async with Sender(Endpoint(base_url=rail.base_url, auth=auth)) as sending:
        with pytest.raises(ConfigError, match="LARK_KEY"):
            await sending.run(paying(), conversation_id="c", recorder=notebook)
    assert notebook.events == []


@pytest.mark.parametrize(
    "request_",
    [
        Request(method="POST", path="@elsewhere.example/pay"),
        Request(method="POST", path="https://elsewhere.example/pay"),
        Request(method="POST", path="/a b"),
        Request(method="POST", path="/pay", headers={"X-Name": "a\r\nX-Other: b"}),
    ],
)
async def test_a_request_that_would_go_elsewhere_is_refused(
    rail: Rail, notebook: Notebook, request_: Request
) -> None:
    """Neither another host nor a smuggled header leaves with our credentials."""

    def asking() -> Conversation[None]:
        yield commits(request_)

    async with sender(rail.base_url) as sending:
        ending = await sending.run(asking(), conversation_id="c", recorder=notebook)
    assert isinstance(ending, NotMoved)
    assert notebook.events == []


async def test_an_answer_that_never_ends_is_no_answer(rail: Rail) -> None:
    """A body beyond the limit is not held in memory, and a commits it answered is open."""
    rail.answers["/pay"] = [b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000]
    endpoint = Endpoint(base_url=rail.base_url)
    async with Sender(endpoint, response_bytes_max=1000) as sending:
        ending = await sending.run(paying(), conversation_id="c")
    assert ending == Open(reason="the answer is larger than 1000 bytes")


async def test_a_proxy_of_the_environment_is_not_used(
    rail: Rail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Money does not take a detour because of a variable."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with sender(rail.base_url) as sending:
        assert Finished(200) == await sending.run(paying(), conversation_id="c")


@pytest.mark.parametrize("url", ["ftp://rail", "http://", "http://u:p@rail", "http://rail/?a=b"])
def test_a_base_url_that_cannot_be_one_is_refused(url: str) -> None:
    """The base URL is a scheme, a host and a path, and holds no credentials."""
    with pytest.raises(ConfigError, match="base_url"):
        sender(url)


async def test_a_store_that_fails_stops_everything(rail: Rail) -> None:
    """Without a record of the intent nothing is sent, and the store's own error is raised."""

    class Broken(Notebook):
        async def intent(self, conversation_id: str, step: int, exchange: Exchange) -> None:
            raise OSError("disk full")

    async with sender(rail.base_url) as sending:
        with pytest.raises(OSError, match="disk full"):
            await sending.run(paying(), conversation_id="c", recorder=Broken())
    assert rail.heads == []


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Dying(Notebook):
    """A recorder whose process dies at its `last`-th event, before or after it was durable."""

    last: int = 0
    durable: bool = False

    def count_down(self, *, done: bool) -> None:
        if done is self.durable:
            self.last -= 1
            if self.last == 0:
                raise Crash

    async def intent(self, conversation_id: str, step: int, exchange: Exchange) -> None:
        self.count_down(done=False)
        await super().intent(conversation_id, step, exchange)
        self.count_down(done=True)

    async def answer(self, conversation_id: str, step: int, response: Response) -> None:
        self.count_down(done=False)
        await super().answer(conversation_id, step, response)
        self.count_down(done=True)


@pytest.mark.parametrize("last", range(1, 8))
@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("runs", [2, 3])
async def test_a_crash_at_any_event_pays_at_most_once(
    rail: Rail, notebook: Notebook, *, last: int, durable: bool, runs: int
) -> None:
    """However often the process dies and replays, one commits leaves, and the ending knows it."""
    entries: dict[int, Recorded] = {}
    ending: object = None
    async with sender(rail.base_url) as sending:
        for run in range(runs):
            dies_at = last if run < runs - 1 else 0
            recorder = Dying(notebook.events, entries, last=dies_at, durable=durable)
            recorder.asked = list(notebook.asked)
            with suppress(Crash):
                ending = await sending.run(three(), conversation_id="c", recorder=recorder)
    paid = sum(head.startswith("POST /pay ") for head in rail.heads)
    assert paid <= 1
    assert isinstance(ending, Open) or (ending, paid) == (Finished(200), 1)
