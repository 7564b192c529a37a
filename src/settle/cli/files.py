"""`settle files`: what merchants get of a closed window."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from settle.cli import options
from settle.cli.opening import opened

if TYPE_CHECKING:
    from settle.hub import Hub

HELP = """Write the settlement files of a closed window: details and summary of each agreement.

They go to OUT/WINDOW/AGREEMENT/, as CSV and Parquet. Every line is priced once more and held
against the positions that were committed; if they differ, nothing is written. An agreement that
is named gets its statement, too: one page of HTML, and JSON. Running it again changes nothing.

Exit code 0; 11 if the window is not closed or an agreement is unknown.

Examples:

\b
  settle files --window 2024-12-19 --out files
  settle files --window 2024-12-19 --out files --agreement A-M00001 --json
"""


@click.command(help=HELP)
@options.closed_window
@click.option("--out", type=options.FILE, required=True, help="The folder below which they go.")
@click.option("--agreement", multiple=True, help="Only this one; may be given again.")
@options.config
@options.store
@options.as_json
def files(
    *, window: datetime, out: Path, agreement: Sequence[str], config: Path, store: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Write the files of a window."""
    from settle.clearing.files import write_files

    with opened(config, store=store) as hub:
        written = write_files(
            window.date(), out=out, store=hub.store, engine=hub.engine, lake=hub.lake,
            rates=hub.rates, agreement_ids=agreement,
        )  # fmt: skip
        statements = _statements(hub, window.date(), agreement, written.folder)
    if as_json:
        told = {**asdict(written), "folder": str(written.folder), "statements": statements}
        click.echo(json.dumps(told, indent=2))
        return
    click.echo(
        f"window {written.window_id}, batch {written.batch_id}: {written.files:,} files of "
        f"{written.agreements:,} agreements and {written.records:,} records in {written.folder}"
    )
    for statement in statements:
        click.echo(f"statement: {statement}")


def _statements(hub: Hub, day: date, agreement_ids: Sequence[str], folder: Path) -> list[str]:
    from settle.clearing.files import ClosedWindow, folder_name
    from settle.clearing.lake import Lake
    from settle.report.merchant_statement import merchant_statement, write_statement

    written: list[str] = []
    with hub.store.reading() as connection:
        for name in agreement_ids:
            window = ClosedWindow.of(connection, day=day, lake=Lake(hub.lake), agreement_ids=[name])
            statement = merchant_statement(
                connection, window=window, agreement_id=name,
                tenant=hub.config.settings.settle.tenant,
            )  # fmt: skip
            html_path, _ = write_statement(statement, folder / folder_name(name))
            written.append(str(html_path))
    return written
