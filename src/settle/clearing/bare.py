"""Netting without terms: what records come to, taken as they are.

For records that somebody has checked: each counts, once. Nothing is validated but the kind and
the amount's sign, no copy is looked for, and there are no windows, fees, rates or reserves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from settle.clearing.kinds import kinds_query
from settle.clearing.lake import drafted
from settle.clearing.reading import Files, give_currencies, read_files
from settle.clearing.totals import conserved
from settle.engine import AnyEngine, AnyScratch, Engine, Scratch, read_views
from settle.errors import BadInput

VIEWS = ("netted_bare", "others_bare", "conserved_bare")
"""The steps, a file each under `views/bare/`: two over the records, and the proof over these."""

_SUMMED = {
    **dict.fromkeys(("record_id", "agreement_id", "kind"), "varchar"),
    "amount_minor": "bigint", "currency": "varchar",
}  # fmt: skip
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
    debits_minor, net_minor`, a row a position, in no order. Spark reads Parquet files of plain
    types itself; other files are read in process and handed to it.

    Raises:
        BadInput: a file cannot be read, a kind is unknown, or an amount is not positive.
        MoneyError: a total is beyond 64 bits.
        NotConserved: the sides do not sum to zero in some currency; nothing is written.
    """
    views, seconds = bare_views(), Seconds()
    with _spaces(engine) as (own, scratch, summing), ExitStack() as stack:
        read = read_files(files, engine=own)
        with read.unchanged():
            _bring(read, files, scratch=scratch, summing=summing)
            with seconds.of("netted_bare"):
                written = drafted(summing, views["netted_bare"], out, compression="snappy")
            stack.callback(written.discard)
            scratch.read("written_bare", [written.written], columns=_WRITTEN)
            with seconds.of("others_bare"):
                scratch.take("others_bare", views["others_bare"], of=summing)
            (counts,) = scratch.few(_COUNTS)
            _refuse_unsound(summing, counts)
            with seconds.of("conserved_bare"):
                currencies = conserved(scratch.few(views["conserved_bare"]))
        written.publish()
    return BareNetting(
        records=int(counts["records"]),
        positions=counts["positions"],
        currencies=currencies,
        seconds=seconds,
    )


class Seconds(dict[str, float]):
    """How long each step took. This is a clock of its own, for engines put work off."""

    @contextmanager
    def of(self, step: str) -> Iterator[None]:
        """Take the time of a step."""
        began = time.perf_counter()
        yield
        self[step] = time.perf_counter() - began


@contextmanager
def _spaces(engine: AnyEngine) -> Iterator[tuple[Engine, Scratch, AnyScratch]]:
    """Where files are read and the proof is made, in process; and where records are summed.

    What was written is proved by reading it: that is one file on this machine, whatever summed.
    """
    if isinstance(engine, Engine):
        with engine.scratch() as scratch:
            yield engine, scratch, scratch
        return
    with closing(Engine()) as own, own.scratch() as scratch, engine.scratch() as summing:
        yield own, scratch, summing


def _bring(read: Files, files: Sequence[Path], *, scratch: Scratch, summing: AnyScratch) -> None:
    """Make known `typed` and `kinds` where records are summed, and `kinds` where it is proved."""
    for each in {id(space): space for space in (scratch, summing)}.values():
        each.step("kinds", kinds_query())
    is_here = isinstance(summing, Scratch)
    if not is_here and read.together:
        summing.read("typed", files, columns=_SUMMED)
        return
    if not read.together:
        give_currencies(scratch)
    read.bring(scratch)
    if not is_here:
        summing.take("typed", _TAKEN, of=scratch)


_TAKEN = """select
    record_id, agreement_id, kind, minor(amount_minor) as amount_minor, currency
from typed"""
"""What text was read as, amounts in 64 bits."""

_COUNTS = """select
    (select count(*) from written_bare) as positions,
    (select coalesce(sum(records), 0) from written_bare) as netted,
    (select coalesce(sum(records), 0) from others_bare) as records,
    (select min(least_minor) from others_bare) as least_minor"""


def _refuse_unsound(summing: AnyScratch, counts: Mapping[str, int]) -> None:
    is_positive = counts["least_minor"] is None or counts["least_minor"] > 0
    if counts["netted"] == counts["records"] and is_positive:
        return
    found = summing.rows(
        """select t.record_id, t.kind, t.amount_minor from typed as t
        anti join (select kind from kinds) as k on k.kind = t.kind and t.amount_minor > 0 limit 1"""
    ).to_pylist()[0]
    raise BadInput(
        f"record {found['record_id']!r} is unsound (kind {found['kind']!r}, amount "
        f"{found['amount_minor']} minor units): net it with --agreements, which quarantines it",
        record_id=found["record_id"],
    )
