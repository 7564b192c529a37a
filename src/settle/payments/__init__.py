"""Payments: the fold of events into state, controls, routing, the executor, the door."""

from settle.payments.admission import Refusal
from settle.payments.attention import Attention, attention
from settle.payments.conditions import Conditions, CutoffRow, Reached, conditions_of
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
from settle.payments.listing import Wanted, listed, named
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
from settle.payments.planning import Held, Planned, plan
from settle.payments.polling import Looked, LookPolicy, look_up
from settle.payments.rerouting import reroutable
from settle.payments.rolling import roll
from settle.payments.routing import Route, Router, route
from settle.payments.sealed import SEALED
from settle.payments.standing import referenced, releasable, unknowns, unwell
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
    "Conditions",
    "Confirmed",
    "Contradiction",
    "Control",
    "Controls",
    "CoolOff",
    "CutoffRow",
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
    "Reached",
    "Recorded",
    "Refusal",
    "ReturnedPayable",
    "Route",
    "Router",
    "Scope",
    "Signed",
    "State",
    "Story",
    "StoryLine",
    "Switch",
    "Tally",
    "ThreadWriter",
    "Wanted",
    "Writer",
    "approve",
    "approve_one",
    "attention",
    "conditions_of",
    "confirm",
    "fund",
    "holds",
    "in_transit",
    "listed",
    "look_up",
    "named",
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
    "reroutable",
    "resume",
    "returned",
    "roll",
    "route",
    "state_of",
    "story",
    "switched",
    "unknowns",
    "unwell",
    "withdraw",
]
