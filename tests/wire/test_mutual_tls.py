"""Mutual TLS: our certificate is shown to whoever proves his name, and its key to nobody."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from settle.adapters import (
    ClientCertificate,
    Conversation,
    Effect,
    Endpoint,
    Exchange,
    Finished,
    NotMoved,
    OAuth2,
    Open,
    Request,
    Secret,
    Sender,
)
from settle.adapters.client_tls import ClientTls
from settle.errors import ConfigError

from .scripted_rail import ScriptedRail, answer
from .test_reaching_the_rail import Signed, sign

GIVEN = {"access_token": "t-1", "token_type": "bearer"}


@pytest.fixture
def rails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Signed:
    """The rail's own certificate, which our authorities vouch for."""
    (tmp_path / "rail").mkdir()
    made = sign(tmp_path / "rail")
    monkeypatch.setattr("certifi.where", lambda: str(made.certificate))
    return made


@pytest.fixture
def ours(tmp_path: Path) -> Signed:
    (tmp_path / "ours").mkdir()
    return sign(tmp_path / "ours")


def client(signed: Signed) -> ClientCertificate:
    """The certificate by its file, and the key from what a vault would say."""
    return ClientCertificate(
        certificate=Secret(f"file:{signed.certificate}"), key=Secret(signed.key.read_text)
    )


def asks_for(rails: Signed, ours: Signed, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = rails.server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(ours.certificate)
    context.maximum_version = version
    return context


def pay() -> Conversation[int]:
    heard = yield Exchange(request=Request(method="POST", path="/pay"), effect=Effect.COMMITS)
    return heard.status


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
async def test_a_rail_that_asks_is_shown_our_certificate(
    rails: Signed, ours: Signed, version: ssl.TLSVersion
) -> None:
    """On every connection, to the rail and to the host that gives its tokens."""
    tls = asks_for(rails, ours, version)
    async with ScriptedRail(lambda _: answer(200, GIVEN), tls=tls) as there:
        auth = OAuth2(token_url=f"{there.base_url}/token", client_id="c", client_secret=None)
        async with ScriptedRail(lambda _: answer(), tls=tls) as rail:
            endpoint = Endpoint(base_url=rail.base_url, auth=auth, client=client(ours))
            async with Sender(endpoint) as sending:
                assert Finished(200) == await sending.run(pay(), conversation_id="c")
    subject = ((("commonName", "a rail of tests"),),)
    assert [subject] * 2 == [peer["subject"] for peer in (*there.peers, *rail.peers)]
    assert {"grant_type": "client_credentials", "client_id": "c"} == there.asked[0].form


@pytest.mark.parametrize("shown", ["none", "a stranger's"])
@VERSIONS
async def test_a_rail_that_does_not_take_our_certificate_is_not_paid(
    rails: Signed, ours: Signed, tmp_path: Path, version: ssl.TLSVersion, shown: str
) -> None:
    """It executes nothing. With TLS 1.3 it says so after the request has left: then it is open."""
    stranger = client(sign(tmp_path)) if shown == "a stranger's" else None
    async with ScriptedRail(lambda _: answer(), tls=asks_for(rails, ours, version)) as rail:
        endpoint = Endpoint(base_url=rail.base_url, client=stranger)
        async with Sender(endpoint) as sending:
            ending = await sending.run(pay(), conversation_id="c")
    assert [] == rail.asked
    assert isinstance(ending, NotMoved if version is ssl.TLSVersion.TLSv1_2 else Open)


async def test_a_rail_that_does_not_prove_its_name_sees_nothing(
    ours: Signed, tmp_path: Path
) -> None:
    """Ours is shown only to whom our authorities vouch for."""
    tls = asks_for(sign(tmp_path), ours, ssl.TLSVersion.TLSv1_3)
    async with ScriptedRail(lambda _: answer(), tls=tls) as rail:
        endpoint = Endpoint(base_url=rail.base_url, client=client(ours))
        async with Sender(endpoint) as sending:
            ending = await sending.run(pay(), conversation_id="c")
    assert NotMoved(reason="SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED") == ending
    assert [] == rail.peers


def test_the_key_is_never_on_disk_in_clear(ours: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL reads it from a file: it lies there under a password, and then no more."""
    seen: list[tuple[Path, str, str]] = []
    load = ssl.SSLContext.load_cert_chain

    def watched(context: ssl.SSLContext, chain: Path, key: Path, password: str) -> None:
        seen.append((key, key.read_text(), password))
        load(context, chain, key, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    ClientTls(client(ours)).context()
    ((path, text, password),) = seen
    assert "ENCRYPTED" in text
    assert not set(ours.key.read_text().splitlines()[1:-1]) & set(text.splitlines())
    assert 64 == len(password)
    assert not path.parent.exists()


async def test_a_disk_that_is_full_is_told(
    rails: Signed, ours: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A payment does not leave, and the error is one of ours."""

    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryDirectory", full)
    async with Sender(Endpoint(base_url="https://127.0.0.1:1", client=client(ours))) as sending:
        with pytest.raises(ConfigError, match="No space left"):
            await sending.run(pay(), conversation_id="c")


def encrypted(signed: Signed) -> str:
    key = serialization.load_pem_private_key(signed.key.read_bytes(), None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"hunter2"),
    ).decode()


MISTAKES: list[tuple[Callable[[Signed, Signed], dict[str, Any]], str]] = [
    (lambda ours, other: {"key": Secret(lambda: "hunter2")}, "private key is given in PEM"),
    (lambda ours, other: {"key": Secret(lambda: encrypted(ours))}, "not encrypted"),
    (lambda ours, other: {"key": Secret("env:NO_SUCH_KEY")}, "NO_SUCH_KEY is not set"),
    (lambda ours, other: {"key": Secret(other.key.read_text)}, "KEY_VALUES_MISMATCH"),
    (lambda ours, other: {"certificate": Secret(lambda: "hunter2")}, "cannot be used"),
]


@pytest.mark.parametrize(("mistake", "why"), MISTAKES)
async def test_a_certificate_that_cannot_be_used_is_told(
    rails: Signed, ours: Signed, tmp_path: Path, mistake: Any, why: str
) -> None:
    """By name, before a connection is made, and quoting nothing."""
    broken = replace(client(ours), **mistake(ours, sign(tmp_path)))
    async with Sender(Endpoint(base_url="https://127.0.0.1:1", client=broken)) as sending:
        with pytest.raises(ConfigError, match=why) as refused:
            await sending.run(pay(), conversation_id="c")
    assert "hunter2" not in repr(refused.value)
    assert refused.value.__context__ is None


async def test_a_certificate_that_was_changed_is_shown_next(
    rails: Signed, ours: Signed, tmp_path: Path
) -> None:
    """The new one is shown by the next connection, without a new sender."""
    pairs = [sign(tmp_path), ours]

    def certificate() -> str:
        return pairs[0].certificate.read_text()

    def key() -> str:
        return pairs[0].key.read_text()

    given = ClientCertificate(certificate=Secret(certificate), key=Secret(key))
    async with (
        ScriptedRail(lambda _: answer(), tls=asks_for(rails, ours, ssl.TLSVersion.TLSv1_2)) as rail,
        Sender(Endpoint(base_url=rail.base_url, client=given)) as sending,
    ):
        assert isinstance(await sending.run(pay(), conversation_id="1"), NotMoved)
        pairs.pop(0)
        assert Finished(200) == await sending.run(pay(), conversation_id="2")


def test_a_certificate_needs_tls() -> None:
    """Over plain HTTP nobody would be shown anything."""
    given = ClientCertificate(certificate=Secret(str), key=Secret(str))
    with pytest.raises(ConfigError, match="https"):
        Sender(Endpoint(base_url="http://rail.test", client=given))
