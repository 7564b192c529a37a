"""Screening: whoever is paid, against lists of names, and what people decide about it.

A match holds a payment; it never rejects, cancels or returns one, and the payee is not told.
"""

from settle.payments.screening.gate import may_leave, stand_still
from settle.payments.screening.lists import Entry, ScreeningList
from settle.payments.screening.overview import (
    HeldName,
    Screening,
    ScreeningStory,
    held,
    screening_story,
)
from settle.payments.screening.rounds import Screened, screen
from settle.payments.screening.rulings import rule
from settle.payments.screening.screener import Screener
from settle.payments.screening.thresholds import BLOCK_AT, REVIEW_AT, Thresholds
from settle.payments.screening.verdict import Decision, Match, Ruling, Verdict
from settle.payments.screening.versions import InForce, adopt, end, in_force

__all__ = [
    "BLOCK_AT",
    "REVIEW_AT",
    "Decision",
    "Entry",
    "HeldName",
    "InForce",
    "Match",
    "Ruling",
    "Screened",
    "Screener",
    "Screening",
    "ScreeningList",
    "ScreeningStory",
    "Thresholds",
    "Verdict",
    "adopt",
    "end",
    "held",
    "in_force",
    "may_leave",
    "rule",
    "screen",
    "screening_story",
    "stand_still",
]
