"""Waits grow, end, and listen to the rail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settle.adapters import ReadPolicy, Response
from settle.adapters.retry import retry_after_s
from settle.adapters.wire import Silence

SILENCE = Silence(reason="ReadTimeout", sent=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({}, None),
        (
            {
                "retry-after": "Wed, 18 Dec 2024 16:30:10 GMT",
                "date": "Wed, 18 Dec 2024 16:30:00 GMT",
            },
            10.0,
        ),
        (
            {
                "retry-after": "Wed, 18 Dec 2024 16:29:10 GMT",
                "date": "Wed, 18 Dec 2024 16:30:00 GMT",
            },
            0.0,
        ),
        ({"retry-after": "Wed, 18 Dec 2024 16:30:10 GMT"}, None),
        ({"retry-after": "Wed, 18 Dec 2024 16:30:10"}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    """Both forms of RFC 9110 are read, a date against the answer's own Date."""
    assert seconds == retry_after_s(headers)


@given(attempt=st.integers(1, 50), asked=st.text(max_size=12))
def test_no_wait_is_longer_than_the_caps(attempt: int, asked: str) -> None:
    """Whatever the rail asks for, a wait is bounded and never shorter than the back-off."""
    policy = ReadPolicy()
    quiet = policy.wait(attempt, SILENCE)
    told = policy.wait(attempt, Response(status=503, headers={"retry-after": asked}))
    assert policy.wait_s <= quiet <= policy.wait_max_s
    assert quiet <= told <= policy.retry_after_max_s


def test_waits_double() -> None:
    """Without a word from the rail each wait is twice the one before, up to its cap."""
    waits = [ReadPolicy().wait(attempt, SILENCE) for attempt in range(1, 8)]
    assert waits == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
