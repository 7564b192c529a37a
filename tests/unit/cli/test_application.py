"""The command line as a whole: what it lists, what it refuses, and how little a start loads."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from settle import __version__
from settle.cli import COMMANDS, application
from settle.cli.commands import LazyCommands

from .conftest import SOUND, Settle

HEAVY = {
    "duckdb", "highspy", "httpx", "jinja2", "lxml", "moneyed", "numpy", "plotly", "pyarrow",
    "pydantic", "pyspark", "rich", "sqlalchemy", "sqlglot", "typer",
}  # fmt: skip
TELL = """
import json, sys
from settle.cli import main
try:
    main()
except SystemExit as ended:
    print(json.dumps([ended.code or 0, *sys.modules]), file=sys.stderr)
"""


def loaded(*arguments: object) -> set[str]:
    """The modules that are loaded when a process of its own has done what was asked."""
    done = subprocess.run(
        [sys.executable, "-c", TELL, *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    code, *modules = json.loads(done.stderr)
    assert code == 0
    return set(modules)


def test_bare_netting_loads_one_heavy_library(tmp_path: Path) -> None:
    """A file of Parquet is netted by DuckDB alone: a start is waited for each time."""
    noon = datetime(2024, 12, 19, 4, tzinfo=UTC)
    rows = [{**row, "occurred_at": noon} for row in SOUND]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "r.parquet")
    modules = loaded("net", tmp_path / "r.parquet", "--out", tmp_path / "positions.parquet")
    assert (tmp_path / "positions.parquet").is_file()
    assert {"duckdb"} == HEAVY & modules


def test_no_command_loads_a_heavy_library_to_say_what_it_is() -> None:
    """The help of all reads every module of the command line, and no more than these."""
    modules = loaded("--help")
    assert {f"settle.cli.{module}" for module in COMMANDS.values()} <= modules
    assert set() == HEAVY & modules


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_loads_no_module_of_another(command: str) -> None:
    """What one command needs is not paid for by the others."""
    shared = {"demo": {"nightly"}, "explain": {"net"}}.get(command, set())
    own = {COMMANDS[command], *shared}
    modules = {name.removeprefix("settle.cli.") for name in loaded(command, "--help")}
    assert own == set(COMMANDS.values()) & modules


def test_help_lists_each_command_with_its_first_line_in_full(settle: Settle) -> None:
    """In the order of `COMMANDS`, which is that of a newcomer's way, and none cut short."""
    listed = " ".join(settle("--help").out.partition("Commands:")[2].split())
    context = click.Context(application)
    found = {name: application.get_command(context, name) for name in COMMANDS}
    lines = {name: (each.help or "").splitlines()[0] for name, each in found.items() if each}
    assert " ".join(f"{name} {line}" for name, line in lines.items()) == listed
    assert list(COMMANDS) == list(lines)


def test_the_version_is_printed(settle: Settle) -> None:
    """One line, for a report of what went wrong."""
    assert f"settle {__version__}\n" == settle("--version").out


def test_defaults_are_told(settle: Settle) -> None:
    """What an option is when it is left away stands in the help of each command that has it."""
    told = " ".join(settle("net", "--help").out.split())
    for default in ("Asia/Shanghai", "4GB", "duckdb"):
        assert f"[default: {default}]" in told
    assert "[default: settle.toml]" in settle("payments", "list", "--help").out
    assert "[default: demo]" in settle("simulator", "--help").out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("nett", "No such command 'nett'. Did you mean 'net'?"),
        ("payments lst", "No such command 'lst'. Did you mean 'list'?"),
        ("net --agreement x", "No such option '--agreement'. Did you mean '--agreements'?"),
        ("net --as-of 2024-12-19", "Invalid value for '--as-of': '2024-12-19' does not match"),
        ("nightly --date 19.12.2024", "Invalid value for '--date': '19.12.2024' does not match"),
        ("explain A/EUR/2024-12-19 --outcome x", "Invalid value for '--outcome': 'x' is not"),
        ("explain A/EUR/2024-12-19 --outcome 0", "0 is not in the range x>=1"),
        ("explain", "Missing argument 'POSITION'"),
        ("failed --window 2024-12-19", "Missing argument 'PARTICIPANT…'"),
        ("correct S-1 --actor ada", "Missing option '--reason'"),
        ("files --out x", "Missing option '--window'"),
        ("rails now", "Got unexpected extra argument (now)"),
    ],
)
def test_a_call_that_cannot_be_meant_exits_2(settle: Settle, line: str, says: str) -> None:
    """What is wrong with it is said on standard error, with where help is found."""
    done = settle(*line.split())
    assert (2, "") == (done.code, done.out)
    assert says in done.err
    assert "--help' for help." in done.err


def test_who_interrupts_a_command_gets_the_code_of_the_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """128 + SIGINT, by which a script tells an interruption from a night that failed."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "interrupted_command.py").write_text(
        "import click\n\n@click.command()\ndef wait():\n    raise KeyboardInterrupt\n"
    )
    group = LazyCommands(name="settle", modules={"wait": "interrupted_command"})
    assert 130 == CliRunner().invoke(group, ["wait"]).exit_code


def test_a_place_that_cannot_be_written_is_one_line(settle: Settle, tmp_path: Path) -> None:
    """What the operating system refuses is the caller's to put right, and no bug."""
    config = tmp_path / "settle.toml"
    config.write_text('[settle]\ntenant = "t"\n[clearing]\nagreements = "a.csv"\nrates = "r"\n')
    done = settle("backup", config / "b", "--config", config)
    assert (11, "") == (done.code, done.out)
    assert done.err.startswith("settle: ")
    assert done.err.endswith(": Not a directory\n")


_LITTLE_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
sys.argv = ["settle", *sys.argv[1:]]
from settle.cli import main
main()
"""


def test_a_disk_that_is_full_is_one_line(settle: Settle, tmp_path: Path) -> None:
    """What the database cannot write, it says; what it had committed stands."""
    config = tmp_path / "settle.toml"
    config.write_text('[settle]\ntenant = "t"\n[clearing]\nagreements = "a.csv"\nrates = "r"\n')
    assert 0 == settle("payments", "list", "--config", config).code
    command = [sys.executable, "-c", _LITTLE_DISK, "backup", "copy", "--config", "settle.toml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (11, "") == (done.returncode, done.stdout), done.stderr
    assert done.stderr.startswith("settle: store: ")
    assert done.stderr.endswith("; what was committed stands, so run it again\n")
    assert 1 == done.stderr.count("\n"), done.stderr
