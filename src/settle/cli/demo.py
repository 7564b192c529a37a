"""`settle demo`: the committed nights, end to end, against simulated rails on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from settle.cli import options
from settle.cli.nightly import show
from settle.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

    from settle.simulation.rehearsal import Rehearsal

_HELP = """Run the committed nights of `fixtures/night` from end to end.

Starts the rails' simulators on loopback, with things going wrong between them and us, and runs
two nights, so that the first night's payments meet their statements. Run it again: the same
figures, and nothing is paid twice.

Exits 0 although some breaks stay open: they are part of the demonstration, and counted.

Examples:

\b
  settle demo
  settle demo --folder /tmp/demo --store postgresql://settle@localhost/settle
"""


@click.command(help=_HELP)
@options.night
@options.folder
@options.store
def demo(*, night: Path | None, folder: Path, store: str | None) -> None:
    """Run the demonstration."""
    from rich.console import Console

    from settle.simulation.rehearsal import rehearse

    console = Console()
    with rehearse(night or committed_night(), folder, store=store) as rehearsal:
        _run(rehearsal, console)


def _run(rehearsal: Rehearsal, console: Console) -> None:
    from settle import nightly
    from settle.cli.progress import TerminalProgress
    from settle.hub import Hub
    from settle.report import ExitCode

    for day in rehearsal.config.record_days():
        rehearsal.begin(day)
        console.print(f"\n[bold]The night of {day}[/bold]")
        with (
            Hub.open(rehearsal.config_path) as hub,
            TerminalProgress(console) as progress,
        ):
            last = hub.nights.last()
            if last is not None and day < last:
                console.print("  is over: a later one has begun. As it ended:")
            night = nightly.run(hub, day, progress=progress)
        show(console, night)
    _say_what_was_executed(rehearsal, console)
    if night.exit_code is ExitCode.RAIL_DOWN:
        raise click.exceptions.Exit(int(night.exit_code))


def _say_what_was_executed(rehearsal: Rehearsal, console: Console) -> None:
    count, twice = rehearsal.executed()
    console.print(
        f"the rails executed {count:,} payments, {twice or 'none'} of them twice",
        highlight=False,
    )
    if twice:
        raise click.exceptions.Exit(1)


def committed_night() -> Path:
    """The night that is committed with the source.

    Raises:
        ConfigError: there is none here.
    """
    here = Path.cwd()
    beside_source = Path(__file__).resolve().parents[3]
    for root in (here, beside_source):
        if (root / "fixtures" / "night" / "settle.toml").is_file():
            return root / "fixtures" / "night"
    raise ConfigError(
        "no fixtures/night here; call settle demo in a checkout, or give --night FOLDER"
    )
