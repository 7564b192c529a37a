"""Who signs the heads of blocks: a key that never leaves the signer."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Protocol

from settle.errors import ConfigError

KEY_BYTES_MIN = 32


class Signer(Protocol):
    """Something that signs heads and knows its signatures again."""

    @property
    def name(self) -> str:
        """The algorithm and which key it is, never the key: it stands in every header."""
        ...

    def sign(self, head: str) -> str:
        """The signature of a head, as text."""
        ...

    def signed(self, head: str, signature: str) -> bool:
        """Whether a signature is this signer's, of this head."""
        ...


class HmacSigner:
    """HMAC-SHA256 (RFC 2104) under one key. Who checks a signature of it needs the key.

    Raises:
        ConfigError: the key is shorter than 32 bytes.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES_MIN:
            raise ConfigError(
                f"audit.key: is shorter than {KEY_BYTES_MIN} bytes; make one with: "
                "openssl rand -hex 32",
                key="audit.key",
            )
        self._key = key

    @property
    def name(self) -> str:
        """The algorithm, and a name derived from the key that does not tell it."""
        return f"hmac-sha256:{self._over('name')[:16]}"

    def sign(self, head: str) -> str:
        """The signature of a head, in hexadecimal."""
        return self._over(f"head:{head}")

    def signed(self, head: str, signature: str) -> bool:
        """Whether a signature is of this key and head. This takes the same time either way."""
        return hmac.compare_digest(
            self.sign(head).encode(), str(signature).encode("utf-8", "replace")
        )

    def _over(self, text: str) -> str:
        return hmac.new(self._key, f"settle:{text}".encode(), sha256).hexdigest()

    def __repr__(self) -> str:
        return f"HmacSigner({self.name})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key is not pickled")
