"""`settle payments`: list payments, and tell the story of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from settle.money import plain

_Config = Annotated[Path, typer.Option(help="The settings.")]
_DEFAULT = Path("settle.toml")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Look at payments.", no_args_is_help=True)
    group.command("list", help=_LIST)(listed)
    group.command("show", help=_SHOW)(shown)
    app.add_typer(group, name="payments")
    app.command("approve", help=_APPROVE)(approve)


_LIST = """Payments by state, rail and currency, and those that a person should look at.

Examples:

    settle payments list --config demo/settle.toml
"""

_SHOW = """Tell the story of one payment: events, exchanges, postings, each with its evidence.

Examples:

    settle payments show 0193d8b2-7c1a-7def-8000-000000000001 --config demo/settle.toml
"""

_APPROVE = """Approve one payment that is above the limit that policy approves by itself.

Examples:

    settle approve 0193d8b2-7c1a-7def-8000-000000000001 --actor alice
"""


def listed(*, config: _Config = _DEFAULT) -> None:
    """List payments."""
    from settle.hub import Hub
    from settle.payments import attention, overview

    with Hub.open(config) as hub, hub.store.reading() as connection:
        tallies, look_at = overview(connection), attention(connection)
    table = Table("state", "rail", "currency", "payments", "amount", title="Payments")
    for row in tallies:
        amount = plain(row.amount_minor, row.currency)
        table.add_row(row.state.value, row.rail, row.currency, f"{row.count:,}", amount)
    console = Console()
    console.print(table)
    for item in look_at:
        amount = plain(item.amount_minor, item.currency)
        line = f"{item.payment_id} {item.state.value} {amount} {item.currency}: {item.why}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def shown(payment_id: str, *, config: _Config = _DEFAULT) -> None:
    """Tell one payment's story."""
    from settle.hub import Hub
    from settle.payments import story

    with Hub.open(config) as hub, hub.store.reading() as connection:
        told = story(connection, payment_id)
    row = told.payment
    amount = plain(row["amount_minor"], row["currency"])
    typer.echo(f"{payment_id}: {amount} {row['currency']} to {row['beneficiary_name']}")
    typer.echo(f"  {row['state']} on {row['rail']}, EndToEndId {row['end_to_end_id']}")
    for line in told.lines:
        typer.echo(f"  {line.at:%Y-%m-%d %H:%M:%S}  {line.what}  {line.detail}")


def approve(
    payment_id: str,
    *,
    actor: Annotated[str, typer.Option(help="Who approves; your platform authenticates them.")],
    config: _Config = _DEFAULT,
) -> None:
    """Approve one payment."""
    from settle.hub import Hub

    with Hub.open(config) as hub:
        hub.approve(payment_id, actor=actor)
    typer.echo(f"{payment_id} approved by {actor}")
