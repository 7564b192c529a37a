"""Engines with one planted defect each: what the simulation must catch, and by which name.

Each is a small patch of the real engine, in place only while a world is played with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from settle.adapters import Fact, NotMoved, Open, Source
from settle.payments import (
    door,
    events,
    exchanges,
    executor,
    lane,
    outbox,
    polling,
    postings,
    sending,
)
from settle.payments.exchanges import StoreRecorder
from settle.payments.instruction import Row, fingerprint_of
from settle.payments.state import ENGINE, Event, EventKind, PaymentState, State, state_of
from settle.payments.tables import payments
from settle.simulation.trial.checker import Invariant

Patch = tuple[Any, str, Callable[[Any], Any]]
"""Where something stands, its name, and what it becomes, given what it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One thing an engine may do wrong. `breaks` is the invariant that it is caught by."""

    name: str
    summary: str
    breaks: Invariant
    patches: Sequence[Patch]

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The engine has the defect while this lasts."""
        with ExitStack() as undo:
            for owner, name, broken in self.patches:
                healthy = getattr(owner, name)
                setattr(owner, name, broken(healthy))
                undo.callback(setattr, owner, name, healthy)
            yield


def _freed(connection: Any, event: Event, values: Callable[[Row], Mapping[str, Any]]) -> None:
    """Give a payment back as if nothing had left, with other values, signed anew."""
    at = payments.c.payment_id == event.payment_id
    back = Event(
        payment_id=event.payment_id, event_id=f"freed/{event.ordinal}", kind=EventKind.NOT_MOVED,
        occurred_at=event.occurred_at, ordinal=event.ordinal,
    )  # fmt: skip
    events.append(connection, [back], recorded_at=event.occurred_at)
    (row,) = connection.execute(sa.select(payments).where(at)).mappings()
    new = dict(values(row))
    signed = fingerprint_of({**row, **new})
    new |= {"fingerprint": signed, "approved_fingerprint": signed}
    connection.execute(sa.update(payments).where(at).values(new))


def _on_unknown(values: Callable[[Row], Mapping[str, Any]]) -> Callable[[Any], Any]:
    def broken(healthy: Any) -> Any:
        def end(connection: Any, endings: Sequence[outbox.End]) -> Any:
            result = healthy(connection, endings)
            for event in (e for ending in endings for e in ending.events):
                if event.kind is EventKind.UNKNOWN:
                    _freed(connection, event, values)
            return result

        return end

    return broken


def _fresh_key(row: Row) -> Mapping[str, Any]:
    return {"idempotency_key": f"{row['idempotency_key'][:28]}{row['releases']:04d}"}


_OTHER = {"lark": "heron", "heron": "lark"}


def _other_rail(row: Row) -> Mapping[str, Any]:
    other = _OTHER.get(row["rail"])
    if other is None or row["currency"] != "USD":
        return {}
    return {"rail": other, "account": f"OURUSD{other[:6].upper()}"}


def _hasty(healthy: Any) -> Any:
    def outcome(row: Row, ending: Any) -> Any:
        failed = isinstance(ending, Open)
        return NotMoved(reason="timeout") if failed else healthy(row, ending)

    return outcome


def _told_first(healthy: Any) -> Any:
    async def close(self: Any, sent: Any, ending: Any) -> None:
        if self.run.progress is not None:
            self.run.progress(len(sent.rows))
        await healthy(self, sent, ending)

    return close


def _nothing_stored(_: Any) -> Any:
    async def intent(self: Any, conversation_id: str, step: int, exchange: Any) -> None:
        """The request leaves, and only its answer is written down."""

    return intent


def _whatever_its_age(_: Any) -> Any:
    def may(lane_: Any, sent: Any, absent: set[str], policy: Any) -> bool:
        known = lane_.rail.adapter.profile.key.deduplicates
        return known and all(
            not absent.isdisjoint((p.end_to_end_id, p.idempotency_key)) for p in sent.payments
        )

    return may


def _whatever_the_rail(_: Any) -> Any:
    def may(lane_: Any, sent: Any, absent: set[str], policy: Any) -> bool:
        return all(p.end_to_end_id in absent for p in sent.payments)

    return may


def _last_word(_: Any) -> Any:
    """The state is what was said last, whoever said it."""
    kinds = {each.value for each in State}

    def fold(seen: Any) -> PaymentState:
        known = list(seen)
        proved = state_of(known)
        said = [e for e in known if e.kind.value in kinds and e.ordinal == 0]
        said += [e for e in known if e.source != ENGINE]
        last = max(said, key=lambda e: (e.occurred_at, e.event_id), default=None)
        return proved if last is None else replace(proved, state=State(last.kind.value))

    return fold


def _sent_again(_: Any) -> Any:
    async def recover(lane_: Any, sent: Any) -> None:
        await lane_.send(replace(sent, turn=sent.turn + 1), again=True)

    return recover


def _believed(healthy: Any) -> Any:
    def event(item: Any, row: Row) -> Event:
        found: Event = healthy(item, row)
        if item.fact is Fact.NOT_FOUND:
            return replace(found, kind=EventKind.REJECTED, source=Source.FIND.value)
        return found

    return event


def _in_full(healthy: Any) -> Any:
    def comeback(subject: Any, proved: PaymentState) -> Any:
        back = proved.comeback
        if back is not None and back.amount_minor is not None:
            whole = replace(back, amount_minor=subject.amount_minor)
            proved = replace(proved, comeback=whole)
        return healthy(subject, proved)

    return comeback


def _unfenced(healthy: Any) -> Any:
    def keep(connection: Any, items: Any) -> Any:
        return healthy(connection, [(row, None) for row, _ in items])

    return keep


def _forgotten(_: Any) -> Any:
    def wish(lane_: Any, policy: Any, day: Any, tries: Any) -> Any:
        found = _HEALTHY_WISH(lane_, policy, day, tries)
        query = sa.select(payments.c.payment_id).where(payments.c.releases > 0)
        with lane_.writer._store.reading() as connection:  # noqa: SLF001  # it is broken anyway
            released = frozenset(connection.execute(query).scalars())
        return replace(found, excluded=found.excluded | released)

    return wish


_HEALTHY_WISH = executor._wish  # noqa: SLF001  # what a defect replaces is of the engine's inside


def _twice_posted(healthy: Any) -> Any:
    def booking(subject: Any, proved: PaymentState) -> Any:
        for row in healthy(subject, proved):
            yield row
            if proved.comeback is not None:
                yield replace(row, row="2")

    return booking


def _given_up(healthy: Any) -> Any:
    def event(item: Any, row: Row) -> Event:
        found: Event = healthy(item, row)
        if item.fact is Fact.NOT_FOUND:
            return replace(found, kind=EventKind.CANCELLED, source=ENGINE)
        return found

    return event


def _paid_at_once(healthy: Any) -> Any:
    def event_of(row: Row, outcome: Any, at: Any) -> Event:
        event: Event = healthy(row, outcome, at)
        taken = event.kind is EventKind.ACCEPTED
        return replace(event, kind=EventKind.CREDITED) if taken else event

    return event_of


def _hundredfold(healthy: Any) -> Any:
    def payment_of(row: Row) -> Any:
        payment = healthy(row)
        return replace(payment, amount_minor=payment.amount_minor * 100)

    return payment_of


def _never_reversed(healthy: Any) -> Any:
    def rows(subject: Any, seen: Any) -> Any:
        return [row for row in healthy(subject, seen) if not row.event.startswith("reversal")]

    return rows


def _always(_: Any) -> Any:
    return lambda *_args: None


DEFECTS: Mapping[str, Defect] = {
    defect.name: defect
    for defect in (
        Defect(
            name="fresh-key-on-retry",
            summary="what is unknown gets a new key, and is sent again",
            breaks=Invariant.ONCE,
            patches=[(lane, "end", _on_unknown(_fresh_key))],
        ),
        Defect(
            name="timeout-is-failure",
            summary="no answer counts as proof that nothing happened",
            breaks=Invariant.ONCE,
            patches=[(lane, "_outcome", _hasty)],
        ),
        Defect(
            name="told-before-commit",
            summary="an outcome is acted on before it is durable",
            breaks=Invariant.TOLD,
            patches=[(lane.Lane, "close", _told_first)],
        ),
        Defect(
            name="reroute-on-unknown",
            summary="what one rail may have done is given to another",
            breaks=Invariant.ONCE,
            patches=[(lane, "end", _on_unknown(_other_rail))],
        ),
        Defect(
            name="key-after-its-life",
            summary="a key is used again when the rail has forgotten it",
            breaks=Invariant.ONCE,
            patches=[(polling, "_may_be_resent", _whatever_its_age)],
        ),
        Defect(
            name="resend-without-dedupe",
            summary="a rail that keeps no keys is sent the same again",
            breaks=Invariant.ONCE,
            patches=[(polling, "_may_be_resent", _whatever_the_rail)],
        ),
        Defect(
            name="late-event-wins",
            summary="a state that is proved is overwritten by whatever comes later",
            breaks=Invariant.FOLD,
            patches=[(events, "state_of", _last_word)],
        ),
        Defect(
            name="dead-worker-resent",
            summary="what a dead worker was sending is sent again instead of found",
            breaks=Invariant.ONCE,
            patches=[(polling, "_recover_one", _sent_again)],
        ),
        Defect(
            name="failure-notice-believed",
            summary="a notification of failure counts as proof",
            breaks=Invariant.EXECUTED,
            patches=[(door, "_proves_nothing", _always)],
        ),
        Defect(
            name="not-found-believed",
            summary="what the rail does not find now counts as never created",
            breaks=Invariant.EXECUTED,
            patches=[(door, "_event", _believed)],
        ),
        Defect(
            name="short-return-in-full",
            summary="a return short of charges is booked as if all had come back",
            breaks=Invariant.CONSERVED,
            patches=[(postings, "_comeback", _in_full)],
        ),
        Defect(
            name="intent-not-stored",
            summary="a request leaves before its intent is durable",
            breaks=Invariant.INTENT,
            patches=[(StoreRecorder, "intent", _nothing_stored)],
        ),
        Defect(
            name="no-fence",
            summary="a worker that lost its lease goes on and sends",
            breaks=Invariant.HELD,
            patches=[(exchanges, "keep_intents", _unfenced)],
        ),
        Defect(
            name="unknown-closed-by-age",
            summary="what the rail does not find is given up without proof",
            breaks=Invariant.EVIDENCE,
            patches=[(door, "_event", _given_up)],
        ),
        Defect(
            name="accepted-is-paid",
            summary="what a rail accepted counts as paid",
            breaks=Invariant.UNEXECUTED,
            patches=[(lane, "event_of", _paid_at_once)],
        ),
        Defect(
            name="amount-in-other-units",
            summary="an amount is sent in units a hundred times as small",
            breaks=Invariant.INSTRUCTED,
            patches=[(sending, "payment_of", _hundredfold)],
        ),
        Defect(
            name="reversal-forgotten",
            summary="what a rejection gives back is not posted",
            breaks=Invariant.LEDGER,
            patches=[(events, "rows", _never_reversed)],
        ),
        Defect(
            name="not-moved-forgotten",
            summary="what did not leave the first time is never tried again",
            breaks=Invariant.LOST,
            patches=[(executor, "_wish", _forgotten)],
        ),
        Defect(
            name="booked-twice",
            summary="a payment that came back is booked out twice",
            breaks=Invariant.CONSERVED,
            patches=[(postings, "_booking", _twice_posted)],
        ),
    )
}
"""Every planted defect by name."""
