"""A private key in the forms that portals and authorities hand it out."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from settle.errors import ConfigError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes


def private_key(text: str) -> PrivateKeyTypes:
    """The key that a text has. This quotes nothing of it.

    Raises:
        ConfigError: it is none, or is encrypted.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        load_der_private_key,
        load_pem_private_key,
    )

    try:
        if text.lstrip().startswith("-----"):
            return load_pem_private_key(text.encode(), password=None)
        return load_der_private_key(base64.b64decode(text, validate=True), password=None)
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm):
        pass  # told past the handler: what failed may quote the key
    raise ConfigError("a private key is given in PEM, or PKCS #8 in base64, not encrypted")
