"""What is posted for a token, and what its answer grants. This does no I/O and reads no clock."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import assert_never
from urllib.parse import quote_plus, urlencode

from settle.adapters.auth import LoginToken, OAuth2, TokenAuth
from settle.adapters.exchange import Request, Response
from settle.adapters.secret import Secret
from settle.errors import DocumentError

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}\Z")
_ERRORS = frozenset({
    "invalid_client", "invalid_grant", "invalid_request", "invalid_scope", "unauthorized_client",
    "unsupported_grant_type",
})  # fmt: skip
"""RFC 6749, 5.2. Nothing else of a refusal is repeated: it may quote what was posted."""

_FORM = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token of a rail. It ends `lives_s` after `since_s`, by the clock of who asked for it."""

    value: str = field(repr=False)
    since_s: float
    lives_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoToken:
    """No token was given. `refused`: the rail said so, and asking again says the same."""

    reason: str
    refused: bool
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class TokenRequest(Request):
    """What is posted for a token. This is never recorded, and its text shows nothing of it."""

    def __repr__(self) -> str:
        return "TokenRequest(…)"


def token_request(auth: TokenAuth, path: str) -> TokenRequest:
    """The request for a token, with its secrets opened.

    Raises:
        ConfigError: a secret cannot be found.
    """
    match auth:
        case OAuth2():
            return _of_client(auth, path)
        case LoginToken():
            fields = {name: _opened(value) for name, value in auth.fields.items()}
            return _posted(path, fields, {})
        case _:
            assert_never(auth)


def _of_client(auth: OAuth2, path: str) -> TokenRequest:
    fields = {"grant_type": "client_credentials", **auth.further}
    if auth.scope:
        fields["scope"] = auth.scope
    if auth.client_secret is None:
        return _posted(path, {**fields, "client_id": auth.client_id}, {})
    secret = auth.client_secret.reveal()
    if auth.in_body:
        return _posted(path, {**fields, "client_id": auth.client_id, "client_secret": secret}, {})
    pair = f"{quote_plus(auth.client_id)}:{quote_plus(secret)}".encode()  # RFC 6749, 2.3.1
    return _posted(path, fields, {"Authorization": "Basic " + base64.b64encode(pair).decode()})


def _posted(path: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> TokenRequest:
    return TokenRequest(
        method="POST", path=path, headers={**_FORM, **headers}, content=urlencode(fields).encode()
    )


def _opened(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def granted(auth: TokenAuth, answer: Response, *, asked_at_s: float) -> Token | NoToken:
    """The token that an answer gives, or why it gives none; nothing of its body is quoted.

    It lives from when it was asked for, for when it was given nobody here knows.
    """
    if answer.status not in (200, 201):
        return _refused(f"status {answer.status}{_error_of(answer)}")
    try:
        said = answer.json()
    except DocumentError:
        said = None
    if not isinstance(said, dict):
        return _refused("the answer is no JSON object")
    match auth:
        case OAuth2():
            name, expires_in = "access_token", said.get("expires_in")
            lives_s = auth.lives_s if expires_in is None else _lives_s(expires_in)
            if str(said.get("token_type")).lower() != "bearer":
                return _refused("the token is not a bearer's")
        case LoginToken():
            name, lives_s = auth.token_field, auth.idle_s
        case _:
            assert_never(auth)
    value = said.get(name)
    if not isinstance(value, str) or not _TOKEN.match(value):
        return _refused(f"{name} is no token")
    if lives_s is None:
        return _refused("expires_in is no number of seconds")
    return Token(value=value, since_s=asked_at_s, lives_s=lives_s)


def _lives_s(said: object) -> float | None:
    """Seconds; some rails give them as text. None: not understood, or none at all."""
    text = "" if isinstance(said, bool) else str(said)
    seconds = float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else 0.0
    return seconds if seconds > 0 else None


def _error_of(answer: Response) -> str:
    try:
        said = answer.json()
    except DocumentError:
        return ""
    error = said.get("error") if isinstance(said, dict) else None
    return f", {error}" if isinstance(error, str) and error in _ERRORS else ""


def _refused(why: str) -> NoToken:
    return NoToken(reason=f"no token was given: {why}", refused=True)
