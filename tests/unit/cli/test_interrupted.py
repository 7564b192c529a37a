"""Ctrl-C while the engine computes: an end that a person and a script understand."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import duckdb

RECORDS = 1_500_000
RUN = """
import signal, sys, threading, time

def tell():
    while "duckdb" not in sys.modules:
        time.sleep(0.01)
    time.sleep(0.3)
    print("computing", flush=True)

# What a shell started in the background would have it ignore.
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=tell, daemon=True).start()
"""
SETTLE = f"{RUN}\nfrom settle.cli import main\nmain()"
QUERIES = f"""{RUN}
from settle.cli.commands import LazyCommands
LazyCommands(name="settle", modules={{"compute": "command_of_queries"}})()
"""
COMMAND = """
import click
from settle.engine import Engine

@click.command()
def compute():
    with Engine().scratch() as scratch:
        while True:  # DuckDB looks for signals now and then: a query of hours might never
            scratch.step("short", "select count(*) from range(3000000) where range % 7 = 3")
"""


def write_many(path: Path) -> None:
    """A file of records that takes seconds to net."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""copy (select 'S-' || i as record_id, 'M2' as participant_id,
                'A-M2' as agreement_id, 'P1' as counterparty_id, 'sale' as kind,
                i as amount_minor, 'EUR' as currency,
                timestamptz '2024-12-19 04:00:00+00' as occurred_at
            from range(1, {RECORDS}) as r(i)) to '{path}' (format parquet)"""
        )


def interrupted(code: str, *arguments: object, cwd: Path) -> tuple[int, str]:
    """Run a command, send it SIGINT once the engine computes; its exit code and standard error."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert "computing\n" == process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    return process.returncode, told


def test_netting_that_is_interrupted_says_so_and_writes_nothing(
    terms: list[str], tmp_path: Path
) -> None:
    """One word and 128 + SIGINT; no traceback, and no half of a file."""
    write_many(tmp_path / "r.parquet")
    out = tmp_path / "positions.parquet"
    ended = interrupted(SETTLE, "net", tmp_path / "r.parquet", *terms, "--out", out, cwd=tmp_path)
    assert (130, "\nAborted!\n") == ended
    assert not out.exists()


def test_queries_that_are_interrupted_are_no_bug(tmp_path: Path) -> None:
    """The engine's own error for it ends the command as an interruption anywhere else does."""
    (tmp_path / "command_of_queries.py").write_text(COMMAND)
    assert (130, "\nAborted!\n") == interrupted(QUERIES, "compute", cwd=tmp_path)
