"""What a base URL may be, and what it is refused for."""

from __future__ import annotations

import ssl

import pytest

from settle.adapters.origin import origin_of
from settle.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("http://rail.test", "rail.test", 80, "", "rail.test"),
        ("http://rail.test:80/", "rail.test", 80, "", "rail.test"),
        ("http://rail.test:8080/v1/", "rail.test", 8080, "/v1", "rail.test:8080"),
        ("https://Rail.Test/a%2fb", "rail.test", 443, "/a%2fb", "rail.test"),
        ("https://rail.test:80", "rail.test", 80, "", "rail.test:80"),
        ("http://127.0.0.1:9", "127.0.0.1", 9, "", "127.0.0.1:9"),
        ("http://[::1]:9/x", "::1", 9, "/x", "[::1]:9"),
    ],
)
def test_an_address_is_read(url: str, host: str, port: int, path: str, authority: str) -> None:
    """Host, port and path, and what stands in the Host header: no port that goes without saying."""
    read = origin_of(url)
    assert (host, port, path, authority) == (read.host, read.port, read.path, read.authority)
    assert url.startswith("https") == (read.tls is not None)


@pytest.mark.parametrize(
    "url",
    [
        "", "rail.test", "ftp://rail.test", "http://", "http:///v1", "http://rail.test?a=b",
        "http://rail.test?", "http://rail.test#", "http://rail.test/#x", "http://rail.test:0",
        "http://rail.test:65536", "http://rail.test:x", "http://ra il.test", "http://rail.test/a b",
        "http://rail.test\r\nX-A: b", "http://rail.test/\n", "http://räil.test", "http://[::1",
        "http://rail.test/ä", " http://rail.test", "http://rail\\.test", "http://a,b",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    """Nothing is stripped, guessed or encoded in silence."""
    with pytest.raises(ConfigError, match=r"base_url is http\(s\)://host"):
        origin_of(url)


def test_credentials_in_the_address_are_refused_without_quoting_them() -> None:
    """A URL is shown and logged; a secret is given as auth."""
    with pytest.raises(ConfigError, match="holds credentials") as refused:
        origin_of("https://us:hunter2@rail.test")
    assert "hunter2" not in repr(refused.value)


def test_certificates_and_names_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment variable adds an authority or writes the keys of a session to a file."""
    monkeypatch.setenv("SSLKEYLOGFILE", "keys")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    tls = origin_of("https://rail.test").tls
    assert tls is not None
    assert (ssl.CERT_REQUIRED, True) == (tls.verify_mode, tls.check_hostname)
    assert ssl.TLSVersion.TLSv1_2 == tls.minimum_version
    assert None is tls.keylog_filename
    assert len(tls.get_ca_certs()) > 50
