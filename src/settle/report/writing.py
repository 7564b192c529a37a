"""Putting the report on disk: HTML and JSON side by side, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from settle.report.document import dump
from settle.report.page import page

if TYPE_CHECKING:
    from settle.report.model import MorningReport


def write(report: MorningReport, directory: Path) -> tuple[Path, Path]:
    """Write the report and return the paths of its HTML and JSON files.

    This replaces an earlier report of the same day in one step; the same report gives the same
    bytes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    html_path, json_path = report_files(report.day, directory)
    replace_file(json_path, dump(report.to_json()))
    replace_file(html_path, page(report).encode())
    return html_path, json_path


def report_files(day: date, directory: Path) -> tuple[Path, Path]:
    """The paths of a day's HTML and JSON report, written or not."""
    stem = f"morning-report-{day.isoformat()}"
    return directory / f"{stem}.html", directory / f"{stem}.json"


def replace_file(path: Path, content: bytes) -> None:
    """Put a file in its place at once, on disk for good, in the stead of one that is there."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o640)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
