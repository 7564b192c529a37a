"""The journal rows that a payment's events imply: a pure function of them, so rows only add up.

What is reversed stays; what proves to have moved after all is released again. Only what a
statement or report of our own account shows moves nostro.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from settle.ledger import Posting, accounts
from settle.payments.state import (
    EXECUTED,
    FX,
    PAID,
    Event,
    EventKind,
    PaymentState,
    borne,
    is_borne_by_payee,
    standing,
    state_of,
)

_ENDS = (EventKind.CANCELLED, EventKind.NOT_DEBITED)
_CLOSES = (EventKind.NOT_MOVED, EventKind.REJECTED, *_ENDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The part of a payment that its postings need. `account` is ours at the rail.

    `owed_from` is the kind of account that it pays off: payable, or returned where it pays again
    what came back.
    """

    payment_id: str
    agreement_id: str
    rail: str
    account: str
    currency: str
    amount_minor: int
    owed_from: str = "payable"


_POSTS = frozenset({EventKind.RELEASED, *EXECUTED})
"""Without one of these there is no row."""


def rows(
    subject: Subject, events: Sequence[Event], *, proved: PaymentState | None = None
) -> list[Posting]:
    """Every journal row of the payment. This is the same for the same set of events.

    More events never take a row away, but for evidence that is taken back (`reposting`).
    `proved`: what the events add up to, where that is known.
    `docs/reference/postings.md` states the rows.
    """
    if _POSTS.isdisjoint(event.kind for event in events):
        return []
    seen = sorted(standing(events), key=lambda event: (event.occurred_at, event.event_id))
    proved = proved or state_of(seen)
    return [
        *_releases(subject, seen, proved),
        *_again(subject, seen, proved),
        *_booking(subject, proved),
        *_comeback(subject, proved),
        *_shares(subject, seen),
    ]


def _releases(subject: Subject, seen: list[Event], proved: PaymentState) -> Iterator[Posting]:
    ended = proved.rejected or any(event.kind in _ENDS for event in seen)
    for release in proved.releases:
        of_it = (e for e in seen if (e.kind, e.ordinal) == (EventKind.RELEASED, release))
        row = released(subject, next(of_it))
        yield row
        if ended or release not in proved.open_releases:
            yield row.reversed(event=f"reversal/{release}", posted_on=_closed_on(seen, release))


def released(subject: Subject, release: Event) -> Posting:
    """The row of a release: what is owed is on its way."""
    return _out(subject, f"release/{release.ordinal}", release.occurred_at.date())


def _closed_on(seen: list[Event], release: int) -> date:
    closing = (e for e in seen if e.kind in _CLOSES and e.ordinal in (release, 0))
    return next(closing, seen[-1]).occurred_at.date()


def _again(subject: Subject, seen: list[Event], proved: PaymentState) -> Iterator[Posting]:
    """Executed though no release stands: a restored backup, or a rejection that was a lie.

    What is proved never to have been debited is taken back, and what is proved to be paid all the
    same is released once more.
    """
    kinds = {event.kind for event in seen}
    executed = proved.executed or EventKind.ACCEPTED in kinds
    ended = proved.rejected or EventKind.CANCELLED in kinds
    unreleased = executed and (ended or not proved.open_releases)
    paid = not kinds.isdisjoint(PAID)
    on = seen[-1].occurred_at.date() if seen else date.min
    row = _out(subject, "release/proved", on)
    if unreleased or (proved.not_debited and paid):
        yield row
    if unreleased and proved.not_debited:
        yield row.reversed(event="reversal/proved", posted_on=on)
        if paid:
            yield _out(subject, "release/paid", on)


def _booking(subject: Subject, proved: PaymentState) -> Iterator[Posting]:
    if proved.booking is not None:
        nostro = accounts.nostro(subject.rail, proved.booking.account or subject.account)
        yield _posting(
            subject,
            "booking",
            proved.booking.occurred_at.date(),
            debit=accounts.in_transit(subject.rail),
            credit=nostro,
        )


def _comeback(subject: Subject, proved: PaymentState) -> Iterator[Posting]:
    if proved.comeback is None or proved.comeback.amount_minor is None:
        return
    back, on = proved.comeback.amount_minor, proved.comeback.occurred_at.date()
    nostro = accounts.nostro(subject.rail, proved.comeback.account or subject.account)
    owed = accounts.returned(subject.agreement_id)
    for event, debit, amount_minor in (
        ("return", nostro, back),
        ("return_charges", accounts.RETURN_CHARGES, subject.amount_minor - back),
    ):
        if amount_minor > 0:
            yield _posting(subject, event, on, debit=debit, credit=owed, amount_minor=amount_minor)


def _shares(subject: Subject, seen: list[Event]) -> Iterator[Posting]:
    """Of what is missing, all posted as charges: what the rate took, and what the payee bears."""
    owed = accounts.returned(subject.agreement_id)
    for number, part in borne(seen).items():
        event, on, minor = f"return_share/{number}", part.occurred_at.date(), part.amount_minor
        if is_borne_by_payee(part):
            debit = owed
        elif part.code.endswith(FX):
            debit = accounts.FX_RESULT
        else:
            continue
        yield _posting(
            subject, event, on, debit=debit, credit=accounts.RETURN_CHARGES, amount_minor=minor
        )


def _out(subject: Subject, event: str, on: date) -> Posting:
    owed = accounts.returned if subject.owed_from == "returned" else accounts.payable
    return _posting(
        subject,
        event,
        on,
        debit=owed(subject.agreement_id),
        credit=accounts.in_transit(subject.rail),
    )


def _posting(
    subject: Subject,
    event: str,
    on: date,
    *,
    debit: str,
    credit: str,
    amount_minor: int | None = None,
) -> Posting:
    return Posting(
        event=event,
        subject=subject.payment_id,
        row="1",
        posted_on=on,
        debit=debit,
        credit=credit,
        currency=subject.currency,
        amount_minor=subject.amount_minor if amount_minor is None else amount_minor,
    )
