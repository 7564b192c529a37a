"""Names, TCP and TLS: until the rail is reached and known nothing is sent, and nothing leaks."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from settle.adapters import Endpoint, Request, Response
from settle.adapters.answer import Silence
from settle.adapters.dialling import dial
from settle.adapters.origin import origin_of
from settle.adapters.wire import Answer, Wire

from .raw_rail import WAIT_S_MAX, Line, RawRail, after_one

PAY = Request(method="POST", path="/pay", content=b'{"amount": 1}')
LINUX = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts open files")  # noqa: PTH112


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate for 127.0.0.1, with its key, that vouches for itself."""

    certificate: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


def sign(folder: Path, *, address: str = "127.0.0.1", days: int = 1) -> Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a rail of tests")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    made = Signed(folder / "certificate.pem", folder / "key.pem")
    made.certificate.write_bytes(built.public_bytes(pem))
    made.key.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Signed:
    """A certificate of the rail that the pinned authorities vouch for."""
    made = sign(tmp_path)
    monkeypatch.setattr("certifi.where", lambda: str(made.certificate))
    return made


async def asked(base_url: str, *, connect_s: float = 5.0) -> Answer:
    async with Wire(Endpoint(base_url=base_url, connect_timeout_s=connect_s)) as sending:
        return await sending.send(sending.compose(PAY))


async def test_a_rail_that_proves_who_it_is_is_asked(signed: Signed) -> None:
    """Over TLS the same bytes arrive once each, on a connection that is kept."""
    with RawRail(tls=signed.server()) as rail:
        async with Wire(Endpoint(base_url=rail.base_url)) as sending:
            composed = sending.compose(PAY)
            answers = [await sending.send(composed) for _ in range(3)]
    assert [b"ok"] * 3 == [answer.content for answer in answers if isinstance(answer, Response)]
    assert [composed.wire] * 3 == rail.requests
    assert 1 == rail.connections


@pytest.mark.parametrize("end", [Line.hang_up, Line.reset])
async def test_a_kept_tls_connection_is_looked_at_before_it_is_written_to(
    signed: Signed, end: Callable[[Line], None]
) -> None:
    """What the rail ended meanwhile carries nothing, though our loop never heard of it."""
    with RawRail(after_one(end), tls=signed.server()) as rail:
        async with Wire(Endpoint(base_url=rail.base_url), connections=1) as sending:
            first = await sending.send(sending.compose(PAY))
            assert rail.went_on()
            second = await sending.send(sending.compose(PAY))
    assert isinstance(first, Response)
    assert isinstance(second, Response)
    assert (2, 2) == (rail.connections, len(rail.requests))


async def test_a_stranger_is_not_asked(tmp_path: Path) -> None:
    """No authority vouches for it: not a byte of the request, nor the credential, leaves."""
    with RawRail(tls=sign(tmp_path).server()) as rail:
        answer = await asked(rail.base_url)
    why = "SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED"
    assert Silence(reason=why, sent=False) == answer
    assert [] == rail.requests


@pytest.mark.parametrize(("address", "days"), [("127.0.0.2", 1), ("127.0.0.1", -1)])
async def test_a_certificate_of_another_name_or_time_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, days: int
) -> None:
    """The name and the day are checked, not only who signed."""
    made = sign(tmp_path, address=address, days=days)
    monkeypatch.setattr("certifi.where", lambda: str(made.certificate))
    with RawRail(tls=made.server()) as rail:
        answer = await asked(rail.base_url)
    assert isinstance(answer, Silence)
    assert (False, []) == (answer.sent, rail.requests)


async def test_a_rail_that_begins_tls_and_stops_is_given_up(signed: Signed) -> None:
    """The handshake has its own time, and its socket is closed."""

    def play(line: Line) -> None:
        line.until_gone()

    with RawRail(play) as rail:
        began = time.monotonic()
        answer = await asked(rail.base_url.replace("http:", "https:"), connect_s=0.3)
        took_s = time.monotonic() - began
        assert await asyncio.to_thread(rail.gone.acquire, timeout=WAIT_S_MAX)
    assert Silence(reason="TimeoutError", sent=False) == answer
    assert took_s < WAIT_S_MAX / 2


async def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with two addresses, one of which refuses, is reached at the other."""
    with socket.socket() as taken, RawRail() as rail:
        taken.bind(("127.0.0.1", 0))  # bound and not listening
        kinds = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        found = [(*kinds, taken.getsockname()), (*kinds, ("127.0.0.1", rail.port))]

        async def resolve(*_: object, **__: object) -> object:
            return found

        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "getaddrinfo", resolve)
        answer = await asked("http://rail.test")
    assert isinstance(answer, Response)


def open_files() -> set[str]:
    gc.collect()
    found = set()
    for each in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with suppress(OSError):
            found.add(os.readlink(f"/proc/self/fd/{each}"))  # noqa: PTH115
    return {each for each in found if each.startswith("socket:")}


@pytest.fixture
def deaf() -> Iterator[RawRail]:
    """A rail that takes connections and then says nothing."""
    with RawRail(Line.until_gone) as rail:
        yield rail


@LINUX
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_dial_that_is_cancelled_leaves_no_socket(deaf: RawRail, scheme: str) -> None:
    """At whatever step of the loop it is cancelled, our end is closed soon after."""
    url = deaf.base_url.replace("http:", f"{scheme}:")
    origin = origin_of(url)
    before = open_files()
    for steps in range(12):
        dialling = asyncio.create_task(dial(origin, timeout_s=5))
        for _ in range(steps):
            await asyncio.sleep(0.001)
        dialling.cancel()
        with suppress(asyncio.CancelledError):
            connection = await dialling  # it was faster
            await connection.aclose()
    await asyncio.sleep(0.05)
    left = {each for each in open_files() - before if not _is_theirs(each, deaf)}
    assert set() == left


def _is_theirs(link: str, rail: RawRail) -> bool:
    """Whether an open file is the rail's end of a connection: it lives in this process."""
    theirs = set()
    for _, raw in rail._lines:
        with suppress(OSError):
            theirs.add(os.readlink(f"/proc/self/fd/{raw.fileno()}"))  # noqa: PTH115
    return link in theirs


@LINUX
@pytest.mark.parametrize("connect_s", [0.0, 0.001])
async def test_a_dial_that_takes_too_long_leaves_no_socket(deaf: RawRail, connect_s: float) -> None:
    """The deadline of TCP or TLS ends the socket too."""
    before = open_files()
    for _ in range(20):
        answer = await asked(deaf.base_url.replace("http:", "https:"), connect_s=connect_s)
        assert Silence(reason="TimeoutError", sent=False) == answer
    await asyncio.sleep(0.05)
    assert set() == {each for each in open_files() - before if not _is_theirs(each, deaf)}
