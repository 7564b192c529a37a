"""A proof that files are whole and add up: from every line to the summary, to its TOTAL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from settle.clearing.files.columns import Form
from settle.clearing.files.names import FileName, folder_name
from settle.clearing.files.reading import COLUMNS, Fault, Row, Sheet, read_sheet
from settle.clearing.files.types import BUCKET, ENDS, OWN
from settle.clearing.kinds import DIRECTIONS, Kind
from settle.errors import DocumentError, MoneyError
from settle.money import RATE_DECIMALS, Rate, Rounding, convert, divide


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What does not hold, of which file."""

    fault: Fault
    file: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}: {self.fault}: {self.why}"


@dataclass(slots=True)
class _Set:
    """The files of one agreement, currency and batch."""

    summaries: list[Path] = field(default_factory=list)
    details: list[Path] = field(default_factory=list)


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
    sets: dict[tuple[Path, str, str, str], _Set] = defaultdict(_Set)
    for path in sorted(folder.rglob("*.csv")):
        if name := FileName.of(path.name):
            own = sets[path.parent, name.agreement, name.currency, name.batch]
            (own.summaries if name.sheet == "summary" else own.details).append(path)
    if not sets:
        return [Failure(fault=Fault.MISSING, file=str(folder), why="there are no files")]
    return [failure for own in sets.values() for failure in _verify(own)]


def _verify(own: _Set) -> Iterator[Failure]:
    some = [*own.summaries, *own.details][0].name
    if len(own.summaries) != 1 or not own.details:
        yield Failure(fault=Fault.MISSING, file=some, why="a summary and its details go together")
        return
    sheets: list[Sheet] = []
    for path in (*own.summaries, *own.details):
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
        key, component = (row["part"], row["currency"], row["rate_id"]), row["component"]
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
        if row["component"] == "net" and not _is_converted(row):
            why = f"{row['rate_id']}: the amount at its legs, less the markup, is another"
            yield Failure(fault=Fault.CONVERTED, file=str(summary.name), why=why)


def _is_converted(row: Row) -> bool:
    """Whether the rate that is told is the one of the legs, and the amount is converted by them."""
    try:
        rate = _mid(row).less(row["markup_e8"] // 100)
        converted = convert(row["amount_minor"], rate, rounding=Rounding(row["rounding"]))
    except (MoneyError, ValueError, TypeError):  # what no rate, no rounding or no number is
        return False
    by_record = row["convert_per"] == "record" and rate.base != rate.quote
    told = (rate.value_e8, rate.markup_ppm * 100) == (row["rate_e8"], row["markup_e8"])
    return told and (by_record or converted == row["settled_minor"])


def _mid(row: Row) -> Rate:
    """The mid rate that a row is of.

    Raises:
        MoneyError: its legs do not come to the figure that is told of it.
    """
    base, quote, via = row["currency"], row["settlement_currency"], row["via"] or row["currency"]
    told_e8 = divide(row["leg_out_e8"] * 10**RATE_DECIMALS, row["leg_in_e8"],
                     rounding=Rounding.HALF_EVEN)  # fmt: skip
    if told_e8 != row["mid_e8"]:
        raise MoneyError(f"{base}/{quote} is {told_e8}, not {row['mid_e8']}")
    return Rate(
        base=base, quote=quote, value_e8=told_e8, as_of=date.fromisoformat(row["window_id"]),
        source="", via=via, leg_in_e8=row["leg_in_e8"], leg_out_e8=row["leg_out_e8"],
    )  # fmt: skip


_FEES = {"fees_percent": "fee_minor", "fees_back": "fee_back_minor", "tax": "tax_minor"}


def _check_details(summary: Sheet, lines: Sequence[Row]) -> Iterator[Failure]:
    """The lines of each part, currency and rate sum to each row of the summary, and count it."""
    told: dict[tuple[Key, str], tuple[int, ...]] = {}
    for row in summary.rows:
        if row["rate_id"]:
            key = (row["part"], row["currency"], row["rate_id"])
            told[key, row["component"]] = (
                row["records"], row["amount_minor"], row["settled_minor"] or 0
            )  # fmt: skip
    if told != _summed(lines):
        why = "the lines do not sum to its rows"
        yield Failure(fault=Fault.DETAILS, file=str(summary.name), why=why)


def _summed(lines: Sequence[Row]) -> Mapping[tuple[Key, str], tuple[int, ...]]:
    sums: dict[tuple[Key, str], list[int]] = defaultdict(lambda: [0, 0, 0])

    def add(key: Key, component: str, amount: int, settled: int = 0) -> None:
        own = sums[key, component]
        own[:] = own[0] + 1, own[1] + amount, own[2] + settled

    for line in lines:
        key = (line["part"], line["currency"], line["rate_id"])
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
        found = parquet.read_table(path, columns=list(forms)).to_pylist()
    except (ArrowException, OSError):
        yield Failure(fault=Fault.PARQUET, file=path.name, why="it cannot be read")
        return
    texts = {name for name, form in forms.items() if form in (Form.TEXT, Form.PLAIN)}
    said = [{n: v or "" if n in texts else v for n, v in row.items()} for row in found]
    if said != [{name: row[name] for name in forms} for row in sheet.rows]:
        yield Failure(fault=Fault.PARQUET, file=path.name, why="it says otherwise than the CSV")
