"""Each phase of a request has its own time, where one is given, and is named when it is over."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from settle.adapters import Endpoint, Request, Response
from settle.adapters.answer import Silence
from settle.adapters.wire import Answer, Wire

from .raw_rail import WHOLE, Line, RawRail, Script
from .test_reaching_the_rail import Signed, sign

LARGE = Request(method="POST", path="/pay", content=bytes(32 * 1024 * 1024))
SMALL = Request(method="POST", path="/pay", content=b"1")


async def asked(rail: RawRail, request: Request, **given: Any) -> Answer:
    endpoint = Endpoint(base_url=rail.base_url, timeout_s=15.0, **given)
    async with Wire(endpoint) as sending:
        answer = await sending.send(sending.compose(request))
    await asyncio.sleep(0.05)  # the loop closes what was given up
    return answer


def reads_nothing(line: Line) -> None:
    line.rail.go.acquire(timeout=5.0)


def says_nothing(line: Line) -> None:
    line.asked()
    line.until_gone()


def drips(line: Line) -> None:
    line.asked()
    line.say(WHOLE[:-1])
    line.until_gone()


def answers_slowly(line: Line) -> None:
    line.asked()
    time.sleep(0.4)
    line.say(WHOLE[:-1])
    time.sleep(0.4)
    line.say(WHOLE[-1:])
    line.until_gone()


WRITING, WAITING, HEARING = "write_timeout_s", "first_byte_timeout_s", "body_timeout_s"
LATE = {
    WRITING: "TimeoutError: while writing",
    WAITING: "TimeoutError: waiting for an answer",
    HEARING: "TimeoutError: while hearing the answer",
}


async def late(rail: RawRail, request: Request, phase: str, **given: float) -> None:
    """It is given up long before the whole would be, and counts as sent."""
    began = time.monotonic()
    answer = await asked(rail, request, **{phase: 0.4, **given})
    took_s = time.monotonic() - began
    rail.go.release()
    assert Silence(reason=LATE[phase], sent=True) == answer
    assert took_s < 8.0


@pytest.mark.parametrize(
    ("script", "request_", "phase"),
    [
        (reads_nothing, LARGE, WRITING), (says_nothing, SMALL, WAITING),
        (says_nothing, LARGE, WAITING), (drips, SMALL, HEARING),
    ],
)  # fmt: skip
async def test_a_phase_that_takes_too_long_is_given_up(
    script: Script, request_: Request, phase: str
) -> None:
    """A rail that stops reading, that thinks for ever, that drips."""
    with RawRail(script) as rail:
        await late(rail, request_, phase)


@pytest.mark.parametrize(
    ("script", "request_", "phase", "given"),
    [
        (reads_nothing, LARGE, WAITING, {WRITING: 0.3}), (says_nothing, SMALL, WAITING, {}),
        (drips, SMALL, HEARING, {WAITING: 5.0}),
    ],
)  # fmt: skip
async def test_a_phase_over_tls_is_given_up(
    script: Script, request_: Request, phase: str, given: dict[str, float], certificate: Signed
) -> None:
    """There writing and waiting are one, as long as both."""
    with RawRail(script, tls=certificate.server()) as rail:
        await late(rail, request_, phase, **given)


@pytest.fixture
def certificate(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Signed:
    made = sign(tmp_path)
    monkeypatch.setattr("certifi.where", lambda: str(made.certificate))
    return made


async def test_a_phase_is_not_counted_to_the_next() -> None:
    """Each begins where the one before ends; all together may take longer than any."""
    with RawRail(answers_slowly) as rail:
        given = dict.fromkeys((WRITING, WAITING, HEARING), 0.75)
        answer = await asked(rail, SMALL, **given)
    assert isinstance(answer, Response)


async def test_tls_has_a_time_of_its_own() -> None:
    """A rail that takes the connection and speaks no TLS is left, with nothing sent."""
    with RawRail(Line.until_gone) as rail:
        url = rail.base_url.replace("http:", "https:")
        began = time.monotonic()
        async with Wire(Endpoint(base_url=url, tls_timeout_s=0.3)) as sending:
            answer = await sending.send(sending.compose(SMALL))
    assert Silence(reason="TimeoutError", sent=False) == answer
    assert time.monotonic() - began < 4.0
