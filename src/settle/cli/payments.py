"""`settle payments`: list payments, and tell the story of one."""

from __future__ import annotations

from pathlib import Path

import click

from settle.cli import options
from settle.cli.commands import Commands
from settle.cli.opening import opened
from settle.cli.returns import RETURNS

_LIST = """Payments by state, rail and currency, and those that a person should look at.

Examples:

\b
  settle payments list --config demo/settle.toml
"""

_SHOW = """Tell the story of one payment: events, exchanges, postings, each with its evidence.

Examples:

\b
  settle payments show 0193d8b2-7c1a-7def-8000-000000000001
"""

_APPROVE = """Approve one payment that is above the limit that policy approves by itself.

Examples:

\b
  settle approve 0193d8b2-7c1a-7def-8000-000000000001 --actor alice
"""


_RESUME = """Release payments again after a backup of the store was put back.

First search the rails and the statements for what was paid since the backup: the store has
forgotten it, and would pay it again.

Examples:

\b
  settle resume --actor alice
"""


@click.group(cls=Commands)
def payments() -> None:
    """Look at payments."""


for command in RETURNS:
    payments.add_command(command)


@payments.command("list", help=_LIST)
@options.config
@options.store
def listed(*, config: Path, store: str | None) -> None:
    """List payments."""
    from rich.console import Console
    from rich.table import Table

    from settle.money import plain
    from settle.payments import attention, overview

    with opened(config, store=store) as hub, hub.store.reading() as connection:
        tallies, look_at = overview(connection), attention(connection)
    table = Table("state", "rail", "currency", title="Payments")
    table.add_column("payments", justify="right")
    table.add_column("amount", justify="right")
    for row in tallies:
        amount = plain(row.amount_minor, row.currency)
        table.add_row(row.state.value, row.rail, row.currency, f"{row.count:,}", amount)
    console = Console(markup=False, emoji=False)
    console.print(table)
    for item in look_at:
        amount = plain(item.amount_minor, item.currency)
        line = f"{item.payment_id} {item.state.value} {amount} {item.currency}: {item.why}"
        console.print(line, highlight=False, soft_wrap=True)


@payments.command("show", help=_SHOW)
@click.argument("payment_id")
@options.config
@options.store
def shown(payment_id: str, *, config: Path, store: str | None) -> None:
    """Tell one payment's story."""
    from settle.money import plain
    from settle.payments import story

    with opened(config, store=store) as hub, hub.store.reading() as connection:
        told = story(connection, payment_id)
    row = told.payment
    amount = plain(row["amount_minor"], row["currency"])
    click.echo(f"{payment_id}: {amount} {row['currency']} to {row['beneficiary_name']}")
    click.echo(f"  {row['state']} on {row['rail']}, EndToEndId {row['end_to_end_id']}")
    for line in told.lines:
        click.echo(f"  {line.at:%Y-%m-%d %H:%M:%S}  {line.what}  {line.detail}")


@click.command(help=_APPROVE)
@click.argument("payment_id")
@click.option("--actor", required=True, help="Who approves; your platform authenticates them.")
@options.config
@options.store
def approve(payment_id: str, *, actor: str, config: Path, store: str | None) -> None:
    """Approve one payment."""
    with opened(config, store=store) as hub:
        hub.approve(payment_id, actor=actor)
    click.echo(f"{payment_id} approved by {actor}")


@click.command(help=_RESUME)
@click.option("--actor", required=True, help="Who has searched.")
@options.config
@options.store
def resume(*, actor: str, config: Path, store: str | None) -> None:
    """Let a restored store go on."""
    with opened(config, store=store) as hub:
        hub.resume(actor=actor)
    click.echo(f"released again, on the word of {actor}")
