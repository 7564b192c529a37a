"""The one door for evidence, whoever brings it. The same evidence twice changes nothing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Evidence, Fact, Source
from settle.payments.elsewhere import elsewhere, hold_elsewhere
from settle.payments.events import Appended, append, locked
from settle.payments.identity import DERIVED, REFERENCES
from settle.payments.instruction import Row
from settle.payments.returns import HUB_BEARS, ReturnPolicy, kept_of, shares
from settle.payments.rows import among, chunks, fetch, these
from settle.payments.state import OURS, Event, EventKind, standing, surplus
from settle.payments.tables import payments
from settle.payments.wishes import wish
from settle.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What does not fit together about one payment. This is shown until a person has looked."""

    payment_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Evidence that proves nothing, and why. It may be a reason to ask the rail."""

    evidence: Evidence
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the door did. `counts`: new events by fact; `already`: evidence known before.

    `settled`: the ids of the evidence given that counts, whether recorded now or before. What was
    contradicted, ignored or unmatched, or books a payment once too often, is not among them.
    """

    counts: Mapping[Fact, int]
    already: int
    settled: frozenset[str]
    contradictions: Sequence[Contradiction]
    ignored: Sequence[Ignored]
    unmatched: Sequence[Evidence]


@dataclass(slots=True)
class _Entry:
    """Evidence on its way through the door. `items`: the first by payment and evidence."""

    events: list[Event] = field(default_factory=list)
    items: dict[tuple[str, str], Evidence] = field(default_factory=dict)
    elsewhere: list[Event] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    unmatched: list[Evidence] = field(default_factory=list)


def record(
    store: Store,
    evidence: Iterable[Evidence],
    *,
    recorded_at: datetime,
    returns: ReturnPolicy = HUB_BEARS,
) -> Recorded:
    """Take evidence about payments and let it count, in one transaction.

    Any authenticated source may prove that a payment was executed. A rejection counts from the
    rail's own documented answer only; a notification of failure only asks for `find`; "not
    found" is kept and proves nothing. An amount or a currency that is not the instructed one is
    kept as a contradiction, and neither proves nor books anything. So is an execution by a rail
    that another one is to carry, and what waits is held. What only asks for `find` leaves a wish,
    which the next look-up carries out. `returns` says who bears what a return came short of; it is
    kept with the return.
    """
    items = list(evidence)
    entry = _Entry()
    with store.transaction() as connection:
        known = _rows(connection, items)
        payment_by_reference, anywhere = _index(known), _anywhere(known)
        for item in items:
            row = payment_by_reference.get((item.rail, item.reference))
            other = elsewhere(item, anywhere.get(item.reference, ())) if row is None else None
            if other is None:
                _enter(entry, item, row)
            else:
                entry.elsewhere.append(other)
        entry.events += entry.elsewhere
        _share_out(connection, entry, returns)
        appended = append(connection, entry.events, recorded_at=recorded_at)
        hold_elsewhere(connection, entry.elsewhere)
        _wish(connection, entry, payment_by_reference, at=recorded_at)
    return Recorded(
        counts=dict(Counter(Fact(e.kind.value) for e in appended.new if e.kind in _FACTS)),
        already=len({(e.payment_id, e.event_id) for e in entry.events}) - len(appended.new),
        settled=_settled(entry, appended),
        contradictions=[
            Contradiction(payment_id=payment_id, why=why)
            for payment_id, proved in sorted(appended.states.items())
            for why in proved.contradictions
        ],
        ignored=entry.ignored,
        unmatched=entry.unmatched,
    )


def _wish(
    connection: Connection, entry: _Entry, known: Mapping[tuple[str, str], Row], *, at: datetime
) -> None:
    found = {
        known[each.evidence.rail, each.evidence.reference]["payment_id"]: each.why
        for each in entry.ignored
    }
    for payment_id, why in sorted(found.items()):
        wish(connection, [payment_id], why=why, at=at)


def _share_out(connection: Connection, entry: _Entry, policy: ReturnPolicy) -> None:
    """Say who bears what each return came short of, once and for all, with the return.

    Of several returns one counts, and which that is may turn out later.
    """
    first: dict[tuple[str, str], Event] = {}
    for event in entry.events:  # of what bears one name, the first is kept
        first.setdefault((event.payment_id, event.event_id), event)
    returns = [
        event
        for event in first.values()
        if event.kind is EventKind.RETURNED
        and event.amount_minor is not None
        and event.source in OURS
    ]
    if not returns:
        return
    # All of them in one order, as everybody locks them; appending locks the same once more.
    rows = locked(connection, sorted({event.payment_id for event in entry.events}))
    known = kept_of(connection, sorted({event.payment_id for event in returns}))
    for event in returns:
        name = event.payment_id, event.event_id
        if name not in known:
            row = rows[event.payment_id]
            item = replace(entry.items[name], currency=row["currency"])  # some do not say it
            instructed = row["amount_minor"]
            entry.events += shares(item, event, instructed_minor=instructed, policy=policy)


_FACTS = {EventKind(fact.value) for fact in Fact}
_FINAL_FROM = frozenset({Source.FIND, Source.SUBMIT})
"""Sources whose rejection is the rail's documented answer about this very payment."""


def _enter(entry: _Entry, item: Evidence, row: Row | None) -> None:
    if row is None:
        entry.unmatched.append(item)
    elif (why := _proves_nothing(item)) is not None:
        entry.ignored.append(Ignored(evidence=item, why=why))
    else:
        entry.events.append(_event(item, row))
        entry.items.setdefault((row["payment_id"], item.evidence_id), item)


def _proves_nothing(item: Evidence) -> str | None:
    if item.fact is Fact.FAILED and item.source is Source.NOTIFICATION:
        return "a notification of failure only asks for find"
    if item.fact is Fact.REJECTED and item.source not in _FINAL_FROM:
        return f"a rejection by {item.source.value} only asks for find"
    return None


def _event(item: Evidence, row: Row) -> Event:
    why = _does_not_fit(item, row)
    detail = json.dumps(dict(item.detail), sort_keys=True) if item.detail else ""
    return Event(
        payment_id=row["payment_id"],
        event_id=item.evidence_id,
        kind=EventKind(item.fact.value) if why is None else EventKind.CONTRADICTED,
        occurred_at=item.occurred_at,
        source=item.source.value,
        amount_minor=None if item.amount_minor is None else abs(item.amount_minor),
        account=item.account,
        charges_minor=item.charges_minor,
        code=item.code,
        detail=why or item.rail_reference or detail,
    )


def _does_not_fit(item: Evidence, row: Row) -> str | None:
    """Why evidence is not about what was instructed: it names another amount or currency."""
    what = f"{item.fact.value} by {item.source.value} ({item.evidence_id})"
    if item.currency is not None and item.currency != row["currency"]:
        return f"{what} in {item.currency}, instructed in {row['currency']}"
    if item.amount_minor is None:
        return None
    amount_minor, instructed = abs(item.amount_minor), row["amount_minor"]
    less_is_fine = item.fact is Fact.RETURNED  # whoever sent it back kept charges
    fits = amount_minor == instructed or (less_is_fine and 0 < amount_minor < instructed)
    return None if fits else f"{what} with {amount_minor}, instructed {instructed}"


def _settled(entry: _Entry, appended: Appended) -> frozenset[str]:
    """The evidence that the store has as what it says, and that is not told once too often."""
    counting = {
        (payment_id, event.event_id): event.kind
        for payment_id, events in appended.events.items()
        for event in standing(events) - surplus(events)
    }
    return frozenset(
        event.event_id
        for event in entry.events
        if event.kind in _FACTS and counting.get((event.payment_id, event.event_id)) is event.kind
    )


def _rows(connection: Connection, items: Sequence[Evidence]) -> Sequence[Row]:
    """Every payment that the evidence may be about, a few statements for thousands of items."""
    wanted = sorted({item.reference for item in items})
    found: dict[str, Row] = {}
    for chunk in chunks(wanted):
        for query in _NAMED:
            rows = fetch(connection, query, these(chunk))
            found.update((row["payment_id"], row) for row in rows)
    return list(found.values())


_NAMED = [sa.select(payments).where(among(payments.c[name])) for name in REFERENCES]


def _anywhere(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        for name in DERIVED:
            found.setdefault(row[name], []).append(row)
    return found


def _index(rows: Iterable[Row]) -> dict[tuple[str, str], Row]:
    return {(row["rail"], row[name]): row for row in rows for name in REFERENCES}
