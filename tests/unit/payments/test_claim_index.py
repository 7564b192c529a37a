"""A claim takes the next payments from an index, in order: it sorts nothing and scans nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from settle.payments.claiming import Claim, claim
from settle.payments.leasing import Lease
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
WISH = Claim(
    lease=Lease(rail="r", worker="w", now=NOW, length=timedelta(minutes=15)),
    count_max=256, batch_size_max=None, day=date(2024, 12, 18), excluded=frozenset({"P-1", "P-2"}),
)  # fmt: skip


def test_a_claim_is_served_by_its_index(store: Store) -> None:
    """However many payments were ever made, the next 256 are found without looking at them."""
    said: list[tuple[str, Any]] = []

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def listen(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if "FROM payments" in statement and "LIMIT" in statement:
            said.append((statement, parameters))

    with store.transaction() as connection:
        claim(connection, [WISH])
        ((statement, parameters),) = said
        assert "'approved'" in statement  # a plan made for any state could not use the index
        if store.is_sqlite:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan = "\n".join(row.detail for row in rows)
            assert "TEMP B-TREE" not in plan
            assert "SCAN payments" not in plan
        else:
            # Of an empty table PostgreSQL would read all; what it can do shows without that.
            for way in ("seqscan", "bitmapscan", "sort"):
                connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
            rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
            plan = "\n".join(row[0] for row in rows)
            assert "Sort Key: payments" not in plan
        assert "ix_payments_claim" in plan
