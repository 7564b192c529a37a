"""Matching statement lines with payments, against the same joins by hand.

By hand is SQL in the same engine on the same columns: references that name one payment, then
returns, then what amount, date and account single out. It stores nothing, posts nothing, hands
out no evidence and says nothing about the lines that it cannot explain.

    python benchmarks/matching.py --runs 5 --size 20000
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from ratio import alternating, timed
from results import Compared, note

from settle.adapters import Adapter, RailSettings, Statement, StatementDocument, StatementLine
from settle.engine import Engine
from settle.reconciliation import Matched, keep, match
from settle.store import Store

DAY = date(2024, 12, 19)
AT = datetime(2024, 12, 19, 16, 30, tzinfo=UTC)
RAIL, ACCOUNT, CURRENCY = "paper", "ACC", "EUR"
UNNAMED_EVERY, UNKNOWN_EVERY = 50, 100
"""Two lines in a hundred carry no reference, and one is of no payment at all."""

BY_HAND = """
    with named as (
        select l.line_id, p.payment_id, l.amount_minor
        from lines as l join payments as p
            on p.rail = l.rail and p.end_to_end_id = l.end_to_end_id
            and p.account = l.account and p.currency = l.currency
    ),
    booked as (
        select line_id, payment_id from (
            select n.*, row_number() over (partition by n.payment_id order by n.line_id) as place
            from named as n join payments as p using (payment_id)
            where n.amount_minor = -p.amount_minor
        ) where place = 1
    ),
    returned as (select line_id, payment_id from named where amount_minor > 0),
    singled as (
        select l.line_id, p.payment_id
        from lines as l join payments as p
            on p.rail = l.rail and p.account = l.account and p.currency = l.currency
            and p.value_date = l.value_on and p.amount_minor = -l.amount_minor
        where l.end_to_end_id is null
            and p.payment_id not in (select payment_id from booked)
        qualify count(*) over (partition by l.line_id) = 1
            and count(*) over (partition by p.payment_id) = 1
    )
    select * from booked union all select * from returned union all select * from singled
"""


class Paper(Adapter[RailSettings]):
    """A rail whose statement is made here: nothing is parsed while the clock runs."""

    lines: Sequence[StatementLine] = ()

    def read_report(self, document: StatementDocument) -> Statement:
        """The lines as one sound statement."""
        closing_minor = sum(line.amount_minor for line in self.lines)
        return Statement(
            rail=RAIL, account=ACCOUNT, currency=CURRENCY, day=document.day, statement_ref="S",
            opening_minor=0, closing_minor=closing_minor, lines=tuple(self.lines), complete=True,
        )  # fmt: skip


def payments_of(size: int) -> pa.Table:
    """One row for each payment, of amounts that differ."""
    rows = [
        {
            "payment_id": f"P-{nth}", "rail": RAIL, "account": ACCOUNT, "currency": CURRENCY,
            "end_to_end_id": f"E-{nth}", "uetr": f"U-{nth}", "idempotency_key": f"K-{nth}",
            "state": "accepted", "amount_minor": 10_000 + nth, "value_date": DAY,
            "released_on": date(2024, 12, 18), "batch_id": "", "beneficiary_name": "",
        }
        for nth in range(size)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def lines_of(size: int) -> list[StatementLine]:
    """One line for each payment; some carry no reference, some are of nobody's."""
    return [
        StatementLine(
            line_ref=f"L-{nth}",
            amount_minor=-(10_000 + nth),
            currency=CURRENCY,
            booked_on=DAY,
            value_on=DAY,
            end_to_end_id=_reference(nth),
        )
        for nth in range(size)
    ]


def _reference(nth: int) -> str | None:
    if nth % UNKNOWN_EVERY == 1:
        return f"X-{nth}"
    return None if nth % UNNAMED_EVERY == 0 else f"E-{nth}"


@contextmanager
def kept(size: int) -> Iterator[Store]:
    """A store that has the statement, and has explained none of it."""
    adapter = Paper(RailSettings(base_url="http://paper", accounts={}))
    adapter.lines = lines_of(size)
    document = StatementDocument(
        rail=RAIL, account=ACCOUNT, currency=CURRENCY, day=DAY, format="paper", content=b"made",
        complete=True,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{Path(folder) / 'settle.db'}")
        keep(store, document, adapter=adapter, received_at=AT)
        yield store
        store.close()


def ours(payments: pa.Table, *, size: int) -> tuple[float, int]:
    """Seconds to match, and the lines that were explained."""
    engine = Engine()
    found: list[Matched] = []
    with kept(size) as store:
        seconds = timed(
            lambda: found.append(match(store, engine, payments=payments, day=DAY, as_of=AT))
        )
    engine.close()
    return seconds, len(found[0].matches)


def by_hand(payments: pa.Table, lines: pa.Table) -> tuple[float, int]:
    """Seconds for the statement, and the lines that it explains."""
    found: list[pa.Table] = []

    def work() -> None:
        with duckdb.connect(":memory:") as connection:
            connection.register("payments", payments)
            connection.register("lines", lines)
            found.append(connection.sql(BY_HAND).to_arrow_table())

    return timed(work), found[0].num_rows


def columns(size: int) -> pa.Table:
    """The lines as the statement by hand joins them."""
    rows: list[dict[str, Any]] = [
        {
            "line_id": line.line_ref, "rail": RAIL, "account": ACCOUNT, "currency": CURRENCY,
            "amount_minor": line.amount_minor, "end_to_end_id": line.end_to_end_id,
            "value_on": line.value_on,
        }
        for line in lines_of(size)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="alternating pairs")
    parser.add_argument("--size", type=int, default=20_000, help="lines, and payments")
    options = parser.parse_args()
    size: int = options.size
    payments, lines = payments_of(size), columns(size)
    explained = ours(payments, size=size)[1], by_hand(payments, lines)[1]
    print(f"{size:,} lines; explained {explained[0]:,}, by hand {explained[1]:,}")
    found = alternating(
        lambda: ours(payments, size=size)[0],
        lambda: by_hand(payments, lines)[0],
        runs=options.runs,
    )
    print(f"matching, against SQL by hand: {found}")
    note(
        Compared(
            ours=f"match {size:,} lines with as many payments",
            against="the same joins in SQL by hand, same engine", pairs=options.runs, ratio=found,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
