"""A rail's notification on its way in: verified, known again, let in at the door, counted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from settle import payments
from settle.adapters import Forged
from settle.errors import ConfigError, DocumentError
from settle.hub.outcomes import Delivered

if TYPE_CHECKING:
    from settle.hub.hub import Hub


def receive(
    hub: Hub, rail: str, headers: Mapping[str, str], content: bytes, *, at: datetime
) -> Delivered:
    """Take a notification in. What is forged, or not understood, is counted and changes nothing.

    What it proves is let in first and the delivery counted after: killed in between, a copy does
    it again, and nothing is lost. What only the rail can prove is kept with the count, as a wish
    that the next look-up carries out, whoever makes it.
    """
    if rail not in hub.adapters:
        raise ConfigError(f"rails.{rail}: no such rail is configured", key=f"rails.{rail}")
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        delivery = hub.adapters[rail].notification(lowered, content, at)
    except DocumentError:
        _refuse(hub, rail, reason="authentic, and not understood", at=at)
        raise
    if isinstance(delivery, Forged):
        _refuse(hub, rail, reason=delivery.reason, at=at)
        return Delivered(authentic=False, recorded=0, reason=delivery.reason)
    with hub.store.reading() as connection:
        known = payments.delivered_before(connection, rail, delivery.delivery_id, content=content)
    copy = known is not None and known.same and known.taken
    evidence = () if copy else delivery.evidence
    done = payments.record(
        hub.store, evidence, recorded_at=at, returns=hub.config.settings.returns.policy()
    )
    asks = bool(delivery.find_first or done.ignored or done.unmatched)
    look_up = (known is not None and known.look_up) if copy else asks
    with hub.store.transaction() as connection:
        payments.keep_delivery(
            connection, rail, delivery.delivery_id, content=content, look_up=look_up,
            taken=not done.unmatched, at=at,
        )  # fmt: skip
        if not copy:
            why = "a notification told of what only the rail can prove"
            payments.wish_about(connection, rail, delivery.find_first, why=why, at=at)
    return Delivered(
        authentic=True, recorded=sum(done.counts.values()), look_up=look_up,
        duplicate=known is not None,
    )  # fmt: skip


def _refuse(hub: Hub, rail: str, *, reason: str, at: datetime) -> None:
    with hub.store.transaction() as connection:
        payments.refuse_delivery(connection, rail, reason=reason, at=at)
