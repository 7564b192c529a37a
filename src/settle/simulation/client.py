"""Start a world as a process of its own, and talk to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any

import httpx

from settle.errors import ConfigError
from settle.simulation.description import WorldDescription

EXIT_S_MAX = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWorld:
    """A world in another process. `base_urls` says where each rail answers."""

    base_urls: Mapping[str, str]
    control: httpx.Client
    process: subprocess.Popen[str]

    def set_clock(self, now: datetime) -> None:
        """Set the world's time, which stands still until it is set again."""
        answer = self.control.put("/clock", json={"now": now.isoformat()})
        answer.raise_for_status()

    def clock(self) -> datetime:
        """The world's time."""
        return datetime.fromisoformat(self._get("/clock")["now"])

    def executions(self) -> dict[str, Any]:
        """What each rail truly executed: see `World.executions`."""
        return self._get("/executions")

    def journal(self) -> dict[str, Any]:
        """What went wrong on purpose: see `World.journal`."""
        return self._get("/journal")

    def kill(self) -> None:
        """End the process without warning, as a power cut does."""
        self.process.kill()
        self.process.wait(EXIT_S_MAX)

    def _get(self, path: str) -> dict[str, Any]:
        answer = self.control.get(path)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
        return content


@contextmanager
def start_world(description: WorldDescription) -> Iterator[RunningWorld]:
    """Run a world in a process of its own while the context lasts. It dies with this process.

    Raises:
        ConfigError: the world could not start; the reason stands on stderr.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "settle.simulation"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        stdin, stdout = _pipes(process)
        try:
            stdin.write(_line(description))
            stdin.flush()
            ready = stdout.readline()
            if not ready:
                raise ConfigError("the simulated world did not start; see its message above")
            where = json.loads(ready)
            with httpx.Client(base_url=where["control"], trust_env=False, timeout=30) as control:
                yield RunningWorld(base_urls=where["rails"], control=control, process=process)
        finally:
            _end(process, stdin)


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _line(description: WorldDescription) -> str:
    content = description.model_dump(mode="json")
    for key in ("memory", "outside", "faults"):
        path = getattr(description, key)
        content[key] = None if path is None else str(path.absolute())
    return json.dumps(content) + "\n"


def _end(process: subprocess.Popen[str], stdin: IO[str]) -> None:
    stdin.close()
    try:
        process.wait(EXIT_S_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
