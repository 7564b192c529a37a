"""Signatures as a rail verifies them: from the bytes that arrived, by the rail's own document."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from settle.adapters import (
    Algorithm,
    Conversation,
    Effect,
    Endpoint,
    Exchange,
    Finished,
    JwsSigning,
    MessageSigning,
    NotMoved,
    OAuth2,
    Open,
    Request,
    Response,
    RsaSigning,
    Secret,
    Sender,
    Signing,
    TimeForm,
)
from settle.adapters.wire import Wire
from settle.errors import ConfigError

from .scripted_rail import Asked, ScriptedRail, answer

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
NOW = 1_734_539_400.25
CONTENT = '{"amount": {"value": "100"}, "to": "Mo Ümit"}\n'.encode() + b"\xff{client_id}"
PAY = Request(
    method="POST", path="/aps/api/v1/pay", query={"q": "ä b"},
    headers={"Content-Type": "application/json"}, content=CONTENT,
)  # fmt: skip
LOOK = Request(method="GET", path="/aps/api/v1/pay/1")

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def pem(key: Key, password: bytes | None = None) -> str:
    locked = serialization.BestAvailableEncryption(password) if password else None
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        locked or serialization.NoEncryption(),
    ).decode()


def secret(key: Key) -> Secret:
    return Secret(lambda: pem(key))


def verified(check: Callable[[], object]) -> bool:
    try:
        check()
    except InvalidSignature:
        return False
    return True


async def heard_by_the_rail(
    signing: Signing, *requests: Request, wall: Callable[[], float] = lambda: NOW
) -> list[Asked]:
    def asking(request: Request) -> Conversation[Response]:
        effect = Effect.READS if request.method == "GET" else Effect.COMMITS
        return (yield Exchange(request=request, effect=effect))

    async with ScriptedRail(lambda _: answer()) as rail:
        endpoint = Endpoint(base_url=rail.base_url + "/v2", signing=signing)
        async with Sender(endpoint, wall=wall) as sending:
            for request in requests:
                ending = await sending.run(asking(request), conversation_id="c")
                assert isinstance(ending, Finished)
    return rail.asked


# Alipay+: the signature is of "METHOD uri\nclient.time.body", RSA with SHA-256, in base64, encoded.


def alipay_verifies(asked: Asked) -> bool:
    parts = dict(part.strip().split("=", 1) for part in asked.headers["signature"].split(","))
    assert ["algorithm", "keyVersion", "signature"] == list(parts)
    assert ("RSA256", "1") == (parts["algorithm"], parts["keyVersion"])
    signed = b"%s %s\n%s.%s." % (
        asked.method.encode(), asked.target.encode(),
        asked.headers["client-id"].encode(), asked.headers["request-time"].encode(),
    )  # fmt: skip
    raw = base64.b64decode(unquote(parts["signature"]), validate=True)
    public = RSA.public_key()
    return verified(
        lambda: public.verify(raw, signed + asked.content, padding.PKCS1v15(), hashes.SHA256())
    )


ALIPAY = RsaSigning(key=secret(RSA), client_id="SANDBOX_5YC4")


async def test_a_request_is_signed_as_alipay_verifies_it() -> None:
    """Method, path with query, client, time and the body's own bytes; a body may be empty."""
    asked = await heard_by_the_rail(ALIPAY, PAY, LOOK)
    assert [True, True] == list(map(alipay_verifies, asked))
    assert "/v2/aps/api/v1/pay?q=%C3%A4+b" == asked[0].target
    assert CONTENT == asked[0].content
    assert "SANDBOX_5YC4" == asked[0].headers["client-id"]
    time = asked[0].headers["request-time"]
    assert "2024-12-18T16:30:00.250Z" == time
    assert datetime.fromisoformat(time).timestamp() == NOW


@pytest.mark.parametrize("change", ["method", "target", "content", "client-id", "request-time"])
async def test_what_was_changed_under_way_is_seen(change: str) -> None:
    """The verifier of these tests, too, has to bite."""
    (asked,) = await heard_by_the_rail(ALIPAY, PAY)
    if change in asked.headers:
        changed = replace(asked, headers={**asked.headers, change: asked.headers[change] + "0"})
    else:
        was = getattr(asked, change)
        changed = replace(asked, **{change: was + (b"0" if isinstance(was, bytes) else "0")})
    assert not alipay_verifies(changed)


async def test_another_form_of_rsa_is_data() -> None:
    """Other names, another order, time in milliseconds, base64 as it is: no code of ours."""
    form = RsaSigning(
        key=Secret(lambda: "".join(pem(RSA).splitlines()[1:-1])),  # as a portal shows it
        client_id="m-1",
        content="{time}|{method}|{path}|{client_id}|{body}",
        value="{signature}",
        header="X-Sign",
        client_header="X-Merchant",
        time_header="X-Time",
        time_form=TimeForm.EPOCH_MS,
        percent_encoded=False,
    )
    (asked,) = await heard_by_the_rail(form, PAY)
    assert ("m-1", "1734539400250") == (asked.headers["x-merchant"], asked.headers["x-time"])
    signed = b"1734539400250|POST|/v2/aps/api/v1/pay|m-1|" + CONTENT
    raw = base64.b64decode(asked.headers["x-sign"], validate=True)
    RSA.public_key().verify(raw, signed, padding.PKCS1v15(), hashes.SHA256())


async def test_a_read_that_is_repeated_is_signed_anew() -> None:
    """Its time is that of leaving: a rail refuses what is minutes old, or was seen before."""
    times = iter([NOW, NOW + 60, NOW + 120, NOW + 180])
    answers = [answer(503, b""), answer()]

    async def no_sleep(_: float) -> None:
        return

    def look() -> Conversation[None]:
        yield Exchange(request=LOOK, effect=Effect.READS)

    async with ScriptedRail(lambda _: answers.pop(0)) as rail:
        endpoint = Endpoint(base_url=rail.base_url, signing=ALIPAY)
        async with Sender(endpoint, sleep=no_sleep, wall=lambda: next(times)) as sending:
            await sending.run(look(), conversation_id="c")
    assert 2 == len({each.headers["request-time"] for each in rail.asked})
    assert [True, True] == list(map(alipay_verifies, rail.asked))


# JWS: RFC 7515, 5.2 and appendix F; RFC 7797, 3; Open Banking UK, payload signing.


def unpadded(text: str) -> bytes:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def jws_verifies(asked: Asked, understood: set[str]) -> bool:
    head, nothing, signature = asked.headers["x-jws-signature"].split(".")
    assert "" == nothing  # detached
    said = json.loads(unpadded(head))
    assert set(said.get("crit", [])) <= understood & set(said)
    if said.get("b64", True) is False:
        assert "b64" in said["crit"]  # RFC 7797, 6
        payload = asked.content
    else:
        payload = base64.urlsafe_b64encode(asked.content).rstrip(b"=")
    return _jwa(said["alg"], unpadded(signature), head.encode() + b"." + payload)


def _jwa(algorithm: str, raw: bytes, signed: bytes) -> bool:
    """RFC 7518, 3.3 to 3.5."""
    sha, public = hashes.SHA256(), RSA.public_key()
    if algorithm == "RS256":
        return verified(lambda: public.verify(raw, signed, padding.PKCS1v15(), sha))
    if algorithm == "PS256":
        pss = padding.PSS(mgf=padding.MGF1(sha), salt_length=32)
        return verified(lambda: public.verify(raw, signed, pss, sha))
    assert (algorithm, 64) == ("ES256", len(raw))
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    return verified(lambda: EC.public_key().verify(der, signed, ec.ECDSA(sha)))


OBIE = "http://openbanking.org.uk/"
OPEN_BANKING = JwsSigning(
    key=secret(RSA),
    key_id="kid-1",
    claims={f"{OBIE}iss": "0015800001041RHAAY/settle", f"{OBIE}tan": "openbanking.org.uk"},
    issued_at=f"{OBIE}iat",
    critical=(f"{OBIE}iat", f"{OBIE}iss", f"{OBIE}tan"),
)
UNDERSTOOD = {"b64", *OPEN_BANKING.critical}


async def test_a_payment_is_signed_as_open_banking_verifies_it() -> None:
    """PS256 over the protected header and the body as it stands: b64 is false and critical."""
    paid, looked = await heard_by_the_rail(OPEN_BANKING, PAY, LOOK)
    assert jws_verifies(paid, UNDERSTOOD)
    said = json.loads(unpadded(paid.headers["x-jws-signature"].split(".")[0]))
    assert {
        "alg": "PS256",
        "kid": "kid-1",
        "b64": False,
        f"{OBIE}iat": 1_734_539_400,
        f"{OBIE}iss": "0015800001041RHAAY/settle",
        f"{OBIE}tan": "openbanking.org.uk",
        "crit": ["b64", f"{OBIE}iat", f"{OBIE}iss", f"{OBIE}tan"],
    } == said
    assert "x-jws-signature" not in looked.headers  # it has no body


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [(Algorithm.RS256, RSA), (Algorithm.PS256, RSA), (Algorithm.ES256, EC)],
)
@pytest.mark.parametrize("encoded", [True, False])
async def test_a_detached_jws_of_every_kind(algorithm: Algorithm, key: Key, encoded: bool) -> None:  # noqa: FBT001
    """With the body as it is, or encoded as in RFC 7515; then the header does not speak of it."""
    signing = JwsSigning(key=secret(key), key_id="k", algorithm=algorithm, encoded=encoded)
    (asked,) = await heard_by_the_rail(signing, PAY)
    assert jws_verifies(asked, {"b64"})
    assert not jws_verifies(replace(asked, content=CONTENT + b" "), {"b64"})
    said = json.loads(unpadded(asked.headers["x-jws-signature"].split(".")[0]))
    assert encoded == ("b64" not in said) == ("crit" not in said)


# HTTP message signatures: RFC 9421, 2.5 and 3.2, over what arrived.


def message_verifies(asked: Asked, scheme: str = "http") -> bool:
    label, _, parameters = asked.headers["signature-input"].partition("=")
    covered, _, further = parameters.removeprefix("(").partition(")")
    names = re.findall(r'"([^"]+)"', covered)
    assert covered == " ".join(f'"{name}"' for name in names)
    given = dict(each.split("=", 1) for each in further.removeprefix(";").split(";"))
    assert float(given["created"]) <= NOW < float(given.get("expires", NOW + 1))
    host, target = asked.headers["host"], asked.target
    derived = {
        "@method": asked.method,
        "@authority": host,
        "@scheme": scheme,
        "@target-uri": f"{scheme}://{host}{target}",
        "@request-target": target,
        "@path": target.split("?")[0],
        "@query": "?" + "".join(target.split("?")[1:]),
    }
    values = {**asked.headers, **derived}
    if "content-digest" in names:
        digest = base64.b64encode(hashlib.sha256(asked.content).digest()).decode()
        assert f"sha-256=:{digest}:" == asked.headers["content-digest"]
    base = "".join(f'"{name}": {values[name]}\n' for name in names)
    shown = asked.headers["signature"]
    assert shown.startswith(f"{label}=:")
    assert shown.endswith(":")
    raw = base64.b64decode(shown[len(label) + 2 : -1], validate=True)
    return _rfc9421(
        given["alg"].strip('"'), raw, f'{base}"@signature-params": {parameters}'.encode()
    )


def _rfc9421(algorithm: str, raw: bytes, signed: bytes) -> bool:
    """RFC 9421, 3.3.1 to 3.3.6."""
    public = RSA.public_key()
    if algorithm == "rsa-pss-sha512":
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA512()), salt_length=64)
        return verified(lambda: public.verify(raw, signed, pss, hashes.SHA512()))
    if algorithm == "rsa-v1_5-sha256":
        return verified(lambda: public.verify(raw, signed, padding.PKCS1v15(), hashes.SHA256()))
    if algorithm == "ed25519":
        return verified(lambda: ED.public_key().verify(raw, signed))
    assert (algorithm, 64) == ("ecdsa-p256-sha256", len(raw))
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    return verified(lambda: EC.public_key().verify(der, signed, ec.ECDSA(hashes.SHA256())))


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        (Algorithm.RSA_PSS_SHA512, RSA), (Algorithm.RSA_V1_5_SHA256, RSA),
        (Algorithm.ECDSA_P256_SHA256, EC), (Algorithm.ED25519, ED),
    ],
)  # fmt: skip
async def test_a_message_signature_of_every_kind(algorithm: Algorithm, key: Key) -> None:
    """Every derived component, headers and the body's digest; one without a body has none."""
    derived = "@method @target-uri @authority @scheme @request-target @path @query"
    signing = MessageSigning(
        key=secret(key), key_id="k", algorithm=algorithm, components=(*derived.split(), "accept"),
        label="settle", lives_s=300,
    )  # fmt: skip
    paid, looked = await heard_by_the_rail(signing, PAY, LOOK)
    assert [True, True] == [message_verifies(paid), message_verifies(looked)]
    assert ("content-digest" in paid.headers, "content-digest" in looked.headers) == (True, False)
    assert not message_verifies(replace(paid, target=paid.target + "0"))
    assert not message_verifies(replace(paid, headers={**paid.headers, "content-type": "text/csv"}))


def test_the_example_of_the_rfc_is_met() -> None:
    """RFC 9421, B.2.6: the same key, time and request give the very same signature."""
    signing = MessageSigning(
        key=Secret(lambda: "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF"),
        key_id="test-key-ed25519",
        algorithm=Algorithm.ED25519,
        components=("date", "@method", "@path", "@authority"),
        of_content=("content-type", "content-length"),
        label="sig-b26",
        tells_algorithm=False,
    )
    request = Request(
        method="POST", path="/foo", query={"param": "Value", "Pet": "dog"},
        headers={"Date": "Tue, 20 Apr 2021 02:07:55 GMT", "Content-Type": "application/json"},
        content=b'{"hello": "world"}',
    )  # fmt: skip
    endpoint = Endpoint(base_url="http://example.com", signing=signing)
    signed = Wire(endpoint, wall=lambda: 1_618_884_473.0).compose(request).headers
    assert signed["signature"] == (
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
    )


async def test_a_request_for_a_token_is_not_signed() -> None:
    """The token and the signature are two proofs: a payment carries both."""
    given = {"access_token": "t-1", "token_type": "bearer"}
    auth = OAuth2(token_url="/token", client_id="c", client_secret=Secret(lambda: "hunter2"))

    def pay() -> Conversation[None]:
        yield Exchange(request=PAY, effect=Effect.COMMITS)

    async with ScriptedRail(lambda _: answer(200, given)) as rail:
        endpoint = Endpoint(base_url=rail.base_url, auth=auth, signing=OPEN_BANKING)
        async with Sender(endpoint, wall=lambda: NOW) as sending:
            await sending.run(pay(), conversation_id="c")
    token, paid = rail.asked
    assert "x-jws-signature" not in token.headers
    assert jws_verifies(paid, UNDERSTOOD)
    assert "Bearer t-1" == paid.headers["authorization"]


SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)
MESSAGE = MessageSigning(key=secret(RSA), key_id="k")
REFUSED: list[tuple[Signing, str]] = [
    (replace(ALIPAY, key=Secret(lambda: "hunter2")), "private key is given in PEM"),
    (replace(ALIPAY, key=Secret(lambda: "-----BEGIN hunter2-----")), "private key is given in PEM"),
    (replace(ALIPAY, key=Secret(lambda: pem(RSA, b"hunter2"))), "not encrypted"),
    (replace(ALIPAY, key=secret(EC)), "RSA key"),
    (replace(ALIPAY, key=secret(SHORT)), "2048 bits"),
    (replace(ALIPAY, content="{method} {nonce}"), "what is unknown"),
    (replace(ALIPAY, content="{method} {"), "what is unknown"),
    (replace(ALIPAY, content="{method!r}"), "has a format"),
    (replace(ALIPAY, value="{signature:>9}"), "has a format"),
    (replace(OPEN_BANKING, critical=("exp",)), "critical names"),
    (replace(OPEN_BANKING, algorithm=Algorithm.ES256), "P-256"),
    (replace(MESSAGE, algorithm=Algorithm.ED25519), "Ed25519"),
    (replace(MESSAGE, components=("@status",)), "unknown"),
    (replace(MESSAGE, key_id='k"; x="1'), "cannot be written"),
    (replace(MESSAGE, label="a=()"), "cannot be written"),
]


@pytest.mark.parametrize(("signing", "why"), REFUSED)
async def test_what_cannot_be_signed_is_not_sent(signing: Signing, why: str) -> None:
    """A payment without its signature never leaves; the reason quotes nothing of the key."""
    with pytest.raises(ConfigError, match=why) as refused:
        await heard_by_the_rail(signing, PAY)
    assert "hunter2" not in repr(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


async def test_a_header_that_is_covered_and_missing_is_told() -> None:
    """The request does not fit the signature: nothing has moved."""

    def pay() -> Conversation[None]:
        yield Exchange(request=replace(PAY, headers={}), effect=Effect.COMMITS)

    endpoint = Endpoint(base_url="http://127.0.0.1:1", signing=MESSAGE)
    async with Sender(endpoint) as sending:
        ending = await sending.run(pay(), conversation_id="c")
    reason = "the signature covers the header 'content-type', which the request lacks"
    assert NotMoved(reason=reason) == ending


@pytest.mark.parametrize(
    "signing",
    [
        replace(OPEN_BANKING, algorithm=Algorithm.ED25519),
        replace(MESSAGE, algorithm=Algorithm.RS256),
    ],
)
def test_an_algorithm_of_another_kind_is_refused(signing: Any) -> None:
    """Before any request: its name would mean something else to the rail."""
    with pytest.raises(ConfigError, match="another kind of signature"):
        Sender(Endpoint(base_url="http://rail.test", signing=signing))


def test_a_key_that_was_changed_signs_the_next_request() -> None:
    """It is read each time, as every secret is."""
    texts = [pem(SHORT), pem(RSA)]
    signing = replace(ALIPAY, key=Secret(lambda: texts.pop(0)))
    wire = Wire(Endpoint(base_url="http://rail.test", signing=signing))
    with pytest.raises(ConfigError, match="2048 bits"):
        wire.compose(PAY)
    assert "signature" in wire.compose(PAY).headers


async def test_whatever_fails_after_a_payment_leaves_it_open() -> None:
    """Here our own clock, as the second request is signed."""
    times = iter([NOW])

    def pay() -> Conversation[None]:
        yield Exchange(request=PAY, effect=Effect.COMMITS)
        yield Exchange(request=LOOK, effect=Effect.READS)

    def clock() -> float:
        for time in times:
            return time
        raise RuntimeError("hunter2")

    async with ScriptedRail(lambda _: answer()) as rail:
        wire = Wire(Endpoint(base_url=rail.base_url, signing=ALIPAY), wall=clock)
        async with Sender(Endpoint(base_url=rail.base_url)) as sending:
            sending._rail = replace(sending._rail, wire=wire)
            ending = await sending.run(pay(), conversation_id="c")
        await wire.aclose()
    assert Open(reason="RuntimeError") == ending
