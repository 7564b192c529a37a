"""`settle controls`: what is held and by what, the pause switch, and nights that are confirmed."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from settle.cli import options
from settle.cli.commands import Commands
from settle.cli.opening import opened
from settle.text import shown

_LIST = """What is paused; what holds each payment that has not left, since when, and how it goes.

Examples:

\b
  settle controls list --config demo/settle.toml
  settle controls list --json
"""

_PAUSE = """Send nothing more to a rail, a currency or a party (an agreement), from now on.

It stops a night that is under way, on every machine. Nothing is lost: what waits says so.

Examples:

\b
  settle controls pause party A-17 --actor alice --reason "asks about a payee"
"""

_RESUME = """Let what was paused go on; what waited goes with the next release.

Examples:

\b
  settle controls resume party A-17 --actor alice --reason "it was them"
"""

_CONFIRM = """Confirm a night that would release more than recent nights did, in one currency.

It lets go what waits now. What comes beside it later in the same night stops again.

Examples:

\b
  settle controls confirm EUR --actor alice
"""

_SCOPES = click.Choice(["rail", "currency", "party"])


@click.group(cls=Commands)
def controls() -> None:
    """Hold payments, and let them go."""


@controls.command("list", help=_LIST)
@options.config
@options.store
@options.as_json
def listed(*, config: Path, store: str | None, as_json: bool) -> None:
    """List what is held."""
    from settle.payments import switched
    from settle.report.figures import plural

    with opened(config, store=store) as hub:
        held = hub.held()
        with hub.store.reading() as connection:
            off = switched(connection)
    if as_json:
        paused = [{**asdict(each), "since": each.since.isoformat()} for each in off]
        told = [{**asdict(each), "since": each.since.isoformat()} for each in held]
        click.echo(json.dumps({"paused": paused, "held": told}, indent=2))
        return
    for each in off:
        said = f"since {each.since:%Y-%m-%d %H:%M} by {each.actor}: {each.reason}"
        click.echo(shown(f"{each.scope} {each.name} is paused {said}"))
    for hold in held:
        line = f"{hold.payment_id} {hold.control} since {hold.since:%Y-%m-%d}: {hold.why}"
        click.echo(shown(line))
        click.echo(shown(f"  released by {hold.released_by}"))
    click.echo(plural(len(held), "payment") + " held")


def _as_kept(scope: str, name: str) -> str:
    return name.upper() if scope == "currency" else name


@controls.command(help=_PAUSE)
@click.argument("scope", type=_SCOPES)
@click.argument("name")
@options.actor
@options.reason
@options.config
@options.store
def pause(
    scope: str, name: str, *, actor: str, reason: str, config: Path, store: str | None
) -> None:
    """Pause a rail, a currency or a party."""
    from settle.payments import Scope

    with opened(config, store=store) as hub:
        hub.pause(Scope(scope), name=_as_kept(scope, name), actor=actor, reason=reason)
    click.echo(f"{scope} {name} paused by {actor}")


@controls.command(help=_RESUME)
@click.argument("scope", type=_SCOPES)
@click.argument("name")
@options.actor
@options.reason
@options.config
@options.store
def resume(
    scope: str, name: str, *, actor: str, reason: str, config: Path, store: str | None
) -> None:
    """Let it go on."""
    from settle.payments import Scope

    with opened(config, store=store) as hub:
        hub.resume_paused(Scope(scope), name=_as_kept(scope, name), actor=actor, reason=reason)
    click.echo(f"{scope} {name} resumed by {actor}; what waited goes with the next run")


@controls.command(help=_CONFIRM)
@click.argument("currency")
@options.actor
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Its night; the last one.")
@options.config
@options.store
def confirm(
    currency: str, *, actor: str, day: datetime | None, config: Path, store: str | None
) -> None:
    """Confirm a night."""
    from settle.money import plain

    currency = currency.upper()
    with opened(config, store=store) as hub:
        on = day.date() if day else hub.nights.last() or hub.last_day()
        done = hub.confirm_night(on, currency, actor=actor)
    amount = plain(done.up_to_minor, currency)
    said = f"up to {amount} {currency} in {done.up_to_count:,} payments"
    click.echo(f"the night of {on} confirmed by {actor}: {said}; run it again")
