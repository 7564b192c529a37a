"""The broken parts of planted engines: each takes a healthy function and gives a broken one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from settle.adapters import Fact, NotMoved, Open, Source
from settle.payments import events
from settle.payments.ending import End
from settle.payments.instruction import Row, fingerprint_of
from settle.payments.state import ENGINE, Event, EventKind, PaymentState, State, state_of
from settle.payments.tables import payment_events, payments


def _freed(connection: Any, event: Event, values: Callable[[Row], Mapping[str, Any]]) -> None:
    """Give a payment back as if nothing had left, with other values, signed anew."""
    at = payments.c.payment_id == event.payment_id
    (row,) = connection.execute(sa.select(payments).where(at)).mappings()
    new = dict(values(row))
    if not new:
        return
    back = Event(
        payment_id=event.payment_id, event_id=f"freed/{event.ordinal}", kind=EventKind.NOT_MOVED,
        occurred_at=event.occurred_at, ordinal=event.ordinal,
    )  # fmt: skip
    events.append(connection, [back], recorded_at=event.occurred_at)
    signed = fingerprint_of({**row, **new})
    new |= {"fingerprint": signed, "approved_fingerprint": signed}
    connection.execute(sa.update(payments).where(at).values(new))
    approved = payment_events.c.kind == EventKind.APPROVED.value
    mine = payment_events.c.payment_id == event.payment_id
    connection.execute(sa.update(payment_events).where(approved, mine).values(code=signed))


def on_unknown(values: Callable[[Row], Mapping[str, Any]]) -> Callable[[Any], Any]:
    """What is unknown is given back, with these values changed, as if nothing had left."""

    def broken(healthy: Any) -> Any:
        def end(connection: Any, endings: Sequence[End]) -> Any:
            result = healthy(connection, endings)
            for event in (e for ending in endings for e in ending.events):
                if event.kind is EventKind.UNKNOWN:
                    _freed(connection, event, values)
            return result

        return end

    return broken


def fresh_key(row: Row) -> Mapping[str, Any]:
    """The old key with the number of the release at its end."""
    return {"idempotency_key": f"{row['idempotency_key'][:28]}{row['releases']:04d}"}


_OTHER = {"lark": "heron", "heron": "lark"}


def other_rail(row: Row) -> Mapping[str, Any]:
    """Another rail that takes the currency, and our account there; nothing where there is none."""
    other = _OTHER.get(row["rail"])
    if other is None or row["currency"] != "USD":
        return {}
    return {"rail": other, "account": f"OURUSD{other[:6].upper()}"}


def hasty(healthy: Any) -> Any:
    """An open end is no longer open: nothing happened."""

    def outcome(row: Row, ending: Any) -> Any:
        failed = isinstance(ending, Open)
        return NotMoved(reason="timeout") if failed else healthy(row, ending)

    return outcome


def told_first(healthy: Any) -> Any:
    """The user hears of an ending before it is stored."""

    async def close(self: Any, sent: Any, ending: Any) -> None:
        if self.run.progress is not None:
            self.run.progress(len(sent.rows))
        await healthy(self, sent, ending)

    return close


def nothing_stored(_: Any) -> Any:
    """No intent is kept."""

    async def intent(self: Any, conversation_id: str, step: int, exchange: Any) -> None:
        """The request leaves, and only its answer is written down."""

    return intent


def whatever_its_age(_: Any) -> Any:
    """A key may be used again as long as the rail has ever known keys."""

    def may(lane_: Any, sent: Any, absent: set[str], _policy: Any) -> bool:
        known = lane_.rail.adapter.profile.key.deduplicates
        return known and all(
            not absent.isdisjoint((p.end_to_end_id, p.idempotency_key)) for p in sent.payments
        )

    return may


def whatever_the_rail(_: Any) -> Any:
    """What is not found may be sent again, whatever the rail says of keys."""

    def may(_lane: Any, sent: Any, absent: set[str], _policy: Any) -> bool:
        return all(p.end_to_end_id in absent for p in sent.payments)

    return may


def last_word(_: Any) -> Any:
    """The state is what was said last, whoever said it."""
    kinds = {each.value for each in State}

    def fold(seen: Any) -> PaymentState:
        known = list(seen)
        proved = state_of(known)
        said = [e for e in known if e.kind.value in kinds and e.source != ENGINE]
        last = max(said, key=lambda e: (e.occurred_at, e.event_id), default=None)
        return proved if last is None else replace(proved, state=State(last.kind.value))

    return fold


def sent_again(_: Any) -> Any:
    """A dead worker's conversation is run again, its commits included."""

    async def recover(lane_: Any, sent: Any) -> None:
        await lane_.send(replace(sent, turn=sent.turn + 1), again=True)

    return recover


def believed(healthy: Any) -> Any:
    """What is not found now was rejected."""

    def event(item: Any, row: Row) -> Event:
        found: Event = healthy(item, row)
        if item.fact is Fact.NOT_FOUND:
            return replace(found, kind=EventKind.REJECTED, source=Source.FIND.value)
        return found

    return event


def in_full(healthy: Any) -> Any:
    """What came back is what went out."""

    def comeback(subject: Any, proved: PaymentState) -> Any:
        back = proved.comeback
        if back is not None and back.amount_minor is not None:
            whole = replace(back, amount_minor=subject.amount_minor)
            proved = replace(proved, comeback=whole)
        return healthy(subject, proved)

    return comeback


def unfenced(healthy: Any) -> Any:
    """An intent is kept for whoever asks."""

    def keep(connection: Any, items: Any) -> Any:
        return healthy(connection, [(row, None) for row, _ in items])

    return keep


def forgotten(healthy: Any) -> Any:
    """What was released once is not taken again."""

    def wish(lane_: Any, policy: Any, day: Any, tries: Any) -> Any:
        found = healthy(lane_, policy, day, tries)
        query = sa.select(payments.c.payment_id).where(payments.c.releases > 0)
        with lane_.writer._store.reading() as connection:  # noqa: SLF001  # it is broken anyway
            released = frozenset(connection.execute(query).scalars())
        return replace(found, excluded=found.excluded | released)

    return wish


def twice_posted(healthy: Any) -> Any:
    """A payment that came back is booked in two rows."""

    def booking(subject: Any, proved: PaymentState) -> Any:
        for row in healthy(subject, proved):
            yield row
            if proved.comeback is not None:
                yield replace(row, row="2")

    return booking


def given_up(healthy: Any) -> Any:
    """What is not found now is cancelled by ourselves."""

    def event(item: Any, row: Row) -> Event:
        found: Event = healthy(item, row)
        if item.fact is Fact.NOT_FOUND:
            return replace(found, kind=EventKind.CANCELLED, source=ENGINE)
        return found

    return event


def paid_at_once(healthy: Any) -> Any:
    """What the rail accepted is credited."""

    def event_of(row: Row, outcome: Any, at: Any) -> Event:
        event: Event = healthy(row, outcome, at)
        taken = event.kind is EventKind.ACCEPTED
        return replace(event, kind=EventKind.CREDITED) if taken else event

    return event_of


def hundredfold(healthy: Any) -> Any:
    """The amount that is sent is a hundred times the one instructed."""

    def payment_of(row: Row) -> Any:
        payment = healthy(row)
        return replace(payment, amount_minor=payment.amount_minor * 100)

    return payment_of


def never_reversed(healthy: Any) -> Any:
    """No row gives back what a release took."""

    def rows(subject: Any, seen: Any, **known: Any) -> Any:
        posted = healthy(subject, seen, **known)
        return [row for row in posted if not row.event.startswith("reversal")]

    return rows


def always(_: Any) -> Any:
    """Everything proves something."""
    return lambda *_args: None
