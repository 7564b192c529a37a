"""`settle failed`: a closed window netted anew without who failed since, before it is final."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from settle.cli import options
from settle.cli.opening import opened

if TYPE_CHECKING:
    from settle.clearing import Unwound

CHANGES_SHOWN_MAX = 25
"""How many obligations are printed; `--json` has all of them."""

HELP = """Name participants that failed after a window was closed, and net it anew without them.

Where the hub is an agent, records in which they are a party are left out and wait; where it is
principal, nothing changes for anybody else, and what they owe falls on their collateral, their
reserve and the hub. The window comes to what it would have, had they been
named to its close: the same records, terms and rates. Nothing of the journal is edited: what was
booked is reversed by rows of its own, and what the window came to before can still be explained
(`settle explain … --outcome 1`). Payments of obligations that change are cancelled.

It first shows what would change, and does it with --yes. It is refused once a payment of the
window was released or a later window is closed: name them to the close of the next one then
(`settle nightly --failed NAME`). Naming the same ones again changes nothing.

Exit code 0; 10 if the store is a backup that was put back; 11 if it is refused.

Examples:

\b
  settle failed P02 --window 2024-12-19 --actor ada --reason "insolvent"
  settle failed P02 P07 --window 2024-12-19 --actor ada --reason bust --yes
"""


@click.command(help=HELP)
@click.argument(
    "participants", metavar="PARTICIPANT…", nargs=-1, required=True, help="Who cannot pay."
)
@options.closed_window
@options.amending
def failed(
    participants: Sequence[str], *, window: datetime, actor: str, reason: str, yes: bool,
    config: Path, store: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Unwind a window."""
    with opened(config, store=store) as hub:
        told = hub.unwind(
            window.date(), failed=participants, actor=actor, reason=reason, rehearse=not yes
        )
    if as_json:
        click.echo(json.dumps(told.as_json(), indent=2))
    else:
        _print(told)


def _print(told: Unwound) -> None:
    before, closing = told.before, told.closing
    if not told.named:
        names = ", ".join(closing.failed) or "nobody"
        click.echo(f"window {closing.window_id} stands, with {names} as failed: nothing to do")
        return
    click.echo(
        f"window {closing.window_id} without {', '.join(told.named)}: {before.records:,} records "
        f"become {closing.records:,}, {before.positions:,} positions {closing.positions:,}; "
        f"{told.left_out:,} records wait for a later window"
    )
    _print_changes(told)
    if told.is_done:
        click.echo(f"done: outcome {closing.outcome} stands, all currencies sum to zero")
    else:
        click.echo("nothing is changed yet: add --yes to do it")


def _print_changes(told: Unwound) -> None:
    if not told.changes:
        click.echo("no obligation changes")
        return
    from rich.console import Console
    from rich.table import Table

    from settle.money import plain

    rows, totals = Table("agreement", "part", "currency"), defaultdict[str, int](int)
    rows.add_column("was owed", justify="right")
    rows.add_column("is owed", justify="right")
    for each in told.changes:
        totals[each.currency] += each.after_minor - each.before_minor
    for each in told.changes[:CHANGES_SHOWN_MAX]:
        amounts = (plain(x, each.currency) for x in (each.before_minor, each.after_minor))
        rows.add_row(each.agreement_id, each.part, each.currency, *amounts)
    Console(markup=False, emoji=False).print(rows)
    if (more := len(told.changes) - CHANGES_SHOWN_MAX) > 0:
        click.echo(f"and {more:,} more, with --json")
    sums = ", ".join(f"{plain(totals[x], x)} {x}" for x in sorted(totals))
    click.echo(f"{len(told.changes):,} obligations change, in sum by {sums}")
