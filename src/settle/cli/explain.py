"""`settle explain`: a position taken apart to the unit, and the proof that it adds up."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from settle.cli import options
from settle.cli.net import calculated, running, terms_of
from settle.cli.opening import opened
from settle.errors import BadInput

if TYPE_CHECKING:
    from rich.table import Table

    from settle.clearing import Explanation, Line

HELP = """Take a position apart: every amount it is made of, and the proof that they add up.

POSITION is its id, or AGREEMENT/CURRENCY/WINDOW. It is looked for in the store of --config,
where its records are priced and summed again and held against it figure by figure; or, with files
of records and --agreements, it is netted from these. --outcome shows what it was before
its window was unwound (`settle failed`).

Exit code 0 if all adds up, 10 if it does not, 11 if there is no such position.

Examples:

\b
  settle explain A-M00101/EUR/2024-12-18 --config demo/settle.toml
  settle explain A-M00101/EUR/2024-12-18 --config demo/settle.toml --records
  settle explain A-M00101/EUR/2024-12-18 --outcome 1
  settle explain A-M1/EUR/2024-12-19 s.csv --agreements a.csv --rates r.csv
"""


@click.command(help=HELP)
@click.argument("position", metavar="POSITION", help="Its id, or AGREEMENT/CURRENCY/WINDOW.")
@options.records
@options.config
@options.store
@click.option("--part", default="", show_default=False, help="credit, debit, or a counterparty.")
@click.option(
    "--outcome", type=click.IntRange(min=1), help="One of a window that was unwound since."
)
@click.option("--records", "with_records", is_flag=True, help="Down to the records.")
@options.terms
@options.memory
@options.engine
@options.as_json
def explain(
    position: str, records: Sequence[Path], *, config: Path, store: str | None, part: str,
    outcome: int | None, with_records: bool, agreements: Path | None, rates: Path | None,
    fees: Path | None, caps: Path | None, window: datetime | None, zone: str,
    as_of: datetime | None, memory: str, engine: str, as_json: bool,
) -> None:  # fmt: skip
    """Explain one position."""
    if records:
        if agreements is None:
            raise BadInput("files of records are netted under --agreements: name the file")
        if with_records:
            raise BadInput("--records shows those of a store: leave the files away, or it")
        if outcome is not None:
            raise BadInput("--outcome is one of a store: leave the files away, or it")
        terms = terms_of(agreements, rates=rates, fees=fees, caps=caps, zone=zone)
        with running(engine, memory=memory) as started:
            found = calculated(
                records, terms, engine=started, window=window or _window(position), as_of=as_of
            )
        told, under = _explained(position, part=part, by=found.explain), None
    else:
        told, under = _stored(
            position, part=part, config=config, store=store, outcome=outcome,
            with_records=with_records,
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(_as_json(told, under), indent=2))
    else:
        _print(told, under)
    if not told.holds:
        raise click.exceptions.Exit(10)


def _named(position: str, *, part: str) -> str:
    """The position's id, of a name of three parts or as it was given."""
    from settle.clearing.position import position_id

    if "/" not in position:
        return position
    agreement_id, currency, window_id, *_ = [*position.rsplit("/", 2), "", ""]
    return position_id(agreement_id=agreement_id, currency=currency, window_id=window_id, part=part)


def _window(position: str) -> datetime | None:
    """The window that a name of three parts says."""
    with suppress(ValueError):
        return datetime.strptime(position.rpartition("/")[2], "%Y-%m-%d").replace(tzinfo=UTC)
    return None


def _explained(position: str, *, part: str, by: Callable[[str], Explanation]) -> Explanation:
    """The position taken apart; one that is not there is told as it was asked for."""
    name = _named(position, part=part)
    try:
        return by(name)
    except BadInput as error:
        if error.facts.get("position_id") != name:
            raise
        if error.facts.get("field") == "outcome":
            raise
        of = f" of part {part!r}" if part else ""
        raise BadInput(
            f"there is no position {position!r}{of}: is it of another window, currency or --part? "
            "It is named AGREEMENT/CURRENCY/WINDOW, or by its id",
            position_id=name,
        ) from None


def _stored(
    position: str, *, part: str, config: Path, store: str | None, outcome: int | None,
    with_records: bool,
) -> tuple[Explanation, list[dict[str, Any]] | None]:  # fmt: skip
    from settle import clearing

    with opened(config, store=store) as hub:
        told = _explained(position, part=part, by=partial(hub.explain, outcome=outcome))
        if not with_records:
            return told, None
        return told, clearing.records_under(told.position, lake=hub.lake).to_pylist()


def _as_json(told: Explanation, under: list[dict[str, Any]] | None) -> dict[str, Any]:
    document = told.as_json()
    if under is not None:
        document["records_under"] = [
            {name: str(value) if name.endswith("_at") else value for name, value in row.items()}
            for row in under
        ]
    return document


def _print(told: Explanation, under: list[dict[str, Any]] | None) -> None:
    from rich.console import Console
    from rich.table import Table

    position, proof, console = told.position, told.proof, Console(markup=False, emoji=False)
    click.echo(
        f"{position.agreement_id} {position.part} {position.currency}, "
        f"window {position.window_id}: {position.records:,} records  ({position.position_id})"
        + (f", outcome {position.outcome}" if position.outcome > 1 else "")
    )
    for bucket in told.buckets:
        rows = Table(f"of its {bucket.records:,} records in {bucket.currency}")
        click.echo(f"\n{bucket.note}")
        _amounts(rows, bucket.lines)
        console.print(rows)
    rows = Table(f"in {position.currency}", title="net")
    _amounts(rows, told.lines)
    console.print(rows)
    rows = Table("and then", title="due")
    _amounts(rows, (*told.steps, *told.ends))
    console.print(rows)
    click.echo(f"adds up: {'yes' if told.adds_up else 'NO'}")
    if proof is not None:
        click.echo(
            f"its {proof.records:,} records, priced and summed again, give the same "
            f"{len(proof.compared)} figures: {'yes' if proof.holds else 'NO'}"
        )
    for row in under or ():
        click.echo(
            f"  {row['record_id']}  {row['kind']}  {row['amount_minor']} {row['currency']}  "
            f"{row['occurred_at']:%Y-%m-%d %H:%M:%S}  {row['reason']}"
        )


def _amounts(table: Table, lines: tuple[Line, ...]) -> None:
    from settle.money import plain

    table.add_column("amount", justify="right")
    table.add_column("")
    for line in lines:
        amount = plain(line.amount_minor, line.currency)
        table.add_row(line.component.replace("_", " "), amount, line.note)
