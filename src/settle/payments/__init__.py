"""Payments: the fold of events into state, controls, routing, the executor, the door."""

from settle.payments.absence import Silent, horizon, let_go
from settle.payments.attention import Attention, attention
from settle.payments.cancelling import Cancelled, cancel
from settle.payments.controls import Approved, Policy, approve, approve_one, roll
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
from settle.payments.executor import Paid, PayPolicy, pay
from settle.payments.funding import Funded, fund
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
from settle.payments.recalling import Recalled, ask_back, pursue
from settle.payments.recalls import OPEN_RECALLS, Recall
from settle.payments.repaying import Repayment, repay
from settle.payments.returns import HUB_BEARS, Bearer, ReturnPolicy
from settle.payments.sealed import SEALED
from settle.payments.standing import (
    open_recalls,
    recall_standing,
    referenced,
    releasable,
    unknowns,
)
from settle.payments.state import UNSENT, Event, EventKind, PaymentState, State, state_of
from settle.payments.withdrawing import released, withdraw
from settle.payments.writer import InlineWriter, ThreadWriter, Writer

__all__ = [
    "HUB_BEARS",
    "OPEN_RECALLS",
    "SEALED",
    "UNSENT",
    "Approved",
    "Attention",
    "Bearer",
    "Cancelled",
    "Contradiction",
    "DeliveryTally",
    "Due",
    "Event",
    "EventKind",
    "Funded",
    "Held",
    "Ignored",
    "InlineWriter",
    "LookPolicy",
    "Looked",
    "Paid",
    "PayPolicy",
    "PaymentState",
    "Planned",
    "Policy",
    "Rail",
    "Recall",
    "Recalled",
    "Recorded",
    "Refusal",
    "RefusedTally",
    "Repayment",
    "ReturnPolicy",
    "ReturnedPayable",
    "Silent",
    "State",
    "Story",
    "StoryLine",
    "Tally",
    "ThreadWriter",
    "Writer",
    "approve",
    "approve_one",
    "ask_back",
    "attention",
    "cancel",
    "delivered_before",
    "delivery_tallies",
    "fund",
    "horizon",
    "in_transit",
    "keep_delivery",
    "let_go",
    "look_up",
    "open_recalls",
    "open_totals",
    "overview",
    "pay",
    "plan",
    "pursue",
    "recall_standing",
    "record",
    "referenced",
    "refuse_delivery",
    "refused_tallies",
    "releasable",
    "released",
    "repay",
    "returned",
    "roll",
    "state_of",
    "story",
    "unknowns",
    "withdraw",
]
