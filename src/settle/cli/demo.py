"""`settle demo`: the committed nights, end to end, against simulated rails on loopback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from settle.cli.nightly import show
from settle.cli.progress import TerminalProgress
from settle.errors import ConfigError

if TYPE_CHECKING:
    from settle.simulation.rehearsal import Rehearsal

_HELP = """Run the committed nights of `fixtures/night` from end to end.

Starts the rails' simulators on loopback, with things going wrong between them and us, and runs
two nights, so that the first night's payments meet their statements. Run it again: the same
figures, and nothing is paid twice.

Exits 0 although some breaks stay open: they are part of the demonstration, and counted.

Examples:

    settle demo

    settle demo --folder /tmp/demo --store postgresql://settle@localhost/settle
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=_HELP)(demo)


def demo(
    *,
    night: Annotated[
        Path | None, typer.Option(help="A folder like fixtures/night; found by itself.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where everything it makes is kept.")] = Path("demo"),
    store: Annotated[str | None, typer.Option(help="sqlite:///FILE or postgresql://…")] = None,
) -> None:
    """Run the demonstration."""
    from settle.simulation.rehearsal import rehearse

    console = Console()
    with rehearse(night or committed_night(), folder, store=store) as rehearsal:
        _run(rehearsal, console)


def _run(rehearsal: Rehearsal, console: Console) -> None:
    from settle import nightly
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
        raise typer.Exit(int(night.exit_code))


def _say_what_was_executed(rehearsal: Rehearsal, console: Console) -> None:
    count, twice = rehearsal.executed()
    console.print(
        f"the rails executed {count:,} payments, {twice or 'none'} of them twice",
        highlight=False,
    )
    if twice:
        raise typer.Exit(1)


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
