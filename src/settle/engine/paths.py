"""Paths of files in a query: each read as it is called, and no other in its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_PATTERN = re.compile(r"([\[*?])")
"""What has a meaning to DuckDB in a path; between brackets it is itself."""


def parquet(paths: Sequence[Path]) -> str:
    """Parquet files as a table of a query.

    Beside their columns it has `file_index` and `file_row_number`, from 0, if a query names them.
    These files are read and no others, and their columns are what they hold, whatever the folders
    they lie in are called.
    """
    named = ", ".join(quoted(_literally(path)) for path in paths)
    # A folder called `currency=EUR` would else stand in for the column of that name.
    return f"read_parquet([{named}], hive_partitioning = false)"


def _literally(path: Path) -> str:
    """A path in which DuckDB sees no pattern, and no home in a tilde."""
    return _PATTERN.sub(r"[\1]", str(path.absolute()))


def quoted(text: str) -> str:
    """A text as it stands in a query of DuckDB's."""
    return "'" + text.replace("'", "''") + "'"
