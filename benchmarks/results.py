"""What benchmarks found, a line each, kept until the page is written from them.

`make bench` names a file for each of its parts in `BENCH_RESULTS`, to which the programs add what
they print; without it nothing is kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from ratio import Ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two ways of doing the same: how many times as long ours took. `most`: what we aim at."""

    ours: str
    against: str
    pairs: int
    ratio: Ratio
    most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """One run of the whole way at one size."""

    records: int
    seconds: float
    rss_gib: float
    spilled_gib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """The most memory that the process took which paid so many, and how long that was."""

    payments: int
    store: str
    seconds: float
    peak_mib: float


Found = Compared | Grown | Peak


def note(found: Found) -> None:
    """Add what was found to the file that the environment names, if it does."""
    place = os.environ.get("BENCH_RESULTS")
    if place:
        line = {"kind": type(found).__name__, **asdict(found)}
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def kept(place: Path) -> Iterator[Found]:
    """All that was added, in order."""
    for line in place.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        match row.pop("kind"):
            case "Grown":
                yield Grown(**row)
            case "Peak":
                yield Peak(**row)
            case _:
                yield Compared(**{**row, "ratio": Ratio(**row["ratio"])})
