"""Where a rail's token is posted for: on the rail's own wire, or on one to another host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from settle.adapters.auth import Endpoint, LoginToken, NoAuth, OAuth2, TokenAuth
from settle.adapters.composition import Composed
from settle.adapters.grant import token_request
from settle.adapters.tokens import Tokens
from settle.adapters.wire import Wire
from settle.errors import ConfigError

TOKEN_BYTES_MAX = 256 * 1024
"""An answer with a token is some kilobytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The token of a rail, and how it is posted for. `elsewhere` None: over the rail's wire."""

    auth: TokenAuth
    tokens: Tokens
    path: str
    elsewhere: Wire | None

    def composed(self, wire: Wire) -> Composed:
        """The request for a token, as it will stand on the wire.

        Raises:
            ConfigError: a secret cannot be found.
            BadInput: what is posted cannot be sent.
        """
        return (self.elsewhere or wire).compose(token_request(self.auth, self.path))


def login_of(endpoint: Endpoint, *, monotonic: Callable[[], float]) -> Login | None:
    """How a rail's tokens are asked for; None for one that gives none.

    Raises:
        ConfigError: the token would be posted for in clear by a rail that speaks TLS.
    """
    auth = endpoint.auth
    if not isinstance(auth, OAuth2 | LoginToken):
        return None
    host, path = _place(auth.token_url)
    if host.startswith("http:") and endpoint.base_url.startswith("https:"):
        raise ConfigError("token_url is http and base_url https", key="token_url")
    return Login(
        auth=auth,
        tokens=Tokens(auth, monotonic=monotonic),
        path=path,
        elsewhere=_wire(endpoint, host) if host else None,
    )


def _wire(endpoint: Endpoint, host: str) -> Wire:
    elsewhere = replace(endpoint, base_url=host, auth=NoAuth(), signing=None)
    return Wire(elsewhere, connections=1, response_bytes_max=TOKEN_BYTES_MAX)


def _place(token_url: str) -> tuple[str, str]:
    """The host as a base URL, empty for the rail's own, and the path there."""
    if "://" not in token_url:
        return "", token_url
    try:
        parts = urlsplit(token_url)
    except ValueError:
        raise ConfigError("token_url is no URL", key="token_url") from None
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}", (parts.path or "/") + query
