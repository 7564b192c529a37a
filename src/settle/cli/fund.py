"""`settle fund`: which account pays what by when, and what to send there first."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from settle.cli import options
from settle.cli.opening import opened

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from settle.hub import PlannedFunding
    from settle.report import Funding

PIPED_WIDTH = 140
"""Signs a line where nobody watches: a table that is kept need not fold."""

_HELP = """Plan the funding of everything that is due and not released yet. Nothing is sent.

Says from which of our accounts each obligation is paid and by when, the trades and transfers that
bring the money there at the least cost, what funding each need by itself would cost, and what is
short. `clearing.funding` of the settings names the file of accounts, matrix and ways.

Exit codes: 0 everything can be funded, 10 something is short, has no account or cannot be planned,
11 bad input.

Examples:

\b
  settle fund --config demo/settle.toml
  settle fund --config demo/settle.toml --date 2024-12-18 --obligations --json
"""


@click.command(help=_HELP)
@click.option("--date", "day", type=options.DAY, help="Tell all of this window, released or not.")
@options.config
@options.store
@click.option("--obligations", is_flag=True, help="Name each obligation with its account.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def fund(
    *, day: datetime | None, config: Path, store: str | None, obligations: bool, as_json: bool
) -> None:
    """Plan the funding."""
    from rich.console import Console

    with opened(config, store=store) as hub:
        planned = hub.plan_funding(day.date() if day else None)
    funding = planned.funding
    if as_json:
        click.echo(json.dumps(_as_json(planned, obligations=obligations), indent=1))
    else:
        width = None if sys.stdout.isatty() else PIPED_WIDTH
        console = Console(width=width, markup=False, emoji=False)
        _print(console, funding)
        if obligations:
            _print_obligations(console, planned)
    if not funding.is_whole:
        raise click.exceptions.Exit(10)


def _as_json(planned: PlannedFunding, *, obligations: bool) -> dict[str, Any]:
    from settle.report.document import as_json

    found: dict[str, Any] = as_json(planned.funding)
    found["is_whole"] = planned.funding.is_whole
    if obligations:
        found["obligations"] = [as_json(each) for each in planned.obligations()]
    return found


def _print(console: Console, funding: Funding) -> None:
    console.print(
        f"\nFunding as of {funding.planned_at:%Y-%m-%d %H:%M} UTC, by {funding.reference}"
    )
    _print_paid_from(console, funding)
    if funding.no_account:
        table = _table("No account pays", "currency", "country", "value date", "why", n="amount")
        for none in funding.no_account:
            table.add_row(
                none.currency, none.country, f"{none.value_date}", none.why,
                _plain(none.amount_minor, none.currency),
            )  # fmt: skip
        console.print(table)
    if funding.failed:
        console.print(f"no plan: {funding.failed}", highlight=False, soft_wrap=True)
    if funding.moves:
        _print_moves(console, funding)
    _print_short(console, funding)
    _print_cost(console, funding)


def _print_paid_from(console: Console, funding: Funding) -> None:
    table = _table(
        "Paid from", "currency", "to", "value date", "account", "order by (UTC)", n="amount"
    )
    table.add_column("open", justify="right")
    for row in funding.paid_from:
        table.add_row(
            row.currency, row.country, f"{row.value_date}", row.account_id,
            f"{row.by:%Y-%m-%d %H:%M}", _plain(row.amount_minor, row.currency),
            f"{row.open:,} of {row.obligations:,}",
        )  # fmt: skip
    console.print(table)
    for missed in sorted({row.missed for row in funding.paid_from if row.missed}):
        console.print(missed, highlight=False, soft_wrap=True)


def _print_moves(console: Console, funding: Funding) -> None:
    table = _table(
        "Trades and transfers", "from", "to", "send by (UTC)", "there at (UTC)", n="sold"
    )
    table.add_column("bought", justify="right")
    table.add_column("cost", justify="right")
    for move in funding.moves:
        amounts = (move.sold, move.bought, move.cost)
        table.add_row(
            move.source, move.target, f"{move.send_by:%Y-%m-%d %H:%M}",
            f"{move.lands_at:%Y-%m-%d %H:%M}",
            *(f"{_plain(each.amount_minor, each.currency)} {each.currency}" for each in amounts),
        )  # fmt: skip
    console.print(table)


def _print_short(console: Console, funding: Funding) -> None:
    if not funding.short:
        return
    table = _table("Short", "need", "by (UTC)", "what stands in the way", n="short")
    for row in funding.short:
        by = f"{row.by:%Y-%m-%d %H:%M}" if row.by else ""
        amount = f"{_plain(row.short_minor, row.currency)} {row.currency}"
        table.add_row(row.subject, by, f"{row.hindrance}: {row.detail}", amount)
    console.print(table)


def _print_cost(console: Console, funding: Funding) -> None:
    if funding.cost is None:
        return
    code = funding.cost.currency
    line = f"cost {_plain(funding.cost.amount_minor, code)} {code}"
    if funding.naive is not None and funding.saved is not None:
        line += f"; each need by itself {_plain(funding.naive.amount_minor, code)}"
        line += f", saved {_plain(funding.saved.amount_minor, code)}"
    else:
        line += "; each need by itself cannot be funded at all"
    console.print(line, highlight=False)


def _print_obligations(console: Console, planned: PlannedFunding) -> None:
    table = _table(
        "Obligations",
        "obligation",
        "agreement",
        "value date",
        "account",
        "order by (UTC)",
        n="amount",
    )
    for row in planned.obligations():
        table.add_row(
            row.obligation_id, row.agreement_id, f"{row.value_date}", row.account_id or row.why,
            f"{row.by:%Y-%m-%d %H:%M}" if row.by else "",
            f"{_plain(row.amount_minor, row.currency)} {row.currency}",
        )  # fmt: skip
    console.print(table)


def _table(title: str, *columns: str, n: str) -> Table:
    """A table of texts, and one column of amounts."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    table.add_column(n, justify="right")
    return table


def _plain(amount_minor: int, currency: str) -> str:
    from settle.report.figures import amount

    return amount(amount_minor, currency)
