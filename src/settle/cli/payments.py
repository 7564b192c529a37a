"""`settle payments`: list payments, and tell the story of one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from settle.cli import options
from settle.cli.commands import Commands
from settle.cli.deciding import approve, decide
from settle.cli.opening import opened
from settle.cli.retracting import CORRECTIONS
from settle.cli.returns import RETURNS
from settle.text import shown as printable

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settle.payments import Hold, Story, StoryLine, Wanted

__all__ = ["approve", "payments"]

LINES = 100
"""Payments and remarks that a terminal is given, unless more are asked for."""

_LIST = """Payments by state, rail and currency, and those that a person should look at.

With a filter, the payments themselves, by payment id: a page of them, or with --json every one,
a line each. --held finds those that are held for a reason with these words; --held '' all held.

Examples:

\b
  settle payments list --config demo/settle.toml
  settle payments list --state unknown --older-than 2
  settle payments list --held 'no JPY'
  settle payments list --rail iso20022_bank --limit 20 --after 0193d8b2-7c1a
  settle payments list --json > payments.jsonl
"""

_SHOW = """Tell the story of a payment: route, events, exchanges, postings, each with its evidence.

NAME is a payment id, an EndToEndId, a UETR, or an obligation id: of that, every attempt.

Exit code 0 if it is found, 11 if there is none.

Examples:

\b
  settle payments show 0193d8b2-7c1a-7def-8000-000000000001
  settle payments show 9b2f0c1e-5a64-4f0e-8d39-6f4f6f1f7a11
  settle payments show 0193d8b2-7c1a-7def-8000-000000000001 --json
  settle payments show 0193d8b2-7c1a-7def-8000-000000000001 --exchanges
"""


@click.group(cls=Commands)
def payments() -> None:
    """Look at payments, take them back, and say what became of them."""


@payments.command("list", help=_LIST)
@click.option("--state", help="Such as planned, unknown, accepted, rejected, returned.")
@click.option("--rail", help="Over this rail; '' for those that no rail takes.")
@click.option("--currency", help="In this currency.")
@click.option("--agreement", help="Of this agreement.")
@click.option(
    "--older-than", type=click.IntRange(0, 36525), help="Whose value date is so many days ago."
)
@click.option("--held", help="Held for a reason with these words.")
@click.option(
    "--limit", type=click.IntRange(min=1), help="How many. Default: 100; with --json all."
)
@click.option("--after", default="", show_default=False, help="From the payment after this id on.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@options.config
@options.store
def listed(
    *, state: str | None, rail: str | None, currency: str | None, agreement: str | None,
    older_than: int | None, held: str | None, limit: int | None, after: str, as_json: bool,
    config: Path, store: str | None,
) -> None:  # fmt: skip
    """List payments."""
    filters = (state, rail, currency, agreement, older_than, held, limit, after or None)
    with opened(config, store=store) as hub:
        today = hub.now().date()
        wanted = _wanted(
            state=state, rail=rail, currency=currency, agreement=agreement, held=held,
            older_than=None if older_than is None else today - timedelta(days=older_than),
        )  # fmt: skip
        with hub.store.reading() as connection:
            if as_json:
                _print_lines(connection, wanted, after=after, limit=limit)
            elif any(each is not None for each in filters):
                _print_page(connection, wanted, after=after, limit=limit or LINES)
            else:
                _print_overview(connection)


def _wanted(
    *, state: str | None, rail: str | None, currency: str | None, agreement: str | None,
    held: str | None, older_than: date | None,
) -> Wanted:  # fmt: skip
    from settle.errors import BadInput
    from settle.payments import State, Wanted

    try:
        known = None if state is None else State(state.lower())
    except ValueError:
        states = ", ".join(State)
        raise BadInput(f"--state {state!r}: no such state; there are {states}") from None
    return Wanted(
        state=known, rail=rail, currency=currency and currency.upper(), agreement_id=agreement,
        older_than=older_than, held=held,
    )  # fmt: skip


def _print_lines(connection: Connection, wanted: Wanted, *, after: str, limit: int | None) -> None:
    from settle.payments import listed as rows_of

    for row in rows_of(connection, wanted, after=after, limit=limit):
        click.echo(json.dumps(_plainly(row)))


def _plainly(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, (date, datetime)) else value
        for name, value in row.items()
    }


def _print_page(connection: Connection, wanted: Wanted, *, after: str, limit: int) -> None:
    from settle.money import plain
    from settle.payments import listed as rows_of

    rows = list(rows_of(connection, wanted, after=after, limit=limit + 1))
    for row in rows[:limit]:
        amount = f"{plain(row['amount_minor'], row['currency'])} {row['currency']}"
        place = f"on {row['rail']}" if row["rail"] else "on no rail"
        why = row["contradiction"] or (row["hold_reason"] if row["state"] == "planned" else "")
        line = (
            f"{row['payment_id']} {row['state']} {amount} {place} for {row['value_date']} "
            f"to {row['beneficiary_name']} ({row['agreement_id']})"
        )
        click.echo(printable(f"{line}: {why}" if why else line))
    if not rows:
        click.echo("no payment is so")
    if len(rows) > limit:
        last = rows[limit - 1]["payment_id"]
        click.echo(f"there are more: --after {printable(last)}", err=True)


def _print_overview(connection: Connection) -> None:
    from rich.console import Console
    from rich.table import Table

    from settle.money import plain
    from settle.payments import attention, overview

    tallies, look_at = overview(connection), attention(connection, limit=LINES + 1)
    table = Table("state", "rail", "currency", title="Payments")
    table.add_column("payments", justify="right")
    table.add_column("amount", justify="right")
    for row in tallies:
        amount = plain(row.amount_minor, row.currency)
        table.add_row(row.state.value, printable(row.rail), row.currency, f"{row.count:,}", amount)
    Console(markup=False, emoji=False).print(table)
    for item in look_at[:LINES]:
        amount = plain(item.amount_minor, item.currency)
        line = f"{item.payment_id} {item.state.value} {amount} {item.currency}: {item.why}"
        click.echo(printable(line))
    if not tallies:
        click.echo("this store has no payment: is it the one that [settle] store or --store means?")
    if len(look_at) > LINES:
        click.echo("there are more to look at: settle payments list --state STATE", err=True)


@payments.command("show", help=_SHOW)
@click.argument("name", metavar="NAME", help="Payment id, EndToEndId, UETR or obligation id.")
@click.option("--exchanges", is_flag=True, help="Show what was sent and answered; never secrets.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
@options.config
@options.store
def shown(name: str, *, as_json: bool, exchanges: bool, config: Path, store: str | None) -> None:
    """Tell a payment's story, or those of an obligation."""
    from settle.payments import holds, named

    with opened(config, store=store) as hub:
        with hub.store.reading() as connection:
            found = named(connection, name, tenant=hub.config.settings.settle.tenant)
            held = {each: holds(connection, [each]) for each in found}
        stories = [hub.story(each, contents=exchanges) for each in found]
    for told in stories:
        holding = held[told.payment["payment_id"]]
        if as_json:
            click.echo(json.dumps(_as_json(told, holding)))
        else:
            for line in _told(told, holding):
                click.echo(printable(line))


def _as_json(told: Story, held: Sequence[Hold]) -> dict[str, Any]:
    return {
        **_plainly(told.payment),
        "holds": [_held(hold) for hold in held],
        "story": [_line(line) for line in told.lines],
    }


def _line(line: StoryLine) -> dict[str, Any]:
    said = {"at": line.at.isoformat(), "what": line.what, "detail": line.detail}
    return {**said, "contents": list(line.contents)} if line.contents else said


def _held(hold: Hold) -> dict[str, Any]:
    return {
        "control": hold.control, "since": hold.since.isoformat(), "why": hold.why,
        "released_by": hold.released_by,
    }  # fmt: skip


def _told(told: Story, held: Sequence[Hold]) -> Iterator[str]:
    from settle.money import plain

    row = told.payment
    amount = f"{plain(row['amount_minor'], row['currency'])} {row['currency']}"
    yield f"{row['payment_id']}: {amount} to {row['beneficiary_name']}"
    place = f"on {row['rail']}, from {row['account']}" if row["rail"] else "on no rail"
    yield f"  {row['state']} {place}, for value {row['value_date']}"
    yield f"  obligation {row['obligation_id']}, attempt {row['attempt']}, of {row['agreement_id']}"
    yield f"  EndToEndId {row['end_to_end_id']}, UETR {row['uetr']}"
    if row["hold_reason"] and row["state"] == "planned":
        yield f"  held: {row['hold_reason']}"
    for hold in held:
        yield f"  held by {hold.control} since {hold.since:%Y-%m-%d %H:%M:%S}: {hold.why}"
        yield f"  released by {hold.released_by}"
    if row["contradiction"]:
        yield f"  does not fit together: {row['contradiction']}"
    for nth, reason in enumerate(row["routing_reason"].split("; ")):
        yield f"  {'       ' if nth else 'route: '}{reason}"
    for line in told.lines:
        yield f"  {line.at:%Y-%m-%d %H:%M:%S}  {line.what}  {line.detail}"
        yield from (f"      {said}" for said in line.contents)


for command in (decide, *RETURNS, *CORRECTIONS):
    payments.add_command(command)
