"""`settle approve`, `settle payments decide`: what a payment waits for a person to say."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from settle.cli import options
from settle.cli.opening import opened

_DECIDE = """Say what became of a payment that nobody knows; it takes two people.

The second one must be another person and say the same within three days. Until then its money
stays reserved. First look for proof: at the bank, in statements, by settle nightly.

Exit code 0 if it is kept, also where the second person is missing; 11 if it is refused; 10 if the
store is a backup that was put back.

Examples:

\b
  settle payments decide ID --not-executed --actor ada --why "bank's letter"
  settle payments decide ID --executed --actor bob --why "as seen" --json
"""

_APPROVE = """Approve one payment that is above the limit that policy approves by itself.

One that a cool-off or a velocity limit holds is let through it, by somebody who is not its only
approver. Above the second limit two different persons must approve.

Exit code 0, also where another person is missing; 11 if it is refused.

Examples:

\b
  settle approve 0193d8b2-7c1a-7def-8000-000000000001 --actor alice
  settle approve 0193d8b2-7c1a-7def-8000-000000000001 --actor bob --json
"""


@click.command("decide", help=_DECIDE)
@click.argument("payment_id")
@click.option("--executed", is_flag=True, help="It was: the payee has the money, or will.")
@click.option("--not-executed", is_flag=True, help="It was not, and will not be.")
@options.actor
@click.option("--why", required=True, help="What they know it by, for whoever audits it.")
@options.config
@options.store
@options.as_json
def decide(
    payment_id: str, *, executed: bool, not_executed: bool, actor: str, why: str, config: Path,
    store: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Say what became of a payment."""
    if executed is not_executed:
        raise click.UsageError("say what became of it: --executed or --not-executed")
    from settle.payments import Verdict

    verdict = Verdict.EXECUTED if executed else Verdict.NOT_EXECUTED
    with opened(config, store=store) as hub:
        done = hub.decide(payment_id, verdict, actor=actor, why=why)
    said = "executed" if executed else "not executed"
    if as_json:
        click.echo(json.dumps({**asdict(done), "verdict": verdict.value}, indent=2))
    elif done.closed:
        click.echo(f"{payment_id} is closed as {said}, on the word of {' and '.join(done.by)}")
    elif done.against:
        click.echo(f"{payment_id} stays unknown: {', '.join(done.against)} said the contrary")
    else:
        click.echo(f"{payment_id} stays unknown until another person says {said}, too")


@click.command("approve", help=_APPROVE)
@click.argument("payment_id")
@click.option("--actor", required=True, help="Who approves; your platform authenticates them.")
@options.config
@options.store
@options.as_json
def approve(payment_id: str, *, actor: str, config: Path, store: str | None, as_json: bool) -> None:
    """Approve one payment."""
    with opened(config, store=store) as hub:
        done = hub.approve(payment_id, actor=actor)
    if as_json:
        click.echo(json.dumps(asdict(done), indent=2))
    elif done.cleared:
        click.echo(f"{payment_id}: {done.cleared} cleared by {actor}; it goes with the next run")
    elif done.persons_missing:
        click.echo(f"{payment_id} approved by {actor}; {done.persons_missing} more must approve")
    else:
        click.echo(f"{payment_id} approved by {actor}")
