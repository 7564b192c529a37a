"""What must hold of every world, by name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Invariant(StrEnum):
    """What a violation is named by."""

    ONCE = "a payment is executed at most once"
    INSTRUCTED = "nothing is executed that nobody instructed"
    EXECUTED = "what was executed is never called unpaid"
    UNEXECUTED = "what was not executed is never called paid"
    CONSERVED = "money is conserved in every currency"
    EVIDENCE = "an Unknown is closed by evidence, or shown"
    FOLD = "the state is what the events prove"
    LEDGER = "the ledger balances, and is what the events imply"
    RESERVED = "funds stay reserved while nobody knows"
    CHAINED = "the ledger is chained, and nothing sealed was touched"
    INTENT = "the intent is durable before the wire"
    HELD = "only who holds a payment sends it"
    KEY = "no new key while the first is unproven"
    CUT_OFF = "nothing moves money after its cut-off"
    PAUSED = "nothing is let go to a rail that is paused"
    ASKED_BACK = "what is asked back is not sent again"
    OVER = "nothing leaves that is over"
    RESTORED = "a store that was put back releases nothing before the search"
    TOLD = "an outcome is durable before anything acts on it"
    LOST = "nothing is lost"
    EXPLAINED = "statements are explained"
    SOUND = "the engine does not break"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing that must never be, and was. `why` names the payment and the figures."""

    invariant: Invariant
    why: str
