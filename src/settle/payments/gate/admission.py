"""The gate as it stands at one instant: what each payment needs, read once from the store.

The reader has locked every payment that waits, and reads what has left afterwards: what a worker
took before the lock is counted as left, and what it did not is decided here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.engine import Connection

from settle.adapters import PaymentKind
from settle.payments.gate.confirming import Cap, cap, confirmed
from settle.payments.gate.payees import NewPayee, new_payees
from settle.payments.gate.queue import Waits
from settle.payments.gate.rooms import Place, Rooms
from settle.payments.gate.rules import Control, Controls, Pauses
from settle.payments.gate.signing import cleared
from settle.payments.gate.switching import paused
from settle.payments.gate.usage import outstanding, recent_nights, released_on
from settle.payments.instruction import Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Rules, and what they are held against."""

    controls: Controls
    pauses: Pauses
    now: datetime
    rooms: Rooms
    new: Mapping[str, NewPayee]
    clear: Mapping[str, frozenset[Control]]

    @classmethod
    def read(
        cls, connection: Connection, controls: Controls, *, currencies: Collection[str],
        balances: Mapping[Place, int], day: date, now: datetime,
    ) -> Gate:  # fmt: skip
        """What the rules need of the store, in a few queries that do not grow with the queue."""
        counts = bool(controls.limits or controls.blast_radius)
        rooms = Rooms(
            controls=controls, balances=balances,
            left=released_on(connection, day) if counts else (),
            caps=_caps(connection, controls, currencies, day),
            transit=outstanding(connection) if controls.exposures else {},
        )  # fmt: skip
        return cls(
            controls=controls, pauses=controls.pauses | paused(connection), now=now, rooms=rooms,
            new=new_payees(connection) if controls.cool_off else {}, clear=cleared(connection),
        )  # fmt: skip

    def stopped(self, row: Row) -> Waits | None:
        """What holds a payment by itself: a switch, or a payee that is too new."""
        if why := self.pauses.why(row):
            return Waits(control=Control.PAUSE, why=why)
        return self._too_new(row)

    def _too_new(self, row: Row) -> Waits | None:
        payee, rule = self.new.get(row["payment_id"]), self.controls.cool_off
        if payee is None or rule is None or Control.COOL_OFF in self.cleared(row):
            return None
        kind = PaymentKind(row["kind"])
        until = payee.since + rule.length(kind, is_first=payee.is_first)
        if self.now >= until:
            return None
        what = "first payment" if payee.is_first else "payee account changed since the last payment"
        why = f"{what} of party {row['agreement_id']}; until {until:%Y-%m-%d %H:%M} UTC"
        return Waits(control=Control.COOL_OFF, why=why)

    def cleared(self, row: Row) -> frozenset[Control]:
        """What a person has cleared for a payment as it is."""
        return self.clear.get(row["payment_id"], frozenset())

    def is_patient(self, row: Row) -> bool:
        """Whether others may still overtake it for want of funds."""
        waited = self.now.date() - row["not_before"]
        return bool(waited < timedelta(days=self.controls.patience_days))


def _caps(
    connection: Connection, controls: Controls, currencies: Collection[str], day: date
) -> Mapping[str, Cap]:
    rule = controls.blast_radius
    if rule is None:
        return {}
    recent = recent_nights(connection, day, nights=rule.nights)
    persons = confirmed(connection, day)
    return {
        code: _higher(cap(rule, code, recent.get(code, ())), persons.get(code))
        for code in sorted(currencies)
    }


def _higher(own: Cap, person: Cap | None) -> Cap:
    """The cap, or what a person confirmed where that is more."""
    if person is None:
        return own
    return Cap(
        amount_minor=_more(own.amount_minor, person.amount_minor),
        count=_more(own.count, person.count),
    )


def _more(own: int | None, person: int | None) -> int | None:
    return None if own is None or person is None else max(own, person)
