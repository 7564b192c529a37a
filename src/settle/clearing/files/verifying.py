"""A proof that files are whole and add up: from every line to the summary, to its TOTAL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from settle.clearing.files.columns import Form
from settle.clearing.files.conversion import is_converted
from settle.clearing.files.names import FileName, folder_name
from settle.clearing.files.proof import proved
from settle.clearing.files.reading import COLUMNS, Fault, Row, Sheet, read_sheet
from settle.clearing.files.types import BUCKET, ENDS, OWN
from settle.clearing.kinds import DIRECTIONS, Kind
from settle.engine import Engine
from settle.errors import DocumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What does not hold, of which file."""

    fault: Fault
    file: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}: {self.fault}: {self.why}"


@dataclass(slots=True)
class FileSet:
    """The files of one agreement, currency and batch."""

    summaries: list[Path] = field(default_factory=list)
    details: list[Path] = field(default_factory=list)

    @property
    def paths(self) -> Sequence[Path]:
        """Its CSV files, the summary first."""
        return [*self.summaries, *self.details]

    @property
    def size_bytes(self) -> int:
        """Of the CSV files."""
        return sum(path.stat().st_size for path in self.paths)


PORTION_BYTES = 256 * 1024 * 1024
"""So much of CSV is proved at once, in several times as much memory."""

COLUMNS_BYTES_MIN = 512 * 1024
"""Less is read row by row sooner than queries are planned: half a second either way."""

Key = tuple[str, str, str]
"""Part, currency of the records, rate."""


def verify_files(folder: Path) -> list[Failure]:
    """Every failure in the files below a folder, by file; none if all of it is proved.

    For each file: its last line, its columns, its cells, its control totals, and that its rows
    are of the agreement, currency and window in its name. For the files of an agreement together:
    that none is missing, lines sum to the summary, components to what was converted, that to what
    it came to at its legs, all of it to the TOTAL, and that is paid, carried or claimed. A Parquet
    file beside a CSV says the same.
    """
    sets: dict[tuple[Path, str, str, str], FileSet] = defaultdict(FileSet)
    for path in sorted(folder.rglob("*.csv")):
        if name := FileName.of(path.name):
            own = sets[path.parent, name.agreement, name.currency, name.batch]
            (own.summaries if name.sheet == "summary" else own.details).append(path)
    if not sets:
        return [Failure(fault=Fault.MISSING, file=str(folder), why="there are no files")]
    return [failure for own in _not_proved(list(sets.values())) for failure in verify_set(own)]


def _not_proved(sets: Sequence[FileSet]) -> Iterator[FileSet]:
    """The sets that are not proved in columns: what is wrong with them, if it is, shows in rows."""
    if sum(own.size_bytes for own in sets) < COLUMNS_BYTES_MIN:
        yield from sets
        return
    engine = Engine()
    try:
        with engine.scratch() as scratch:
            for some in _portions(sets):
                sound = proved(scratch, [own.paths for own in some])
                yield from (own for number, own in enumerate(some) if number not in sound)
    finally:
        engine.close()


def _portions(sets: Sequence[FileSet]) -> Iterator[Sequence[FileSet]]:
    some: list[FileSet] = []
    for own in sets:
        some.append(own)
        if sum(one.size_bytes for one in some) > PORTION_BYTES:
            yield some
            some = []
    if some:
        yield some


def verify_set(own: FileSet) -> Iterator[Failure]:
    """Every failure of one set of files, each row of it read by itself. This names the line."""
    some = own.paths[0].name
    if len(own.summaries) != 1 or not own.details:
        yield Failure(fault=Fault.MISSING, file=some, why="a summary and its details go together")
        return
    sheets: list[Sheet] = []
    for path in own.paths:
        try:
            sheets.append(read_sheet(path, sheet="summary" if path in own.summaries else "details"))
        except DocumentError as error:
            yield Failure(fault=error.fault, file=path.name, why=error.message)
            return
        yield from _check_name(sheets[-1])
        yield from _check_parquet(sheets[-1], path.with_suffix(".parquet"))
    summary, *details = sheets
    yield from _check_sequence(details)
    yield from _check_summary(summary)
    yield from _check_converted(summary)
    yield from _check_details(summary, [row for sheet in details for row in sheet.rows])


def _check_name(sheet: Sheet) -> Iterator[Failure]:
    name = sheet.name
    for row in (*sheet.rows, *sheet.controls):
        said = (
            folder_name(row["agreement_id"]), row["settlement_currency"],
            row["window_id"].replace("-", ""),
        )  # fmt: skip
        if said != (name.agreement, name.currency, name.batch[:8]):
            yield Failure(fault=Fault.NAME, file=str(name), why=f"has a row of {' '.join(said)}")
            return


def _check_sequence(details: Sequence[Sheet]) -> Iterator[Failure]:
    sequences = [sheet.name.sequence for sheet in details]
    if sequences != list(range(len(sequences))):
        yield Failure(
            fault=Fault.SEQUENCE, file=str(details[0].name), why=f"there are only {sequences}"
        )


def _check_summary(summary: Sheet) -> Iterator[Failure]:
    """Components sum to each bucket; buckets and the rest to the TOTAL; its ends to it."""
    buckets: dict[Key, int] = defaultdict(int)
    totals: dict[str, int] = defaultdict(int)
    ends: dict[str, int] = defaultdict(int)
    parts = [row["part"] for row in summary.rows if row["component"] == "rest"]
    for row in summary.rows:
        key, component = _key(row), row["component"]
        if component in BUCKET and row["rate_id"]:
            buckets[key] += row["amount_minor"]
        if component == "net":
            buckets[key] -= row["amount_minor"]
        sign = -1 if component == "rest" else 1
        if component in ("net", "rest", *OWN):
            totals[row["part"]] += sign * (row["settled_minor"] or 0)
        if component in ("rest", *ENDS):
            ends[row["part"]] += sign * (row["settled_minor"] or 0)
    checks = ((Fault.BUCKETS, buckets.values()), (Fault.TOTAL, totals.values()),
              (Fault.ENDS, ends.values()))  # fmt: skip
    for fault, left in checks:
        if any(left):
            yield Failure(fault=fault, file=str(summary.name), why="it does not add up")
    if not parts or len(parts) != len(set(parts)) or set(totals) != set(parts):
        yield Failure(fault=Fault.TOTAL, file=str(summary.name), why="each part has one TOTAL")


def _check_converted(summary: Sheet) -> Iterator[Failure]:
    """A bucket converted as one came to its amount at both legs, less the markup, rounded once."""
    for row in summary.rows:
        if row["component"] == "net" and not is_converted(row):
            why = f"{row['rate_id']}: the amount at its legs, less the markup, is another"
            yield Failure(fault=Fault.CONVERTED, file=str(summary.name), why=why)


_PARTS = ("amount_minor", "fee_minor", "fee_back_minor", "tax_minor")
_FEES = {"fees_percent": "fee_minor", "fees_back": "fee_back_minor", "tax": "tax_minor"}


def _check_details(summary: Sheet, lines: Sequence[Row]) -> Iterator[Failure]:
    """The lines of each part, currency and rate sum to each row of the summary, and count it."""
    told: dict[tuple[Key, str], tuple[int, ...]] = {}
    for row in summary.rows:
        if row["rate_id"]:
            told[_key(row), row["component"]] = (
                row["records"], row["amount_minor"], row["settled_minor"] or 0
            )  # fmt: skip
    if told != _summed(lines):
        why = "the lines do not sum to its rows"
        yield Failure(fault=Fault.DETAILS, file=str(summary.name), why=why)
    rates = {_key(row): row["rate_e8"] for row in summary.rows if row["component"] == "net"}
    for line in lines:
        if line["net_minor"] != sum(line[name] for name in _PARTS):
            why = f"the net of {line['record_id'][:40]!r} is not its amount, its fees and its tax"
        elif line["rate_e8"] != rates.get(_key(line)):
            why = f"the rate of {line['record_id'][:40]!r} is not that of its bucket"
        else:
            continue
        yield Failure(fault=Fault.DETAILS, file=str(summary.name), why=why)
        return


def _key(row: Row) -> Key:
    return row["part"], row["currency"], row["rate_id"]


def _summed(lines: Sequence[Row]) -> Mapping[tuple[Key, str], tuple[int, ...]]:
    sums: dict[tuple[Key, str], list[int]] = defaultdict(lambda: [0, 0, 0])

    def add(key: Key, component: str, amount: int, settled: int = 0) -> None:
        own = sums[key, component]
        own[:] = own[0] + 1, own[1] + amount, own[2] + settled

    for line in lines:
        key = _key(line)
        add(key, DIRECTIONS[Kind(line["kind"])].component, line["amount_minor"])
        for component, column in _FEES.items():
            if line[column]:
                add(key, component, line[column])
        add(key, "net", line["net_minor"], line["settled_minor"])
    return {key: tuple(own) for key, own in sums.items()}


def _check_parquet(sheet: Sheet, path: Path) -> Iterator[Failure]:
    """The Parquet file has the same rows: counts, rates, amounts and ids."""
    from pyarrow import ArrowException, parquet

    if not path.exists():
        return
    forms = {
        column.name: column.form
        for column in COLUMNS[sheet.name.sheet]
        if column.form is not Form.INSTANT
    }
    try:
        found = parquet.ParquetFile(path).read(columns=list(forms)).to_pylist()
    except (ArrowException, OSError):
        yield Failure(fault=Fault.PARQUET, file=path.name, why="it cannot be read")
        return
    texts = {name for name, form in forms.items() if form in (Form.TEXT, Form.PLAIN)}
    said = [{n: v or "" if n in texts else v for n, v in row.items()} for row in found]
    if said != [{name: row[name] for name in forms} for row in sheet.rows]:
        yield Failure(fault=Fault.PARQUET, file=path.name, why="it says otherwise than the CSV")
