"""`settle files`: what merchants get of a closed window."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from settle.hub import Hub

HELP = """Write the settlement files of a closed window: details and summary of each agreement.

They go to OUT/WINDOW/AGREEMENT/, as CSV and Parquet. Every line is priced once more and held
against the positions that were committed; if they differ, nothing is written. An agreement that
is named gets its statement, too: one page of HTML, and JSON. Running it again changes nothing.

Exit code 0; 11 if the window is not closed or an agreement is unknown.

Examples:

    settle files --window 2024-12-19 --out files

    settle files --window 2024-12-19 --out files --agreement A-M00001 --json
"""

Window = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The window, a date.")]
Out = Annotated[Path, typer.Option(help="The folder below which they go.")]
Named = Annotated[
    list[str] | None, typer.Option("--agreement", help="Only this one; may be given again.")
]
Config = Annotated[Path, typer.Option(help="The settings.")]
StoreUrl = Annotated[str | None, typer.Option("--store", help="sqlite:///FILE or postgresql://…")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("files", help=HELP)(files)


def files(
    *,
    window: Window,
    out: Out,
    agreement: Named = None,
    config: Config = Path("settle.toml"),
    store: StoreUrl = None,
    as_json: AsJson = False,
) -> None:
    """Write the files of a window."""
    from settle.clearing.files import write_files
    from settle.hub import Hub

    with Hub.open(config, overrides={"settle.store": store} if store else {}) as hub:
        written = write_files(
            window.date(), out=out, store=hub.store, engine=hub.engine, lake=hub.lake,
            rates=hub.rates, agreement_ids=agreement or (),
        )  # fmt: skip
        statements = _statements(hub, window.date(), agreement or (), written.folder)
    if as_json:
        told = {**asdict(written), "folder": str(written.folder), "statements": statements}
        typer.echo(json.dumps(told, indent=2))
        return
    typer.echo(
        f"window {written.window_id}, batch {written.batch_id}: {written.files:,} files of "
        f"{written.agreements:,} agreements and {written.records:,} records in {written.folder}"
    )
    for statement in statements:
        typer.echo(f"statement: {statement}")


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
