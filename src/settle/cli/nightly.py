"""`settle nightly`: run the night of a business day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from settle.cli import options
from settle.cli.opening import opened
from settle.errors import BadInput

if TYPE_CHECKING:
    from rich.console import Console

    from settle.nightly import Night

FINDINGS_MAX = 25
"""How many refusals are printed; all of them are in the report and in quarantine."""

_HELP = """Run the night of a business day, or go on with one that was interrupted.

Fetches statements, reconciles what is open, takes the day's records, closes the window, nets,
pays what is funded, reconciles again and writes the morning report. Running it again does
nothing twice. Who is named by --failed is kept before the first step: run again without, the
night closes with the same, and so does the next one if this one never closes. Others given before
a close are left out instead of all of them, --failed '' leaves out nobody. What has failed since
the close is for settle failed.

Exit codes: 0 clean, 10 breaks or unknowns open, or funds short, 11 bad input, 12 a rail is down;
the highest that applies.

Examples:

\b
  settle nightly
  settle nightly --config settle.toml --date 2024-12-19
  settle nightly --config settle.toml --date 2024-12-19 --records late.csv
  settle nightly --config settle.toml --date 2024-12-19 --failed P02
  settle nightly --date 2024-12-19 --store postgresql://settle@db/settle
  settle nightly --date 2024-12-18 --rehearse rehearsal
"""


@click.command(help=_HELP)
@click.option(
    "--date", "day", type=options.DAY, help="Business day; the last that has ended if absent."
)
@options.config
@click.option(
    "--records",
    type=options.FILE,
    multiple=True,
    help="A file of records to take as well; repeatable.",
)
@click.option(
    "--failed",
    multiple=True,
    help="A participant that cannot pay, kept until the close; repeatable; '' for nobody.",
)
@options.store
@click.option(
    "--rehearse",
    type=options.FILE,
    help="Simulate the rails on loopback; keep everything in this folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def nightly(
    *, day: datetime | None, config: Path, records: Sequence[Path], failed: Sequence[str],
    store: str | None, rehearse: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run one night."""
    from rich.console import Console

    from settle import nightly as night_steps
    from settle.cli.progress import TerminalProgress

    console = Console(stderr=as_json)
    for path in records:
        if not path.is_file():
            raise BadInput(f"{path}: there is no such file", file=str(path))
    with (
        _rails(config, rehearse, day, store=store) as settings,
        opened(settings, store=store) as hub,
        TerminalProgress(console) as progress,
    ):
        of_day = day.date() if day else hub.last_day()
        night = night_steps.run(hub, of_day, records=records, failed=failed, progress=progress)
        in_plain = hub.store.vault.is_open and not rehearse
    complain(night)
    if in_plain:
        click.echo("settle: exchanges are kept in plain: [exchanges] names no key", err=True)
    if as_json:
        click.echo(night.data.read_text("utf-8"))
    else:
        show(console, night)
    raise click.exceptions.Exit(int(night.exit_code))


@contextmanager
def _rails(
    config: Path, folder: Path | None, day: datetime | None, *, store: str | None
) -> Iterator[Path]:
    """The configuration to use: as it is, or turned towards simulated rails."""
    if folder is None:
        yield config
        return
    from settle.simulation.rehearsal import rehearse

    with rehearse(config, folder, store=store) as rehearsal:
        rehearsal.begin(day.date() if day else rehearsal.config.record_days()[0])
        yield rehearsal.config_path


def complain(night: Night) -> None:
    """What was refused and which rails are down, a line each, on standard error."""
    for finding in night.findings[:FINDINGS_MAX]:
        click.echo(f"settle: {finding}", err=True)
    if len(night.findings) > FINDINGS_MAX:
        more = len(night.findings) - FINDINGS_MAX
        click.echo(f"settle: and {more:,} more, in the report", err=True)
    for rail, reason in night.rails_down.items():
        click.echo(f"settle: rail {rail} is down: {reason}", err=True)


def show(console: Console, night: Night) -> None:
    """The last lines of a night: where the report is, and what it says in short."""
    for line in (f"\nreport: {night.page}", *night.lines):
        console.print(line, highlight=False, markup=False, emoji=False, soft_wrap=True)
