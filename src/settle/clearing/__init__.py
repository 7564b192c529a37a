"""Clearing: records in, windows closed, positions netted, obligations out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from settle.names import lazily

if TYPE_CHECKING:
    from settle.clearing.agreements import Agreements
    from settle.clearing.bare import BareNetting, net_bare
    from settle.clearing.calculation import Calculation, Terms, calculate
    from settle.clearing.caps import Caps
    from settle.clearing.closing import Closing, close, stored_closing
    from settle.clearing.correction import Correction, Foreseen, correct, corrections, foresee
    from settle.clearing.explanation import Bucket, Explanation, Line, Taken, explain
    from settle.clearing.fees import Fees
    from settle.clearing.findings import Finding, Intake
    from settle.clearing.intake import take
    from settle.clearing.kinds import Kind
    from settle.clearing.netting import netting_views
    from settle.clearing.obligations import Obligation, cover, due, uncover
    from settle.clearing.open_positions import explain_open
    from settle.clearing.payouts import Payouts
    from settle.clearing.position import Position, positions, records_under
    from settle.clearing.proof import PositionProof, prove
    from settle.clearing.rates import DayRates, Rates
    from settle.clearing.superseded import Unwinding, explain_superseded, unwindings
    from settle.clearing.taking_back import SettledRecord
    from settle.clearing.unwinding import unwind
    from settle.clearing.unwound import Unwound
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
    "Foreseen",
    "Intake",
    "Kind",
    "Line",
    "Obligation",
    "Payouts",
    "Position",
    "PositionProof",
    "Rates",
    "SettledRecord",
    "Taken",
    "Terms",
    "Unwinding",
    "Unwound",
    "calculate",
    "close",
    "correct",
    "corrections",
    "cover",
    "due",
    "explain",
    "explain_open",
    "explain_superseded",
    "foresee",
    "net_bare",
    "netting_views",
    "positions",
    "prove",
    "records_under",
    "stored_closing",
    "take",
    "uncover",
    "unwind",
    "unwindings",
    "window_of",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "Agreements": "settle.clearing.agreements",
        "BareNetting": "settle.clearing.bare",
        "Bucket": "settle.clearing.explanation",
        "Calculation": "settle.clearing.calculation",
        "Caps": "settle.clearing.caps",
        "Closing": "settle.clearing.closing",
        "Correction": "settle.clearing.correction",
        "Cutoff": "settle.clearing.windows",
        "DayRates": "settle.clearing.rates",
        "Explanation": "settle.clearing.explanation",
        "Fees": "settle.clearing.fees",
        "Finding": "settle.clearing.findings",
        "Foreseen": "settle.clearing.correction",
        "Intake": "settle.clearing.findings",
        "Kind": "settle.clearing.kinds",
        "Line": "settle.clearing.explanation",
        "Obligation": "settle.clearing.obligations",
        "Payouts": "settle.clearing.payouts",
        "Position": "settle.clearing.position",
        "PositionProof": "settle.clearing.proof",
        "Rates": "settle.clearing.rates",
        "SettledRecord": "settle.clearing.taking_back",
        "Taken": "settle.clearing.explanation",
        "Terms": "settle.clearing.calculation",
        "Unwinding": "settle.clearing.superseded",
        "Unwound": "settle.clearing.unwound",
        "calculate": "settle.clearing.calculation",
        "close": "settle.clearing.closing",
        "correct": "settle.clearing.correction",
        "corrections": "settle.clearing.correction",
        "cover": "settle.clearing.obligations",
        "uncover": "settle.clearing.obligations",
        "due": "settle.clearing.obligations",
        "explain": "settle.clearing.explanation",
        "explain_open": "settle.clearing.open_positions",
        "explain_superseded": "settle.clearing.superseded",
        "foresee": "settle.clearing.correction",
        "net_bare": "settle.clearing.bare",
        "netting_views": "settle.clearing.netting",
        "positions": "settle.clearing.position",
        "prove": "settle.clearing.proof",
        "records_under": "settle.clearing.position",
        "stored_closing": "settle.clearing.closing",
        "take": "settle.clearing.intake",
        "unwind": "settle.clearing.unwinding",
        "unwindings": "settle.clearing.superseded",
        "window_of": "settle.clearing.windows",
    },
)
