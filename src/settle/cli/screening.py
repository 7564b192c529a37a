"""`settle screening`: whom the lists hold, why, and what people decide about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from settle.cli import options
from settle.cli.commands import Commands
from settle.cli.opening import opened
from settle.text import shown

if TYPE_CHECKING:
    from settle.payments.screening import HeldName, Match, ScreeningStory, Verdict

MATCHES_SHOWN_MAX = 20
"""Matches printed of one screening; `--json` has all that are kept."""

_RUN = """Screen whoever the lists, as their files are now, have not seen.

A night does so by itself, and once more before it pays. Run it when a list has changed: what
waits is held or freed at once, and what is in flight is told.

Exit codes: 0 nobody is held, 10 somebody is, 11 a list cannot be used.

Examples:

\b
  settle screening run
  settle screening run --json
"""

_LIST = """Payments that screening holds, and those in flight to a name that is on a list by now.

Exit codes: 0 nobody is held, 10 somebody is.

Examples:

\b
  settle screening list
  settle screening list --json
"""

_SHOW = """Show why a payment is held: each screening, its matches with their scores, and decisions.

Examples:

\b
  settle screening show 0193d8b2-7c1a-7def-8000-000000000001
  settle screening show PAYMENT_ID --json
"""

_CLEAR = """Rule that the beneficiary is none of the names it is like.

It holds for this beneficiary and these entries, in every payment, until either changes. A review
is cleared by one person, a block by two. Nothing is sent by it: what is free goes with the next
night. Exit codes: 0 the payment is free, 10 it is still held, 11 there is nothing to clear.

Examples:

\b
  settle screening clear PAYMENT_ID --actor ada --reason "born in 1991"
"""

_CONFIRM = """Rule that the beneficiary is who the list means.

The payment stays held and its funds reserved; it is neither cancelled nor sent back, and the
payee is not told. Exit codes: 0 it is kept so, 11 screening has nothing against it.

Examples:

\b
  settle screening confirm PAYMENT_ID --actor ada --reason "same passport"
"""

_END = """Screen no more: whoever was held is free. First remove the lists from the settings.

Examples:

\b
  settle screening end --actor ada --reason "our bank does it"
"""


@click.group(cls=Commands)
def screening() -> None:
    """See whom screening lists hold, and decide."""


@screening.command(help=_RUN)
@options.config
@options.store
@options.as_json
def run(*, config: Path, store: str | None, as_json: bool) -> None:
    """Screen now."""
    with opened(config, store=store) as hub:
        done, held = hub.screen(), hub.held_names()
    if as_json:
        told = {"screened": done.screened if done else 0, "is_new": bool(done and done.is_new)}
        click.echo(json.dumps(told | {"held": [_row(name) for name in held]}, indent=2))
    elif done is None:
        click.echo("nobody is screened: [screening] of the settings names no list")
    else:
        click.echo(f"{done.screened:,} screened{' by new lists' if done.is_new else ''}")
        _print(held)
    raise click.exceptions.Exit(10 if held else 0)


@screening.command("list", help=_LIST)
@options.config
@options.store
@options.as_json
def listed(*, config: Path, store: str | None, as_json: bool) -> None:
    """List who is held."""
    with opened(config, store=store) as hub:
        held = hub.held_names()
    if as_json:
        click.echo(json.dumps({"held": [_row(name) for name in held]}, indent=2))
    else:
        _print(held)
    raise click.exceptions.Exit(10 if held else 0)


@screening.command("show", help=_SHOW)
@click.argument("payment_id")
@options.config
@options.store
@options.as_json
def show(payment_id: str, *, config: Path, store: str | None, as_json: bool) -> None:
    """Show one payment's screenings."""
    with opened(config, store=store) as hub:
        story = hub.screening_of(payment_id)
    if as_json:
        click.echo(json.dumps(_story(story), indent=2))
    else:
        _print_story(story)


@screening.command(help=_CLEAR)
@click.argument("payment_id")
@options.actor
@options.reason
@options.config
@options.store
@options.as_json
def clear(
    payment_id: str, *, actor: str, reason: str, config: Path, store: str | None, as_json: bool
) -> None:
    """Clear a beneficiary."""
    from settle.payments.screening import Ruling

    with opened(config, store=store) as hub:
        verdict = hub.rule(payment_id, Ruling.FALSE_POSITIVE, actor=actor, reason=reason)
    still = f"{payment_id} is still held ({verdict}); a block is cleared by two people"
    free = f"{payment_id} is free, on the word of {actor}"
    _print_verdict(payment_id, verdict, free if verdict.is_free else still, as_json=as_json)
    raise click.exceptions.Exit(0 if verdict.is_free else 10)


@screening.command(help=_CONFIRM)
@click.argument("payment_id")
@options.actor
@options.reason
@options.config
@options.store
@options.as_json
def confirm(
    payment_id: str, *, actor: str, reason: str, config: Path, store: str | None, as_json: bool
) -> None:
    """Confirm a match."""
    from settle.payments.screening import Ruling

    with opened(config, store=store) as hub:
        verdict = hub.rule(payment_id, Ruling.CONFIRMED, actor=actor, reason=reason)
    stays = f"{payment_id} stays held, on the word of {actor}; its funds stay reserved"
    _print_verdict(payment_id, verdict, stays, as_json=as_json)


@screening.command(help=_END)
@options.actor
@options.reason
@options.config
@options.store
def end(*, actor: str, reason: str, config: Path, store: str | None) -> None:
    """Screen no more."""
    with opened(config, store=store) as hub:
        hub.end_screening(actor=actor, reason=reason)
    click.echo(f"nobody is screened any more, on the word of {actor}")


def _print_verdict(payment_id: str, verdict: Verdict, said: str, *, as_json: bool) -> None:
    told = {"payment_id": payment_id, "verdict": verdict.value}
    click.echo(json.dumps(told, indent=2) if as_json else said)


def _print(held: Sequence[HeldName]) -> None:
    from rich.console import Console

    from settle.money import plain

    console = Console(markup=False, emoji=False, highlight=False)
    for name in held:
        amount = f"{plain(name.amount_minor, name.currency)} {name.currency}"
        line = f"{name.payment_id} {name.state.value} {amount} to {shown(name.beneficiary_name)}"
        flying = " (in flight, not stopped)" if name.in_flight else ""
        console.print(f"{line}: {name.reason}{flying}", soft_wrap=True)
    console.print(f"{len(held):,} held or in flight")


def _print_story(story: ScreeningStory) -> None:
    stands = story.verdict.value if story.verdict else "never screened"
    click.echo(f"{story.payment_id} to {shown(story.beneficiary_name)}: {stands}")
    if story.reason:
        click.echo(f"  {story.reason}")
    for each in story.screenings:
        click.echo(
            f"  {each.screened_at:%Y-%m-%d %H:%M:%S}  {each.occasion}: {each.verdict}, "
            f"version {each.version[:16]}"
        )
        for match in each.matches[:MATCHES_SHOWN_MAX]:
            click.echo(f"    {_match(match)}")
        if (more := len(each.matches) - MATCHES_SHOWN_MAX + each.more) > 0:
            click.echo(f"    and {more:,} more")
    for decision in story.decisions:
        click.echo(
            f"  {decision.decided_at:%Y-%m-%d %H:%M:%S}  {shown(decision.actor)} ruled "
            f"{decision.ruling} of {' '.join(map(shown, decision.entry[:2]))}: "
            f"{shown(decision.reason)}"
        )


def _match(match: Match) -> str:
    told = [match.kind, match.country, match.date_of_birth]
    facts = ", ".join(shown(each) for each in told if each)
    entry = f"{shown(match.list)} {shown(match.entry_id)}, list {match.list_version[:10]}"
    return f"{match.score:>9,} ppm  {shown(match.name)} ({entry}{'; ' + facts if facts else ''})"


def _row(name: HeldName) -> dict[str, Any]:
    return {
        "payment_id": name.payment_id, "agreement_id": name.agreement_id,
        "beneficiary_name": name.beneficiary_name, "currency": name.currency,
        "amount_minor": name.amount_minor, "state": name.state.value,
        "verdict": name.verdict.value if name.verdict else None, "score_ppm": name.score,
        "reason": name.reason, "in_flight": name.in_flight,
    }  # fmt: skip


def _story(story: ScreeningStory) -> dict[str, Any]:
    from dataclasses import asdict

    screenings = [
        asdict(each) | {"screened_at": each.screened_at.isoformat()} for each in story.screenings
    ]
    decisions = [
        asdict(each) | {"decided_at": each.decided_at.isoformat()} for each in story.decisions
    ]
    return {
        "payment_id": story.payment_id, "beneficiary_name": story.beneficiary_name,
        "state": story.state.value, "verdict": story.verdict.value if story.verdict else None,
        "reason": story.reason, "screenings": screenings, "decisions": decisions,
    }  # fmt: skip
