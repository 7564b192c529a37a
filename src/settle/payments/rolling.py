"""Value dates that move on while payments wait; what was approved as "not before" stays so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

import sqlalchemy as sa

from settle.payments.events import append
from settle.payments.instruction import Row
from settle.payments.rows import fetch, write
from settle.payments.state import UNSENT, Event, EventKind
from settle.payments.tables import payments
from settle.store import Store


def roll(
    store: Store, *, value_dates: Mapping[str, date], now: datetime,
    by_rail: Mapping[tuple[str, str], date] | None = None,
) -> int:  # fmt: skip
    """Give payments not yet released the value date they can still reach; say how many.

    `value_dates`: by currency, the earliest date a payment released now can have; `by_rail`, by
    rail and currency, what a rail's own cut-off makes of it. An approval says "not before", so a
    later date is within it: what a person approved stays approved.
    """

    def earliest(row: Row) -> date:
        of_any = value_dates.get(row["currency"], date.min)
        return (by_rail or {}).get((row["rail"], row["currency"]), of_any)

    with store.transaction() as connection:
        query = sa.select(payments).where(payments.c.state.in_(UNSENT)).with_for_update()
        rows = fetch(connection, query)
        late = [row for row in rows if row["value_date"] < earliest(row)]
        for row in late:
            row["value_date"] = earliest(row)
        append(connection, [_rolled(row, now) for row in late], recorded_at=now)
        write(connection, late, ("value_date",))
    return len(late)


def _rolled(row: Row, now: datetime) -> Event:
    return Event(
        payment_id=row["payment_id"],
        event_id=f"rolled/{row['value_date']}",
        kind=EventKind.ROLLED,
        occurred_at=now,
        detail=f"value date {row['value_date']}",
    )
