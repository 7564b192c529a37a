"""How requests to a rail are authenticated: data that only the sender opens."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from settle.errors import ConfigError


class Secret:
    """A secret by reference: `env:NAME`, `file:PATH` or a callable. This never prints its value."""

    __slots__ = ("_source",)

    def __init__(self, source: str | Callable[[], str]) -> None:
        if isinstance(source, str) and source.partition(":")[0] not in ("env", "file"):
            raise ConfigError("a secret is given as 'env:NAME' or 'file:PATH', never in clear")
        self._source = source

    def reveal(self) -> str:
        """The value, fetched now. This is for the sender and for verifying signatures only.

        Raises:
            ConfigError: the variable is not set or the file cannot be read.
        """
        if callable(self._source):
            return self._source()
        scheme, _, where = self._source.partition(":")
        if scheme == "env":
            if where not in os.environ:
                raise ConfigError(f"the environment variable {where} is not set", key=where)
            return os.environ[where]
        try:
            return Path(where).read_text().strip()
        except OSError as error:
            raise ConfigError(f"the secret's file cannot be read: {error.strerror}") from None

    def __repr__(self) -> str:
        return "Secret(…)"


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


Auth = NoAuth | HeaderAuth | BasicAuth


def credentials(auth: Auth) -> Mapping[str, str]:
    """The headers that authenticate a request. This is called by the sender, per request."""
    match auth:
        case NoAuth():
            return {}
        case HeaderAuth():
            return {auth.header: auth.prefix + auth.secret.reveal()}
        case BasicAuth():
            pair = f"{auth.user}:{auth.password.reveal()}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a rail answers, and how we prove who we are."""

    base_url: str
    auth: Auth = NoAuth()
    timeout_s: float = 30.0
    connect_timeout_s: float = 5.0
