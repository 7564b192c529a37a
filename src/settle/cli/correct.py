"""`settle correct`: a record of a closed window put right by rows of the next open one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from settle.cli import options
from settle.cli.opening import opened
from settle.errors import BadInput

if TYPE_CHECKING:
    from settle.clearing import Foreseen
    from settle.hub import Hub

HELP = """Correct a record of a closed window: take it back, and put the right one in its place.

A closed window is never edited. The record is taken back with the very fee it was charged, by rows
that settle in the next open window and carry the day of the record; --set says what is other
in the one that takes its place, --remove that there should have been none.

It first shows the rows, and takes them in with --yes. The same correction again changes
nothing. If intake would refuse any of the rows, nothing is corrected.

Exit code 0; 11 if the record is in no closed window, was corrected otherwise before, or a row is
refused.

Examples:

\b
  settle correct S-77 --set amount=90.00 --actor ada --reason "typed wrong"
  settle correct S-77 --set counterparty_id=P2 --actor ada --reason typo --yes
  settle correct S-78 --remove --actor ada --reason "typed twice" --json
"""


@click.command(help=HELP)
@click.argument("record", metavar="RECORD", help="The id of the record.")
@click.option(
    "--set",
    "values",
    metavar="FIELD=VALUE",
    multiple=True,
    help="What is other in it: participant_id, agreement_id, counterparty_id, kind, amount or "
    "amount_minor, currency, reference; repeatable.",
)
@click.option("--remove", is_flag=True, help="It should not have been.")
@options.amending
def correct(
    record: str, *, values: Sequence[str], remove: bool, actor: str, reason: str, yes: bool,
    config: Path, store: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Correct one record."""
    if remove == bool(values):
        raise BadInput("say what is other with --set FIELD=VALUE, or --remove: one of the two")
    with opened(config, store=store) as hub:
        replacement = None if remove else _replacement(hub, record, values)
        foreseen = hub.foresee(record, replacement=replacement)
        if yes:
            hub.correct(record, replacement=replacement, reason=reason, actor=actor)
    if as_json:
        click.echo(json.dumps(_as_json(foreseen, is_done=yes), indent=2))
    else:
        _print(foreseen, is_done=yes)


def _replacement(hub: Hub, record: str, values: Sequence[str]) -> Mapping[str, Any]:
    """What is other, as `Hub.correct` takes it. An amount is in units of its currency."""
    found: dict[str, Any] = {}
    for each in values:
        name, sign, value = each.partition("=")
        if not sign or name in found:
            raise BadInput(f"--set {each}: give FIELD=VALUE, each field once", field="set")
        found[name] = value or None
    if "amount" in found:
        found["amount_minor"] = _minor(found, of=_currency(hub, record, found))
        del found["amount"]
    elif "amount_minor" in found:
        found["amount_minor"] = _whole(found["amount_minor"])
    return found


def _currency(hub: Hub, record: str, found: Mapping[str, Any]) -> str:
    """The currency of the record that takes the other's place."""
    if found.get("currency"):
        return str(found["currency"])
    return str(hub.settled(record)["currency"])


def _minor(found: Mapping[str, Any], *, of: str) -> int:
    from settle.money import to_minor

    if "amount_minor" in found:
        raise BadInput("--set: give amount or amount_minor, not both", field="amount")
    return to_minor(found["amount"] or "", of)


def _whole(value: str | None) -> int:
    from settle.money.gate import ascii_number

    try:
        return int(ascii_number(value or ""))
    except ValueError:
        raise BadInput(
            f"--set amount_minor={value or ''}: not a whole number", field="amount_minor"
        ) from None


def _as_json(foreseen: Foreseen, *, is_done: bool) -> dict[str, Any]:
    return {
        "record_id": foreseen.record_id,
        "window_id": foreseen.window_id,
        "agreement_id": foreseen.agreement_id,
        "is_done": is_done,
        "was_done_before": foreseen.standing is not None,
        "records": [
            {name: str(value) if name == "occurred_at" else value for name, value in row.items()}
            for row in foreseen.records
        ],
    }


def _print(foreseen: Foreseen, *, is_done: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from settle.money import plain

    click.echo(
        f"record {foreseen.record_id} of window {foreseen.window_id}, agreement "
        f"{foreseen.agreement_id}; in the next open window come:"
    )
    rows = Table("kind", "agreement", "counterparty")
    rows.add_column("amount", justify="right")
    rows.add_column("currency")
    for row in foreseen.records:
        amount = plain(row["amount_minor"], row["currency"])
        party = row["counterparty_id"] or ""
        rows.add_row(row["kind"], row["agreement_id"], party, amount, row["currency"])
    Console(markup=False, emoji=False).print(rows)
    if foreseen.standing is not None:
        standing = foreseen.standing
        click.echo(
            f"corrected so by {standing.actor} at {standing.corrected_at:%Y-%m-%d %H:%M}: "
            "nothing to do"
        )
    else:
        click.echo("done" if is_done else "nothing is changed yet: add --yes to do it")
