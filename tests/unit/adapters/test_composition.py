"""Every byte of a request is decided here, or the request is refused by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from settle.adapters import Request
from settle.adapters.composition import REQUEST_BYTES_MAX, compose
from settle.adapters.origin import origin_of
from settle.errors import BadInput

ORIGIN = origin_of("http://rail.test:8080/v1")


def test_the_bytes_are_these() -> None:
    """Host, our defaults, the request's headers, credentials, length; and then the content."""
    request = Request(
        method="POST",
        path="/pay/a|b%2fc/../d",
        query={"q": "ä [1]"},
        headers={"Content-Type": "application/json", "Accept": "text/csv", "x-key": "theirs"},
        content=b"\x00\r\n\r\n",
    )
    composed = compose(request, ORIGIN, {"X-Key": "ours"})
    assert composed.wire == (
        b"POST /v1/pay/a|b%2fc/../d?q=%C3%A4+%5B1%5D HTTP/1.1\r\n"
        b"host: rail.test:8080\r\n"
        b"accept: text/csv\r\n"
        b"accept-encoding: identity\r\n"
        b"user-agent: settle\r\n"
        b"content-type: application/json\r\n"
        b"x-key: ours\r\n"
        b"content-length: 5\r\n"
        b"\r\n"
        b"\x00\r\n\r\n"
    )
    assert "/v1" + request.target == composed.target
    assert "/v1/pay/a|b/c/../d" == composed.path
    assert "q=%C3%A4+%5B1%5D" == composed.query


@pytest.mark.parametrize(
    ("method", "content", "length"),
    [
        ("GET", b"", None), ("DELETE", b"", None), ("HEAD", b"", None),
        ("POST", b"", "0"), ("PUT", b"", "0"), ("PATCH", b"", "0"), ("DELETE", b"abc", "3"),
    ],
)  # fmt: skip
def test_the_length_is_said(method: str, content: bytes, length: str | None) -> None:
    """A rail waits for no content that does not come, nor takes it for the next request."""
    composed = compose(Request(method=method, path="/", content=content), ORIGIN, {})
    assert length == composed.headers.get("content-length")


@pytest.mark.parametrize("method", ["", "get", "CONNECT", "GET /x", "PO\r\nST", "P0ST", "POST\n"])
def test_a_method_is_a_word(method: str) -> None:
    """What is no method would change the line that it stands in."""
    with pytest.raises(BadInput, match="method"):
        compose(Request(method=method, path="/"), ORIGIN, {})


@pytest.mark.parametrize(
    "path", ["", "pay", "http://other.test/", "/a b", "/a\r\nX: y", "/ä", "/a#b", "/a\x00", "/\n"]
)
def test_a_path_is_of_this_rail(path: str) -> None:
    """A target that is not a path here, or that a server would cut, is refused."""
    with pytest.raises(BadInput, match="path"):
        compose(Request(method="GET", path=path), ORIGIN, {})


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "ä", "a\n"])
def test_a_header_has_a_name(name: str) -> None:
    """What is no token is no header's name."""
    with pytest.raises(BadInput, match="cannot be a header's name"):
        compose(Request(method="GET", path="/", headers={name: "x"}), ORIGIN, {})


@pytest.mark.parametrize("value", ["a\r\nX-B: c", "a\n", " a", "a ", "ä", "a\x00b", "a\tb"])
def test_a_header_has_a_value_of_one_line(value: str) -> None:
    """Nothing is put in behind a value, be it of the request or a credential."""
    for headers, credentials in (({"X-A": value}, {}), ({}, {"X-A": value})):
        with pytest.raises(BadInput, match="'X-A' cannot be sent as it is"):
            compose(Request(method="GET", path="/", headers=headers), ORIGIN, credentials)


def test_a_value_that_is_refused_is_not_quoted() -> None:
    """It may be a secret whose file ends with a line too many."""
    with pytest.raises(BadInput) as refused:
        compose(Request(method="GET", path="/"), ORIGIN, {"authorization": "hunter2\n"})
    assert "hunter2" not in repr(refused.value)


@pytest.mark.parametrize(
    "name",
    [
        "Host", "content-length", "Transfer-Encoding", "connection", "Expect", "TE", "Trailer",
        "Upgrade", "Keep-Alive", "Proxy-Connection",
    ],
)  # fmt: skip
def test_framing_is_not_the_adapters(name: str) -> None:
    """Where a message ends, and whom it is for, only the wire says."""
    with pytest.raises(BadInput, match="is for the wire to say"):
        compose(Request(method="POST", path="/", headers={name: "1"}), ORIGIN, {})


def test_a_composed_request_shows_no_secret() -> None:
    """Its text may be logged; its bytes carry the credential."""
    composed = compose(Request(method="GET", path="/"), ORIGIN, {"authorization": "hunter2"})
    assert b"hunter2" in composed.wire
    assert "hunter2" not in repr(composed)


def test_content_is_bounded() -> None:
    """What no rail takes is refused before an intent is kept."""
    most = Request(method="POST", path="/", content=bytes(REQUEST_BYTES_MAX))
    compose(most, ORIGIN, {})
    with pytest.raises(BadInput, match="bytes at most"):
        compose(replace(most, content=most.content + b"x"), ORIGIN, {})
