"""`settle simulator`: the rails of a night on loopback, for as long as one likes."""

from __future__ import annotations

import signal
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

_HELP = """Simulate the rails of a night on loopback until interrupted.

Writes FOLDER/settle.toml, which `settle nightly` can use meanwhile. The rails remember in FOLDER
what they executed. Credentials are read from the environment, where `settle nightly` looks for
them too; set them to anything.

Examples:

    settle simulator --night fixtures/night --folder demo --date 2024-12-18
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help=_HELP)(simulator)


def simulator(
    *,
    night: Annotated[
        Path | None, typer.Option(help="A folder like fixtures/night; found by itself.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where everything it makes is kept.")] = Path("demo"),
    day: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="The rails' today.")
    ] = None,
) -> None:
    """Hold the world open."""
    from settle.cli.demo import committed_night
    from settle.simulation.rehearsal import rehearse

    with rehearse(night or committed_night(), folder) as rehearsal:
        rehearsal.begin(day.date() if day else rehearsal.config.record_days()[0])
        for rail, url in rehearsal.world.base_urls.items():
            typer.echo(f"{rail} answers at {url}")
        typer.echo(f"settings: {rehearsal.config_path}")
        typer.echo(f"control: {rehearsal.world.control.base_url}")
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
