"""A lock that only a living process can hold."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from settle.errors import Busy
from settle.store import Store, exclusive

HOLD = """
import sys, time
from settle.store import Store, exclusive
with exclusive(Store.open(sys.argv[1]), "night"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_two_cannot_hold_it_at_once(store: Store, store_url: str) -> None:
    """A second night started by mistake stops, and says why."""
    other = Store.open(store_url)
    with (
        exclusive(store, "night"),
        pytest.raises(Busy, match="another night is under way"),
        exclusive(other, "night", patience_s=0.1),
    ):
        pytest.fail("held twice")
    other.close()


def test_it_is_free_after_use(store: Store) -> None:
    """A lock given back can be taken again."""
    for _ in range(2):
        with exclusive(store, "night", patience_s=0.1):
            pass


def test_a_killed_process_keeps_no_lock(store: Store, store_url: str) -> None:
    """A night killed by a power cut does not stand in the way of its own second run."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, store_url], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
        with exclusive(store, "night"):
            pass
