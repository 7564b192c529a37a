"""Payments: the fold of events into state, controls, routing, the executor, the door."""

from settle.payments.absence import Missing, close_absent, missing
from settle.payments.admission import Refusal
from settle.payments.attention import Attention, attention
from settle.payments.conditions import Conditions, CutoffRow, Reached, conditions_of
from settle.payments.controls import Approved, Policy, Signed, approve, approve_one
from settle.payments.deciding import Decided, Statement, Verdict, decide
from settle.payments.door import Contradiction, Ignored, Recorded, record
from settle.payments.erasing import Erased, Erasure, erase, erase_old, rotate
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
from settle.payments.searching import (
    Searched,
    forget_searches,
    held_back,
    let_go,
    search,
    unsearched,
)
from settle.payments.standing import (
    any_locked,
    of_agreements,
    referenced,
    releasable,
    unknowns,
    unwell,
)
from settle.payments.state import (
    ABSENCE,
    DECISION,
    UNSENT,
    Event,
    EventKind,
    PaymentState,
    State,
    state_of,
)
from settle.payments.telling import StoryLine
from settle.payments.withdrawing import released, withdraw
from settle.payments.writer import InlineWriter, ThreadWriter, Writer

__all__ = [
    "ABSENCE",
    "DECISION",
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
    "Decided",
    "Due",
    "Erased",
    "Erasure",
    "Event",
    "EventKind",
    "Funded",
    "Held",
    "Hold",
    "Ignored",
    "InlineWriter",
    "LookPolicy",
    "Looked",
    "Missing",
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
    "Searched",
    "Signed",
    "State",
    "Statement",
    "Story",
    "StoryLine",
    "Switch",
    "Tally",
    "ThreadWriter",
    "Verdict",
    "Wanted",
    "Writer",
    "any_locked",
    "approve",
    "approve_one",
    "attention",
    "close_absent",
    "conditions_of",
    "confirm",
    "decide",
    "erase",
    "erase_old",
    "forget_searches",
    "fund",
    "held_back",
    "holds",
    "in_transit",
    "let_go",
    "listed",
    "look_up",
    "missing",
    "named",
    "of_agreements",
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
    "rotate",
    "route",
    "search",
    "state_of",
    "story",
    "switched",
    "unknowns",
    "unsearched",
    "unwell",
    "withdraw",
]
