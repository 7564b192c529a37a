"""Positions straight from files of records: the whole way in one go, and nothing kept.

What `take` and `close` do over days with a store, this does for one window with none: read,
validate, drop copies, quarantine, window, price, convert, net, reserve. The same views run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from settle.calendars import read_calendars
from settle.clearing.agreements import Agreements
from settle.clearing.caps import Caps
from settle.clearing.explanation import Explanation
from settle.clearing.exposures import exposures_views, give_exposures
from settle.clearing.fees import Fees
from settle.clearing.findings import Finding
from settle.clearing.lake import drafted
from settle.clearing.netting import Netted, net, netting_views
from settle.clearing.open_positions import explanation
from settle.clearing.rates import Rates
from settle.clearing.reading import Files, give_currencies, read_files
from settle.clearing.records import STORED
from settle.clearing.seen import nothing_before, seen_views
from settle.clearing.sifting import place_accepted, sifting_views
from settle.clearing.sorting import (
    QUARANTINED,
    Sorted,
    give_references,
    reference_views,
    seek,
    seek_twice,
    sort_batch,
    sorting_views,
    sought_views,
)
from settle.clearing.standing import Standing
from settle.clearing.typed import FILE_ROWS_BITS
from settle.clearing.windows import Cutoff, microseconds
from settle.engine import AnyEngine, AnyScratch, Engine, Scratch
from settle.errors import BadInput, NotConserved

if TYPE_CHECKING:
    import pyarrow as pa

AFTER_WINDOW = timedelta(days=1)
"""Records of a window are in by then; what occurred later still cannot have been sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under what records are netted."""

    agreements: Agreements
    rates: Rates
    fees: Fees = field(default_factory=Fees.none)
    caps: Caps = field(default_factory=Caps.none)
    cutoff: Cutoff = field(default_factory=Cutoff)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calculation:
    """One window's positions from files, with every record accounted for.

    In = accepted + duplicates + quarantined; accepted = netted + `elsewhere`, which settle in
    other windows, before or after. `reasons` counts the quarantined. `sums`: per currency, all
    parties together: zero. `seconds` by step.
    """

    window_id: str
    records_in: int
    accepted: int
    duplicates: int
    quarantined: int
    reasons: Mapping[str, int]
    findings: Sequence[Finding]
    netted: int
    elsewhere: int
    result: Netted
    seconds: Mapping[str, float]
    is_explained: bool = True

    @property
    def positions(self) -> pa.Table:
        """The positions, a row for each agreement, part and currency."""
        return self.result.obliged

    def explain(self, position_id: str) -> Explanation:
        """A position taken apart.

        Raises:
            BadInput: there is no such position in this window, or it was calculated without
                `explaining`.
        """
        if not self.is_explained:
            raise BadInput("calculated without explaining: calculate it again with it")
        day = date.fromisoformat(self.window_id)
        told = explanation(self.result, day=day, position_id=position_id)
        if told is None:
            raise BadInput(f"no position is called {position_id!r}", position_id=position_id)
        return told

    @property
    def sums(self) -> Mapping[str, int]:
        """The sum of all parties by currency, as it was proved."""
        return dict.fromkeys(self.result.currencies, 0)


def program() -> dict[str, dict[str, str]]:
    """The SQL of all steps, in the order in which they run, by part and name."""
    before = {**reference_views(), **sought_views(), **seen_views(), **exposures_views()}
    return {
        "intake before": before,
        "intake": sorting_views(),
        "window": sifting_views(),
        "netting": netting_views(),
    }


def outcomes(found: Calculation) -> list[tuple[str, int, int, int]]:
    """By currency: what is paid, carried on and claimed, each summed over all positions."""
    import pyarrow.compute as pc

    rows = []
    table = found.positions
    for currency in sorted(table.column("currency").unique().to_pylist()):
        own = table.filter(pc.equal(table.column("currency"), currency))
        paid, carried, claimed = (
            sum(own.column(f"{name}_minor").to_pylist())
            for name in ("paid", "carried_out", "claimed")
        )
        rows.append((currency, paid, carried, claimed))
    return rows


def calculate(
    files: Sequence[Path], *, day: date, terms: Terms | Callable[[], Terms], engine: AnyEngine,
    as_of: datetime | None = None, out: Path | None = None, quarantine: Path | None = None,
    explaining: bool = True,
) -> Calculation:  # fmt: skip
    """Net the records of `files` that settle in the window of `day`.

    Each record settles in one window, so the windows of some days together are all of theirs.
    `terms` may be what loads them: it is called while one processor is busy with the records'
    ids, so that its time is not lost. `as_of`: when the records were all in; by default a day
    after the window's end. `out` becomes a Parquet file of the positions, `quarantine` one of the
    records that were refused; nothing else is kept. Without `explaining` the positions cannot be
    taken apart afterwards, which saves what their buckets take to fetch.

    Raises:
        BadInput: a file cannot be read; an agreement, a fee schedule or a rate is missing.
        NotConserved: in some currency the parties do not sum to zero, or what was accepted,
            netted and written is not as many records as were counted.
    """
    with _reading(files, engine=engine) as (scratch, read):
        with read.unchanged():
            twice = seek_twice(scratch)
            terms = terms() if callable(terms) else terms
            read_calendars(day.year)
            now = as_of or terms.cutoff.ends_at(day) + AFTER_WINDOW
            outcome = _sorted(scratch, terms=terms, now=now, twice=twice)
            scratch.view("fresh", _fresh(now=now))
            due = place_accepted(
                scratch, day=day, cutoff=terms.cutoff, agreements=terms.agreements,
                accepted=outcome.accepted,
            )  # fmt: skip
            with _netting_in(scratch, engine) as netting:
                result = net(
                    netting, day=day, agreements=terms.agreements, rates=terms.rates,
                    fees=terms.fees, standing=Standing.none(), posting=False,
                    bucketing=explaining, records=due,
                )  # fmt: skip
            netted = sum(result.obliged.column("records").to_pylist())
            _prove(netted, what=f"netted in window {day}", expected=due)
        findings = _findings(outcome, read)
        _write(scratch, result, out=out, quarantine=quarantine, refused=outcome.quarantined)
        return Calculation(
            window_id=day.isoformat(),
            records_in=outcome.records_in,
            accepted=outcome.accepted,
            duplicates=outcome.duplicates,
            quarantined=outcome.quarantined,
            reasons=_counted(findings),
            findings=findings,
            netted=due,
            elsewhere=outcome.accepted - due,
            result=result,
            seconds=dict(scratch.seconds),
            is_explained=explaining,
        )


@contextmanager
def _netting_in(scratch: Scratch, engine: AnyEngine) -> Iterator[AnyScratch]:
    """Where `records` are netted: where they were sorted, or in another engine, by a file."""
    if isinstance(engine, Engine):
        yield scratch
        return
    with TemporaryDirectory(prefix="settle-") as folder, engine.scratch() as other:
        path = Path(folder) / "records.parquet"
        scratch.write("select * from records", path)
        other.read("records", [path], columns=_RECORDS)
        yield other


_RECORDS = {**STORED, "occurred_window": "varchar", "reason": "varchar"}


def _prove(found: int, *, what: str, expected: int) -> None:
    """A count is what another step came to. Without this one of them would be a mere rest."""
    if found != expected:
        raise NotConserved(f"{found} records were {what}, not {expected}")


@contextmanager
def _reading(files: Sequence[Path], *, engine: AnyEngine) -> Iterator[tuple[Scratch, Files]]:
    """The records of files as `typed` of a scratch space, nothing read yet but what they are.

    Text that nobody has checked is read and sorted in process, whatever engine nets.
    """
    with ExitStack() as stack:
        sorting = engine if isinstance(engine, Engine) else stack.enter_context(closing(Engine()))
        read = read_files(files, engine=sorting)
        scratch = stack.enter_context(sorting.scratch())
        if not read.together:
            give_currencies(scratch)
        read.bring(scratch)
        yield scratch, read


def _sorted(scratch: Scratch, *, terms: Terms, now: datetime, twice: Callable[[], None]) -> Sorted:
    """The records `typed`, sorted; no record has come before them."""
    give_references(
        scratch, agreements=terms.agreements, caps=terms.caps, now=now, cutoff=terms.cutoff,
        horizon=now - now.min.replace(tzinfo=now.tzinfo),
    )  # fmt: skip
    seek(scratch)
    nothing_before(scratch)
    give_exposures(scratch, None)
    return sort_batch(scratch, twice=twice)


def _fresh(*, now: datetime) -> str:
    made = {
        "amount_minor": "cast(amount_minor as bigint)",
        "occurred_at": "make_timestamptz(occurred_us)",
        "received_at": f"make_timestamptz(coalesce(received_us, {microseconds(now)}))",
        "batch_id": "cast('' as varchar)",
    }
    columns = ", ".join(f"{made.get(name, name)} as {name}" for name in STORED)
    return f"select {columns} from accepted"  # noqa: S608  # names of ours


def _write(
    scratch: Scratch, result: Netted, *, out: Path | None, quarantine: Path | None, refused: int
) -> None:
    with ExitStack() as written:
        drafts = []
        if quarantine is not None:
            drafts.append(drafted(scratch, QUARANTINED, quarantine, compression="snappy"))
            written.callback(drafts[-1].discard)
            _prove(drafts[-1].rows, what="written as quarantined", expected=refused)
        if out is not None:
            scratch.lend("positions_out", result.obliged)
            drafts.append(
                drafted(scratch, "select * from positions_out", out, compression="snappy")
            )
            written.callback(drafts[-1].discard)
        for each in drafts:
            each.publish()


def _findings(outcome: Sorted, read: Files) -> list[Finding]:
    """The findings by file and row: a row of several files has its file in its upper bits."""
    found = []
    for line in outcome.findings.to_pylist():
        file, row = divmod(line["row"], 2**FILE_ROWS_BITS)
        found.append(Finding(**{**line, "row": row}, file=read.names[file]))
    return found


def _counted(findings: Sequence[Finding]) -> dict[str, int]:
    return dict(sorted(Counter(finding.reason for finding in findings).items()))
