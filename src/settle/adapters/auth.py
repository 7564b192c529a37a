"""How requests to a rail are authenticated: data that only the sender opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from settle.adapters.secret import Secret
from settle.adapters.signing import Signing

__all__ = [
    "Auth",
    "BasicAuth",
    "ClientCertificate",
    "Endpoint",
    "HeaderAuth",
    "LoginToken",
    "NoAuth",
    "OAuth2",
    "Proxy",
    "ProxyFromEnvironment",
    "Secret",
    "TokenAuth",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAuth:
    """No credentials at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeaderAuth:
    """A fixed header carries a secret, such as `X-API-Key` or `Authorization`."""

    header: str
    secret: Secret
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """HTTP basic authentication (RFC 7617)."""

    user: str
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2:
    """A bearer token for client credentials (RFC 6749, 4.4). This is asked for when needed.

    `token_url`: a path of this rail, as a request's, or a whole URL elsewhere. The client shows
    its secret by basic authentication, or with `in_body` as a field; without a secret it is known
    by its certificate (RFC 8705). A token is replaced `early_s` before it ends; one whose answer
    does not say how long it lives, after `lives_s`.
    """

    token_url: str
    client_id: str
    client_secret: Secret | None
    scope: str = ""
    further: Mapping[str, str] = field(default_factory=dict)
    in_body: bool = False
    lives_s: float = 300.0
    early_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginToken:
    """A token for a login, in a header of every request, that ends when nobody uses it.

    `fields` are posted as a form to `token_url` (as that of `OAuth2`); `token_field` of the
    answer is the token. It is replaced `early_s` before it was idle for `idle_s`.
    """

    token_url: str
    fields: Mapping[str, str | Secret]
    header: str = "X-Auth-Token"
    prefix: str = ""
    token_field: str = "auth_token"  # noqa: S105  # a name
    idle_s: float = 1800.0
    early_s: float = 60.0


TokenAuth = OAuth2 | LoginToken
"""The kinds that ask for a token first."""

Auth = NoAuth | HeaderAuth | BasicAuth | TokenAuth


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """Our certificate for mutual TLS, with what vouches for it, and its key, each in PEM."""

    certificate: Secret
    key: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy at `http://host:port` that tunnels to a rail over TLS."""

    url: str
    auth: BasicAuth | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyFromEnvironment:
    """The proxy of `HTTPS_PROXY`, but for what `NO_PROXY` names, when the sender is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a rail answers, and how we prove who we are.

    `auth` is carried by each request, `signing` made of each, and `client` shown by each
    connection, also to another host that gives the tokens. Without `proxy` none is used, whatever
    the environment says.

    Seconds, each at most: `connect_timeout_s` for the name and TCP, `tls_timeout_s` for TLS (None:
    as for TCP), `timeout_s` for writing and hearing together. Within these, where they are given:
    until the request is written, from then until the answer begins, and from then until its end;
    over TLS the first two are one phase, as long as both.
    """

    base_url: str
    auth: Auth = NoAuth()
    signing: Signing | None = None
    client: ClientCertificate | None = None
    proxy: Proxy | ProxyFromEnvironment | None = None
    timeout_s: float = 30.0
    connect_timeout_s: float = 5.0
    tls_timeout_s: float | None = None
    write_timeout_s: float | None = None
    first_byte_timeout_s: float | None = None
    body_timeout_s: float | None = None
