"""Clearing: records in, windows closed, positions netted, obligations out."""

from settle.clearing.agreements import Agreements
from settle.clearing.batches import Finding, Intake
from settle.clearing.closing import Closing, close, stored_closing
from settle.clearing.intake import take
from settle.clearing.kinds import Kind
from settle.clearing.netting import netting_views
from settle.clearing.obligations import Obligation, cover, due
from settle.clearing.positions import (
    Bucket,
    Explanation,
    Line,
    Position,
    explain,
    positions,
    records_under,
)
from settle.clearing.rates import DayRates, Rates
from settle.clearing.standing import explain_open
from settle.clearing.windows import Cutoff, window_of

__all__ = [
    "Agreements",
    "Bucket",
    "Closing",
    "Cutoff",
    "DayRates",
    "Explanation",
    "Finding",
    "Intake",
    "Kind",
    "Line",
    "Obligation",
    "Position",
    "Rates",
    "close",
    "cover",
    "due",
    "explain",
    "explain_open",
    "netting_views",
    "positions",
    "records_under",
    "stored_closing",
    "take",
    "window_of",
]
