"""`settle payments retract | explain`: two people correct what evidence said."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from settle.cli import options
from settle.cli.opening import opened
from settle.text import shown as printable

if TYPE_CHECKING:
    from settle.payments import Corrected, Event

_RETRACT = """Take evidence about a payment back that is another's, or was never so.

Without EVIDENCE, the evidence of the payment that can be taken back, each with its id. With it,
one person's word; the second must be another person and say the same within three days. Then the
evidence counts for nothing, and what it had posted is reversed by rows of that day.

Say whose the line of a statement is with --of, or with --struck that the bank has taken it back
and its statement shows it no more. With neither it waits in suspense until this is run again by
two people with one of them.

Exit code 0; 11 if it is refused; 10 if the store is a backup that was put back.

Examples:

\b
  settle payments retract ID
  settle payments retract ID EVIDENCE --of OTHER --actor ada --why letter
  settle payments retract ID EVIDENCE --struck --actor ada --why "corrected"
  settle payments retract ID EVIDENCE --actor ada --why "nobody knows" --json
"""

_EXPLAIN = """Account for all that does not fit together about a payment; it takes two people.

For evidence that is true although it does not fit: all of it goes on counting, and the payment is
no longer shown for it. What comes later and does not fit is shown again. Evidence that is wrong
is taken back instead, by settle payments retract.

Exit code 0; 11 if it is refused.

Examples:

\b
  settle payments explain ID --actor ada --why "sent before the backup"
"""

_payment = click.argument("payment_id", metavar="ID")
_actor = click.option("--actor", help="Who says so; your platform authenticates them.")
_why = click.option("--why", help="What they know it by, for whoever audits it.")


@click.command("retract", help=_RETRACT)
@_payment
@click.argument("evidence", required=False)
@click.option("--of", metavar="OTHER", help="The payment that its statement's line is of.")
@click.option("--struck", is_flag=True, help="The bank has taken its statement's line back.")
@_actor
@_why
@options.config
@options.store
@options.as_json
def retract(
    *, payment_id: str, evidence: str | None, of: str | None, struck: bool, actor: str | None,
    why: str | None, config: Path, store: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Take evidence back."""
    if evidence is None:
        _list(payment_id, config=config, store=store, as_json=as_json)
        return
    if of is not None and struck:
        raise click.UsageError("give either --of or --struck: the line is another's, or is none")
    if actor is None or why is None:
        raise click.UsageError("say who takes it back and why: --actor and --why")
    with opened(config, store=store) as hub:
        done = hub.retract(payment_id, evidence, actor=actor, why=why, of=of, struck=struck)
    _tell(done, f"{evidence} of {payment_id}", "is taken back", as_json=as_json)


@click.command("explain", help=_EXPLAIN)
@_payment
@_actor
@_why
@options.config
@options.store
@options.as_json
def explain(
    *, payment_id: str, actor: str | None, why: str | None, config: Path, store: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Account for what does not fit together."""
    if actor is None or why is None:
        raise click.UsageError("say who accounts for it and how: --actor and --why")
    with opened(config, store=store) as hub:
        done = hub.explain_contradiction(payment_id, actor=actor, why=why)
    _tell(done, f"what does not fit together about {payment_id}", "is explained", as_json=as_json)


def _list(payment_id: str, *, config: Path, store: str | None, as_json: bool) -> None:
    from settle.payments import evidence_of, named

    with opened(config, store=store) as hub, hub.store.reading() as connection:
        named(connection, payment_id, tenant=hub.config.settings.settle.tenant)
        found = evidence_of(connection, payment_id)
    if as_json:
        told = [{"evidence": event.event_id, "what": _what(event)} for event in found]
        click.echo(json.dumps(told, indent=2))
        return
    for event in found:
        click.echo(printable(f"{event.event_id}  {_what(event)}"))
    if not found:
        click.echo(f"nothing is known of {payment_id} that could be taken back")


def _what(event: Event) -> str:
    said = " ".join(part for part in (event.code, event.detail) if part)
    return f"{event.occurred_at:%Y-%m-%d} {event.kind.value} ({event.source}) {said}".rstrip()


def _tell(done: Corrected, what: str, closed: str, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**asdict(done), "state": done.state.value}, indent=2))
    elif done.closed:
        by = " and ".join(done.by)
        click.echo(f"{what} {closed}, on the word of {by}; the payment is {done.state.value}")
    else:
        click.echo(f"{what} stays until another person says the same")


CORRECTIONS = (retract, explain)
"""The commands of this module, as they are listed."""
