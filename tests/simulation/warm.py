"""Processes that are forked from one which has imported the house, and so start at once.

To start Python and import everything takes longer than a small night does. Each such process is
as much one of its own as any other: it has its own connections, and is killed by the same signal.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import IO, Any

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.simulation.mortals", "tests.simulation.imported"])


@contextmanager
def commanded(arguments: Sequence[str]) -> Iterator[tuple[Any, IO[str]]]:
    """A process in which `settle` runs, and what it prints; it is killed at the end."""
    theirs, ours = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_command, args=(arguments, dict(os.environ), ours))
    process.start()
    ours.close()
    with theirs, open(theirs.fileno(), encoding="utf-8", closefd=False) as output:
        try:
            yield process, output
        finally:
            process.kill()
            process.join()


def _command(arguments: Sequence[str], environment: Mapping[str, str], output: Connection) -> None:
    from settle.cli import main

    os.environ.clear()
    os.environ.update(environment)
    os.dup2(output.fileno(), 1)
    output.close()
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.argv = ["settle", *arguments]
    main()
