"""The type checker proves that no caller forgets one of the three outcomes.

`make types` reads this file, too. Where mypy no longer complains of the caller that forgets one,
it complains of the comment that expects it to.
"""

from __future__ import annotations

from typing import assert_never

import pytest

from settle.adapters import Accepted, Outcome, Rejected, Unknown


def whole(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return "accepted"
        case Rejected():
            return "rejected"
        case Unknown():
            return "nobody knows"
        case _:
            assert_never(outcome)


def forgetful(outcome: Outcome) -> str:
    match outcome:
        case Accepted():
            return "accepted"
        case Rejected():
            return "rejected"
        case _:
            assert_never(outcome)  # type: ignore[arg-type]  # Unknown is forgotten


def test_a_forgotten_outcome_is_never_taken_for_another() -> None:
    """What types is whole; what does not type stops at run time as well."""
    outcomes: list[Outcome] = [
        Accepted(), Rejected(code="AC04", reason="closed"), Unknown(reason="no answer"),
    ]  # fmt: skip
    assert ["accepted", "rejected", "nobody knows"] == list(map(whole, outcomes))
    with pytest.raises(AssertionError):
        forgetful(outcomes[2])
