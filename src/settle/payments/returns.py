"""Who bears what a return came short of: each hop's charge, and what the rate took."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.adapters import Charge, Evidence
from settle.money import plain
from settle.payments.rows import chunks
from settle.payments.state import FX, HUB, PAYEE, Event, EventKind
from settle.payments.tables import payment_events

BANK = 8
"""Characters of a BIC that name the bank; the rest is its branch."""


class Bearer(StrEnum):
    """Who bears charges, in the words of the field."""

    OUR = "OUR"  # the hub, all of them
    SHA = "SHA"  # the hub what its own banks kept, the payee what the others kept
    BEN = "BEN"  # the payee, all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnPolicy:
    """Who bears a short return. `own_banks` are the BICs of our banks, for `Bearer.SHA`.

    What no bank says to have kept is borne as `charges` say; under SHA by the hub, until somebody
    shows whose it is. `fx_by_payee`: what the rate took on the way back is the payee's.
    """

    charges: Bearer = Bearer.OUR
    own_banks: frozenset[str] = frozenset()
    fx_by_payee: bool = False

    def bearer(self, agent: str) -> str:
        """Who bears the charge of a bank; a blank one is not known."""
        match self.charges:
            case Bearer.OUR:
                return HUB
            case Bearer.BEN:
                return PAYEE
            case Bearer.SHA:
                ours = {bic[:BANK] for bic in self.own_banks}
                return HUB if not agent or agent[:BANK] in ours else PAYEE


HUB_BEARS = ReturnPolicy()
"""The hub bears everything."""


def shares(
    evidence: Evidence, event: Event, *, instructed_minor: int, policy: ReturnPolicy
) -> list[Event]:
    """Who bears each part of what a return came short of. This is pure; the parts sum to it.

    Charges that make more than what is missing, and foreign or negative ones, explain nothing:
    the whole is one part that nobody has told.
    """
    short_minor = instructed_minor - (event.amount_minor or 0)
    told = _told(evidence, event, short_minor)
    parts = list(_parts(evidence, told, short_minor, policy)) if short_minor > 0 else []
    return [
        Event(
            payment_id=event.payment_id,
            event_id=f"{event.event_id}/share/{number}",
            kind=EventKind.BORNE,
            occurred_at=event.occurred_at,
            ordinal=number,
            amount_minor=minor,
            code=code,
            detail=f"{plain(minor, evidence.currency or '')} {evidence.currency} {what}",
        )
        for number, (minor, code, what) in enumerate(parts, start=1)
    ]


def _told(evidence: Evidence, event: Event, short_minor: int) -> Sequence[Charge]:
    found = list(evidence.charges)
    sound = all(x.amount_minor > 0 and x.currency == evidence.currency for x in found)
    if not sound or sum(x.amount_minor for x in found) > short_minor:
        return ()
    stated = event.charges_minor
    if not found and evidence.exchanged and 0 < stated < short_minor:
        return [Charge(amount_minor=stated, currency=evidence.currency or "")]
    return found


def _parts(
    evidence: Evidence, told: Sequence[Charge], short_minor: int, policy: ReturnPolicy
) -> Iterator[tuple[int, str, str]]:
    for charge in told:
        code = policy.bearer(charge.agent)
        yield charge.amount_minor, code, f"kept by {charge.agent or 'a bank'}, {_words(code)}"
    rest = short_minor - sum(charge.amount_minor for charge in told)
    if rest <= 0:
        return
    if evidence.exchanged:
        code = (PAYEE if policy.fx_by_payee else HUB) + FX
        yield rest, code, f"lost to the rate on the way back, {_words(code)}"
    else:
        code = policy.bearer("")
        yield rest, code, f"missing, and no bank says why, {_words(code)}"


def _words(code: str) -> str:
    return "borne by the payee" if code.startswith(PAYEE) else "borne by the hub"


def kept_of(connection: Connection, payment_ids: Sequence[str]) -> set[tuple[str, str]]:
    """The stored events of the payments, by name: who bears what of a return is stored with it.

    One under whose name something else is stored is not kept, and has nothing to bear.
    """
    event, found = payment_events.c, set[tuple[str, str]]()
    for chunk in chunks(payment_ids):
        query = sa.select(event.payment_id, event.event_id).where(event.payment_id.in_(chunk))
        found.update((name, event_id) for name, event_id in connection.execute(query))
    return found
