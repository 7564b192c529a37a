"""What people say is counted, in the store and beside the lake: a store that lacks it shows.

A payment that was cancelled, or a rail that was paused, must not come back to life with a backup
in which nobody has said so yet.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from settle.hub.opened import Opened
from settle.payments import count_word

H = TypeVar("H", bound=Opened)
P = ParamSpec("P")
R = TypeVar("R")


def told(verb: Callable[Concatenate[H, P], R]) -> Callable[Concatenate[H, P], R]:
    """Count a word once it is kept. What was refused is none."""

    @wraps(verb)
    def counted(hub: H, /, *args: P.args, **kwargs: P.kwargs) -> R:
        done = verb(hub, *args, **kwargs)
        count_word(hub.store, at=hub.now())
        return done

    return counted
