"""Where a rail listens, as its base URL says: host, port, path, and how it proves who it is."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

import certifi

from settle.errors import ConfigError

_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[A-Za-z0-9._-]+\Z|[0-9A-Fa-f:.]+\Z")  # a name or address; IPv6 has colons
_PATH = re.compile(r"(/[\x21\x22\x24-\x3e\x40-\x7e]*)?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One rail's address. `path` stands before every target; `tls` is None for plain HTTP."""

    host: str
    port: int
    path: str
    authority: str
    tls: ssl.SSLContext | None = field(repr=False)


def origin_of(base_url: str) -> Origin:
    """The address that a base URL names.

    Raises:
        ConfigError: it is not `http(s)://host[:port][/path]`, or holds credentials.
    """
    parts = _split(base_url)
    if parts.username is not None or parts.password is not None:
        raise ConfigError("base_url holds credentials; give them as auth", key="base_url")
    host, port = parts.hostname or "", _port(parts)
    path = parts.path.rstrip("/")
    if not (_NAME.match(host) and _PATH.match(path)) or "?" in base_url or "#" in base_url:
        raise _refused()
    name = f"[{host}]" if ":" in host else host
    return Origin(
        host=host,
        port=port,
        path=path,
        authority=name if port == _PORTS[parts.scheme] else f"{name}:{port}",
        tls=tls_context() if parts.scheme == "https" else None,
    )


def _split(base_url: str) -> SplitResult:
    # What urlsplit strips in silence (spaces, tabs, line ends) is refused here.
    if not (base_url.isascii() and base_url.isprintable()) or " " in base_url:
        raise _refused()
    try:
        parts = urlsplit(base_url)
    except ValueError:
        raise _refused() from None
    if parts.scheme not in _PORTS:
        raise _refused()
    return parts


def _port(parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        raise _refused() from None
    if port == 0:
        raise _refused()
    return _PORTS[parts.scheme] if port is None else port


def _refused() -> ConfigError:
    return ConfigError("base_url is http(s)://host[:port][/path]", key="base_url")


def tls_context() -> ssl.SSLContext:
    """Certificates and names are checked, against the authorities that are pinned with us.

    Not `ssl.create_default_context`: it takes authorities and a file for the session's keys from
    environment variables, and finds no authorities at all on a slim image.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context
