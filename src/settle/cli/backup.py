"""`settle backup`, `restore`, `search`, `resume`: keep the store, put it back, pay none twice."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from settle.cli import options
from settle.cli.opening import opened

_BACKUP = """Copy the store to a new folder, with digests of it and of what the lake has.

Whoever works goes on meanwhile. Files of the lake never change: back the lake up as any folder.
Keep the keys of [exchanges] and [audit] elsewhere; without them a backup is of little use.

Examples:

\b
  settle backup /backups/2024-12-18
"""

_RESTORE = """Make the store out of a backup. Nothing is released from it yet.

Refuses a backup that is damaged or of a newer settle, a lake that lacks its files, and a store
that is there already. Afterwards: settle nightly for each night since, settle search, and then
settle resume.

Examples:

\b
  settle restore /backups/2024-12-18
"""

_SEARCH = """After a restore, search the rails and statements for what was paid since the backup.

Asks about everything that is open or waits, by the keys that it would be sent under. What a rail
cannot be asked about is held. Run it again until it says that it is complete.

Exit codes: 0 complete, 10 not complete.

Examples:

\b
  settle search
"""

_RESUME = """Release payments again after a backup of the store was put back, and searched.

What no rail could be asked about stays held, unless you have looked for it by hand.

Examples:

\b
  settle resume --actor alice
  settle resume --actor alice --by-hand --reason "the bank's list"
"""


@click.command(help=_BACKUP)
@click.argument("target", type=options.FILE)
@options.config
@options.store
def backup(target: Path, *, config: Path, store: str | None) -> None:
    """Back the store up."""
    with opened(config, store=store) as hub:
        done = hub.back_up(target)
    click.echo(f"{target}: schema {done.schema}, head {done.head or 'none'}")
    click.echo(f"{len(done.lake):,} files of the lake are named and not copied")


@click.command(help=_RESTORE)
@click.argument("source", type=options.FILE)
@options.config
@options.store
def restore(source: Path, *, config: Path, store: str | None) -> None:
    """Put a backup back."""
    from settle.hub.backup import put_back
    from settle.hub.config import load

    loaded = load(config, overrides={"settle.store": store} if store else {})
    done = put_back(loaded, source, at=datetime.now(UTC))
    click.echo(f"put back as of {done.taken_at:%Y-%m-%d %H:%M:%S} UTC, head {done.head or 'none'}")
    click.echo("nothing is released from it; next: settle nightly, settle search, settle resume")


@click.command(help=_SEARCH)
@options.config
@options.store
def search(*, config: Path, store: str | None) -> None:
    """Search what was forgotten."""
    with opened(config, store=store) as hub:
        done = hub.search()
    click.echo(f"{done.found:,} were paid since the backup, {done.absent:,} the rails do not know")
    for rail, count in sorted(done.not_asked.items()):
        click.echo(f"{rail}: {count:,} could not be asked about, and are held")
    if done.elsewhere:
        click.echo(f"{done.elsewhere:,} are held: a rail knows another payment of their obligation")
    if done.suspected:
        click.echo(f"{done.suspected:,} are held: a debit of their amount is not explained")
    for rail, why in sorted(done.rails_down.items()):
        click.echo(f"{rail}: did not answer: {why}")
    if done.night_missing is not None:
        click.echo(f"first run the nights since: settle nightly --date {done.night_missing}")
    click.echo(
        "complete; next: settle resume" if done.is_complete else "not complete: run it again"
    )
    raise click.exceptions.Exit(0 if done.is_complete else 10)


@click.command(help=_RESUME)
@click.option("--actor", required=True, help="Who lets it go on.")
@click.option("--reason", default="", help="What they know it by, for whoever audits it.")
@click.option("--by-hand", is_flag=True, help="They looked for what no rail could be asked about.")
@options.config
@options.store
def resume(*, actor: str, reason: str, by_hand: bool, config: Path, store: str | None) -> None:
    """Let a restored store go on."""
    with opened(config, store=store) as hub:
        is_due = by_hand or hub.epoch.was_restored()
        held = hub.resume(actor=actor, reason=reason, by_hand=by_hand)
    done = f"released again, on the word of {actor}"
    click.echo(done if is_due else "nothing was stopped: no backup is put back")
    if held:
        click.echo(f"{held:,} payments stay held: look for them, then settle resume --by-hand")
