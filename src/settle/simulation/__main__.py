"""`python -m settle.simulation [FILE]`: hold a world open until stdin closes, or SIGTERM.

Without a file the description is the first line of stdin, as JSON. When the rails answer, one
JSON line is printed: `{"rails": {rail: base_url}, "control": url}`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from settle.errors import SettleError
from settle.simulation.description import WorldDescription, read_line, read_world
from settle.simulation.world import World

EXIT_BAD_INPUT = 11


async def hold_open(description: WorldDescription) -> None:
    """Run the world until nobody needs it any more."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    _watch_stdin(loop, stop)
    async with World(description) as world:
        where = {"rails": dict(world.base_urls), "control": world.control_url}
        sys.stdout.write(json.dumps(where) + "\n")
        sys.stdout.flush()
        await stop.wait()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def readable() -> None:
        if not os.read(0, 65536):  # the parent died, or let us go
            loop.remove_reader(0)
            stop.set()

    with suppress(PermissionError):  # a file or /dev/null: only a signal ends the world
        loop.add_reader(0, readable)


def main() -> int:
    """The process. This exits 11 where the description cannot be used."""
    try:
        if len(sys.argv) > 1:
            description = read_world(Path(sys.argv[1]))
        else:
            description = read_line(_first_line())
        asyncio.run(hold_open(description))
    except SettleError as error:
        sys.stderr.write(f"settle.simulation: {error}\n")
        return EXIT_BAD_INPUT
    return 0


def _first_line() -> bytes:
    # Unbuffered, byte by byte: what follows the line belongs to the watch on stdin.
    line = bytearray()
    while (byte := os.read(0, 1)) not in (b"", b"\n"):
        line += byte
    return bytes(line)


if __name__ == "__main__":
    sys.exit(main())
