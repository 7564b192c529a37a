"""What tiers have counted: the volume of earlier windows, of which a month's price depends."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.engine import Connection


def usage_of(
    connection: Connection, *, months: Collection[str] | None = None, before: str | None = None
) -> pa.Table:
    """The volume that tiers have counted up to now, by agreement, schedule, kind and month.

    `months`: 'YYYY-MM' of the records that are to be charged; without it, all. `before`: only of
    windows before this one. The sums are exact, whatever they come to.
    """
    import sqlalchemy as sa

    from settle.clearing import tables
    from settle.store import arrow, exact_sum

    used = tables.fee_usage.c
    key = (used.agreement_id, used.schedule_id, used.kind, used.currency, used.month)
    sums = [exact_sum(column).label(column.name) for column in (used.amount_minor, used.records)]
    query = sa.select(*key, *sums).group_by(*key)
    if months is not None:
        query = query.where(used.month.in_(sorted(months)))
    if before is not None:
        query = query.where(used.window_id < before)
    return arrow(connection, query)
