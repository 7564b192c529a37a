"""How many records a window takes and leaves, proved against what came in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settle.clearing.sifting import Placed
from settle.engine import Scratch, read_views
from settle.errors import NotConserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Records by what became of them: in the window by batch, late, left by window, left out.

    `sifted`: of those in the window, the ones of split batches. `left_out`: by batch, who failed
    and the reason.
    """

    settled: Mapping[str, int]
    sifted: int
    late: int
    left: Mapping[str, int]
    left_out: Mapping[tuple[str, str, str], int]


def count(scratch: Scratch, placed: Placed) -> Counted:
    """Count what `place` placed.

    Raises:
        NotConserved: what came in is not what settles, waits or was withdrawn: a file of the
            lake is not what was taken.
    """
    gone = Counter(placed.unsettled.withdrawn.values())
    rows = scratch.rows(_tallied()).to_pylist() if placed.split or placed.unsettled.parts else []
    _prove(scratch, placed, rows, gone=gone)
    due = [row for row in rows if row["is_due"]]
    left = [row for row in rows if not row["is_due"]]
    settled = {batch: n - gone[batch] for batch, n in placed.whole.items()}
    settled |= dict.fromkeys(placed.split, 0)
    return Counted(
        settled=_totals(due, "batch_id", start=settled),
        sifted=sum(row["records"] for row in due if row["is_fresh"]),
        late=sum(row["records"] for row in due if row["is_late"]),
        left=_totals(left, "settles_in"),
        left_out=_totals(
            [row for row in left if row["left_out"]], "batch_id", "failed_id", "left_out"
        ),
    )


def _tallied() -> str:
    return read_views(Path(__file__).parent / "views" / "window", ("tallied",))["tallied"]


def _totals(
    rows: Sequence[Mapping[str, Any]], *fields: str, start: Mapping[Any, int] | None = None
) -> dict[Any, int]:
    """The records of the rows by a field, or by several."""
    totals = Counter(start)
    for row in rows:
        key = tuple(row[field] for field in fields)
        totals[key if len(key) > 1 else key[0]] += row["records"]
    return totals


def _prove(
    scratch: Scratch, placed: Placed, rows: Sequence[Mapping[str, Any]], *, gone: Counter[str]
) -> None:
    """Everything that came in is in this window, waits, or was withdrawn."""
    waiting = placed.unsettled
    whole = scratch.value("select count(*) from whole_all") if placed.whole else 0
    withdrawn = sum(gone[batch] for batch in placed.split)
    if waiting.parts and waiting.withdrawn:
        withdrawn += scratch.value(
            """select count(*) from deferred_all semi join parts using (deferred_in, settles_in)
            semi join withdrawn_all using (record_id)"""
        )
    came = sum(waiting.fresh.values()) + sum(part.records for part in waiting.parts)
    went = whole + sum(row["records"] for row in rows) + withdrawn
    if came != went:
        raise NotConserved(
            f"window {placed.window_id}: {came} records came in, {went} are accounted for",
            window_id=placed.window_id,
        )  # fmt: skip
