"""`settle exchanges`: empty what was said about ended payments; keep the rest under another key."""

from __future__ import annotations

from pathlib import Path

import click

from settle.cli import options
from settle.cli.commands import Commands
from settle.cli.opening import opened

_ERASE = """Empty the exchanges of one payment, or of all payments of a participant or agreement.

What was sent and answered goes; digests, journal and events stay, and the audit stays sound. While
one of them is open nothing is emptied: name those that ended one by one, with --payment. Who
asked and why is kept and sealed.

Examples:

\b
  settle exchanges erase --party M1 --actor alice --reason "on request"
  settle exchanges erase --payment ID --actor alice --reason "on request"
"""

_ROTATE = """Keep every exchange under the first key of [exchanges], plain ones too.

Put the new key first and leave the old ones after it; take them out when this has ended.

Examples:

\b
  settle exchanges rotate
"""


@click.group(cls=Commands)
def exchanges() -> None:
    """Empty what was said to rails and by them, or give it another key."""


@exchanges.command(help=_ERASE)
@click.option("--payment", "payment_id", help="One payment.")
@click.option("--party", help="A participant or an agreement.")
@options.actor
@options.reason
@options.config
@options.store
def erase(
    *, payment_id: str | None, party: str | None, actor: str, reason: str, config: Path,
    store: str | None,
) -> None:  # fmt: skip
    """Empty exchanges."""
    with opened(config, store=store) as hub:
        done = hub.erase(actor=actor, reason=reason, payment_id=payment_id, party=party)
    logged = f", see {done.erasure_id}" if done.erasure_id else ""
    click.echo(f"{done.exchanges:,} exchanges emptied{logged}")


@exchanges.command(help=_ROTATE)
@options.config
@options.store
def rotate(*, config: Path, store: str | None) -> None:
    """Keep exchanges under another key."""
    with opened(config, store=store) as hub:
        moved = hub.rotate()
    click.echo(f"{moved:,} sides of exchanges are under the first key now")
