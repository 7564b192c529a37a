"""Netting by settle's views on Spark, against one Spark SQL statement written for the purpose.

Both run in one session over the same Parquet files, and give the same due for every position
before anything is timed. By hand nothing is posted, conserved, carried or explained; ours is
timed twice: up to the positions, and the whole of netting with its journal.

    python benchmarks/spark.py --records 10000000 --merchants 100000 --runs 3
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
from ratio import alternating, timed
from world import CURRENCIES, World, build

from settle.clearing import Agreements, Rates
from settle.clearing.fees import Fees
from settle.clearing.netting import net, netting_views
from settle.clearing.pricing import give_terms, price
from settle.clearing.standing import Standing, stand
from settle.engine import AnyScratch, SparkEngine
from settle.engine.spark_scratch import SparkScratch
from settle.money import exponent

DAY = date(2024, 12, 19)
RECORDS = {
    "record_id": "varchar", "agreement_id": "varchar", "participant_id": "varchar",
    "counterparty_id": "varchar", "kind": "varchar", "amount_minor": "bigint",
    "currency": "varchar", "occurred_at": "timestamptz",
}  # fmt: skip

BY_HAND = """
with priced as (
    select
        r.agreement_id, r.currency, a.settlement_currency, a.rounding, a.tax_ppm, a.reserve_ppm,
        a.fee_fixed_minor, a.fx_markup_ppm, r.kind, r.amount_minor,
        case when r.kind = 'sale' or (r.kind = 'refund' and a.fee_back_on_refund) then
            case a.rounding
                when 'half_even' then bround(cast(r.amount_minor * a.fee_ppm as decimal(20, 0)) / 1000000, 0)
                else round(cast(r.amount_minor * a.fee_ppm as decimal(20, 0)) / 1000000, 0)
            end
        else 0 end as percent
    from parquet_records r join terms a on a.agreement_id = r.agreement_id
),
buckets as (
    select
        agreement_id, currency, settlement_currency, rounding, tax_ppm, reserve_ppm, fx_markup_ppm,
        sum(case when kind in ('sale', 'adjustment_credit') then amount_minor
            else -amount_minor end) as gross,
        sum(case when kind = 'sale' then percent when kind = 'refund' then -percent
            when kind = 'fee' then amount_minor else 0 end) as fees,
        sum(case when kind = 'sale' then percent when kind = 'refund' then -percent
            else 0 end) as taken,
        sum(case when kind = 'sale' then amount_minor when kind = 'refund' then -amount_minor
            else 0 end) as turnover,
        sum(case when kind = 'sale' then fee_fixed_minor else 0 end) as fixed
    from priced
    group by agreement_id, currency, settlement_currency, rounding, tax_ppm, reserve_ppm,
        fx_markup_ppm
),
taxed as (
    select *, gross - taken - case rounding
        when 'half_even' then bround(cast(fees * tax_ppm as decimal(30, 0)) / 1000000, 0)
        else round(cast(fees * tax_ppm as decimal(30, 0)) / 1000000, 0) end as net
    from buckets
),
converted as (
    select t.*,
        cast(net as decimal(15, 0)) * m.up * case when m.base = m.quote then 1.00000000
            else cast(bround(m.mid * cast(1000000 - t.fx_markup_ppm as decimal(7, 0)) / 1000000, 8)
                as decimal(18, 8)) end / m.down as exact,
        cast(turnover as decimal(15, 0)) * m.up * case when m.base = m.quote then 1.00000000
            else cast(bround(m.mid * cast(1000000 - t.fx_markup_ppm as decimal(7, 0)) / 1000000, 8)
                as decimal(18, 8)) end / m.down as exact_turnover
    from taxed t join mids_by_hand m on m.base = t.currency and m.quote = t.settlement_currency
),
positions as (
    select
        agreement_id, settlement_currency, rounding, tax_ppm, reserve_ppm,
        sum(case rounding when 'half_even' then bround(exact, 0) else round(exact, 0) end) as net,
        sum(case rounding when 'half_even' then bround(exact_turnover, 0)
            else round(exact_turnover, 0) end) as turnover,
        sum(fixed) as fixed
    from converted
    group by agreement_id, settlement_currency, rounding, tax_ppm, reserve_ppm
)
select agreement_id, settlement_currency as currency, cast(net - fixed
    - case rounding when 'half_even' then bround(cast(fixed * tax_ppm as decimal(30, 0)) / 1000000, 0)
        else round(cast(fixed * tax_ppm as decimal(30, 0)) / 1000000, 0) end
    - case when turnover <= 0 then 0 when rounding = 'half_even'
        then bround(cast(turnover * reserve_ppm as decimal(30, 0)) / 1000000, 0)
        else round(cast(turnover * reserve_ppm as decimal(30, 0)) / 1000000, 0) end
    as bigint) as net_minor
from positions
"""  # noqa: E501  # as one writes it


def give_records(scratch: AnyScratch, world: World) -> None:
    """The files as `records`, all of the day."""
    scratch.read("taken", world.records, columns=RECORDS)
    scratch.view(
        "records",
        f"""select *, '{DAY}' as occurred_window, cast(null as varchar) as original_on
        from taken""",
    )


def positions(scratch: AnyScratch, world: World) -> pa.Table:
    """Up to what each position is due."""
    views = netting_views()
    give_records(scratch, world)
    agreements = Agreements.load(world.agreements)
    give_terms(scratch, agreements=agreements, fees=Fees.none(), usage=None)
    price(scratch, day=DAY, rates=Rates.load(world.rates), views=views)
    return stand(scratch, day=DAY, standing=Standing.none(), views=views).obliged


def whole(scratch: AnyScratch, world: World) -> pa.Table:
    """All of netting."""
    give_records(scratch, world)
    return net(
        scratch, day=DAY, agreements=Agreements.load(world.agreements),
        rates=Rates.load(world.rates), standing=Standing.none(),
    ).obliged  # fmt: skip


def by_hand(scratch: SparkScratch, world: World) -> pa.Table:
    """The statement, as Spark's user would run it."""
    session, rates = scratch._session, Rates.load(world.rates).on(DAY)  # noqa: SLF001
    scratch.give("terms", Agreements.load(world.agreements).table)
    pairs = [(base, quote) for base in CURRENCIES for quote in CURRENCIES]
    shifts = [exponent(quote) - exponent(base) for base, quote in pairs]
    columns = {
        "base": [base for base, _ in pairs],
        "quote": [quote for _, quote in pairs],
        "mid": pa.array([rates.mid(*pair).value for pair in pairs], pa.decimal128(18, 8)),
        "up": pa.array([Decimal(10 ** max(shift, 0)) for shift in shifts], pa.decimal128(3, 0)),
        "down": pa.array([Decimal(10 ** max(-shift, 0)) for shift in shifts], pa.decimal128(3, 0)),
    }
    scratch.give("mids_by_hand", pa.table(columns))
    session.read.parquet(*map(str, world.records)).createOrReplaceTempView("parquet_records")
    return session.sql(BY_HAND).toArrow()


def differences(ours: pa.Table, other: pa.Table) -> int:
    """How many positions are not the same on both sides."""

    def due(table: pa.Table) -> dict[tuple[str, str], int]:
        keys = zip(
            *(table.column(n).to_pylist() for n in ("agreement_id", "currency")), strict=True
        )
        return dict(zip(keys, table.column("net_minor").to_pylist(), strict=True))

    one, two = due(ours), due(other)
    return sum(one.get(key) != two.get(key) for key in {*one, *two})


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--merchants", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3, help="alternating pairs")
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--memory", default="3g")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = {"records": options.records, "merchants": options.merchants}
        world = build(Path(folder) / "world", **size, dirty=False)
        engine = SparkEngine(options.master, temp=Path(folder), memory=options.memory, threads=2)

        def run(work: Callable[[SparkScratch, World], pa.Table]) -> pa.Table:
            with engine.scratch() as scratch:
                return work(scratch, world)

        found, expected = run(positions), run(by_hand)
        print(
            f"{options.records:,} records, {found.num_rows:,} positions, "
            f"{differences(found, expected):,} of them not the same by hand"
        )
        for name, ours in (("to positions", positions), ("all of netting", whole)):
            ratio = alternating(
                lambda ours=ours: timed(lambda: run(ours)),
                lambda: timed(lambda: run(by_hand)),
                runs=options.runs,
            )
            print(f"{name}, against Spark SQL by hand: {ratio}")
        engine.close()


if __name__ == "__main__":
    main()
