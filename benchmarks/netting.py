"""Taking and closing one day of the committed night, against the same by hand.

By hand is one statement of SQL in the same engine on the same file: exact copies once, then a
sum for each agreement, currency and kind. It quarantines nothing, converts nothing, posts
nothing and stores nothing. The third way is the loop that everybody writes first.

    python benchmarks/netting.py --runs 5
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from moneyed import Money
from ratio import alternating, timed

from settle import clearing
from settle.engine import Engine
from settle.money import exponent
from settle.store import Store

NIGHT = Path(__file__).resolve().parents[1] / "fixtures" / "night"
DAY = date(2024, 12, 18)
AT = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
BY_HAND = """
    select agreement_id, currency, kind, count(*) as records, sum(amount_minor) as amount_minor
    from (select distinct * from read_parquet(?))
    where occurred_at < timestamptz '2024-12-18 16:00:00+00'
    group by all order by all
"""


def ours(file: Path) -> tuple[float, int]:
    """Seconds to take and close, and the records that were netted."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/settle.db")
        engine, lake = Engine(), Path(folder) / "lake"
        agreements = clearing.Agreements.load(NIGHT / "agreements.parquet")
        rates = clearing.Rates.load(NIGHT / "rates.csv")
        closed: list[clearing.Closing] = []

        def work() -> None:
            clearing.take(
                file, name=file.name, received_at=AT, store=store, engine=engine, lake=lake,
                agreements=agreements,
            )  # fmt: skip
            closed.append(
                clearing.close(
                    DAY,
                    as_of=AT,
                    store=store,
                    engine=engine,
                    lake=lake,
                    agreements=agreements,
                    rates=rates,
                    cutoff=clearing.Cutoff(zone="Asia/Shanghai"),
                )
            )

        seconds = timed(work)
        engine.close()
        store.close()
        return seconds, closed[0].records


def by_hand(file: Path) -> tuple[float, int]:
    """Seconds for the statement, and the records that were summed."""
    found: list[pa.Table] = []

    def work() -> None:
        with duckdb.connect(":memory:") as connection:
            found.append(connection.sql(BY_HAND, params=[str(file)]).to_arrow_table())

    seconds = timed(work)
    return seconds, sum(found[0].column("records").to_pylist())


def money_loop(file: Path, *, size: int) -> float:
    """Seconds for the whole file, from a slice of it: exact copies once, and a Money a record."""
    rows = pq.read_table(file).slice(0, size).to_pylist()

    def work() -> None:
        seen: set[str] = set()
        sums: dict[tuple[str, str, str], Money] = {}
        counts: dict[tuple[str, str, str], int] = defaultdict(int)
        for row in rows:
            if row["record_id"] in seen:
                continue
            seen.add(row["record_id"])
            key = (row["agreement_id"], row["currency"], row["kind"])
            money = Money(row["amount_minor"], row["currency"]) / 10 ** exponent(row["currency"])
            sums[key] = sums[key] + money if key in sums else money
            counts[key] += 1

    records: int = pq.read_metadata(file).num_rows
    return timed(work) * records / len(rows)


def cut(size: int, folder: str) -> Path:
    """The day's file, or the first records of it."""
    file = NIGHT / f"records-{DAY}.parquet"
    if not size:
        return file
    part = Path(folder) / "records.parquet"
    pq.write_table(pq.read_table(file).slice(0, size), part)
    return part


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="alternating pairs")
    parser.add_argument("--size", type=int, default=0, help="records; all of the day without it")
    parser.add_argument("--slice", type=int, default=10_000, help="records of the Money loop")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = cut(options.size, folder)
        netted, summed = ours(file)[1], by_hand(file)[1]
        print(f"{pq.read_metadata(file).num_rows:,} records; netted {netted:,}, summed {summed:,}")
        sql = alternating(lambda: ours(file)[0], lambda: by_hand(file)[0], runs=options.runs)
        print(f"take and close, against SQL by hand: {sql}")
        loop = alternating(
            lambda: ours(file)[0],
            lambda: money_loop(file, size=options.slice),
            runs=options.runs,
        )
        print(f"take and close, against a py-moneyed loop (extrapolated): {loop}")


if __name__ == "__main__":
    main()
