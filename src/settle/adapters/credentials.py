"""The headers that authenticate a request, with their secrets opened."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import assert_never

from settle.adapters.auth import Auth, BasicAuth, HeaderAuth, LoginToken, NoAuth, OAuth2
from settle.adapters.grant import Token


def credentials(auth: Auth, token: Token | None = None) -> Mapping[str, str]:
    """The headers that authenticate a request. This is called by the sender, per request.

    Where a token is needed and there is none yet there are no headers: the request for the token
    is such a one.

    Raises:
        ConfigError: a secret cannot be found.
    """
    match auth:
        case NoAuth():
            return {}
        case HeaderAuth():
            return {auth.header: auth.prefix + auth.secret.reveal()}
        case BasicAuth():
            pair = f"{auth.user}:{auth.password.reveal()}".encode()
            return {"Authorization": "Basic " + base64.b64encode(pair).decode()}
        case OAuth2():
            return {} if token is None else {"Authorization": "Bearer " + token.value}
        case LoginToken():
            return {} if token is None else {auth.header: auth.prefix + token.value}
        case _:
            assert_never(auth)
