"""Netting on Spark, against Spark SQL written by hand for the same positions.

Bare netting (`settle net RECORDS --engine …`) stands against one group-by by hand, as processes:
the start of Java is in both. Wall time and the processor time of all of their processes are
told, for a busy machine upsets the first more than the second. Then, with `--terms`, the whole
of netting against one statement with fees, rates and reserves, in one session: by hand nothing
is posted, conserved, carried or explained.

    python benchmarks/spark.py --records 10000000 --merchants 100000 --runs 3 --terms
"""

from __future__ import annotations

import argparse
import ctypes
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from processes import Run, run
from ratio import alternating, timed
from results import Compared, note
from world import CURRENCIES, World, build

from settle.clearing import Agreements, Rates
from settle.clearing.fees import Fees
from settle.clearing.netting import net, netting_views
from settle.clearing.pricing import price
from settle.clearing.standing import Standing, stand
from settle.engine import AnyScratch, SparkEngine
from settle.engine.spark_scratch import SparkScratch
from settle.money import exponent

HERE = Path(__file__).resolve().parent
SETTLE = [sys.executable, "-c", "from settle.cli import main; main()", "net"]
PR_SET_CHILD_SUBREAPER = 36
SPARK_MOST = 1.25
"""What we aim at: times as long as by hand."""

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
    price(
        scratch, day=DAY, agreements=Agreements.load(world.agreements), fees=Fees.none(),
        rates=Rates.load(world.rates), usage=None, views=views,
    )  # fmt: skip
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """Both ways of bare netting over one world's files, as processes."""

    world: World
    out: Path
    master: str

    def ours(self) -> Run:
        """`settle net`, from its start to one file that is proved."""
        out = self.out / "bare.parquet"
        return run([*SETTLE, *self.world.records, "--out", out, "--engine", self.master])

    def by_hand(self) -> Run:
        """The same sums by hand, to a folder of files."""
        script, out = HERE / "by_hand_spark.py", self.out / "by_hand"
        words = ["--out", out, "--master", self.master]
        return run([sys.executable, script, *self.world.records, *map(str, words)])

    def differences(self) -> int:
        """How many positions of what both have written are not the same."""
        names = ("agreement_id", "currency", "records", "credits_minor", "debits_minor")
        one, two = (
            pq.read_table(self.out / name, columns=list(names))
            for name in ("bare.parquet", "by_hand")
        )
        sides = [
            set(zip(*(_filled(table.column(name)) for name in names), strict=True))
            for table in (one, two)
        ]
        return len(sides[0] ^ sides[1])


def _filled(column: pa.ChunkedArray) -> list[object]:
    """By hand a side of which there is nothing is null."""
    return [0 if value is None else value for value in column.to_pylist()]


def bare(ways: Bare, *, records: int, runs: int) -> None:
    """Print how ours stands to the group-by."""
    pairs: list[tuple[Run, Run]] = []

    def other() -> float:
        pairs[-1:] = [(pairs[-1][0], ways.by_hand())]
        return pairs[-1][1].wall_s

    def ours() -> float:
        took = ways.ours()
        pairs.append((took, took))
        return took.wall_s

    wall = alternating(ours, other, runs=runs)
    each = iter([took.cpu_s for pair in pairs for took in pair])
    cpu = alternating(lambda: next(each), lambda: next(each), runs=runs)
    print(f"{ways.differences():,} positions are not the same by hand")
    for what, ratio, most in (("wall", wall, SPARK_MOST), ("processors", cpu, None)):
        print(f"bare netting, against a group-by by hand, {what}: {ratio}")
        note(
            Compared(
                ours=f"net {records:,} records, bare, on Spark ({what})",
                against="Spark SQL by hand", pairs=runs, ratio=ratio, most=most,
            )
        )  # fmt: skip


def with_terms(engine: SparkEngine, world: World, *, runs: int) -> None:
    """Print how the whole of netting stands to one statement by hand."""

    def once(work: Callable[[SparkScratch, World], pa.Table]) -> pa.Table:
        with engine.scratch() as scratch:
            return work(scratch, world)

    found, expected = once(positions), once(by_hand)
    print(
        f"{found.num_rows:,} positions under terms, "
        f"{differences(found, expected):,} of them not the same by hand"
    )
    for name, ours in (("to positions", positions), ("all of netting", whole)):
        ratio = alternating(
            lambda ours=ours: timed(lambda: once(ours)), lambda: timed(lambda: once(by_hand)),
            runs=runs,
        )  # fmt: skip
        print(f"{name}, against Spark SQL by hand: {ratio}")


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=3_000_000)
    parser.add_argument("--merchants", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3, help="alternating pairs")
    parser.add_argument("--terms", action="store_true", help="the whole of netting, too")
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--memory", default="3g", help="of the session that nets under terms")
    parser.add_argument("--worlds", type=Path, help="where the files of each size are kept")
    options = parser.parse_args()
    size = {"records": options.records, "merchants": options.merchants}
    with tempfile.TemporaryDirectory() as folder:
        worlds = options.worlds or Path(folder)
        world = build(worlds / f"{options.records}-clean", **size, dirty=False)
        print(f"{options.records:,} records of {options.merchants:,} merchants", flush=True)
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        ways = Bare(world=world, out=Path(folder), master=options.master)
        bare(ways, records=options.records, runs=options.runs)
        if options.terms:
            engine = SparkEngine(options.master, temp=Path(folder), memory=options.memory)
            with_terms(engine, world, runs=options.runs)
            engine.close()


if __name__ == "__main__":
    main()
