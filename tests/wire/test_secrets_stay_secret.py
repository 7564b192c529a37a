"""Whatever happens to a request, its secrets are in nothing that is written or shown."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from settle.adapters import (
    BasicAuth,
    ClientCertificate,
    Conversation,
    Effect,
    Endpoint,
    Exchange,
    HeaderAuth,
    JwsSigning,
    LoginToken,
    MessageSigning,
    OAuth2,
    ReadPolicy,
    Recorder,
    Request,
    RsaSigning,
    Secret,
    Sender,
    Signing,
)
from settle.adapters.grant import Token
from settle.adapters.wire import Wire
from settle.errors import DocumentError
from settle.payments import InlineWriter
from settle.payments.exchanges import StoreRecorder
from settle.store import Store

from .scripted_rail import Asked, ScriptedRail, answer
from .test_reaching_the_rail import sign

PLAIN = "hunter/2+swordfish"
OWN = "what/an adapter+puts in"
TOKEN = "tok/en+of=the-bank"
NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
READS_TWICE = ReadPolicy(attempts_max=2, wait_s=0.0)


def opened() -> str:
    return PLAIN


def refusing() -> str:
    raise RuntimeError(f"the vault says no to {PLAIN}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One way to prove who we are, and what of it nobody may see."""

    endpoint: Callable[[Secret], Endpoint]
    secrets: Sequence[str] = (PLAIN,)
    secret: Callable[[], str] = opened
    is_sent: bool = True


def token_kind(**given: Any) -> Kind:
    def endpoint(secret: Secret) -> Endpoint:
        auth = OAuth2(token_url="/token", client_id="settle", client_secret=secret, **given)
        return Endpoint(base_url="", auth=auth)

    return Kind(endpoint=endpoint, secrets=(PLAIN, TOKEN, f"settle:{quote_plus(PLAIN)}"))


def login(secret: Secret) -> Endpoint:
    fields: dict[str, str | Secret] = {"login_id": "settle", "api_key": secret}
    return Endpoint(base_url="", auth=LoginToken(token_url="/token", fields=fields))


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_D = KEY.private_numbers().d


def key_in_pem() -> str:
    return KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def signing_kind(signing: Callable[[Secret], Signing]) -> Kind:
    """The key's lines and its private number may be seen nowhere, not even by the rail."""
    return Kind(
        endpoint=lambda secret: Endpoint(base_url="", signing=signing(secret)),
        secrets=(*key_in_pem().splitlines()[1:-1], str(_D), f"{_D:x}", PLAIN),
        secret=key_in_pem,
        is_sent=False,
    )


KINDS: Mapping[str, Kind] = {
    "header": Kind(
        endpoint=lambda secret: Endpoint(
            base_url="", auth=HeaderAuth(header="X-API-Key", secret=secret)
        )
    ),
    "basic": Kind(
        endpoint=lambda secret: Endpoint(
            base_url="", auth=BasicAuth(user="settle", password=secret)
        ),
        secrets=(PLAIN, f"settle:{PLAIN}"),
    ),
    "oauth2": token_kind(),
    "oauth2 in the body": token_kind(in_body=True),
    "login": Kind(endpoint=login, secrets=(PLAIN, TOKEN)),
    "RSA": signing_kind(lambda secret: RsaSigning(key=secret, client_id="settle")),
    "JWS": signing_kind(lambda secret: JwsSigning(key=secret, key_id="k")),
    "message": signing_kind(
        lambda secret: MessageSigning(key=secret, key_id="k", of_content=("content-digest",))
    ),
}


def well(asked: Asked) -> bytes | None:
    if asked.target == "/token":
        given = {"access_token": TOKEN, "token_type": "bearer", "auth_token": TOKEN}
        return answer(200, given, **{"X-Auth-Token": TOKEN})
    return answer(200, "ok", **{"X-Auth-Token": TOKEN, "Set-Cookie": TOKEN})


def unknown(asked: Asked) -> bytes | None:
    """A rail that knows nobody, and says in its headers whom it took us for."""
    if asked.target == "/token":
        return well(asked)
    return answer(401, "no", **{"WWW-Authenticate": f'Bearer error="{TOKEN} {PLAIN}"'})


def malformed(asked: Asked) -> bytes | None:
    if asked.target != "/token":
        return answer(500, b"")
    said = f"<p>{PLAIN} {TOKEN} {asked.content!r} {asked.headers}"
    return answer(200, said.encode("ascii", "replace"))


def quoting(asked: Asked) -> bytes | None:
    """A refusal that repeats what was posted where an error belongs."""
    said = {"error": asked.content.decode(), "error_description": PLAIN, "access_token": TOKEN}
    return answer(400, said) if asked.target == "/token" else answer(403, b"")


def two_tokens(asked: Asked) -> bytes | None:
    said = {"access_token": f"{TOKEN}\r\nX: {PLAIN}", "token_type": "bearer", "auth_token": [TOKEN]}
    return answer(200, said) if asked.target == "/token" else answer(403, b"")


def silent(asked: Asked) -> bytes | None:
    return None


def silent_after_the_token(asked: Asked) -> bytes | None:
    return well(asked) if asked.target == "/token" else None


def broken(asked: Asked) -> bytes | None:
    return f"HTTP/1.1 {PLAIN} {TOKEN}\r\n\r\n".encode()


@dataclass(slots=True)
class Shown:
    """Everything that was written or shown, as text."""

    parts: list[str] = field(default_factory=list)
    logs: pytest.LogCaptureFixture | None = None
    conversations: int = 0

    def show(self, *things: object) -> None:
        for thing in things:
            self.parts += [repr(thing), str(thing)]
            if isinstance(thing, BaseException):
                self.parts += traceback.format_exception(thing)
                self.parts.append(repr(thing.__reduce__()))

    def rows_of(self, store: Store) -> None:
        with store.reading() as connection:
            names = sa.inspect(connection).get_table_names()
            for name in names:
                rows = connection.execute(sa.text(f'select * from "{name}"')).all()
                self.parts += [_text(value) for row in rows for value in row]
        if store.is_sqlite:
            path = Path(str(store.engine.url.database))
            files = [path, path.with_name(f"{path.name}-wal")]
            self.parts += [_text(each.read_bytes()) for each in files if each.exists()]

    def found(self, secrets: Sequence[str]) -> list[str]:
        text = "\n".join([*self.parts, self.logs.text if self.logs else ""])
        return [form for secret in secrets for form in forms(secret) if form in text]


def _text(value: object) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes) else str(value)


def forms(secret: str) -> Iterator[str]:
    """A secret as it may be written: plain, percent-encoded, in hex, in base64 at any offset."""
    raw = secret.encode()
    yield from {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), raw.hex()}
    for before in range(3):
        # The first and last groups depend on what stands around them.
        coded = base64.b64encode(b"x" * before + raw)
        yield coded[4:-4].decode()
        yield coded[4:-4].translate(bytes.maketrans(b"+/", b"-_")).decode()


def pay_then_read(shown: Shown) -> Conversation[None]:
    """A payment and a question; whatever the conversation is told is shown, too."""
    request = Request(method="POST", path="/pay", headers={"X-Partner-Token": OWN})
    heard = yield Exchange(request=request, effect=Effect.COMMITS)
    shown.show({**heard.headers, "x-auth-token": "", "www-authenticate": ""})
    request = Request(method="GET", path="/find", query={"api_key": OWN})
    heard = yield Exchange(request=request, effect=Effect.READS)
    if heard.status != 200:
        raise DocumentError(f"status {heard.status}", status=heard.status)


async def swept(endpoint: Endpoint, store: Store, shown: Shown) -> None:
    """Two conversations, with everything about them shown, and a store that keeps them."""
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0  # every step of the loop is logged with what it carries
    shown.show(endpoint, endpoint.auth)
    async with Sender(endpoint, reads=READS_TWICE) as sending:
        for _ in range(2):
            shown.conversations += 1
            recorder: Recorder = StoreRecorder(writer=InlineWriter(store), clock=lambda: NOW)
            running = sending.run(
                pay_then_read(shown),
                conversation_id=str(shown.conversations),
                recorder=recorder,
            )
            (ending,) = await asyncio.gather(running, return_exceptions=True)
            shown.show(ending, sending, vars(sending), vars(sending._rail.wire))
        if sending._rail.login is not None:
            shown.show(sending._rail.login, vars(sending._rail.login.tokens))
    loop.set_debug(False)
    shown.rows_of(store)


@pytest.fixture
def shown(caplog: pytest.LogCaptureFixture) -> Shown:
    caplog.set_level(logging.DEBUG)
    return Shown(logs=caplog)


HEARD = [
    well, unknown, malformed, quoting, two_tokens, silent, silent_after_the_token, broken,
]  # fmt: skip


@pytest.mark.parametrize("heard", HEARD)
async def test_no_secret_is_written_whatever_the_rail_says(
    heard: Any, store: Store, shown: Shown
) -> None:
    """Success, 401, no token, half a token, silence: store, logs, errors and reprs are searched."""
    for name, kind in KINDS.items():
        async with ScriptedRail(heard) as rail:
            given = kind.endpoint(Secret(kind.secret))
            endpoint = replace(given, base_url=rail.base_url, timeout_s=0.2)
            await swept(endpoint, store, shown)
            sent = [f"{each.headers} {each.content!r}" for each in rail.asked]
        assert (name, []) == (name, shown.found((*kind.secrets, OWN)))
        assert kind.is_sent == bool(Shown(parts=sent).found(kind.secrets))
    assert "/find" in "".join(shown.parts) or heard not in (well, unknown)


async def test_no_secret_is_written_where_tls_fails(
    store: Store, shown: Shown, tmp_path: Path
) -> None:
    """A rail that nobody vouches for is not even shown the secret."""
    async with ScriptedRail(well, tls=sign(tmp_path).server()) as rail:
        for kind in KINDS.values():
            endpoint = replace(kind.endpoint(Secret(kind.secret)), base_url=rail.base_url)
            await swept(endpoint, store, shown)
            assert [] == shown.found((*kind.secrets, OWN))
    assert [] == rail.asked
    assert "CERTIFICATE_VERIFY_FAILED" in "".join(shown.parts)


@pytest.mark.parametrize("heard", [well, unknown, silent])
async def test_no_part_of_our_certificates_key_is_written(
    heard: Any, store: Store, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the rail takes it or not, and where what is given is no key."""
    made = sign(tmp_path)
    monkeypatch.setattr("certifi.where", lambda: str(made.certificate))
    lines = made.key.read_text().splitlines()[1:-1]
    tls = made.server()
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(made.certificate)
    async with ScriptedRail(heard, tls=tls) as rail:
        for key in (made.key.read_text(), made.key.read_text()[:-60], PLAIN):
            client = ClientCertificate(
                certificate=Secret(f"file:{made.certificate}"), key=Secret(partial(str, key))
            )
            endpoint = Endpoint(base_url=rail.base_url, client=client, timeout_s=0.2)
            await swept(endpoint, store, shown)
            assert [] == shown.found((*lines, PLAIN, OWN))
    assert rail.asked


SOURCES: Mapping[str, Callable[[], Any]] = {
    "two lines": lambda: f"{PLAIN}\n{PLAIN}",
    "not text": PLAIN.encode,
    "fails": refusing,
}


@pytest.mark.parametrize("source", [*SOURCES, "not UTF-8"])
async def test_no_secret_is_written_that_cannot_be_sent(
    source: str, store: Store, shown: Shown, tmp_path: Path
) -> None:
    """One with a line too many, of the wrong type, or in an error of what keeps it."""
    kept = tmp_path / "secret"
    kept.write_bytes(PLAIN.encode() + b"\xff")
    secret = Secret(SOURCES.get(source, f"file:{kept}"))
    async with ScriptedRail(well) as rail:
        for kind in KINDS.values():
            endpoint = replace(kind.endpoint(secret), base_url=rail.base_url)
            await swept(endpoint, store, shown)
            assert [] == shown.found((*kind.secrets, OWN))


def test_what_is_composed_shows_no_secret() -> None:
    """Neither a payment nor what is posted for a token, as text."""
    token = Token(value=TOKEN, since_s=0.0, lives_s=1.0)
    shown = Shown()
    for kind in KINDS.values():
        endpoint = replace(kind.endpoint(Secret(kind.secret)), base_url="http://rail.test")
        composed = Wire(endpoint).compose(Request(method="POST", path="/pay"), token)
        assert kind.is_sent == bool(Shown(parts=[composed.wire.decode()]).found(kind.secrets))
        shown.show(composed, token, endpoint)
        sending = Sender(endpoint)
        if sending._rail.login is not None:
            asked = sending._rail.login.composed(sending._rail.wire)
            shown.show(asked, asked.request, replace(asked.request, path="/"))
        assert [] == shown.found((*kind.secrets, OWN))


@pytest.mark.parametrize("form", sorted(forms(PLAIN)))
def test_the_sweep_bites(form: str) -> None:
    """A secret in any of its forms, anywhere, is found."""
    shown = Shown()
    shown.show(RuntimeError(f"x{form}y"))
    assert shown.found([PLAIN])
