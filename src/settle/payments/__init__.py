"""Payments: the fold of events into state, controls, routing, the executor, the door."""

from settle.payments.absence import Missing, close_absent, missing
from settle.payments.admission import Refusal
from settle.payments.approvals import Unapproved, unapproved
from settle.payments.attention import Attention, attention
from settle.payments.cancelling import Cancelled, cancel
from settle.payments.conditions import Conditions, CutoffRow, Reached, conditions_of
from settle.payments.controls import Approved, Policy, Signed, approve, approve_one
from settle.payments.deciding import Decided, Statement, Verdict, decide
from settle.payments.deliveries import (
    DeliveryTally,
    RefusedTally,
    delivered_before,
    delivery_tallies,
    keep_delivery,
    refuse_delivery,
    refused_tallies,
)
from settle.payments.door import Contradiction, Ignored, Recorded, record
from settle.payments.erasing import Erased, Erasure, erase, erase_old, rotate
from settle.payments.executor import Paid, PayPolicy, pay
from settle.payments.fences import Fenced
from settle.payments.forgetting import PEOPLE, catch_up, count_word, has_forgotten, note_restore
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
from settle.payments.recalling import Recalled, ask_back, pursue
from settle.payments.recalls import OPEN_RECALLS, Recall
from settle.payments.repaying import Repayment, repay
from settle.payments.rerouting import reroutable
from settle.payments.retracting import (
    Corrected,
    Explanation,
    Objection,
    evidence_of,
    explain,
    retract,
    retracted,
)
from settle.payments.returns import HUB_BEARS, Bearer, ReturnPolicy
from settle.payments.rolling import roll
from settle.payments.routing import Route, Router, route
from settle.payments.sealed import SEALED
from settle.payments.searching import (
    Searched,
    held_back,
    let_go,
    search,
    unsearched,
)
from settle.payments.standing import (
    any_locked,
    of_agreements,
    open_recalls,
    recall_standing,
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
from settle.payments.suspecting import suspect, suspected
from settle.payments.telling import StoryLine
from settle.payments.undebited import Silent, horizon, prove_undebited
from settle.payments.wishes import wish_about
from settle.payments.withdrawing import released, withdraw
from settle.payments.writer import InlineWriter, ThreadWriter, Writer

__all__ = [
    "ABSENCE",
    "DECISION",
    "HUB_BEARS",
    "OPEN_RECALLS",
    "PEOPLE",
    "SEALED",
    "UNSENT",
    "Approved",
    "Attention",
    "Basis",
    "Bearer",
    "BlastRadius",
    "Cancelled",
    "Conditions",
    "Confirmed",
    "Contradiction",
    "Control",
    "Controls",
    "CoolOff",
    "Corrected",
    "CutoffRow",
    "DayLimit",
    "Decided",
    "DeliveryTally",
    "Due",
    "Erased",
    "Erasure",
    "Event",
    "EventKind",
    "Explanation",
    "Fenced",
    "Funded",
    "Held",
    "Hold",
    "Ignored",
    "InlineWriter",
    "LookPolicy",
    "Looked",
    "Missing",
    "Objection",
    "Paid",
    "Pauses",
    "PayPolicy",
    "PaymentState",
    "Planned",
    "Policy",
    "Rail",
    "Reached",
    "Recall",
    "Recalled",
    "Recorded",
    "Refusal",
    "RefusedTally",
    "Repayment",
    "ReturnPolicy",
    "ReturnedPayable",
    "Route",
    "Router",
    "Scope",
    "Searched",
    "Signed",
    "Silent",
    "State",
    "Statement",
    "Story",
    "StoryLine",
    "Switch",
    "Tally",
    "ThreadWriter",
    "Unapproved",
    "Verdict",
    "Wanted",
    "Writer",
    "any_locked",
    "approve",
    "approve_one",
    "ask_back",
    "attention",
    "cancel",
    "catch_up",
    "close_absent",
    "conditions_of",
    "confirm",
    "count_word",
    "decide",
    "delivered_before",
    "delivery_tallies",
    "erase",
    "erase_old",
    "evidence_of",
    "explain",
    "fund",
    "has_forgotten",
    "held_back",
    "holds",
    "horizon",
    "in_transit",
    "keep_delivery",
    "let_go",
    "listed",
    "look_up",
    "missing",
    "named",
    "note_restore",
    "of_agreements",
    "open_recalls",
    "open_totals",
    "overview",
    "pause",
    "paused",
    "pay",
    "plan",
    "prove_undebited",
    "pursue",
    "recall_standing",
    "record",
    "referenced",
    "refuse_delivery",
    "refused_tallies",
    "releasable",
    "released",
    "repay",
    "reroutable",
    "resume",
    "retract",
    "retracted",
    "returned",
    "roll",
    "rotate",
    "route",
    "search",
    "state_of",
    "story",
    "suspect",
    "suspected",
    "switched",
    "unapproved",
    "unknowns",
    "unsearched",
    "unwell",
    "wish_about",
    "withdraw",
]
