"""How reads are repeated, and how long a rail asks to be left alone. This reads no clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime

from tenacity import AsyncRetrying, RetryCallState, retry_if_result

from settle.adapters.exchange import Response
from settle.adapters.wire import Answer, Silence

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadPolicy:
    """How often a read is tried, and how long is waited between. This never governs commits.

    The wait doubles from `wait_s` up to `wait_max_s`; the rail's own `Retry-After` lengthens it,
    up to `retry_after_max_s`. Over all reads of a rail, repeats are `repeats_percent` of them at
    most, and `repeats_min` in any case.
    """

    attempts_max: int = 4
    repeats_percent: int = 20
    repeats_min: int = 100
    wait_s: float = 0.25
    wait_max_s: float = 5.0
    retry_after_max_s: float = 30.0

    def wait(self, attempt: int, answer: Answer) -> float:
        """Seconds to wait after `attempt` (from 1) ended with `answer`."""
        backoff: float = min(self.wait_s * 2 ** (attempt - 1), self.wait_max_s)
        asked = self.rest_s(answer) if isinstance(answer, Response) else 0.0
        return max(backoff, asked)

    def rest_s(self, response: Response) -> float:
        """Seconds for which the rail asks to be left alone, as far as we listen."""
        return min(retry_after_s(response.headers) or 0.0, self.retry_after_max_s)


async def repeat_read(
    read: Callable[[], Awaitable[Answer]],
    policy: ReadPolicy,
    *,
    sleep: Sleep,
    may_repeat: Callable[[], bool] = lambda: True,
) -> Answer:
    """Read until the rail answers, for as long as the policy allows. This may send many.

    A rail that still answers 429 or 5xx at the end has not answered: that is silence too.
    `may_repeat` is asked before each further attempt.
    """
    retrying = AsyncRetrying(
        sleep=sleep,
        stop=lambda state: state.attempt_number >= policy.attempts_max or not may_repeat(),
        wait=lambda state: policy.wait(state.attempt_number, _answer(state)),
        retry=retry_if_result(_unanswered),
        retry_error_callback=_gave_up,
    )
    last: Answer = await retrying(read)
    return last


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """`Retry-After` in seconds (RFC 9110, 10.2.3). None: absent or not understood.

    A date counts from the answer's own `Date`, so that no clock of ours is asked.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    until, sent = _date(value), _date(headers.get("date", ""))
    if until is None or sent is None:
        return None
    return max(0.0, (until - sent).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo is not None else None


def _unanswered(answer: Answer) -> bool:
    return isinstance(answer, Silence) or answer.status == 429 or answer.is_server_error


def _answer(state: RetryCallState) -> Answer:
    assert state.outcome is not None
    answer: Answer = state.outcome.result()
    return answer


def _gave_up(state: RetryCallState) -> Silence:
    last, attempts = _answer(state), state.attempt_number
    if isinstance(last, Silence):
        return replace(last, reason=f"{last.reason}, {attempts} times")
    return Silence(
        reason=f"still status {last.status} at attempt {attempts}",
        sent=True,
        retry_after_s=retry_after_s(last.headers),
    )
