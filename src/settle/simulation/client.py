"""Start a world as a process of its own, and talk to it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection
from typing import IO, Any
from urllib.parse import urlsplit

from settle.errors import ConfigError
from settle.simulation.description import WorldDescription

EXIT_S_MAX = 10.0
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningWorld:
    """A world in another process. `base_urls` says where each rail answers.

    `control_url` is the world's own face: `/clock`, `/executions`, `/journal`.
    """

    base_urls: Mapping[str, str]
    control_url: str
    process: subprocess.Popen[str]

    def set_clock(self, now: datetime) -> None:
        """Set the world's time, which stands still until it is set again."""
        self._ask("PUT", "/clock", {"now": now.isoformat()})

    def clock(self) -> datetime:
        """The world's time."""
        return datetime.fromisoformat(self._ask("GET", "/clock")["now"])

    def executions(self) -> dict[str, Any]:
        """What each rail truly executed: see `World.executions`."""
        told: dict[str, Any] = self._ask("GET", "/executions")
        return told

    def journal(self) -> dict[str, Any]:
        """What went wrong on purpose: see `World.journal`."""
        told: dict[str, Any] = self._ask("GET", "/journal")
        return told

    def kill(self) -> None:
        """End the process without warning, as a power cut does."""
        self.process.kill()
        self.process.wait(EXIT_S_MAX)

    def _ask(self, method: str, path: str, content: Mapping[str, str] | None = None) -> Any:
        connection = HTTPConnection(urlsplit(self.control_url).netloc, timeout=_TIMEOUT_S)
        with closing(connection):
            connection.request(method, path, None if content is None else json.dumps(content))
            answer = connection.getresponse()
            said = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"the world answered {method} {path} with status {answer.status}")
        return json.loads(said or "null")


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
            yield RunningWorld(
                base_urls=where["rails"], control_url=where["control"], process=process
            )
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
