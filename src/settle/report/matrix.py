"""Lists of counts turned into rows and columns, as tables and charts show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from settle.report.clearing import Flow, Settled
from settle.report.payments import StateCount
from settle.report.reconciliation import AGES, BreakTotal
from settle.report.wording import STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class StateRow:
    """Payments of one rail and currency, a cell for each state that occurs in the report."""

    rail: str
    currency: str
    cells: tuple[StateCount | None, ...]

    @property
    def count(self) -> int:
        """All payments of the row."""
        return sum(cell.count for cell in self.cells if cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeRow:
    """Open breaks of one kind, a count for each age."""

    kind: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place of the flows: what came to it or left it, whichever is more."""

    currency: str
    name: str
    amount_minor: int


NET_COLUMNS: tuple[tuple[str, str], ...] = (
    ("Sales", "sales_minor"),
    ("Refunds", "refunds_minor"),
    ("Chargebacks", "chargebacks_minor"),
    ("Reversals", "reversals_minor"),
    ("Adjustments", "adjustments_minor"),
    ("Fees", "fees_minor"),
    ("Tax", "tax_minor"),
    ("Reserve withheld", "reserve_withheld_minor"),
    ("Reserve released", "reserve_released_minor"),
    ("Brought in", "carried_in_minor"),
)
"""What a net position is made of, with the field of `Settled` that holds it."""


def net_columns(settled: Sequence[Settled]) -> tuple[tuple[str, str], ...]:
    """The parts of net positions that occur in any currency. This keeps the table narrow."""
    return tuple(
        (title, name) for title, name in NET_COLUMNS if any(getattr(row, name) for row in settled)
    )


def states_shown(counts: Sequence[StateCount]) -> tuple[str, ...]:
    """The states that occur, in the order of the table's columns; unheard-of ones come last."""
    found = {row.state for row in counts}
    known = [name for name in STATES if name in found]
    return (*known, *sorted(found - STATES.keys()))


def state_rows(counts: Sequence[StateCount]) -> tuple[StateRow, ...]:
    """rows: one per currency and rail, sorted; cells in the order of `states_shown`."""
    states = states_shown(counts)
    cells = {(row.rail, row.currency, row.state): row for row in counts}
    keys = sorted({(row.currency, row.rail) for row in counts})
    return tuple(
        StateRow(
            rail=rail,
            currency=currency,
            cells=tuple(cells.get((rail, currency, name)) for name in states),
        )
        for currency, rail in keys
    )


def age_rows(totals: Sequence[BreakTotal]) -> tuple[AgeRow, ...]:
    """rows: one per kind of break, sorted; a count for each of `AGES`."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for total in totals:
        counts[total.kind][total.age] += total.count
    return tuple(
        AgeRow(kind=kind, counts=tuple(counts[kind][age] for age in AGES))
        for kind in sorted(counts)
    )


def places(flows: Sequence[Flow]) -> tuple[Place, ...]:
    """rows: one per currency and place, in the order in which the flows name them."""
    coming: dict[tuple[str, str], int] = defaultdict(int)
    going: dict[tuple[str, str], int] = defaultdict(int)
    for flow in flows:
        going[flow.currency, flow.source] += flow.amount_minor
        coming[flow.currency, flow.target] += flow.amount_minor
    named = dict.fromkeys(
        (flow.currency, name) for flow in flows for name in (flow.source, flow.target)
    )
    return tuple(
        Place(currency=key[0], name=key[1], amount_minor=max(coming[key], going[key]))
        for key in named
    )
