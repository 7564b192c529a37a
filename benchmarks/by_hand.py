"""What somebody writes who needs only the sums: one statement of SQL in the same engine.

`group` sums by agreement and currency. `dedupe` drops exact copies first: records that say the
same in all that they say. `narrow` looks at no more of it than it sums, and so takes two versions
of an id for one where they differ elsewhere. None checks a record, names a conflict, or knows a
fee, a rate or a reserve.

    python benchmarks/by_hand.py group --out positions.parquet records-*.parquet
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb

CREDITS = "('sale', 'chargeback_reversal', 'adjustment_credit')"
GROUP = f"""
    select
        agreement_id, currency, count(*) as records,
        sum(amount_minor) filter (where kind in {CREDITS}) as credits_minor,
        sum(amount_minor) filter (where kind not in {CREDITS}) as debits_minor
    from {{source}}
    group by agreement_id, currency
"""
NARROW = "record_id, agreement_id, currency, kind, amount_minor"
SAID = (
    f"{NARROW}, original_record_id, participant_id, counterparty_id, occurred_at, reference, "
    "attributes"
)
DISTINCT = {"dedupe": SAID, "narrow": NARROW}


def main() -> None:
    """Run the statement and write its rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=["group", *DISTINCT])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--memory", default="4GB")
    options = parser.parse_args()
    files = "read_parquet([" + ", ".join(f"'{path}'" for path in options.files) + "])"
    source = files
    if options.way in DISTINCT:
        source = f"(select distinct {DISTINCT[options.way]} from {files})"
    spill = {"memory_limit": options.memory, "temp_directory": str(options.out.parent / "spill")}
    with duckdb.connect(":memory:", config=spill) as connection:
        connection.execute(f"copy ({GROUP.format(source=source)}) to '{options.out}'")


if __name__ == "__main__":
    main()
