"""Deliveries by their own id: copies are known again, whatever else comes under it."""

from __future__ import annotations

from typing import Any

from settle.payments import delivered_before, keep_delivery
from settle.store import Store


def test_other_content_under_an_id_takes_nothing_of_the_first(desk: Any, store: Store) -> None:
    """What could not be placed is taken when it comes again, whatever came in between."""
    first, other = b"of a payment that is not known yet", b"of one that is"
    with store.transaction() as connection:
        for content, taken in ((first, False), (other, True)):
            keep_delivery(
                connection, "single", "D-1", content=content, look_up=False, taken=taken,
                at=desk.now,
            )  # fmt: skip
    with store.reading() as connection:
        known = delivered_before(connection, "single", "D-1", content=first)
    assert known is not None
    assert (True, False) == (known.same, known.taken)
