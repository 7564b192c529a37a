"""`settle net` and `settle explain`: positions from files of records, and what they are made of."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from settle.cli import options
from settle.cli.program import echo_program
from settle.errors import BadInput

if TYPE_CHECKING:
    from settle.clearing import BareNetting, Calculation, Terms
    from settle.engine import AnyEngine

HELP = """Net files of records to positions.

Read, validate, drop copies, quarantine, sort by window, price, convert, net, reserve.

With --agreements and --window the whole way is walked, and every record accounted for.
Without them the records are taken as they are: each counts once, by agreement and currency.

Nothing is kept but what --out and --quarantine name. Exit code 0; 11 if a record was
quarantined or an input cannot be used.

Examples:

\b
  settle net records.csv --agreements a.csv --rates r.csv --window 2024-12-19
  settle net records-*.parquet --out positions.parquet
  settle net --show-sql
"""


@click.command(help=HELP)
@options.records
@options.terms
@click.option("--out", type=options.FILE, help="Where positions go, as Parquet.")
@click.option("--quarantine", type=options.FILE, help="Where refused records go.")
@options.memory
@options.engine
@click.option("--show-sql", is_flag=True, help="Print the program.")
@options.as_json
def net(
    records: Sequence[Path], *, agreements: Path | None, rates: Path | None, fees: Path | None,
    caps: Path | None, window: datetime | None, zone: str, as_of: datetime | None,
    out: Path | None, quarantine: Path | None, memory: str, engine: str, show_sql: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Net files of records."""
    if show_sql:
        echo_program()
        return
    _refuse_places(
        {"out": out, "quarantine": quarantine},
        inputs=[*records, *(each for each in (agreements, rates, fees, caps) if each)],
    )
    with running(engine, memory=memory) as started:
        if agreements is None:
            _refuse_idle(
                rates=rates, fees=fees, caps=caps, window=window, as_of=as_of,
                quarantine=quarantine,
            )  # fmt: skip
            _print_bare(_bare(records, out=out, engine=started), as_json=as_json)
            return
        terms = partial(terms_of, agreements, rates=rates, fees=fees, caps=caps, zone=zone)
        found = calculated(
            records, terms, engine=started, window=window, as_of=as_of, out=out,
            quarantine=quarantine, explaining=False,
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(_told(found), indent=2))
    else:
        _print(found)
    if found.quarantined:
        raise click.exceptions.Exit(11)


def terms_of(
    agreements: Path, *, rates: Path | None, fees: Path | None, caps: Path | None, zone: str
) -> Terms:
    """The terms from their files; what is not given is none."""
    from settle import clearing

    return clearing.Terms(
        agreements=clearing.Agreements.load(agreements),
        rates=clearing.Rates.load(rates) if rates else clearing.Rates({}),
        fees=clearing.Fees.load(fees) if fees else clearing.Fees.none(),
        caps=clearing.Caps.load(caps) if caps else clearing.Caps.none(),
        cutoff=clearing.Cutoff(zone=zone),
    )


def calculated(
    records: Sequence[Path], terms: Terms | Callable[[], Terms], *, engine: AnyEngine,
    window: datetime | None, as_of: datetime | None, out: Path | None = None,
    quarantine: Path | None = None, explaining: bool = True,
) -> Calculation:  # fmt: skip
    """One window's positions from files."""
    from settle import clearing

    if window is None:
        raise BadInput("no window is named: give --window, a date")
    return clearing.calculate(
        records, day=window.date(), terms=terms, engine=engine, out=out,
        quarantine=quarantine, as_of=as_of.replace(tzinfo=UTC) if as_of else None,
        explaining=explaining,
    )  # fmt: skip


@contextmanager
def running(name: str, *, memory: str) -> Iterator[AnyEngine]:
    """An engine with a folder of its own to spill into, both gone at the end."""
    from tempfile import TemporaryDirectory

    from settle.engine import engine_of

    with TemporaryDirectory(prefix="settle-") as folder:
        engine = engine_of(name, temp=Path(folder), memory=memory)
        try:
            yield engine
        finally:
            engine.close()


def _refuse_places(given: Mapping[str, Path | None], *, inputs: Sequence[Path]) -> None:
    """Before anything is computed: nothing is put in the place of a folder, or of a file read."""
    taken = {path.resolve() for path in inputs}
    for name, path in given.items():
        if path is None:
            continue
        if path.is_dir():
            raise BadInput(f"--{name} {path} is a folder: name a file", field=name)
        if not next(each for each in path.resolve().parents if each.exists()).is_dir():
            raise BadInput(f"--{name} {path} lies under a file: name a folder", field=name)
        if path.resolve() in taken:
            raise BadInput(f"--{name} {path} is named for something else, too", field=name)
        taken.add(path.resolve())


def _refuse_idle(**given: object) -> None:
    """Without agreements records are taken as they are: nothing may seem to have been heeded."""
    for name, value in given.items():
        if value is not None:
            option = name.replace("_", "-")
            raise BadInput(f"--{option} says nothing without --agreements: name that file, too")


def _bare(records: Sequence[Path], *, out: Path | None, engine: AnyEngine) -> BareNetting:
    from settle import clearing

    if out is None:
        raise BadInput("without --agreements there is only what --out is to hold: name a file")
    return clearing.net_bare(records, out=out, engine=engine)


def _told(found: Calculation) -> dict[str, Any]:
    """The counts, sums and times, for machines. Amounts are integers of minor units."""
    return {
        "window": found.window_id,
        "records_in": found.records_in,
        "accepted": found.accepted,
        "duplicates": found.duplicates,
        "quarantined": found.quarantined,
        "quarantined_by_reason": dict(found.reasons),
        "netted": found.netted,
        "of_other_windows": found.elsewhere,
        "positions": found.positions.num_rows,
        "sums_minor": dict(found.sums),
        "saved": _saved(found),
        "seconds": {step: round(took, 3) for step, took in found.seconds.items()},
    }


def _print(found: Calculation) -> None:
    from rich.console import Console
    from rich.table import Table

    click.echo(
        f"records in: {found.records_in:,} = {found.accepted:,} accepted + "
        f"{found.duplicates:,} duplicates + {found.quarantined:,} quarantined"
    )
    for reason, count in found.reasons.items():
        click.echo(f"  {reason}: {count:,}")
    for finding in found.findings[:FINDINGS_MAX]:
        click.echo(f"    {finding}")
    if found.quarantined > FINDINGS_MAX:
        click.echo(f"    and {found.quarantined - FINDINGS_MAX:,} more: --quarantine has them all")
    click.echo(
        f"window {found.window_id}: {found.netted:,} records netted; "
        f"{found.elsewhere:,} are of other windows"
    )
    table = Table("currency", title=f"{found.positions.num_rows:,} positions")
    for title in ("paid", "carried", "claimed", "all parties together"):
        table.add_column(title, justify="right")
    for currency, figures in sorted(_by_currency(found).items()):
        table.add_row(currency, *figures, str(found.sums.get(currency, 0)))
    Console().print(table)
    _print_saved(found)


def _print_saved(found: Calculation) -> None:
    """What would move if each record were paid by itself, and what moves of the positions."""
    from rich.console import Console
    from rich.table import Table

    from settle.money import plain

    table = Table("currency", title="what netting saved: before → after")
    for title in ("payments", "value", "peak funding"):
        table.add_column(title, justify="right")
    for currency, of in _saved(found).items():
        pairs = [
            (f"{of['gross_count']:,}", f"{of['net_count']:,}"),
            (plain(of["gross_minor"], currency), plain(of["net_minor"], currency)),
            (plain(of["peak_gross_minor"], currency), plain(of["peak_net_minor"], currency)),
        ]
        table.add_row(currency, *map(" → ".join, pairs))
    Console().print(table)


def _saved(found: Calculation) -> dict[str, dict[str, int]]:
    """What netting saved, by currency: the columns of `Netted.saved`."""
    rows = found.result.saved.to_pylist()
    return {row.pop("currency"): row for row in rows}


FINDINGS_MAX = 10
"""How many refusals are printed; `--quarantine` has them all."""


def _by_currency(found: Calculation) -> dict[str, tuple[str, ...]]:
    from settle.clearing.calculation import outcomes
    from settle.money import plain

    return {
        currency: tuple(plain(amount, currency) for amount in amounts)
        for currency, *amounts in outcomes(found)
    }


def _print_bare(found: BareNetting, *, as_json: bool) -> None:
    told = {
        "records": found.records,
        "positions": found.positions,
        "sums_minor": dict.fromkeys(found.currencies, 0),
        "seconds": {step: round(took, 3) for step, took in found.seconds.items()},
    }
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    click.echo(f"{found.records:,} records as they are: {found.positions:,} positions")
    click.echo(f"all parties together: zero in {', '.join(found.currencies)}")
