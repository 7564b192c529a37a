"""`settle payments`: list payments, and tell the story of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from settle.money import plain

if TYPE_CHECKING:
    from settle.hub import Hub

_Config = Annotated[Path, typer.Option(help="The settings.")]
_DEFAULT = Path("settle.toml")
_Store = Annotated[str | None, typer.Option(help="sqlite:///FILE or postgresql://…")]


def _open(config: Path, store: str | None) -> Hub:
    from settle.hub import Hub

    return Hub.open(config, overrides={"settle.store": store} if store else {})


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Look at payments.", no_args_is_help=True)
    group.command("list", help=_LIST)(listed)
    group.command("show", help=_SHOW)(shown)
    app.add_typer(group, name="payments")
    app.command("approve", help=_APPROVE)(approve)
    app.command("resume", help=_RESUME)(resume)


_LIST = """Payments by state, rail and currency, and those that a person should look at.

Examples:

    settle payments list --config demo/settle.toml
"""

_SHOW = """Tell the story of one payment: events, exchanges, postings, each with its evidence.

Examples:

    settle payments show 0193d8b2-7c1a-7def-8000-000000000001
"""

_APPROVE = """Approve one payment that is above the limit that policy approves by itself.

Examples:

    settle approve 0193d8b2-7c1a-7def-8000-000000000001 --actor alice
"""


_RESUME = """Release payments again after a backup of the store was put back.

First search the rails and the statements for what was paid since the backup: the store has
forgotten it, and would pay it again.

Examples:

    settle resume --actor alice
"""


def listed(*, config: _Config = _DEFAULT, store: _Store = None) -> None:
    """List payments."""
    from settle.payments import attention, overview

    with _open(config, store) as hub, hub.store.reading() as connection:
        tallies, look_at = overview(connection), attention(connection)
    table = Table("state", "rail", "currency", title="Payments")
    table.add_column("payments", justify="right")
    table.add_column("amount", justify="right")
    for row in tallies:
        amount = plain(row.amount_minor, row.currency)
        table.add_row(row.state.value, row.rail, row.currency, f"{row.count:,}", amount)
    console = Console()
    console.print(table)
    for item in look_at:
        amount = plain(item.amount_minor, item.currency)
        line = f"{item.payment_id} {item.state.value} {amount} {item.currency}: {item.why}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def shown(payment_id: str, *, config: _Config = _DEFAULT, store: _Store = None) -> None:
    """Tell one payment's story."""
    from settle.payments import story

    with _open(config, store) as hub, hub.store.reading() as connection:
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
    store: _Store = None,
) -> None:
    """Approve one payment."""
    with _open(config, store) as hub:
        hub.approve(payment_id, actor=actor)
    typer.echo(f"{payment_id} approved by {actor}")


def resume(
    *,
    actor: Annotated[str, typer.Option(help="Who has searched.")],
    config: _Config = _DEFAULT,
    store: _Store = None,
) -> None:
    """Let a restored store go on."""
    with _open(config, store) as hub:
        hub.resume(actor=actor)
    typer.echo(f"released again, on the word of {actor}")
