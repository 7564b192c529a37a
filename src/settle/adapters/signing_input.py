"""What is signed, byte for byte, and how a signature is shown. This is pure: time is given."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from string import Formatter
from typing import assert_never
from urllib.parse import quote

from settle.adapters.composition import Composed
from settle.adapters.signing import JwsSigning, MessageSigning, RsaSigning, TimeForm
from settle.errors import BadInput, ConfigError

Sign = Callable[[bytes], bytes]
Headers = dict[str, str]

_BARE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]*\Z")  # a string that needs no escape
_LABEL = re.compile(r"[a-z*][a-z0-9_.*-]*\Z")


def rsa_headers(signing: RsaSigning, composed: Composed, now_s: float, sign: Sign) -> Headers:
    """The headers of a request that is signed as Alipay+ has it.

    Raises:
        ConfigError: `content` or `value` has a place that nothing is known for.
    """
    time = _written(signing.time_form, now_s)
    request = composed.request
    said = {
        "method": request.method.encode(),
        "target": composed.target.encode(),
        "path": composed.target.partition("?")[0].encode(),
        "client_id": signing.client_id.encode(),
        "time": time.encode(),
        "body": request.content,
    }
    signature = base64.b64encode(sign(_filled(signing.content, said, key="content"))).decode()
    shown = quote(signature, safe="") if signing.percent_encoded else signature
    value = _filled(signing.value, {"signature": shown.encode()}, key="value").decode()
    return {
        signing.client_header: signing.client_id,
        signing.time_header: time,
        signing.header: value,
    }


def _filled(form: str, said: Mapping[str, bytes], *, key: str) -> bytes:
    filled = b""
    try:
        for text, name, spec, conversion in Formatter().parse(form):
            if spec or conversion:
                raise ConfigError(f"{key} of the signature has a format", key=key)
            filled += text.encode() + (b"" if name is None else said[name])
    except (KeyError, ValueError):
        raise ConfigError(
            f"{key} of the signature has a place for what is unknown", key=key
        ) from None
    return filled


def _written(form: TimeForm, now_s: float) -> str:
    match form:
        case TimeForm.ISO_8601:
            moment = datetime.fromtimestamp(now_s, UTC)
            return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case TimeForm.EPOCH_MS:
            return str(int(now_s * 1000))
        case TimeForm.EPOCH_S:
            return str(int(now_s))
        case _:
            assert_never(form)


def jws_headers(signing: JwsSigning, composed: Composed, now_s: float, sign: Sign) -> Headers:
    """The header with the detached JWS of the body; none where there is no body.

    Raises:
        ConfigError: `critical` names what the protected header does not have.
    """
    content = composed.request.content
    if not content:
        return {}
    said: dict[str, object] = {"alg": signing.algorithm.value, "kid": signing.key_id}
    said |= {} if signing.encoded else {"b64": False}
    said |= signing.claims
    said |= {signing.issued_at: int(now_s)} if signing.issued_at else {}
    critical = (*(() if signing.encoded else ("b64",)), *signing.critical)
    if not set(critical) <= set(said):
        raise ConfigError("the signature's critical names a claim that it lacks", key="critical")
    said |= {"crit": list(critical)} if critical else {}
    head = _base64url(json.dumps(said, separators=(",", ":")).encode())
    payload = _base64url(content) if signing.encoded else content
    signature = _base64url(sign(head + b"." + payload))
    return {signing.header: (head + b".." + signature).decode()}


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def message_headers(
    signing: MessageSigning, composed: Composed, scheme: str, now_s: float, sign: Sign
) -> Headers:
    """The headers of an HTTP message signature (RFC 9421, 2.5 and 3.1).

    Raises:
        BadInput: the request lacks a header that is to be covered.
        ConfigError: a component is unknown, or a parameter cannot be written.
    """
    content = composed.request.content
    names = (*signing.components, *(signing.of_content if content else ()))
    if not all(map(_BARE.match, (signing.key_id, *names))) or not _LABEL.match(signing.label):
        raise ConfigError("a parameter of the signature cannot be written", key="signing")
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    own = {"content-digest": f"sha-256=:{digest}:"} if "content-digest" in names else {}
    headers = {**composed.headers, **own}
    lines = [f'"{name}": {_component(name, composed, scheme, headers)}' for name in names]
    parameters = _parameters(signing, names, int(now_s))
    base = "\n".join([*lines, f'"@signature-params": {parameters}'])
    signature = base64.b64encode(sign(base.encode("ascii"))).decode()
    return {
        **own,
        "signature-input": f"{signing.label}={parameters}",
        "signature": f"{signing.label}=:{signature}:",
    }


def _parameters(signing: MessageSigning, names: tuple[str, ...], created: int) -> str:
    covered = " ".join(f'"{name}"' for name in names)
    expires = "" if signing.lives_s is None else f";expires={created + signing.lives_s}"
    algorithm = f';alg="{signing.algorithm.value}"' if signing.tells_algorithm else ""
    return f'({covered});created={created}{expires};keyid="{signing.key_id}"{algorithm}'


def _component(name: str, composed: Composed, scheme: str, headers: Mapping[str, str]) -> str:
    """A component's value: RFC 9421, 2.1 for headers, 2.2 for what is derived."""
    if not name.startswith("@"):
        if name not in headers:
            raise BadInput(f"the signature covers the header {name!r}, which the request lacks")
        return headers[name]
    path, mark, query = composed.target.partition("?")
    derived = {
        "@method": composed.request.method,
        "@scheme": scheme,
        "@authority": headers["host"],
        "@target-uri": f"{scheme}://{headers['host']}{composed.target}",
        "@request-target": composed.target,
        "@path": path,
        "@query": f"{mark or '?'}{query}",
    }
    if name not in derived:
        raise ConfigError(f"the signature covers {name!r}, which is unknown", key="components")
    return derived[name]
