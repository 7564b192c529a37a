"""Records, agreements and rates of any size, the same for the same size, written by the engine.

Merchants each sell in fourteen currencies through forty partners. Of a million records a
thousand came twice, fifty say two things under one id, and two hundred have something wrong.

    python benchmarks/world.py --records 10000000 --merchants 100000 --out FOLDER
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import duckdb

DAY = "2024-12-19"
FILE_RECORDS_MAX = 10_000_000
CURRENCIES = (
    "USD", "EUR", "GBP", "JPY", "HKD", "AUD", "CAD", "CHF", "SGD", "SEK", "DKK", "NOK", "NZD",
    "KRW",
)  # fmt: skip
PER_EURO = {
    "USD": "1.0393", "GBP": "0.82648", "JPY": "162.81", "HKD": "8.0773", "AUD": "1.6655",
    "CAD": "1.4955", "CHF": "0.9298", "SGD": "1.4110", "SEK": "11.4245", "DKK": "7.4595",
    "NOK": "11.7505", "NZD": "1.8440", "KRW": "1505.47", "CNY": "7.5825",
}  # fmt: skip

RECORDS = """
    with numbered as (select n from range({first}, {last}) as t(n)),
    chosen as (
        -- A repeated record is the one before it again; one of twenty of these says otherwise.
        select n, case when {dirty} and n % 1000 = 999 then n - 1 else n end as m,
            {dirty} and n % 20000 = 1999 as differs
        from numbered
    )
    select
        case when m % 3 = 0 then 'tx_' || lpad(cast(m as varchar), 12, '0')
            else printf('%016x-%04x', h, m % 65536) end as record_id,
        cast(null as varchar) as original_record_id,
        'M' || lpad(cast(h % {merchants} as varchar), 7, '0') as participant_id,
        'A-M' || lpad(cast(h % {merchants} as varchar), 7, '0') as agreement_id,
        'P' || lpad(cast(g % 40 as varchar), 2, '0') as counterparty_id,
        case when {dirty} and c.n % 5003 = 17 then 'tip'
            when g % 100 < 90 then 'sale' when g % 100 < 97 then 'refund'
            when g % 100 < 98 then 'chargeback' when g % 100 < 99 then 'adjustment_credit'
            else 'fee' end as kind,
        cast(1 + (h // 1000) % 50000 + cast(differs as integer) as bigint) as amount_minor,
        [{currencies}][cast(1 + (g // 1000) % 14 as integer)] as currency,
        timestamptz '2024-12-18 16:00:00+00' + to_microseconds(cast(g % 86400000000 as bigint))
            as occurred_at,
        timestamptz '2024-12-19 16:05:00+00' as received_at,
        'order ' || cast(m as varchar) as reference,
        cast(null as varchar) as attributes
    from chosen as c, lateral (select hash(c.m) as h, hash(c.m + 7919) as g)
"""

MERCHANTS = """
    select
        'A-M' || lpad(cast(n as varchar), 7, '0') as agreement_id,
        'M' || lpad(cast(n as varchar), 7, '0') as participant_id,
        'merchant' as role, [{currencies}][cast(1 + n % 14 as integer)] as settlement_currency,
        cast(6000 + n % 20 * 1000 as bigint) as fee_ppm,
        cast(n % 3 * 5 as bigint) as fee_fixed_minor,
        cast(case when n % 4 = 0 then 70000 else 0 end as bigint) as tax_ppm,
        n % 2 = 0 as fee_back_on_refund,
        cast(case when n % 10 = 0 then 50000 else 0 end as bigint) as reserve_ppm,
        cast(90 as bigint) as reserve_days, cast(1000 as bigint) as payout_minimum_minor,
        cast(3000 as bigint) as fx_markup_ppm,
        case when n % 2 = 0 then 'half_even' else 'half_up' end as rounding,
        'principal' as hub_role, date '2024-01-01' as valid_from,
        'Merchant ' || cast(n as varchar) as beneficiary_name, 'SG' as beneficiary_country,
        'Singapore' as beneficiary_town, 'ACCOUNT' || cast(n as varchar) as beneficiary_account,
        cast(null as varchar) as beneficiary_bic, cast(null as varchar) as beneficiary_bank_code
    from range({merchants}) as t(n)
    union all
    select
        'A-P' || lpad(cast(n as varchar), 2, '0'), 'P' || lpad(cast(n as varchar), 2, '0'),
        'partner', 'USD', 0, 0, 0, false, 0, 0, 0, 0, 'half_even', 'principal',
        date '2024-01-01', null, null, null, null, null, null
    from range(40) as t(n)
"""


@dataclass(frozen=True, slots=True)
class World:
    """Where the files of one size lie."""

    folder: Path

    @property
    def records(self) -> list[Path]:
        """The files of records, ten million a file at most."""
        return sorted(self.folder.glob("records-*.parquet"))

    @property
    def agreements(self) -> Path:
        """A merchant's agreement each, and the partners'."""
        return self.folder / "agreements.parquet"

    @property
    def rates(self) -> Path:
        """The rates of the day."""
        return self.folder / "rates.csv"


def build(folder: Path, *, records: int, merchants: int, dirty: bool = True) -> World:
    """The files of a size, written unless they are there. `dirty`: with copies and faults."""
    world = World(folder)
    if (folder / ".complete").exists():
        return world
    folder.mkdir(parents=True, exist_ok=True)
    codes = ", ".join(f"'{code}'" for code in CURRENCIES)
    with duckdb.connect(":memory:") as connection:
        connection.execute("set preserve_insertion_order = false")
        for number, first in enumerate(range(0, records, FILE_RECORDS_MAX)):
            last = min(first + FILE_RECORDS_MAX, records)
            query = RECORDS.format(
                first=first, last=last, merchants=merchants, currencies=codes,
                dirty="true" if dirty else "false",
            )  # fmt: skip
            connection.execute(f"copy ({query}) to '{folder}/records-{number:03}.parquet'")
        query = MERCHANTS.format(merchants=merchants, currencies=codes)
        connection.execute(f"copy ({query}) to '{world.agreements}'")
    lines = [f"{DAY},{code},{rate}" for code, rate in PER_EURO.items()]
    world.rates.write_text("\n".join(["as_of,currency,per_euro", *lines]) + "\n")
    (folder / ".complete").touch()
    return world


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--merchants", type=int, default=100_000)
    parser.add_argument("--clean", action="store_true", help="no copies, no faults")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    world = build(
        options.out, records=options.records, merchants=options.merchants, dirty=not options.clean
    )
    print(*world.records, world.agreements, world.rates, sep="\n")


if __name__ == "__main__":
    main()
