"""Payments: the fold of events into state, controls, routing, the executor, the door."""

from settle.payments.attention import Attention, attention
from settle.payments.controls import Approved, Policy, Signed, approve, approve_one
from settle.payments.door import Contradiction, Ignored, Recorded, record
from settle.payments.executor import Paid, PayPolicy, pay
from settle.payments.funding import Funded, fund
from settle.payments.gate import (
    Basis,
    BlastRadius,
    Confirmed,
    Control,
    Controls,
    CoolOff,
    DayLimit,
    Hold,
    Pauses,
    Scope,
    Switch,
    confirm,
    holds,
    pause,
    paused,
    resume,
    switched,
)
from settle.payments.instruction import Due, Rail
from settle.payments.overview import (
    ReturnedPayable,
    Story,
    StoryLine,
    Tally,
    in_transit,
    open_totals,
    overview,
    returned,
    story,
)
from settle.payments.planning import Held, Planned, Refusal, plan
from settle.payments.polling import Looked, LookPolicy, look_up
from settle.payments.rolling import roll
from settle.payments.sealed import SEALED
from settle.payments.standing import referenced, releasable, unknowns
from settle.payments.state import UNSENT, Event, EventKind, PaymentState, State, state_of
from settle.payments.withdrawing import released, withdraw
from settle.payments.writer import InlineWriter, ThreadWriter, Writer

__all__ = [
    "SEALED",
    "UNSENT",
    "Approved",
    "Attention",
    "Basis",
    "BlastRadius",
    "Confirmed",
    "Contradiction",
    "Control",
    "Controls",
    "CoolOff",
    "DayLimit",
    "Due",
    "Event",
    "EventKind",
    "Funded",
    "Held",
    "Hold",
    "Ignored",
    "InlineWriter",
    "LookPolicy",
    "Looked",
    "Paid",
    "Pauses",
    "PayPolicy",
    "PaymentState",
    "Planned",
    "Policy",
    "Rail",
    "Recorded",
    "Refusal",
    "ReturnedPayable",
    "Scope",
    "Signed",
    "State",
    "Story",
    "StoryLine",
    "Switch",
    "Tally",
    "ThreadWriter",
    "Writer",
    "approve",
    "approve_one",
    "attention",
    "confirm",
    "fund",
    "holds",
    "in_transit",
    "look_up",
    "open_totals",
    "overview",
    "pause",
    "paused",
    "pay",
    "plan",
    "record",
    "referenced",
    "releasable",
    "released",
    "resume",
    "returned",
    "roll",
    "state_of",
    "story",
    "switched",
    "unknowns",
    "withdraw",
]
