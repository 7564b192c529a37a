"""The volume that tiers have counted, of all windows before one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from tests.properties.netting_world import DAY, RATES, RULE, World, record, terms

from settle.clearing import tables
from settle.clearing.netting import net
from settle.clearing.standing import Standing
from settle.clearing.usage import usage_of
from settle.engine import Engine
from settle.store import Store

MOST = 2**63 - 1


def use(store: Store, *amounts: int) -> None:
    """Have the windows before `DAY` count these amounts, one each."""
    with store.transaction() as connection:
        for days, amount in enumerate(amounts, start=1):
            window = (DAY - timedelta(days=days)).isoformat()
            none = dict.fromkeys(("records", "late", "positions", "postings"), 0)
            digests = dict.fromkeys(("settled_digest", "manifest_digest"), "")
            connection.execute(
                sa.insert(tables.windows).values(
                    window_id=window, closed_at=datetime(2024, 12, 31, tzinfo=UTC), currencies="",
                    **none, **digests,
                )
            )  # fmt: skip
            connection.execute(
                sa.insert(tables.fee_usage).values(
                    window_id=window, agreement_id="A-M1", schedule_id="S1", kind="sale",
                    currency="EUR", month=f"{DAY:%Y-%m}", amount_minor=amount, records=1,
                )
            )  # fmt: skip


@pytest.mark.parametrize("amounts", [(MOST - 1, 1), (MOST, 1), (MOST, MOST, 7), (-MOST, -2)])
def test_volume_is_exact_beyond_64_bits(store: Store, amounts: tuple[int, ...]) -> None:
    """At 2^63 - 1, one above it and far beyond, no database wraps, rounds or refuses the sum."""
    use(store, *amounts)
    with store.reading() as connection:
        (row,) = usage_of(connection, before=DAY.isoformat()).to_pylist()
    assert (sum(amounts), len(amounts)) == (row["amount_minor"], row["records"])


def test_a_month_beyond_64_bits_is_charged_at_the_tier_that_it_reached(store: Store) -> None:
    """A record after 2^64 - 2 is charged at the price of the top tier, to the unit."""
    use(store, MOST, MOST)
    tiers = {"tiers": "graduated", "measure": "amount"}
    rules = [
        {**RULE, **tiers, "tier_from": start, "ppm": ppm}
        for start, ppm in ((0, 500_000), (MOST, 30_000))
    ]
    world = World(
        terms=[terms("M1", fee_schedule="S1"), terms("P1", role="partner")],
        records=[record(amount_minor=10_000)], rules=rules,
    )  # fmt: skip
    engine = Engine(threads=1)
    with store.reading() as connection, engine.scratch() as scratch:
        scratch.give("records", world.record_table)
        found = net(
            scratch, day=DAY, agreements=world.agreements, rates=RATES, fees=world.fees,
            usage=usage_of(connection), standing=Standing.none(),
        )  # fmt: skip
    engine.close()
    (row,) = found.obliged.to_pylist()
    assert 10_000 - 300 == row["due_minor"]


def test_only_what_is_asked_for_is_counted(store: Store) -> None:
    """Nothing of other months, and nothing of the window itself or of later ones."""
    use(store, 5, 7)
    yesterday, month = (DAY - timedelta(days=1)).isoformat(), f"{DAY:%Y-%m}"
    with store.reading() as connection:
        (row,) = usage_of(connection, months=[month], before=yesterday).to_pylist()
        assert 7 == row["amount_minor"]
        assert [] == usage_of(connection, months=["2024-01"]).to_pylist()
