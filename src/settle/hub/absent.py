"""Proof of absence, carried between the rooms: what `find` did not know, and statements neither."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from settle import payments
from settle.adapters import LEAVES_WITHIN, AccountRef
from settle.reconciliation import Silence

if TYPE_CHECKING:
    from settle.hub.hub import Hub


def close_absent(hub: Hub, day: date) -> int:
    """Close payments that neither `find` nor gap-free statements know, past their horizon.

    Only on rails that declare late execution impossible. Says how many were closed. A store that
    was put back may have forgotten a later sending: there the horizon begins no earlier than that.
    """
    if hub.epoch.was_restored():
        return 0
    closed, since = 0, hub.epoch.last_restored_at()
    with hub.store.reading() as connection:
        missing = payments.missing(connection, hub.adapters)
        silence = Silence(connection) if missing else None
        known = [each for each in missing if since is None or _is_past(hub, each, since)]
        proved = [each for each in known if silence and _unseen(silence, each)]
    for each in proved:
        shown_by = f"no statement of {each.account} from {each.first} to {each.last} shows it"
        done = payments.close_absent(hub.store, [each], shown_by=shown_by, at=hub.now(day))
        closed += len(done)
    return closed


def _is_past(hub: Hub, each: payments.Missing, since: datetime) -> bool:
    horizon = hub.adapters[each.rail].profile.finality_horizon
    return each.asked_at >= since + LEAVES_WITHIN + horizon


def _unseen(silence: Silence, each: payments.Missing) -> bool:
    account = AccountRef(rail=each.rail, account=each.account, currency=each.currency)
    return silence.broken_by(account, first=each.first, last=each.last) is None
