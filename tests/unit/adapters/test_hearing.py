"""What is a whole answer, and what is none, however its bytes are cut up."""

from __future__ import annotations

import gzip
import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settle.adapters import Response
from settle.adapters.answer import Answer, Silence
from settle.adapters.hearing import HEAD_BYTES_MAX, Hearing

BYTES_MAX = 1000
BOMB = gzip.compress(b"\x00" * 10_000_000)
TEXT = b"one and one is two" * 10


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")


def counted(content: bytes, *lines: str) -> bytes:
    return head(*lines, f"Content-Length: {len(content)}") + content


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    parts = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks]
    return head("Transfer-Encoding: chunked") + b"".join(parts) + b"0\r\n" + trailer + b"\r\n"


def heard(raw: bytes, *cuts: int, method: str = "POST") -> tuple[Answer, bool]:
    """The answer and whether the connection goes on; the connection ends after the bytes."""
    hearing = Hearing(method, response_bytes_max=BYTES_MAX)
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    for begin, end in itertools.pairwise(edges):
        if begin < end:
            answer = hearing.hear(raw[begin:end])
            if answer is not None:
                return answer, hearing.goes_on
    return hearing.cut_off(), False


def bare(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


WHOLE = {
    "counted": (counted(b"ok"), b"ok", True),
    "empty": (counted(b""), b"", True),
    "chunked": (chunked(b"ab", b"c"), b"abc", True),
    "trailers": (chunked(b"ab", trailer=b"Digest: x\r\nStatus: 500\r\n"), b"ab", True),
    "no content": (head(status="204 No Content"), b"", True),
    "not modified": (head("Content-Length: 5", status="304 Not Modified"), b"", True),
    "after interim": (head(status="100 Continue") + head(status="103 Hints") + counted(b"ok"),
                      b"ok", True),
    "length twice, the same": (head("Content-Length: 2", "Content-Length: 2") + b"ok", b"ok", True),
    "closing": (counted(b"ok", "Connection: close"), b"ok", False),
    "HTTP/1.0": (counted(b"ok").replace(b"HTTP/1.1", b"HTTP/1.0"), b"ok", False),
    "gzip": (counted(gzip.compress(TEXT), "Content-Encoding: GZIP"), TEXT, True),
    "gzip of two members": (
        counted(gzip.compress(TEXT) + gzip.compress(b"!"), "Content-Encoding: gzip"),
        TEXT + b"!", True),
    "deflate": (counted(zlib.compress(TEXT), "Content-Encoding: deflate"), TEXT, True),
    "bare deflate": (counted(bare(TEXT), "Content-Encoding: deflate"), TEXT, True),
    "coded, empty": (counted(b"", "Content-Encoding: gzip"), b"", True),
    "identity": (counted(b"ok", "Content-Encoding: identity"), b"ok", True),
    "as large as may be": (counted(b"x" * BYTES_MAX), b"x" * BYTES_MAX, True),
    "a page": (counted(b"<html>Log in</html>", "Content-Type: text/html"),
               b"<html>Log in</html>", True),
}  # fmt: skip

NONE = {
    "nothing": (b"", "hung up without an answer"),
    "half a head": (b"HTTP/1.1 200 O", "the answer breaks off"),
    "a head alone": (head("Content-Length: 2"), "the answer breaks off"),
    "half a body": (counted(b"ok")[:-1], "the answer breaks off"),
    "an interim answer alone": (head(status="100 Continue"), "the answer breaks off"),
    "chunks without end": (chunked(b"ok")[:-5], "the answer breaks off"),
    "trailers without end": (chunked(b"ok", trailer=b"A: b\r\n")[:-2], "the answer breaks off"),
    "no length": (head() + b"ok", "the answer does not say where it ends"),
    "no length, HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nok", "the answer does not say where it ends"),
    "length and chunks": (
        head("Content-Length: 2", "Transfer-Encoding: chunked") + b"2\r\nok\r\n0\r\n\r\n",
        "the answer says twice where it ends"),
    "lengths that differ": (
        head("Content-Length: 2", "Content-Length: 3") + b"ok!", "the answer is not HTTP"),
    "a negative length": (head("Content-Length: -1"), "the answer is not HTTP"),
    "another framing": (head("Transfer-Encoding: gzip"), "the answer is not HTTP"),
    "a bad chunk": (head("Transfer-Encoding: chunked") + b"zz\r\n", "the answer is not HTTP"),
    "no HTTP": (b"220 mail.test ESMTP\r\n\r\n", "the answer is not HTTP"),
    "a bad header": (head("what is this") + b"", "the answer is not HTTP"),
    "another protocol": (
        head("Upgrade: x", "Connection: upgrade", status="101 Switching"),
        "the answer is not HTTP"),
    "another version": (
        counted(b"ok").replace(b"HTTP/1.1", b"HTTP/2.0"),
        "the answer is of another version of HTTP"),
    "said to be too large": (
        head(f"Content-Length: {BYTES_MAX + 1}"), "the answer is larger than 1000 bytes"),
    "too large": (chunked(b"x" * 600, b"x" * 401), "the answer is larger than 1000 bytes"),
    "a bomb": (
        head("Content-Encoding: gzip", "Transfer-Encoding: chunked")
        + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in
                   (BOMB[n:n + 900] for n in range(0, len(BOMB), 900))),
        "the answer is larger than 1000 bytes"),
    "half of what was coded": (
        counted(gzip.compress(TEXT)[:-1], "Content-Encoding: gzip"),
        "the coded content breaks off"),
    "not coded at all": (
        counted(b"plain", "Content-Encoding: gzip"), "the content is not coded as it says"),
    "deflate and more": (
        counted(zlib.compress(b"ok") + b"xx", "Content-Encoding: deflate"),
        "something stands after the coded content"),
    "a coding of others": (
        counted(b"x", "Content-Encoding: br"), "the answer is coded in a way nobody asked for"),
    "coded twice": (
        counted(b"x", "Content-Encoding: gzip, gzip"),
        "the answer is coded in a way nobody asked for"),
}  # fmt: skip


@pytest.mark.parametrize("name", WHOLE)
@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_a_whole_answer_is_heard(name: str, cuts: list[int]) -> None:
    """The content as the rail meant it, in whatever pieces it comes."""
    raw, content, goes_on = WHOLE[name]
    answer, on = heard(raw, *cuts)
    assert isinstance(answer, Response)
    assert (content, goes_on) == (answer.content, on)


@pytest.mark.parametrize("name", NONE)
@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_what_is_not_whole_is_silence_after_sending(name: str, cuts: list[int]) -> None:
    """It ends in the rail's silence, never in an answer that was cut, merged or made up."""
    raw, reason = NONE[name]
    assert (Silence(reason=reason, sent=True), False) == heard(raw, *cuts)


def test_the_answer_to_head_has_no_content() -> None:
    """Its length is that of another answer, which nobody asked for."""
    answer, goes_on = heard(head("Content-Length: 99"), method="HEAD")
    assert (Response(status=200, headers={"content-length": "99"}), True) == (answer, goes_on)


@pytest.mark.parametrize("extra", [b"\r\n", b"x", counted(b"paid")])
def test_what_stands_behind_an_answer_ends_the_connection(extra: bytes) -> None:
    """The answer holds; what came with it would answer the next request, so there is none."""
    answer, goes_on = heard(counted(b"ok") + extra)
    assert isinstance(answer, Response)
    assert (b"ok", False) == (answer.content, goes_on)


@pytest.mark.parametrize(
    "endless", [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000, head(status="102 Wait")]
)
def test_a_head_has_its_bounds(endless: bytes) -> None:
    """One header without end, and interim answers without end, are given up."""
    hearing = Hearing("GET", response_bytes_max=BYTES_MAX)
    answer = hearing.hear(endless)
    for _ in range(HEAD_BYTES_MAX // 20):
        if answer is not None:
            break
        answer = hearing.hear(endless if b"102" in endless else b"x" * 1000)
    assert isinstance(answer, Silence)


def test_headers_are_merged_by_name_and_cookies_are_dropped() -> None:
    """Names in lower case, what came twice as a list, and no cookie: it is a credential."""
    lines = ("X-A: 1", "x-a: 2", "Set-Cookie: session=hunter2", "X-B: é")
    answer, _ = heard(counted(b"", *lines))
    assert isinstance(answer, Response)
    assert {"x-a": "1, 2", "x-b": "é", "content-length": "0"} == answer.headers
