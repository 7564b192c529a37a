"""`settle simulator`: the rails of a night on loopback, for as long as one likes."""

from __future__ import annotations

import signal
from datetime import datetime
from pathlib import Path

import click

from settle.cli import options

_HELP = """Simulate the rails of a night on loopback until interrupted.

Writes FOLDER/settle.toml, which `settle nightly` can use meanwhile. The rails remember in FOLDER
what they executed. Credentials are read from the environment, where `settle nightly` looks for
them too; set them to anything.

Examples:

\b
  settle simulator --night fixtures/night --folder demo --date 2024-12-18
"""


@click.command(help=_HELP)
@options.night
@options.folder
@click.option("--date", "day", type=options.DAY, help="The rails' today.")
def simulator(*, night: Path | None, folder: Path, day: datetime | None) -> None:
    """Hold the world open."""
    from settle.cli.demo import committed_night
    from settle.simulation.rehearsal import rehearse

    with rehearse(night or committed_night(), folder) as rehearsal:
        rehearsal.begin(day.date() if day else rehearsal.config.record_days()[0])
        for rail, url in rehearsal.world.base_urls.items():
            click.echo(f"{rail} answers at {url}")
        click.echo(f"settings: {rehearsal.config_path}")
        click.echo(f"control: {rehearsal.world.control_url}")
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
