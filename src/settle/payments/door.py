"""The one door for evidence, whoever brings it. The same evidence twice changes nothing."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Evidence, Fact, Source
from settle.payments.events import append, events_of
from settle.payments.instruction import Row
from settle.payments.rows import chunks, fetch
from settle.payments.state import DEAD, Event, EventKind, State
from settle.payments.tables import payments
from settle.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """What does not fit together about one payment. This is shown until a person has looked."""

    payment_id: str
    why: str
    evidence_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Evidence that proves nothing, and why. It may be a reason to ask the rail."""

    evidence: Evidence
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What the door did. `counts`: new events by fact; `already`: evidence known before."""

    counts: Mapping[Fact, int]
    already: int
    contradictions: Sequence[Contradiction]
    ignored: Sequence[Ignored]
    unmatched: Sequence[Evidence]


@dataclass(slots=True)
class _Entry:
    """Evidence on its way through the door."""

    events: list[Event] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    unmatched: list[Evidence] = field(default_factory=list)


def record(store: Store, evidence: Iterable[Evidence], *, recorded_at: datetime) -> Recorded:
    """Take evidence about payments and let it count, in one transaction.

    Any authenticated source may prove that a payment was executed. A rejection counts from the
    rail's own documented answer only; a notification of failure only asks for `find`; "not
    found" is kept and proves nothing. An amount or a currency that is not the instructed one is
    kept as a contradiction and books nothing. A booking of a whole batch counts for each payment
    in it, where their sum is exactly what was booked.
    """
    items = list(evidence)
    entry = _Entry()
    with store.transaction() as connection:
        rows = _rows(connection, items)
        direct, batches = _index(rows)
        known = _batch_bookings(connection, items, direct, batches)
        for item in items:
            _enter(entry, item, direct, batches, known)
        appended = append(connection, entry.events, recorded_at=recorded_at)
    entry.contradictions.extend(
        Contradiction(payment_id=payment_id, why=why)
        for payment_id, proved in sorted(appended.states.items())
        for why in proved.contradictions
    )
    return Recorded(
        counts=dict(Counter(Fact(e.kind.value) for e in appended.new if e.kind in _FACTS)),
        already=len({(e.payment_id, e.event_id) for e in entry.events}) - len(appended.new),
        contradictions=entry.contradictions,
        ignored=entry.ignored,
        unmatched=entry.unmatched,
    )


_FACTS = {EventKind(fact.value) for fact in Fact}
_FINAL_FROM = frozenset({Source.FIND, Source.SUBMIT})
"""Sources whose rejection is the rail's documented answer about this very payment."""


def _enter(
    entry: _Entry,
    item: Evidence,
    direct: Mapping[tuple[str, str], Row],
    batches: Mapping[tuple[str, str], Sequence[Row]],
    known: Mapping[str, Sequence[str]],
) -> None:
    why = _proves_nothing(item)
    row = direct.get((item.rail, item.reference))
    batch = batches.get((item.rail, item.reference))
    if row is None and not batch:
        entry.unmatched.append(item)
    elif why is not None:
        entry.ignored.append(Ignored(evidence=item, why=why))
    elif row is not None:
        entry.events.append(_event(item, row))
    elif batch:
        _enter_batch(entry, item, batch, known.get(item.evidence_id, ()))


def _proves_nothing(item: Evidence) -> str | None:
    if item.fact is Fact.FAILED and item.source is Source.NOTIFICATION:
        return "a notification of failure only asks for find"
    if item.fact is Fact.REJECTED and item.source not in _FINAL_FROM:
        return f"a rejection by {item.source.value} only asks for find"
    return None


def _enter_batch(entry: _Entry, item: Evidence, batch: Sequence[Row], known: Sequence[str]) -> None:
    """A booking of a batch as a whole counts for the payments that sum up to it exactly."""
    if item.fact is not Fact.BOOKED:
        entry.ignored.append(Ignored(evidence=item, why=f"{item.fact.value} of a whole batch"))
        return
    booked = [row for row in batch if row["payment_id"] in known] or _explains(item, batch)
    if not booked:
        booked_as = f"{item.amount_minor} {item.currency}"
        why = f"the batch is booked with {booked_as}, which its payments do not sum to"
        entry.contradictions.extend(
            Contradiction(payment_id=row["payment_id"], why=why, evidence_id=item.evidence_id)
            for row in batch
        )
        return
    entry.events.extend(_event(item, row, amount_minor=row["amount_minor"]) for row in booked)


def _explains(item: Evidence, batch: Sequence[Row]) -> Sequence[Row]:
    """The payments a booking of the batch is for: all in transit, or all that were accepted."""
    if any(row["currency"] != item.currency for row in batch):
        return ()
    open_ones = [row for row in batch if row["in_transit"]]
    accepted = [row for row in open_ones if row["state"] != State.UNKNOWN]
    for candidates in (open_ones, accepted):
        if sum(row["amount_minor"] for row in candidates) == abs(item.amount_minor or 0):
            return candidates
    return ()


def _event(item: Evidence, row: Row, *, amount_minor: int | None = None) -> Event:
    given = None if item.amount_minor is None else abs(item.amount_minor)
    why = None if amount_minor is not None else _does_not_fit(item, row)
    detail = json.dumps(dict(item.detail), sort_keys=True) if item.detail else ""
    return Event(
        payment_id=row["payment_id"],
        event_id=item.evidence_id,
        kind=EventKind(item.fact.value) if why is None else EventKind.CONTRADICTED,
        occurred_at=item.occurred_at,
        source=item.source.value,
        amount_minor=given if amount_minor is None else amount_minor,
        account=item.account,
        charges_minor=item.charges_minor,
        code=item.code,
        detail=why or item.rail_reference or detail,
    )


def _does_not_fit(item: Evidence, row: Row) -> str | None:
    if item.fact not in (Fact.BOOKED, Fact.RETURNED):
        return None
    what = f"{item.fact.value} by {item.source.value} ({item.evidence_id})"
    if item.currency is not None and item.currency != row["currency"]:
        return f"{what} in {item.currency}, instructed in {row['currency']}"
    if item.amount_minor is None:
        return None
    amount_minor, instructed = abs(item.amount_minor), row["amount_minor"]
    fits = amount_minor == instructed if item.fact is Fact.BOOKED else amount_minor <= instructed
    return None if fits else f"{what} with {amount_minor}, instructed {instructed}"


def _rows(connection: Connection, items: Sequence[Evidence]) -> Sequence[Row]:
    """Every payment that the evidence may be about, a few statements for thousands of items."""
    wanted = sorted({item.reference for item in items})
    found: dict[str, Row] = {}
    names = (*_REFERENCES, "batch_id")
    for chunk in chunks(wanted):
        for name in names:
            query = sa.select(payments).where(payments.c[name].in_(chunk))
            found.update((r["payment_id"], r) for r in fetch(connection, query))
    return list(found.values())


_REFERENCES = ("payment_id", "end_to_end_id", "uetr", "idempotency_key")


def _index(
    rows: Iterable[Row],
) -> tuple[dict[tuple[str, str], Row], dict[tuple[str, str], list[Row]]]:
    direct: dict[tuple[str, str], Row] = {}
    batches: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        direct.update(((row["rail"], row[name]), row) for name in _REFERENCES)
        if row["batch_id"] is not None and State(row["state"]) not in DEAD:
            batches[row["rail"], row["batch_id"]].append(row)
    return direct, dict(batches)


def _batch_bookings(
    connection: Connection,
    items: Sequence[Evidence],
    direct: Mapping[tuple[str, str], Row],
    batches: Mapping[tuple[str, str], Sequence[Row]],
) -> dict[str, list[str]]:
    """Bookings of batches that were let in before, with the payments they counted for."""
    known: dict[str, list[str]] = defaultdict(list)
    whole = {i.evidence_id for i in items if (i.rail, i.reference) not in direct}
    members = sorted({row["payment_id"] for batch in batches.values() for row in batch})
    if whole:
        for payment_id, event in _all(events_of(connection, members)):
            if event.event_id in whole:
                known[event.event_id].append(payment_id)
    return known


def _all(events: Mapping[str, Sequence[Event]]) -> Iterator[tuple[str, Event]]:
    return ((payment_id, event) for payment_id, known in events.items() for event in known)
