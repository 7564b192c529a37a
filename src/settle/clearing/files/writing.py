"""Settlement files written: each agreement's folder whole or not at all."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.files import details, summary
from settle.clearing.files.columns import DETAILS, END, EOL, SUMMARY, as_written, header
from settle.clearing.files.names import SEQUENCE_MAX, FileName, batch_id, folder_name
from settle.clearing.files.replay import ClosedWindow, replay
from settle.clearing.files.staging import Segment, Staged, give_files, stage
from settle.clearing.lake import Lake
from settle.clearing.rates import Rates
from settle.engine import Engine, Scratch
from settle.errors import BadInput
from settle.store import Store

if TYPE_CHECKING:
    import pyarrow as pa

LINES_MAX = 1_000_000
"""Lines of one file of details: a spreadsheet holds 1,048,576."""

FORMATS = ("csv", "parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesWritten:
    """What was written. `folder` has a folder for each agreement."""

    window_id: str
    batch_id: str
    folder: Path
    agreements: int
    files: int
    records: int


def write_files(
    day: date, *, out: Path, store: Store, engine: Engine, lake: Path, rates: Rates,
    agreement_ids: Collection[str] = (), formats: Collection[str] = FORMATS,
    lines_max: int = LINES_MAX,
) -> FilesWritten:  # fmt: skip
    """Write the settlement files of a closed window below `out/<window>/<agreement>/`.

    For every agreement, or those named: details and summary in each currency that it has a
    position in; if it has none but was active, both with nothing in them. The same window gives
    the same bytes. `rates`: those that the window was closed with.

    Raises:
        BadInput: the window is not closed, an agreement is unknown, a file of the lake or a rate
            is missing, or details would take more than a thousand files.
        NotConserved: the lines do not come to what was settled; nothing is written.
    """
    asked, kept = sorted(set(agreement_ids)), Lake(lake)
    with store.reading() as connection:
        window = ClosedWindow.of(connection, day=day, lake=kept, agreement_ids=asked)
    with _draft(out, window) as draft, engine.scratch() as scratch:
        replay(scratch, window, lake=kept, rates=rates, agreement_ids=asked)
        files = give_files(scratch, window, of_some=bool(asked))
        sheets = _sheets(scratch, window, folder=draft, lines_max=lines_max)
        batch = batch_id(day, window.manifest_digest)
        names = [(folder_name(file["agreement_id"]), file["settlement_currency"]) for file in files]
        written = 0
        for sheet in sheets:
            _refuse_too_many(sheet, files)
            for segment, rows in _cut(sheet):
                folder, currency = names[segment.file]
                name = FileName(
                    sheet=sheet.sheet, agreement=folder, currency=currency, batch=batch,
                    sequence=segment.sequence,
                )  # fmt: skip
                (draft / folder).mkdir(exist_ok=True)
                written += _write(draft / folder / str(name), sheet, segment, rows, formats)
            sheet.path.unlink()
        place = out / window.window_id
        _publish(draft, place, of=asked or window.agreements.column("agreement_id"))
    return FilesWritten(
        window_id=window.window_id, batch_id=batch, folder=place,
        agreements=len({folder for folder, _ in names}), files=written,
        records=sum(segment.rows for segment in sheets[0].segments),
    )  # fmt: skip


def _sheets(
    scratch: Scratch, window: ClosedWindow, *, folder: Path, lines_max: int
) -> tuple[Staged, Staged]:
    lines = stage(
        scratch, details.details_sql(window), sheet="details", columns=DETAILS,
        order=details.ORDER, folder=folder, lines_max=lines_max, window=window,
    )  # fmt: skip
    details.prove_details(scratch, lines.path, window=window)
    summary.give_counts(scratch, lines.path)
    sums = stage(
        scratch, summary.summary_sql(window), sheet="summary", columns=SUMMARY,
        order=summary.ORDER, folder=folder, lines_max=LINES_MAX, window=window,
    )  # fmt: skip
    return lines, sums


def _refuse_too_many(sheet: Staged, files: Sequence[Mapping[str, Any]]) -> None:
    for segment in sheet.segments:
        if segment.sequence > SEQUENCE_MAX:
            name = files[segment.file]["agreement_id"]
            raise BadInput(
                f"agreement {name!r} has more {sheet.sheet} than {SEQUENCE_MAX + 1} files hold",
                agreement_id=name,
            )


def _cut(sheet: Staged) -> Iterator[tuple[Segment, pa.Table]]:
    """The rows of each file, in order. This holds those of one file at a time."""
    import pyarrow as pa
    from pyarrow import parquet

    with parquet.ParquetFile(sheet.path) as source:
        schema, batches = source.schema_arrow, source.iter_batches()
        batch, start = pa.RecordBatch.from_pylist([], schema), 0
        for segment in sheet.segments:
            taken, missing = [], segment.rows
            while missing:
                if start == batch.num_rows:
                    batch, start = next(batches), 0
                part = batch.slice(start, missing)
                taken.append(part)
                start += part.num_rows
                missing -= part.num_rows
            yield segment, pa.Table.from_batches(taken, schema)


def _write(
    path: Path, sheet: Staged, segment: Segment, rows: pa.Table, formats: Collection[str]
) -> int:
    from pyarrow import parquet

    if "csv" in formats:
        with path.open("wb") as file:
            file.write(header(sheet.columns).encode())
            for chunk in rows.column("line").chunks:
                file.write(as_written(chunk))
            file.write(f"{segment.controls}{END}{EOL}".encode())
    if "parquet" in formats:
        names = [column.name for column in sheet.columns]
        whole = rows.select(names).combine_chunks()
        parquet.write_table(whole, path.with_suffix(".parquet"), compression="zstd")
    return len(formats)


@contextmanager
def _draft(out: Path, window: ClosedWindow) -> Iterator[Path]:
    """A folder beside the place of the files, gone at the end."""
    draft = out / f".{window.window_id}.{os.getpid()}.{time.monotonic_ns()}"
    draft.mkdir(parents=True)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _publish(draft: Path, place: Path, *, of: Collection[str]) -> None:
    """Put each agreement's folder in its place at once, in the stead of one that is there.

    What is there `of` an agreement that has none goes: an outcome was unwound in which it had.
    """
    os.sync()  # one for all: a hundred thousand files take minutes one by one
    if not place.exists():
        draft.rename(place)
        return
    aside = draft / ".aside"
    aside.mkdir()
    folders = sorted(path for path in draft.iterdir() if path != aside)
    names = {folder.name for folder in folders}
    for folder in folders:
        if (place / folder.name).exists():
            (place / folder.name).rename(aside / folder.name)
        folder.rename(place / folder.name)
    for left in sorted({folder_name(name) for name in of} - names):
        if (place / left).exists():
            (place / left).rename(aside / left)
