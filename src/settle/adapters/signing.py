"""How a rail wants requests signed: data, which says what is covered and in which form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from settle.adapters.secret import Secret

Claim = str | int | bool


class Algorithm(StrEnum):
    """An algorithm by its name for JWS (RFC 7518, 8037), or for HTTP message signatures (9421)."""

    RS256 = "RS256"
    PS256 = "PS256"
    ES256 = "ES256"
    RSA_V1_5_SHA256 = "rsa-v1_5-sha256"
    RSA_PSS_SHA512 = "rsa-pss-sha512"
    ECDSA_P256_SHA256 = "ecdsa-p256-sha256"
    ED25519 = "ed25519"


class TimeForm(StrEnum):
    """How the time of signing is written."""

    ISO_8601 = "iso 8601"  # to the millisecond, with a Z
    EPOCH_MS = "epoch ms"
    EPOCH_S = "epoch s"


@dataclass(frozen=True, slots=True, kw_only=True)
class RsaSigning:
    """Headers with who we are, the time, and RSA-SHA256 over both and the request.

    The defaults are Alipay+'s. `content` is what is signed, `value` how the header has the
    signature. In `content` stand `{method}`, `{target}` (path and query as on the wire), `{path}`,
    `{client_id}`, `{time}` and `{body}`; in `value` `{signature}`, base64 and then percent-encoded
    unless that is said otherwise.
    """

    key: Secret
    client_id: str
    content: str = "{method} {target}\n{client_id}.{time}.{body}"
    value: str = "algorithm=RSA256,keyVersion=1,signature={signature}"
    header: str = "Signature"
    client_header: str = "Client-Id"
    time_header: str = "Request-Time"
    time_form: TimeForm = TimeForm.ISO_8601
    percent_encoded: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class JwsSigning:
    """A detached JWS over the body, in a header (RFC 7515, appendix F), as Open Banking UK has it.

    `claims` are further members of the protected header, and `issued_at` the name of the one with
    the time, in seconds; `critical` are those that whoever verifies has to understand. Unless
    `encoded`, the body is signed as it is and the header says so: `"b64": false` (RFC 7797).
    What has no body is not signed.
    """

    key: Secret
    key_id: str
    algorithm: Algorithm = Algorithm.PS256
    header: str = "x-jws-signature"
    claims: Mapping[str, Claim] = field(default_factory=dict)
    issued_at: str = ""
    critical: tuple[str, ...] = ()
    encoded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSigning:
    """An HTTP message signature (RFC 9421), with the body by its `Content-Digest` (RFC 9530).

    `components` are covered of every request, and `of_content` besides where there is a body.
    `lives_s` None: it does not say when it expires.
    """

    key: Secret
    key_id: str
    algorithm: Algorithm = Algorithm.RSA_PSS_SHA512
    components: tuple[str, ...] = ("@method", "@target-uri")
    of_content: tuple[str, ...] = ("content-digest", "content-length", "content-type")
    label: str = "sig1"
    lives_s: int | None = None
    tells_algorithm: bool = True


Signing = RsaSigning | JwsSigning | MessageSigning
