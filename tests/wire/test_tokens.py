"""Tokens: asked for once, replaced in time, and never a reason to send a payment again."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from settle.adapters import (
    Auth,
    Conversation,
    Effect,
    Endpoint,
    Exchange,
    Finished,
    LoginToken,
    NotMoved,
    OAuth2,
    Open,
    ReadPolicy,
    Request,
    Response,
    Secret,
    Sender,
    commits,
    prepares,
    reads,
)
from settle.adapters.tokens import REFUSED_S
from settle.errors import ConfigError

from .scripted_rail import Asked, ScriptedRail, answer

CLIENT = OAuth2(
    token_url="/oauth2/token",
    client_id="settle & co",
    client_secret=Secret(lambda: "hunter:2 %"),
    scope="payments read",
    further={"audience": "rail"},
)
LOGIN = LoginToken(
    token_url="/authenticate/api",
    fields={"login_id": "ops@settle", "api_key": Secret(lambda: "hunter2&")},
)
KINDS = pytest.mark.parametrize("auth", [CLIENT, LOGIN], ids=["oauth2", "login"])


@dataclass(slots=True)
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Bank:
    """A rail that gives numbered tokens and knows the last `kept` of them."""

    lives_s: Any = 600
    kept: int = 1
    given: int = 0
    refuses: Callable[[], bytes | None] | None = None
    forgotten: set[str] = field(default_factory=set)
    paid: int = 0

    def __call__(self, asked: Asked) -> bytes | None:
        if asked.target in (CLIENT.token_url, LOGIN.token_url):
            return self._give(asked)
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        token = token or asked.headers.get("x-auth-token", "")
        if token in self.forgotten or not token.startswith("t-"):
            return answer(401, {"error": "who are you"})
        self.paid += asked.method == "POST"
        return answer(200, token)

    def _give(self, asked: Asked) -> bytes | None:
        if self.refuses is not None:
            return self.refuses()
        self.given += 1
        token = f"t-{self.given}"
        if asked.target == LOGIN.token_url:
            return answer(200, {"auth_token": token})
        said = {"access_token": token, "token_type": "Bearer", "expires_in": self.lives_s}
        return answer(200, said)


async def no_sleep(_: float) -> None:
    return


def sender(rail: ScriptedRail, auth: Auth, clock: Clock | None = None, **given: Any) -> Sender:
    endpoint = Endpoint(base_url=rail.base_url, auth=auth, timeout_s=5.0)
    return Sender(endpoint, monotonic=clock or Clock(), sleep=no_sleep, **given)


def said(effect: Effect, path: str = "/x") -> Conversation[Response]:
    method = "GET" if effect is Effect.READS else "POST"
    return (yield Exchange(request=Request(method=method, path=path), effect=effect))


async def run(sending: Sender, effect: Effect = Effect.READS) -> Any:
    ending = await sending.run(said(effect), conversation_id="c")
    return ending.value.json() if isinstance(ending, Finished) else ending


async def test_a_client_shows_its_secret_and_carries_the_token() -> None:
    """RFC 6749, 2.3.1 and 4.4.2: encoded, then basic; the fields as a form; a bearer's token."""
    async with ScriptedRail(Bank()) as rail, sender(rail, CLIENT) as sending:
        assert "t-1" == await run(sending, Effect.COMMITS)
    token, paid = rail.asked
    expected = base64.b64encode(b"settle+%26+co:hunter%3A2+%25").decode()
    assert ("POST", f"Basic {expected}") == (token.method, token.headers["authorization"])
    fields = {"grant_type": "client_credentials", "scope": "payments read", "audience": "rail"}
    assert fields == token.form
    assert "application/x-www-form-urlencoded" == token.headers["content-type"]
    assert "Bearer t-1" == paid.headers["authorization"]


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"in_body": True}, {"client_id": "settle & co", "client_secret": "hunter:2 %"}),
        ({"client_secret": None}, {"client_id": "settle & co"}),
    ],
)
async def test_a_client_is_known_by_fields(given: dict[str, Any], fields: dict[str, str]) -> None:
    """Where basic is not spoken: the secret as a field, or none where a certificate speaks."""
    auth = OAuth2(
        **{"token_url": "/oauth2/token", "client_id": "settle & co",
           "client_secret": CLIENT.client_secret, **given}
    )  # fmt: skip
    async with ScriptedRail(Bank()) as rail, sender(rail, auth) as sending:
        await run(sending)
    assert {"grant_type": "client_credentials", **fields} == rail.asked[0].form
    assert "authorization" not in rail.asked[0].headers


async def test_a_login_is_posted_and_its_token_carried() -> None:
    """As Currencycloud does it: id and key as a form, the token in a header of its own."""
    async with ScriptedRail(Bank()) as rail, sender(rail, LOGIN) as sending:
        assert "t-1" == await run(sending, Effect.COMMITS)
    login, paid = rail.asked
    assert {"login_id": "ops@settle", "api_key": "hunter2&"} == login.form
    assert "t-1" == paid.headers["x-auth-token"]
    assert "authorization" not in paid.headers


@KINDS
async def test_many_conversations_ask_for_one_token(auth: Auth) -> None:
    """Two hundred at once: one request for a token, then one each."""
    async with (
        ScriptedRail(Bank(), lag_s=0.02) as rail,
        sender(rail, auth, connections=32) as sending,
    ):
        heard = await asyncio.gather(*(run(sending, Effect.COMMITS) for _ in range(200)))
    assert ["t-1"] * 200 == heard
    assert 201 == len(rail.asked)


async def test_who_asked_first_may_be_cancelled() -> None:
    """The others wait for the same token, and it is not asked for again."""
    async with ScriptedRail(Bank(), lag_s=0.1) as rail, sender(rail, CLIENT) as sending:
        first = asyncio.create_task(run(sending))
        await asyncio.sleep(0.02)
        others = [asyncio.create_task(run(sending)) for _ in range(5)]
        await asyncio.sleep(0.02)
        first.cancel()
        with suppress(asyncio.CancelledError):
            await first
        assert ["t-1"] * 5 == await asyncio.gather(*others)
    assert 1 == len(rail.to("/oauth2"))


@pytest.mark.parametrize(
    ("lives_s", "still_s", "early_s"),
    [(600, 539, 541), ("600", 539, 541), (40, 19, 21), (None, 239, 241)],
)
async def test_a_token_is_replaced_before_it_ends(
    lives_s: Any, still_s: float, early_s: float
) -> None:
    """A minute before, or at half of a short life; where nothing is said, as the endpoint says."""
    clock, bank = Clock(), Bank(lives_s=lives_s)
    if lives_s is None:
        bank.refuses = lambda: answer(200, {"access_token": "t-1", "token_type": "bearer"})
    async with ScriptedRail(bank) as rail, sender(rail, CLIENT, clock) as sending:
        assert "t-1" == await run(sending)
        clock.now += still_s
        assert "t-1" == await run(sending)
        clock.now += early_s - still_s
        bank.refuses, bank.given, bank.lives_s = None, 1, 600
        assert "t-2" == await run(sending)
    assert 2 == len(rail.to("/oauth2"))


async def test_a_login_ends_when_nobody_uses_it() -> None:
    """Every use keeps it for another half hour."""
    clock = Clock()
    async with ScriptedRail(Bank()) as rail, sender(rail, LOGIN, clock) as sending:
        for _ in range(5):
            assert "t-1" == await run(sending)
            clock.now += 1739
        clock.now += 2
        assert "t-2" == await run(sending)


async def test_while_no_new_token_is_given_the_old_one_serves_to_its_end() -> None:
    """What failed early is not tried for every payment, and is not fatal before the end."""
    clock, bank = Clock(), Bank()
    async with ScriptedRail(bank) as rail, sender(rail, CLIENT, clock) as sending:
        await run(sending)
        clock.now += 545
        bank.refuses = lambda: answer(400, {"error": "invalid_client"})
        assert ["t-1"] * 3 == [await run(sending, Effect.COMMITS) for _ in range(3)]
        assert 2 == len(rail.to("/oauth2"))
        clock.now += 56
        ending = await run(sending, Effect.COMMITS)
    assert NotMoved(
        reason="no token was given: status 400, invalid_client", retry_after_s=None
    ) == (NotMoved(reason=ending.reason))
    assert 4 == len(rail.to("/x"))


@KINDS
async def test_a_read_that_is_not_known_is_asked_once_more(auth: Auth) -> None:
    """The token ended before its time: a new one, and the same question."""
    bank = Bank()
    async with ScriptedRail(bank) as rail, sender(rail, auth) as sending:
        await run(sending)
        bank.forgotten = {"t-1"}
        assert "t-2" == await run(sending)
    assert (2, 3) == (bank.given, len(rail.to("/x")))


@KINDS
async def test_a_read_is_asked_once_more_and_not_twice(auth: Auth) -> None:
    """A rail that knows no token at all is heard to say so."""
    bank = Bank(forgotten={f"t-{n}" for n in range(9)})
    async with ScriptedRail(bank) as rail, sender(rail, auth) as sending:
        assert {"error": "who are you"} == await run(sending)
    assert (2, 2) == (bank.given, len(rail.to("/x")))


@KINDS
@pytest.mark.parametrize("effect", [Effect.COMMITS, Effect.PREPARES])
async def test_a_payment_that_is_not_known_is_never_sent_again(auth: Auth, effect: Effect) -> None:
    """The 401 is the answer; only the next conversation has another token."""
    bank = Bank()
    async with ScriptedRail(bank) as rail, sender(rail, auth) as sending:
        await run(sending)
        bank.forgotten = {"t-1"}
        assert {"error": "who are you"} == await run(sending, effect)
        assert (1, 2) == (bank.given, len(rail.to("/x")))
        assert "t-2" == await run(sending, effect)
    assert (2, 3) == (bank.given, len(rail.to("/x")))


async def test_many_401s_cost_one_token() -> None:
    """Ten payments with a dead token, and those after them share one new one."""
    bank = Bank()
    async with ScriptedRail(bank, lag_s=0.02) as rail, sender(rail, CLIENT) as sending:
        await run(sending)
        bank.forgotten = {"t-1"}
        await asyncio.gather(*(run(sending, Effect.COMMITS) for _ in range(10)))
        assert ["t-2"] * 10 == await asyncio.gather(*(run(sending) for _ in range(10)))
    assert 2 == bank.given == len(rail.to("/oauth2"))


async def test_a_401_that_comes_late_does_not_cost_the_next_token() -> None:
    """It was for the token before; the one that was given meanwhile stays."""
    bank = Bank()
    async with ScriptedRail(bank) as rail, sender(rail, CLIENT) as sending:
        await run(sending)
        bank.forgotten, rail.lag_s = {"t-1"}, 0.3
        rail.arrived.clear()
        paying = asyncio.create_task(run(sending, Effect.COMMITS))
        await rail.arrived.wait()
        rail.lag_s = 0.0
        assert "t-2" == await run(sending)
        assert {"error": "who are you"} == await paying
        assert "t-2" == await run(sending)
    assert 2 == bank.given


@KINDS
async def test_a_token_that_ends_in_mid_conversation(auth: Auth) -> None:
    """What was prepared stays; the reading in between renews it; the payment leaves once."""
    bank = Bank()

    def pay() -> Conversation[list[int]]:
        made = yield prepares(Request(method="POST", path="/x/beneficiary"))
        bank.forgotten = {"t-1"}
        quoted = yield reads(Request(method="GET", path="/x/quote"))
        paid = yield commits(Request(method="POST", path="/x/payment"))
        return [made.status, quoted.status, paid.status]

    async with ScriptedRail(bank) as rail, sender(rail, auth) as sending:
        assert Finished([200, 200, 200]) == await sending.run(pay(), conversation_id="c")
    targets = ["/x/beneficiary", "/x/quote", "/x/quote", "/x/payment"]
    assert targets == [each.target for each in rail.to("/x")]


GIVEN = {"access_token": "t-1", "token_type": "Bearer", "expires_in": 60}
MALFORMED = [
    answer(200, b"<html>t-hunter2"), answer(200, ["t-hunter2"]), answer(200, {}),
    answer(200, {**GIVEN, "access_token": ""}), answer(200, {**GIVEN, "access_token": 7}),
    answer(200, {**GIVEN, "access_token": "t\r\nX-A: hunter2"}),
    answer(200, {**GIVEN, "access_token": "hunter2 "}),
    answer(200, {**GIVEN, "access_token": "x" * 20_000}),
    answer(200, {**GIVEN, "token_type": "mac"}), answer(200, {**GIVEN, "token_type": None}),
    answer(200, {**GIVEN, "expires_in": "hunter2"}), answer(200, {**GIVEN, "expires_in": -1}),
    answer(200, {**GIVEN, "expires_in": True}), answer(200, {**GIVEN, "expires_in": 10**300}),
    answer(200, b'{"access_token": "t-1", "token_type": "bearer", "expires_in": NaN}'),
    answer(204, b""), answer(302, b"", Location="https://elsewhere.test/hunter2"),
    answer(400, {"error": "hunter2"}), answer(401, {"error": "invalid_client"}),
    answer(403, b"t-hunter2"),
]  # fmt: skip


@pytest.mark.parametrize("heard", MALFORMED)
async def test_what_is_no_token_moves_nothing_and_is_not_quoted(heard: bytes) -> None:
    """Nothing is sent with half a token; the reason is ours, and the refusal stands for a while."""
    clock, bank = Clock(), Bank(refuses=lambda: heard)
    async with ScriptedRail(bank) as rail, sender(rail, CLIENT, clock) as sending:
        first = await run(sending, Effect.COMMITS)
        clock.now += REFUSED_S - 1
        second = await run(sending)
        assert (1, 0) == (len(rail.to("/oauth2")), len(rail.to("/x")))
        assert second == NotMoved(reason=first.reason, retry_after_s=1.0)
        clock.now, bank.refuses = clock.now + 1, None
        assert "t-1" == await run(sending)
    assert isinstance(first, NotMoved)
    assert first.reason.startswith("no token was given: ")
    assert "hunter2" not in repr(first)


@pytest.mark.parametrize(
    "heard", [answer(503, b""), answer(429, b""), b"HTTP/1.1 nonsense\r\n\r\n"]
)
async def test_a_token_is_asked_for_as_a_read_is(heard: bytes) -> None:
    """A rail that stumbles is asked again, as the policy has it; then nothing has moved."""
    bank = Bank(refuses=lambda: heard)
    policy = ReadPolicy(attempts_max=3)
    async with ScriptedRail(bank) as rail, sender(rail, CLIENT, reads=policy) as sending:
        ending = await run(sending, Effect.COMMITS)
        assert 3 == len(rail.asked)
        bank.refuses = None
        assert "t-1" == await run(sending)
    assert isinstance(ending, NotMoved)


async def test_a_payment_that_moved_is_open_where_no_token_is_left() -> None:
    """After the commits, a read without a token ends the conversation as unknown."""
    bank = Bank()

    def pay() -> Conversation[None]:
        yield commits(Request(method="POST", path="/x"))
        bank.forgotten, bank.refuses = {"t-1"}, lambda: answer(401, {"error": "invalid_client"})
        yield reads(Request(method="GET", path="/x"))

    async with ScriptedRail(bank) as rail, sender(rail, CLIENT) as sending:
        ending = await sending.run(pay(), conversation_id="c")
    assert Open(reason="no token was given: status 401, invalid_client") == ending
    assert 1 == bank.paid
    assert 2 == len(rail.to("/x"))


async def test_a_token_may_be_of_another_host() -> None:
    """It is asked for there with the client's secret, which the rail never sees."""
    async with ScriptedRail(Bank()) as there, ScriptedRail(Bank()) as rail:
        url = f"{there.base_url}/oauth2/token?tenant=1"
        there.answers = lambda _: answer(200, GIVEN)
        auth = OAuth2(token_url=url, client_id="c", client_secret=Secret(lambda: "hunter2"))
        async with sender(rail, auth) as sending:
            assert "t-1" == await run(sending)
    assert ["/oauth2/token?tenant=1"] == [each.target for each in there.asked]
    assert ["Bearer t-1"] == [each.headers["authorization"] for each in rail.asked]


def test_a_token_of_a_rail_with_tls_is_not_asked_for_in_clear() -> None:
    """Its secret would stand on the wire for everybody."""
    auth = OAuth2(token_url="http://a.test/t", client_id="c", client_secret=None)
    with pytest.raises(ConfigError, match="token_url is http"):
        Sender(Endpoint(base_url="https://rail.test", auth=auth))


async def test_a_secret_that_cannot_be_found_stops_before_anything_leaves() -> None:
    """By name, as for every credential; what failed is not quoted."""

    def failing() -> str:
        raise RuntimeError("hunter2")

    auth = OAuth2(token_url="/oauth2/token", client_id="c", client_secret=Secret(failing))
    async with ScriptedRail(Bank()) as rail, sender(rail, auth) as sending:
        runs = [run(sending), run(sending, Effect.COMMITS)]
        for refused in await asyncio.gather(*runs, return_exceptions=True):
            assert isinstance(refused, ConfigError)
            assert "RuntimeError" in str(refused)
            assert (None, None) == (refused.__cause__, refused.__context__)
    assert [] == rail.asked


async def test_a_sender_that_closes_leaves_no_request_behind() -> None:
    """A token that is waited for ends with its sender."""
    async with ScriptedRail(Bank(refuses=lambda: None)) as rail:
        sending = sender(rail, CLIENT)
        waiting = asyncio.create_task(run(sending))
        await asyncio.sleep(0.05)
        await sending.aclose()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert 1 == len(rail.asked)
