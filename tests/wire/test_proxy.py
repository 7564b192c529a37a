"""A proxy is used only where the endpoint says so, and learns no more than the rail's name."""

from __future__ import annotations

import asyncio
import base64
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from settle.adapters import (
    BasicAuth,
    Conversation,
    Effect,
    Endpoint,
    Exchange,
    Finished,
    HeaderAuth,
    NotMoved,
    OAuth2,
    Proxy,
    ProxyFromEnvironment,
    Request,
    Secret,
    Sender,
)
from settle.errors import ConfigError

from .scripted_rail import ScriptedRail, answer
from .test_reaching_the_rail import LINUX, Signed, open_files, sign

OPENED = b"HTTP/1.1 200 Connection established\r\nX-By: a proxy\r\n\r\n"
VARIABLES = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "HTTP_PROXY", "ALL_PROXY")


@dataclass(slots=True)
class Proxying:
    """A proxy that says `says` and then passes on, to `other` if that is given."""

    says: bytes = OPENED
    other: int | None = None
    heads: list[bytes] = field(default_factory=list)
    passed: bytes = b""
    server: Any = None

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            writer.write(self.says)
            if self.says.startswith(b"HTTP/1.1 2"):
                port = self.other or int(head.split(b" ")[1].rpartition(b":")[2])
                there, away = await asyncio.open_connection("127.0.0.1", port)
                await asyncio.gather(self.pump(reader, away), self.pump(there, writer))
        writer.close()

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while some := await reader.read(65_536):
                self.passed += some
                writer.write(some)
        writer.close()


@pytest.fixture(autouse=True)
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Signed:
    made = sign(tmp_path)
    monkeypatch.setattr("certifi.where", lambda: str(made.certificate))
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return made


def pay() -> Conversation[int]:
    request = Request(method="POST", path="/pay", content=b"amount=1")
    return (yield Exchange(request=request, effect=Effect.COMMITS)).status


async def paid(base_url: str, **given: Any) -> Any:
    auth = HeaderAuth(header="X-Key", secret=Secret(lambda: "hunter2"))
    endpoint = Endpoint(base_url=base_url, connect_timeout_s=1.0, **{"auth": auth, **given})
    async with Sender(endpoint) as sending:
        ending = await sending.run(pay(), conversation_id="c")
    await asyncio.sleep(0.02)
    return ending


def rail_of(certificate: Signed) -> ScriptedRail:
    given = {"access_token": "t-1", "token_type": "bearer"}
    return ScriptedRail(lambda _: answer(200, given), tls=certificate.server())


async def test_a_rail_is_reached_by_a_tunnel(certificate: Signed) -> None:
    """The proxy hears a name and a port; the rest is between the rail and us."""
    async with rail_of(certificate) as rail, Proxying() as proxy:
        assert Finished(200) == await paid(rail.base_url, proxy=Proxy(url=proxy.url))
        place = f"127.0.0.1:{rail.port}"
    assert [f"CONNECT {place} HTTP/1.1\r\nhost: {place}\r\n\r\n".encode()] == proxy.heads
    assert 1 == len(rail.asked)
    assert proxy.passed
    assert b"hunter2" not in proxy.passed
    assert b"/pay" not in proxy.passed


async def test_a_proxy_is_shown_a_password_of_its_own(certificate: Signed) -> None:
    """It does not reach the rail, nor the rail's the proxy."""
    auth = BasicAuth(user="settle", password=Secret(lambda: "gate:1"))
    async with rail_of(certificate) as rail, Proxying() as proxy:
        await paid(rail.base_url, proxy=Proxy(url=proxy.url, auth=auth))
    expected = base64.b64encode(b"settle:gate:1")
    assert b"proxy-authorization: Basic " + expected in proxy.heads[0]
    assert "proxy-authorization" not in rail.asked[0].headers


async def test_a_token_goes_by_the_same_proxy(certificate: Signed) -> None:
    """Also where another host gives it."""
    async with rail_of(certificate) as rail, rail_of(certificate) as there, Proxying() as proxy:
        auth = OAuth2(token_url=f"{there.base_url}/token", client_id="c", client_secret=None)
        await paid(rail.base_url, auth=auth, proxy=Proxy(url=proxy.url))
    assert (2, 1, 1) == (len(proxy.heads), len(there.asked), len(rail.asked))


HOSTILE = [
    (b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\n\r\n", "ProxyRefused: status 407"),
    (b"HTTP/1.1 302 Go\r\nLocation: https://elsewhere.test\r\n\r\n", "ProxyRefused: status 302"),
    (b"HTTP/1.1 100 Continue\r\n\r\n", "ProxyRefused: status 100"),
    (b"<html>hunter2\r\n\r\n", "ProxyRefused: not HTTP"),
    (b"HTTP/1.1 403", "ProxyRefused: no answer"),
    (b"x" * 100_000, "ProxyRefused: no answer"),
    (OPENED + b"HTTP/1.1 200 OK\r\n\r\n", "ProxyRefused: it speaks in the rail's place"),
    (OPENED + b"\r\n", "ProxyRefused: it speaks in the rail's place"),
    (OPENED + b"x", "ProxyRefused: it speaks in the rail's place"),
]


@LINUX
@pytest.mark.parametrize(("says", "reason"), HOSTILE)
async def test_what_a_proxy_refuses_has_not_moved(
    certificate: Signed, says: bytes, reason: str
) -> None:
    """No byte of the payment has left, and no socket stays open."""
    async with rail_of(certificate) as rail, Proxying(says=says) as proxy:
        before = open_files()
        ending = await paid(rail.base_url, proxy=Proxy(url=proxy.url))
        left = len(open_files() - before)
    assert NotMoved(reason=reason) == ending
    assert ([], b"") == (rail.asked, proxy.passed if says[:10] != OPENED[:10] else b"")
    assert left <= 2  # the proxy's own ends


async def test_a_proxy_that_says_nothing_is_given_up(certificate: Signed) -> None:
    """Within the time of connecting."""
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        ending = await paid("https://127.0.0.1:1", proxy=Proxy(url=url))
    assert NotMoved(reason="TimeoutError") == ending


async def test_a_proxy_that_leads_elsewhere_is_seen(certificate: Signed, tmp_path: Path) -> None:
    """Whoever answers in the rail's place cannot prove its name."""
    (tmp_path / "other").mkdir()
    stranger = sign(tmp_path / "other")
    async with (
        rail_of(stranger) as other,
        rail_of(certificate) as rail,
        Proxying(other=other.port) as proxy,
    ):
        ending = await paid(rail.base_url, proxy=Proxy(url=proxy.url))
    assert NotMoved(reason="SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED") == ending
    assert [] == other.asked == rail.asked


async def test_the_environment_is_asked_only_where_it_is_told(
    certificate: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Untold, no variable counts; told, `HTTPS_PROXY` does, but for what `NO_PROXY` names."""
    async with rail_of(certificate) as rail, Proxying() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("http://", "http://me:a%40b@"))
        told = {"proxy": ProxyFromEnvironment()}
        assert Finished(200) == await paid(rail.base_url)
        assert [] == proxy.heads
        assert Finished(200) == await paid(rail.base_url, **told)
        assert base64.b64encode(b"me:a@b") in proxy.heads[0]
        monkeypatch.setenv("NO_PROXY", "elsewhere.test,127.0.0.1")
        assert Finished(200) == await paid(rail.base_url, **told)
        assert 1 == len(proxy.heads)


@pytest.mark.parametrize(
    "url",
    ["https://proxy.test:1", "http://proxy.test", "http://a:hunter2@proxy.test:1", "proxy:1",
     "http://proxy.test:x", "http://proxy.test:1/x", "socks5://proxy.test:1"],
)  # fmt: skip
def test_a_proxy_is_a_host_and_a_port(url: str) -> None:
    """A password in its address would be shown wherever the address is."""
    with pytest.raises(ConfigError) as refused:
        Sender(Endpoint(base_url="https://rail.test", proxy=Proxy(url=url)))
    assert "hunter2" not in repr(refused.value)


def test_a_rail_in_clear_goes_by_no_proxy() -> None:
    """It would read every payment."""
    with pytest.raises(ConfigError, match="https only"):
        Sender(Endpoint(base_url="http://rail.test", proxy=Proxy(url="http://proxy.test:1")))


async def test_a_password_of_a_proxy_that_is_not_there_is_told() -> None:
    """By name, and nothing has left."""
    auth = BasicAuth(user="settle", password=Secret("env:NO_SUCH_GATE"))
    with pytest.raises(ConfigError, match="NO_SUCH_GATE"):
        await paid("https://127.0.0.1:1", proxy=Proxy(url="http://127.0.0.1:1", auth=auth))
