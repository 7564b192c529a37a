"""Many rows at once without the collector of garbage, which would walk all of them for nothing."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_within = 0
_was_on = False


@contextmanager
def uncollected() -> Iterator[None]:
    """Leave reference counts to free what is made within, and look for cycles afterwards.

    Thousands of new rows make the collector walk all that the process holds, again and again, and
    there are no cycles among them. This is for work that ends soon: a process that somebody built
    something large in waits for such a walk longer than for the rows. Threads may be within at
    once; the last one that leaves turns the collector on, if it was on.
    """
    global _within, _was_on  # noqa: PLW0603  # the collector is the process's
    with _lock:
        if not _within:
            _was_on = gc.isenabled()
            gc.disable()
        _within += 1
    try:
        yield
    finally:
        with _lock:
            _within -= 1
            if not _within and _was_on:
                gc.enable()
