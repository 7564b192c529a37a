"""Processes run to their end, with all that they started, and what they took."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How long a process and all that it started took, and how much of the processors."""

    wall_s: float
    cpu_s: float


def run(command: Sequence[str | Path]) -> Run:
    """Run a process to its end, and Java, which Python leaves behind, to its own."""
    began, cpu_s = time.perf_counter(), 0.0
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while True:
        try:
            ended, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            break
        cpu_s += usage.ru_utime + usage.ru_stime
        if ended == process.pid:
            process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return Run(wall_s=time.perf_counter() - began, cpu_s=cpu_s)
