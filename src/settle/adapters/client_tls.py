"""Our certificate, as TLS shows it to a rail that asks for one."""

from __future__ import annotations

import secrets
import ssl
import tempfile
from pathlib import Path

from settle.adapters.auth import ClientCertificate
from settle.adapters.origin import tls_context
from settle.adapters.private_key import private_key
from settle.errors import ConfigError


class ClientTls:
    """The context of a rail's connections with our certificate, made anew when that changed."""

    def __init__(self, client: ClientCertificate) -> None:
        self._client = client
        self._made: tuple[tuple[str, str], ssl.SSLContext] | None = None

    def context(self) -> ssl.SSLContext:
        """The context for the next connection.

        Raises:
            ConfigError: certificate or key cannot be found or read, or are not of one another.
        """
        texts = (self._client.certificate.reveal(), self._client.key.reveal())
        if self._made is None or self._made[0] != texts:
            self._made = (texts, _context(*texts))
        return self._made[1]


def _context(certificate: str, key: str) -> ssl.SSLContext:
    context, password = tls_context(), secrets.token_hex(32)
    locked = _locked(key, password)
    try:
        # OpenSSL reads files; the key is in there under a password that dies with this call.
        with tempfile.TemporaryDirectory(prefix="settle-") as folder:
            _load(context, Path(folder), certificate.encode(), locked, password)
    except ssl.SSLError as error:
        why = error.reason or "no certificate"
    except OSError as error:
        why = error.strerror or type(error).__name__
    else:
        return context
    raise ConfigError(f"the client's certificate and key cannot be used: {why}", key="client")


def _load(
    context: ssl.SSLContext, folder: Path, certificate: bytes, key: bytes, password: str
) -> None:
    (folder / "certificate.pem").write_bytes(certificate)
    (folder / "key.pem").write_bytes(key)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem", password)


def _locked(key: str, password: str) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return private_key(key).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    )
