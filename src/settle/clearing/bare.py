"""Netting without terms: what records come to, taken as they are.

For records that somebody has checked: each counts, once. Nothing is validated but the kind and
the amount's sign, no copy is looked for, and there are no windows, fees, rates or reserves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from settle.clearing.kinds import kinds_table
from settle.clearing.lake import drafted
from settle.clearing.reading import read_files
from settle.clearing.sorting import give_currencies
from settle.engine import AnyEngine, Engine, Scratch, read_views
from settle.errors import BadInput, NotConserved

VIEWS = ("netted_bare", "others_bare", "conserved_bare")
"""The steps, a file each under `views/bare/`. The first is written as it is computed."""

_WRITTEN = {"currency": "varchar", "records": "bigint", "credits_minor": "bigint",
            "debits_minor": "bigint"}  # fmt: skip


def bare_views() -> dict[str, str]:
    """The SQL of each step by name, in order. This is what an auditor reads."""
    return read_views(Path(__file__).parent / "views" / "bare", VIEWS)


@dataclass(frozen=True, slots=True, kw_only=True)
class BareNetting:
    """Positions without terms. All sides were proved to sum to zero in `currencies`."""

    records: int
    positions: int
    currencies: tuple[str, ...]
    seconds: Mapping[str, float]


def net_bare(files: Sequence[Path], *, out: Path, engine: AnyEngine) -> BareNetting:
    """Net the records of files by agreement and currency, taken as they are.

    `out` becomes a Parquet file of `agreement_id, currency, records, credits_minor,
    debits_minor, net_minor`, a row a position, in no order.

    Raises:
        BadInput: a file cannot be read, a kind is unknown, or an amount is not positive.
        MoneyError: a total is beyond 64 bits.
        NotConserved: the sides do not sum to zero in some currency; nothing is written.
    """
    if not isinstance(engine, Engine):
        raise BadInput("without terms records are netted in process: leave --engine away")
    read = read_files(files)
    views = bare_views()
    with engine.scratch() as scratch:
        scratch.give("kinds", kinds_table())
        give_currencies(scratch)
        read.bring(scratch)
        written = drafted(scratch, views["netted_bare"], out)
        try:
            scratch.read("written_bare", [written.written], columns=_WRITTEN)
            scratch.steps({name: views[name] for name in VIEWS[1:]})
            counts = scratch.rows(_COUNTS).to_pylist()[0]
            _refuse_unsound(scratch, counts)
            currencies = _conserved(scratch)
            written.publish()
        finally:
            written.discard()
        return BareNetting(
            records=int(counts["records"]),
            positions=counts["positions"],
            currencies=currencies,
            seconds=scratch.seconds,
        )


_COUNTS = """select
    (select count(*) from written_bare) as positions,
    (select coalesce(sum(records), 0) from written_bare) as netted,
    (select coalesce(sum(records), 0) from others_bare) as records,
    (select min(least_minor) from others_bare) as least_minor"""


def _conserved(scratch: Scratch) -> tuple[str, ...]:
    sums = scratch.rows("select currency, amount_minor from conserved_bare").to_pylist()
    for row in sums:
        if row["amount_minor"]:
            raise NotConserved(
                f"positions in {row['currency']} sum to {row['amount_minor']}, not to zero",
                currency=row["currency"],
            )
    return tuple(row["currency"] for row in sums)


def _refuse_unsound(scratch: Scratch, counts: Mapping[str, int]) -> None:
    if counts["netted"] == counts["records"] and (counts["least_minor"] or 1) > 0:
        return
    found = scratch.rows(
        """select t.record_id, t.kind, t.amount_minor from typed as t
        anti join (select kind from kinds) as k on k.kind = t.kind and t.amount_minor > 0 limit 1"""
    ).to_pylist()[0]
    raise BadInput(
        f"record {found['record_id']!r} is unsound (kind {found['kind']!r}, amount "
        f"{found['amount_minor']} minor units): net it with --agreements, which quarantines it",
        record_id=found["record_id"],
    )
