"""Clearing: records in, windows closed, positions netted, obligations out."""

from settle.clearing.agreements import Agreements
from settle.clearing.bare import BareNetting, net_bare
from settle.clearing.batches import Finding, Intake
from settle.clearing.calculation import Calculation, Terms, calculate
from settle.clearing.caps import Caps
from settle.clearing.closing import Closing, close, stored_closing
from settle.clearing.corrections import Correction, correct, corrections
from settle.clearing.explanation import Bucket, Explanation, Line, Taken, explain
from settle.clearing.fees import Fees
from settle.clearing.intake import take
from settle.clearing.kinds import Kind
from settle.clearing.netting import netting_views
from settle.clearing.obligations import Obligation, cover, due
from settle.clearing.open_positions import explain_open
from settle.clearing.positions import Position, positions, records_under
from settle.clearing.proof import PositionProof, prove
from settle.clearing.rates import DayRates, Rates
from settle.clearing.windows import Cutoff, window_of

__all__ = [
    "Agreements",
    "BareNetting",
    "Bucket",
    "Calculation",
    "Caps",
    "Closing",
    "Correction",
    "Cutoff",
    "DayRates",
    "Explanation",
    "Fees",
    "Finding",
    "Intake",
    "Kind",
    "Line",
    "Obligation",
    "Position",
    "PositionProof",
    "Rates",
    "Taken",
    "Terms",
    "calculate",
    "close",
    "correct",
    "corrections",
    "cover",
    "due",
    "explain",
    "explain_open",
    "net_bare",
    "netting_views",
    "positions",
    "prove",
    "records_under",
    "stored_closing",
    "take",
    "window_of",
]
