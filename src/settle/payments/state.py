"""What a payment's events add up to: a pure fold, indifferent to their order and repetition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from settle.adapters import Source


class State(StrEnum):
    """Where a payment stands. `ACCEPTED` is not paid: the rail took responsibility."""

    PLANNED = "planned"
    SCHEDULED = "scheduled"
    APPROVED = "approved"
    SENDING = "sending"
    UNKNOWN = "unknown"
    AWAITING_AUTHORISATION = "awaiting_authorisation"
    ACCEPTED = "accepted"
    BOOKED = "booked"
    CREDITED = "credited"
    FAILED = "failed"
    RETURNED = "returned"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class EventKind(StrEnum):
    """What may happen to a payment."""

    PLANNED = "planned"
    VOIDED = "voided"  # the approval no longer covers the instruction
    ENDORSED = "endorsed"  # approved by one person, and another has to
    APPROVED = "approved"
    CLEARED = "cleared"  # a person let it pass a control
    SCHEDULED = "scheduled"
    ROLLED = "rolled"  # to a later value date, which its approval covers
    FUNDED = "funded"
    RELEASED = "released"
    NOT_MOVED = "not_moved"  # proved at the socket: nothing left
    RESENT = "resent"
    UNKNOWN = "unknown"
    AWAITING_AUTHORISATION = "awaiting_authorisation"
    ACCEPTED = "accepted"
    BOOKED = "booked"
    CREDITED = "credited"
    RETURNED = "returned"
    FAILED = "failed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    NOT_FOUND = "not_found"  # proves nothing by itself
    DECIDED = "decided"  # the word of one person; it takes two
    CONTRADICTED = "contradicted"  # evidence that does not fit the instruction
    CONTESTED = "contested"  # the word of one person against evidence; it takes two
    RETRACTED = "retracted"  # evidence that two people took back; `code` is its id
    EXPLAINED = "explained"  # a contradiction that two people accounted for; `code` is its text
    FREED = "freed"  # its obligation may have another payment, though it was cancelled for good
    REPAID = "repaid"  # a linked payment stands for its obligation now
    BORNE = "borne"  # who bears a part of what a return came short of
    NOT_DEBITED = "not_debited"  # proved by statements, or on the word of two people
    RECALL_ASKED = "recall_asked"
    RECALL_NOT_SENT = "recall_not_sent"  # proved at the socket, or the rail knows no such request
    RECALL_UNKNOWN = "recall_unknown"
    RECALL_PENDING = "recall_pending"
    RECALL_ACCEPTED = "recall_accepted"  # no money is back by this
    RECALL_REJECTED = "recall_rejected"


ENGINE = "engine"
"""The source of what this library did itself."""

ABSENCE = "absence"
"""The source of what neither `find` nor gap-free statements know, past the horizon."""

DECISION = "decision"
"""The source of what people decided."""

SENT = frozenset({EventKind.RELEASED, EventKind.RESENT})
"""What leaves, as far as this library knows."""

OURS = frozenset({Source.STATEMENT.value, Source.REPORT.value})
"""Sources that show a movement on an account of ours: only these move nostro."""

DEAD = frozenset({State.REJECTED, State.CANCELLED})
"""States in which nothing was created, and the obligation is free again."""

FOR_GOOD = "for_good"
"""The code of a cancellation after which the obligation gets no other payment."""

OUT = frozenset({State.ACCEPTED.value, State.BOOKED.value, State.CREDITED.value})
"""States of a payment that was executed, as far as is known, with nobody saying otherwise."""

UNSENT = frozenset({State.PLANNED.value, State.APPROVED.value, State.SCHEDULED.value})
"""States that wait for money or for somebody: what is in one of them has not left, or not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to one payment. `event_id` is the evidence's own id, or the step's.

    `ordinal` counts from 1: the sendings, for an event about one of them, or the steps before
    the release, for an event of those. It is 0 for everything else.
    """

    payment_id: str
    event_id: str
    kind: EventKind
    occurred_at: datetime
    source: str = ENGINE
    ordinal: int = 0
    amount_minor: int | None = None
    account: str | None = None
    charges_minor: int = 0
    code: str = ""
    detail: str = ""

    def __hash__(self) -> int:
        # Of what names it. All eleven fields, several times a fold, were a tenth of an append.
        return hash((self.payment_id, self.event_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentState:
    """What the events prove. `booking` and `comeback` are the movements on our own account.

    `stands`: it is the payment of its obligation, and no other may be made. `borne_minor` is the
    part of a short return that is not owed again.
    """

    state: State
    steps: int
    funded: bool
    in_transit: bool
    executed: bool
    rejected: bool
    not_debited: bool
    stands: bool
    borne_minor: int
    releases: tuple[int, ...]
    open_releases: tuple[int, ...]
    booking: Event | None
    comeback: Event | None
    contradictions: tuple[str, ...]

    @property
    def is_out(self) -> bool:
        """Whether it was executed, as far as is known, and is not back on our account.

        Who says that it failed or came back is believed once our own account shows it.
        """
        if self.state is State.FAILED:
            return not self.not_debited
        if self.state is State.RETURNED:
            return self.comeback is None
        return self.state in OUT


EXECUTED = (EventKind.RETURNED, EventKind.CREDITED, EventKind.BOOKED, EventKind.ACCEPTED)
"""Proof of execution, the strongest first."""

PAID = frozenset({EventKind.RETURNED, EventKind.CREDITED, EventKind.BOOKED})
"""Proof that money left. An acceptance alone is undone by proof that nothing was ever debited."""

_MOVEMENTS = (EventKind.BOOKED, EventKind.RETURNED)

BEFORE = {
    EventKind.PLANNED: State.PLANNED,
    EventKind.VOIDED: State.PLANNED,
    EventKind.APPROVED: State.APPROVED,
    EventKind.SCHEDULED: State.SCHEDULED,
    EventKind.FUNDED: State.APPROVED,
}
"""The state each step leaves an unreleased payment in; the one with the highest ordinal counts."""


def state_of(events: Iterable[Event]) -> PaymentState:
    """The state that a set of events proves. This does not depend on their order or repetition.

    Executed beats rejected, returned regresses booked and credited, and a failure undoes only
    what nobody has booked. What does not fit together is flagged, never overwritten. What two
    people took back counts for nothing.
    """
    seen = frozenset(events)
    kinds = {event.kind for event in seen}
    if EventKind.RETRACTED in kinds:
        seen = standing(seen)
        kinds = {event.kind for event in seen}
    releases = _releases(seen, EventKind.RELEASED)
    resent = _releases(seen, EventKind.RESENT)
    # An old worker's "not sent" says nothing about a later re-sending of the same release.
    open_releases = releases - (_releases(seen, EventKind.NOT_MOVED) - resent)
    rejected = any(_is_final(event, resent) for event in seen)
    not_debited = EventKind.NOT_DEBITED in kinds
    executed = not kinds.isdisjoint(PAID if not_debited else EXECUTED)
    last = _last_before_release(seen)
    state = _after_release(seen, kinds, open_releases, rejected=rejected)
    booking = _first_of_ours(seen, EventKind.BOOKED)
    settled = state in DEAD or booking is not None or (not_debited and not executed)
    return PaymentState(
        state=state or (BEFORE[last.kind] if last else State.PLANNED),
        steps=last.ordinal if last else 0,
        funded=last is not None and last.kind is EventKind.FUNDED,
        in_transit=bool(open_releases or executed) and not settled,
        executed=executed,
        rejected=rejected,
        not_debited=not_debited,
        stands=_stands(seen, kinds, state, undebited=not_debited and not executed),
        borne_minor=sum(e.amount_minor or 0 for e in borne(seen).values() if is_borne_by_payee(e)),
        releases=tuple(sorted(releases)),
        open_releases=tuple(sorted(open_releases)),
        booking=booking,
        comeback=_first_of_ours(seen, EventKind.RETURNED),
        contradictions=tuple(
            sorted(
                {*_contradictions(seen, kinds, releases, open_releases, rejected=rejected)}
                - _explained(seen, kinds)
            )
        ),
    )


def standing(events: Iterable[Event]) -> frozenset[Event]:
    """The events without those that two people took back, and without what hung on them.

    Who bears what of a return hangs on the return.
    """
    seen = frozenset(events)
    gone = {event.code for event in seen if event.kind is EventKind.RETRACTED}
    return (
        frozenset(e for e in seen if gone.isdisjoint((e.event_id, _hangs_on(e)))) if gone else seen
    )


def _hangs_on(event: Event) -> str:
    is_share = event.kind is EventKind.BORNE
    return event.event_id.partition("/share/")[0] if is_share else event.event_id


def _explained(seen: frozenset[Event], kinds: set[EventKind]) -> set[str]:
    if EventKind.EXPLAINED not in kinds:
        return set()
    return {event.code for event in seen if event.kind is EventKind.EXPLAINED}


def _after_release(
    seen: frozenset[Event], kinds: set[EventKind], open_releases: set[int], *, rejected: bool
) -> State | None:
    for kind in EXECUTED:
        if kind is EventKind.ACCEPTED and EventKind.NOT_DEBITED in kinds:
            return State.FAILED
        if kind in kinds:
            failed = kind is EventKind.ACCEPTED and EventKind.FAILED in kinds
            return State.FAILED if failed else State(kind.value)
    return _unexecuted(seen, kinds, open_releases, rejected=rejected)


def _unexecuted(
    seen: frozenset[Event], kinds: set[EventKind], open_releases: set[int], *, rejected: bool
) -> State | None:
    if rejected:
        return State.REJECTED
    for kind in (EventKind.CANCELLED, EventKind.FAILED):
        if kind in kinds:
            return State(kind.value)
    if not open_releases:
        return None
    if EventKind.AWAITING_AUTHORISATION in kinds:
        return State.AWAITING_AUTHORISATION
    unknown = _releases(seen, EventKind.UNKNOWN) & open_releases
    refused_again = _releases(seen, EventKind.REJECTED) & open_releases
    return State.UNKNOWN if unknown or refused_again else State.SENDING


def _stands(
    seen: frozenset[Event], kinds: set[EventKind], state: State | None, *, undebited: bool
) -> bool:
    if undebited or EventKind.REPAID in kinds:
        return False
    if state is not State.CANCELLED:
        return state not in DEAD
    kept = any(e.kind is EventKind.CANCELLED and e.code == FOR_GOOD for e in seen)
    return kept and EventKind.FREED not in kinds


def borne(events: Iterable[Event]) -> dict[int, Event]:
    """The parts of a short return by their number, each with who bears it (its code).

    Of several returns, those of the one that counts.
    """
    seen = frozenset(events)
    found = [event for event in seen if event.kind is EventKind.BORNE and event.amount_minor]
    back = _first_of_ours(seen, EventKind.RETURNED) if found else None
    parts: dict[int, Event] = {}
    for event in sorted(found, key=lambda event: event.event_id):
        if back is None or _hangs_on(event) == back.event_id:
            parts.setdefault(event.ordinal, event)
    return parts


def is_borne_by_payee(event: Event) -> bool:
    """Whether a part of a short return is not owed again."""
    return event.code.startswith(PAYEE)


PAYEE, HUB, FX = "payee", "hub", "_fx"
"""Codes of who bears a part of a short return; with `FX`, a part that the rate took."""


def _is_final(event: Event, resent: set[int]) -> bool:
    """Whether a rejection counts: not when it answers a re-sending, the first may have worked."""
    if event.kind is not EventKind.REJECTED:
        return False
    if event.source != Source.SUBMIT:
        return True
    # Without an ordinal it came through the door, and may answer any of the sendings.
    return event.ordinal not in resent if event.ordinal else not resent


def _releases(seen: frozenset[Event], kind: EventKind) -> set[int]:
    return {event.ordinal for event in seen if event.kind is kind and event.ordinal}


def _last_before_release(seen: frozenset[Event]) -> Event | None:
    return max(
        (event for event in seen if event.kind in BEFORE),
        key=lambda event: (event.ordinal, event.event_id),
        default=None,
    )


def _first_of_ours(seen: frozenset[Event], kind: EventKind) -> Event | None:
    return min(
        (e for e in seen if e.kind is kind and e.source in OURS and e.amount_minor is not None),
        key=lambda event: (event.occurred_at, event.event_id),
        default=None,
    )


def _contradictions(
    seen: frozenset[Event],
    kinds: set[EventKind],
    releases: set[int],
    open_releases: set[int],
    *,
    rejected: bool,
) -> Iterator[str]:
    yield from (event.detail for event in seen if event.kind is EventKind.CONTRADICTED)
    if not kinds.isdisjoint(_MOVEMENTS):
        yield from _twice(seen)
        yield from _differently(seen)
    if EventKind.FAILED in kinds and kinds & {EventKind.BOOKED, EventKind.CREDITED}:
        yield "said to have failed, and proved to be paid"
    if EventKind.NOT_DEBITED in kinds and not kinds.isdisjoint(PAID):
        yield "proved never to have been debited, and proved to be paid"
    if kinds.isdisjoint(EXECUTED):
        return
    if rejected or EventKind.CANCELLED in kinds:
        yield "said to be rejected or cancelled, and proved to be executed"
    if not releases:
        yield "executed, and never released here"
    elif not open_releases:
        yield "executed, though the socket said that nothing left"


def surplus(events: Iterable[Event]) -> frozenset[Event]:
    """Movements that one source shows once too often. The first of them is the one that counts."""
    firsts: dict[tuple[EventKind, str], Event] = {}
    moved = {e for e in standing(events) if e.kind in _MOVEMENTS and e.source in OURS}
    ordered = sorted(moved, key=lambda event: (event.occurred_at, event.event_id))
    return frozenset(e for e in ordered if firsts.setdefault((e.kind, e.source), e) != e)


def _twice(seen: frozenset[Event]) -> Iterator[str]:
    """So that one more of them is another contradiction than those that people have explained."""
    extra = Counter((event.kind.value, event.source) for event in surplus(seen))
    for (kind, source), count in sorted(extra.items()):
        yield f"{kind} {'twice' if count == 1 else f'{count + 1} times'} by {source}"


def _differently(seen: frozenset[Event]) -> Iterator[str]:
    """Movements that two sources of our account show with other amounts, or on other accounts."""
    for kind in _MOVEMENTS:
        moved = {e for e in seen if e.kind is kind and e.source in OURS}
        if len(moved) < 2:  # as nearly always
            continue
        shown = [e for e in moved - surplus(moved) if e.amount_minor is not None]
        places = {event.account for event in shown if event.account is not None}
        if len(places) > 1 or len({event.amount_minor for event in shown}) > 1:
            yield f"{kind.value} differently by {' and '.join(sorted(e.source for e in shown))}"
