"""How the running of a conversation ends, as far as money is concerned.

Match on the type, and close the match with `assert_never`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Finished(Generic[T]):
    """The conversation came to its end. This carries what it returned."""

    value: T


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMoved:
    """Nothing that commits has left this machine. This may be run again at any time.

    `retry_after_s` is how long the rail, or our own breaker, asks to be left alone.
    """

    reason: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A `commits` left, or may have left, and has no trustworthy end. This is `Unknown`."""

    reason: str


Ending = Finished[T] | NotMoved | Open
