"""The gate between approval and release: switches, limits, cool-off, caps, exposure, funds."""

from settle.payments.gate.confirming import Confirmed, confirm
from settle.payments.gate.holds import Hold, holds
from settle.payments.gate.rules import (
    Basis,
    BlastRadius,
    Control,
    Controls,
    CoolOff,
    DayLimit,
    Pauses,
    Scope,
)
from settle.payments.gate.switching import Switch, pause, paused, resume, switched

__all__ = [
    "Basis",
    "BlastRadius",
    "Confirmed",
    "Control",
    "Controls",
    "CoolOff",
    "DayLimit",
    "Hold",
    "Pauses",
    "Scope",
    "Switch",
    "confirm",
    "holds",
    "pause",
    "paused",
    "resume",
    "switched",
]
