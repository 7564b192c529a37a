"""`settle payments`: list payments, and tell the story of one."""

from __future__ import annotations

from pathlib import Path

import click

from settle.cli import options
from settle.cli.commands import Commands
from settle.cli.opening import opened
from settle.cli.printing import printable

_LIST = """Payments by state, rail and currency, and those that a person should look at.

Examples:

\b
  settle payments list --config demo/settle.toml
"""

_SHOW = """Tell the story of one payment: events, exchanges, postings, each with its evidence.

Examples:

\b
  settle payments show 0193d8b2-7c1a-7def-8000-000000000001
  settle payments show 0193d8b2-7c1a-7def-8000-000000000001 --exchanges
"""

_DECIDE = """Say what became of a payment that nobody knows; it takes two people.

The second one must be another person and say the same within three days. Until then its money
stays reserved. First look for proof: at the bank, in statements, by settle nightly.

Examples:

\b
  settle payments decide 0193d8b2-7c1a-7def-8000-000000000001 --not-executed \\
    --actor alice --why "the bank's written answer of 19 December"
"""

_APPROVE = """Approve one payment that is above the limit that policy approves by itself.

Examples:

\b
  settle approve 0193d8b2-7c1a-7def-8000-000000000001 --actor alice
"""


@click.group(cls=Commands)
def payments() -> None:
    """Look at payments."""


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
@click.option("--exchanges", is_flag=True, help="Show what was sent and answered; never secrets.")
def shown(payment_id: str, *, config: Path, store: str | None, exchanges: bool) -> None:
    """Tell one payment's story."""
    from settle.money import plain

    with opened(config, store=store) as hub:
        told = hub.story(payment_id, contents=exchanges)
    row = told.payment
    amount = plain(row["amount_minor"], row["currency"])
    click.echo(f"{payment_id}: {amount} {row['currency']} to {row['beneficiary_name']}")
    click.echo(f"  {row['state']} on {row['rail']}, EndToEndId {row['end_to_end_id']}")
    for line in told.lines:
        click.echo(f"  {line.at:%Y-%m-%d %H:%M:%S}  {line.what}  {line.detail}")
        for said in line.contents:
            click.echo(f"      {printable(said)}")


@payments.command("decide", help=_DECIDE)
@click.argument("payment_id")
@click.option("--executed/--not-executed", default=None, required=True, help="What became of it.")
@click.option("--actor", required=True, help="Who says so; your platform authenticates them.")
@click.option("--why", required=True, help="What they know it by, for whoever audits it.")
@options.config
@options.store
def decided(
    payment_id: str, *, executed: bool, actor: str, why: str, config: Path, store: str | None
) -> None:
    """Say what became of a payment."""
    from settle.payments import Verdict

    verdict = Verdict.EXECUTED if executed else Verdict.NOT_EXECUTED
    with opened(config, store=store) as hub:
        done = hub.decide(payment_id, verdict, actor=actor, why=why)
    said = "executed" if executed else "not executed"
    if done.closed:
        click.echo(f"{payment_id} is closed as {said}, on the word of {' and '.join(done.by)}")
    elif done.against:
        click.echo(f"{payment_id} stays unknown: {', '.join(done.against)} said the contrary")
    else:
        click.echo(f"{payment_id} stays unknown until another person says {said}, too")


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
