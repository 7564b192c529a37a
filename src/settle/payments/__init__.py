"""Payments: the fold of events into state, controls, routing, the executor, the door."""

from settle.payments.absence import Missing, close_absent, missing
from settle.payments.attention import Attention, attention
from settle.payments.controls import Approved, Policy, approve, approve_one, roll
from settle.payments.deciding import Decided, Statement, Verdict, decide
from settle.payments.door import Contradiction, Ignored, Recorded, record
from settle.payments.erasing import Erased, Erasure, erase, erase_old, rotate
from settle.payments.executor import Paid, PayPolicy, pay
from settle.payments.funding import Funded, fund
from settle.payments.instruction import Due, Rail
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
from settle.payments.planning import Held, Planned, Refusal, plan
from settle.payments.polling import Looked, LookPolicy, look_up
from settle.payments.sealed import SEALED
from settle.payments.searching import (
    Searched,
    forget_searches,
    held_back,
    let_go,
    search,
    unsearched,
)
from settle.payments.standing import any_locked, of_agreements, referenced, releasable, unknowns
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
    "Contradiction",
    "Decided",
    "Due",
    "Erased",
    "Erasure",
    "Event",
    "EventKind",
    "Funded",
    "Held",
    "Ignored",
    "InlineWriter",
    "LookPolicy",
    "Looked",
    "Missing",
    "Paid",
    "PayPolicy",
    "PaymentState",
    "Planned",
    "Policy",
    "Rail",
    "Recorded",
    "Refusal",
    "ReturnedPayable",
    "Searched",
    "State",
    "Statement",
    "Story",
    "StoryLine",
    "Tally",
    "ThreadWriter",
    "Verdict",
    "Writer",
    "any_locked",
    "approve",
    "approve_one",
    "attention",
    "close_absent",
    "decide",
    "erase",
    "erase_old",
    "forget_searches",
    "fund",
    "held_back",
    "in_transit",
    "let_go",
    "look_up",
    "missing",
    "of_agreements",
    "open_totals",
    "overview",
    "pay",
    "plan",
    "record",
    "referenced",
    "releasable",
    "released",
    "returned",
    "roll",
    "rotate",
    "search",
    "state_of",
    "story",
    "unknowns",
    "unsearched",
    "withdraw",
]
