"""What clearing keeps in the store: batches, findings, windows, positions, obligations.

Records themselves live in the lake; the store has their counts and digests.
"""

from settle.clearing.tables.closing import (
    corrections,
    deferrals,
    left_out,
    manifests,
    unwindings,
    windows,
)
from settle.clearing.tables.dues import claims, obligations
from settle.clearing.tables.intake import findings, intake_batches, withdrawals
from settle.clearing.tables.netting import fee_usage, position_lines, positions, savings
from settle.clearing.tables.standing import carries, covers, recoveries, reserve_slices

__all__ = [
    "carries",
    "claims",
    "corrections",
    "covers",
    "deferrals",
    "fee_usage",
    "findings",
    "intake_batches",
    "left_out",
    "manifests",
    "obligations",
    "position_lines",
    "positions",
    "recoveries",
    "reserve_slices",
    "savings",
    "unwindings",
    "windows",
    "withdrawals",
]
