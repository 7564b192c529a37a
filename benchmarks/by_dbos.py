"""One payment per workflow on DBOS, a general engine of durable execution. Run by `durable.py`.

Reads requests as lines of JSON from a file, posts each from a workflow of its own with one step,
and prints the seconds. The set-up is the fastest found: asynchronous workflows, a step that is
one call, and the cheapest client that speaks HTTP. `--how start` starts workflows from this
process, so many at once, and has their inputs written while the clock runs; `--how queue` has
them enqueued before, and times from when a worker is first allowed to take one.

    python by_dbos.py --requests FILE --rail URL --store sqlite:///FILE --how start
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from dbos import DBOS, DBOSConfig

QUEUE = "payments"
POLLED_S = 0.001
Posted = tuple[str, str, str]
"""Path, idempotency key, body."""


class Connections:
    """Kept-alive connections to the rail: what is idle is used, and what is not there is made."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        self.host, self.port = str(place.hostname), int(place.port or 80)
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, path: str, key: str, body: str) -> int:
        """Post a body; this returns the status."""
        reader, writer = (
            self.idle.pop() if self.idle else await asyncio.open_connection(self.host, self.port)
        )
        content = body.encode()
        writer.write(
            f"POST {path} HTTP/1.1\r\nhost: {self.host}\r\nidempotency-key: {key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n".encode()
            + content
        )
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split()[0]))
        self.idle.append((reader, writer))
        return int(head.split(b" ", 2)[1])


rail: Connections


@DBOS.step()
async def send(path: str, key: str, body: str) -> int:
    """The call, whose answer is kept."""
    return await rail.post(path, key, body)


@DBOS.workflow()
async def pay(path: str, key: str, body: str) -> int:
    """One payment."""
    return await send(path, key, body)


async def started(requests: Sequence[Posted], at_once: int) -> float:
    """Seconds for workflows that are started from here."""
    waiting = iter(requests)

    async def work() -> None:
        for request in waiting:
            handle = await DBOS.start_workflow_async(pay, *request)
            assert await handle.get_result(polling_interval_sec=POLLED_S) == 202

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return time.perf_counter() - began


async def queued(requests: Sequence[Posted], at_once: int) -> float:
    """Seconds for workflows that were enqueued before."""
    await DBOS.register_queue_async(QUEUE, worker_concurrency=0, polling_interval_sec=POLLED_S)
    handles = [await DBOS.enqueue_workflow_async(QUEUE, pay, *request) for request in requests]
    queue = await DBOS.retrieve_queue_async(QUEUE)
    assert queue is not None
    began = time.perf_counter()
    await queue.set_worker_concurrency_async(at_once)
    for handle in handles:
        assert await handle.get_result(polling_interval_sec=POLLED_S) == 202
    return time.perf_counter() - began


async def run(options: argparse.Namespace) -> None:
    """Launch, and print the seconds."""
    global rail  # noqa: PLW0603 - a workflow is a function of a module, and has no other place
    rail = Connections(options.rail)
    lines = options.requests.read_text("utf-8").splitlines()
    requests: list[Posted] = [tuple(json.loads(line)) for line in lines]
    if options.store.startswith("sqlite:///"):
        with sqlite3.connect(options.store.removeprefix("sqlite:///")) as connection:
            connection.execute("pragma journal_mode=wal")  # stays; sync is full by default
    config: DBOSConfig = {
        "name": "bench", "system_database_url": options.store, "log_level": "ERROR",
        "sys_db_pool_size": options.at_once, "notification_listener_polling_interval_sec": 0.001,
    }  # fmt: skip
    DBOS(config=config)
    DBOS.launch()
    seconds = await (queued if options.how == "queue" else started)(requests, options.at_once)
    print(json.dumps({"seconds": seconds}), flush=True)
    DBOS.destroy()


def main() -> None:
    """Print the seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=Path, required=True)
    parser.add_argument("--rail", required=True)
    parser.add_argument("--store", required=True)
    parser.add_argument("--how", choices=("start", "queue"), default="start")
    parser.add_argument("--at-once", type=int, default=16)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
