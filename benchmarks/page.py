"""The measured part of `docs/reference/performance.md`, and the picture of how time grows.

What was not measured again is taken from the results of before, as far as they are still there.

    python benchmarks/page.py .bench/bench-paying.jsonl .bench/bench-workers.jsonl
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from math import log10
from pathlib import Path

from results import Compared, Grown, Peak, kept

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "reference" / "performance.md"
PICTURE = ROOT / "docs" / "pictures" / "growth.svg"
BEGINS, ENDS = "<!-- measured: begins -->", "<!-- measured: ends -->"


def machine() -> str:
    """The machine and what ran on it, in one sentence."""
    cores, memory = os.cpu_count(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on {cores} cores ({model}) and "
        f"{memory / 2**30:.0f} GiB, with Python {platform.python_version()}, DuckDB "
        f"{version('duckdb')} and pyarrow {version('pyarrow')}."
    )


def comparisons(rows: Sequence[Compared]) -> list[str]:
    """The table of ratios."""
    titles = ("ours", "against", "pairs", "times as long", "lowest to highest", "aim", "seconds")
    lines = [f"| {' | '.join(titles)}, ours and other |", "|---" * len(titles) + "|"]
    for row in rows:
        ratio = row.ratio
        aim = "" if row.most is None else f"≤ {row.most:.3g}"
        lines.append(
            f"| {row.ours} | {row.against} | {row.pairs} | {ratio.middle:.3g} | "
            f"{ratio.low:.3g} to {ratio.high:.3g} | {aim} | "
            f"{ratio.ours_s:.3g} and {ratio.other_s:.3g} |"
        )
    return lines


def growth(rows: Sequence[Grown]) -> list[str]:
    """The table of sizes."""
    lines = [
        "| records, the whole way | seconds | times the size before | GiB resident | GiB spilled |",
        "|---|---|---|---|---|",
    ]
    for before, row in zip((None, *rows), rows, strict=False):
        times = "" if before is None else f"{row.seconds / before.seconds:.1f}"
        lines.append(
            f"| {row.records:,} | {row.seconds:.1f} | {times} | {row.rss_gib:.2f} | "
            f"{row.spilled_gib:.2f} |"
        )
    return lines


def peaks(rows: Sequence[Peak]) -> list[str]:
    """The table of memory."""
    return [
        "| payments, paid as a stream | store | seconds | MiB resident at most |",
        "|---|---|---|---|",
        *(
            f"| {row.payments:,} | {row.store} | {row.seconds:.1f} | {row.peak_mib:.0f} |"
            for row in rows
        ),
    ]


def picture(rows: Sequence[Grown]) -> str:
    """Seconds by records, both in powers of ten; dashed, what straight growth would be."""
    left, bottom, step_x, step_y = 70, 260, 200, 70

    def at(records: float, seconds: float) -> str:
        x = left + (log10(records) - log10(rows[0].records)) * step_x
        return f"{x:.1f},{bottom - (log10(seconds) + 0.5) * step_y:.1f}"

    first, last = rows[0], rows[-1]
    straight = at(last.records, first.seconds * last.records / first.records)
    dashed = f"{at(first.records, first.seconds)} {straight}"
    drawn = " ".join(at(row.records, row.seconds) for row in rows)
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 560 310" font-size="13">',
        '<rect width="560" height="310" fill="white"/>',
        f'<polyline points="{dashed}" fill="none" stroke="#999" stroke-dasharray="5 4"/>',
        f'<polyline points="{drawn}" fill="none" stroke="#1f5fa8" stroke-width="2"/>',
    ]
    for row in rows:
        x, y = at(row.records, row.seconds).split(",")
        parts += [
            f'<circle cx="{x}" cy="{y}" r="4" fill="#1f5fa8"/>',
            _text(x, float(y) - 12, f"{row.seconds:.1f} s, {row.rss_gib:.1f} GiB"),
            _text(x, bottom + 20, f"{row.records / 10**6:g} million"),
        ]
    legend = "records, the whole way; dashed: straight growth from the smallest"
    return "\n".join([*parts, _text(280, bottom + 42, legend), "</svg>", ""])


def _text(x: float | str, y: float, text: str) -> str:
    return f'<text x="{x}" y="{y:.1f}" text-anchor="middle">{text}</text>'


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, nargs="+", help="those not there are passed over")
    files = [file for file in parser.parse_args().results if file.exists()]
    found = [row for file in files for row in kept(file)]
    sizes = sorted((row for row in found if isinstance(row, Grown)), key=lambda row: row.records)
    lines = [machine(), "", *comparisons([row for row in found if isinstance(row, Compared)])]
    if len(sizes) > 1:
        PICTURE.write_text(picture(sizes), encoding="utf-8")
        lines += ["", "![Seconds by records](../pictures/growth.svg)", "", *growth(sizes)]
    if most := [row for row in found if isinstance(row, Peak)]:
        lines += ["", *peaks(most)]
    page = PAGE.read_text(encoding="utf-8")
    head, _, rest = page.partition(BEGINS)
    _, _, tail = rest.partition(ENDS)
    PAGE.write_text("\n".join([head + BEGINS, *lines, ENDS]) + tail, encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
