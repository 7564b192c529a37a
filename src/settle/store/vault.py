"""The vault: what is kept encrypted in the store, each piece bound to the row that it is of.

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits before the ciphertext. The row's
identity is authenticated with it, so that no piece can be moved to another row and still open.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy.engine import Connection

from settle.errors import ConfigError, SettleError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
_KEY = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)
OPTION = "settle_vault"
"""Under this name a store's connections carry its vault."""

Revealed = Callable[[], str]
"""What fetches a key, 64 hexadecimal digits, when it is first needed."""


class Locked(SettleError):
    """A piece cannot be opened: its key is not there, or it is not what was put in."""


class Vault:
    """Keys, the first of which encrypts; all of them open. Without any, all is kept in plain.

    A key's name is derived from it and does not tell it. Keys are fetched when first needed.
    """

    def __init__(self, keys: Sequence[Revealed] = (), *, where: str = "exchanges.keys") -> None:
        self._given = tuple(keys)
        self._where = where

    @property
    def is_open(self) -> bool:
        """Whether there is no key, and all is kept in plain."""
        return not self._given

    @property
    def key_id(self) -> str | None:
        """The name of the key that encrypts; none without one.

        Raises:
            ConfigError: a key cannot be read, or is none.
        """
        return next(iter(self._keys), None)

    @property
    def key_ids(self) -> Sequence[str]:
        """The names of all keys, the one that encrypts first."""
        return tuple(self._keys)

    def lock(self, plain: bytes, *, bound: Sequence[object]) -> tuple[str | None, bytes]:
        """The key's name and the ciphertext; `bound` is what the piece is of.

        Without a key: none, and the piece as it is.

        Raises:
            ConfigError: a key cannot be read, or is none.
        """
        key_id = self.key_id
        if key_id is None:
            return None, plain
        nonce = secrets.token_bytes(NONCE_BYTES)
        return key_id, nonce + self._keys[key_id].encrypt(nonce, plain, _bound(key_id, bound))

    def unlock(self, key_id: str | None, kept: bytes, *, bound: Sequence[object]) -> bytes:
        """The piece that was locked.

        Raises:
            Locked: its key is not among these, or it was changed or moved.
            ConfigError: a key cannot be read, or is none.
        """
        from cryptography.exceptions import InvalidTag

        if key_id is None:
            return bytes(kept)
        if key_id not in self._keys:
            raise Locked(f"{self._where}: has no key {key_id}; give it again", missing=True)
        nonce, rest = bytes(kept[:NONCE_BYTES]), bytes(kept[NONCE_BYTES:])
        try:
            return self._keys[key_id].decrypt(nonce, rest, _bound(key_id, bound))
        except (InvalidTag, ValueError):
            raise Locked("what is kept was changed, or is of another row", missing=False) from None

    @cached_property
    def _keys(self) -> Mapping[str, AESGCM]:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        found = {}
        for nth, reveal in enumerate(self._given):
            text = reveal().strip()
            if not _KEY.fullmatch(text):
                raise ConfigError(
                    f"{self._where}: key {nth + 1} is not 64 hexadecimal digits; make one with: "
                    "openssl rand -hex 32",
                    key=self._where,
                )
            key = bytes.fromhex(text)
            found[_name(key)] = AESGCM(key)
        return found

    def __repr__(self) -> str:
        return f"Vault({len(self._given)} keys)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a key is not pickled")


OPEN = Vault()
"""The vault without a key."""


def vault_of(connection: Connection) -> Vault:
    """The vault of the store that a connection is of."""
    found = connection.get_execution_options().get(OPTION, OPEN)
    assert isinstance(found, Vault)
    return found


def _name(key: bytes) -> str:
    return hmac.new(key, b"settle:name", sha256).hexdigest()[:16]


def _bound(key_id: str, bound: Sequence[object]) -> bytes:
    return json.dumps(["settle", 1, key_id, *bound], separators=(",", ":")).encode()
