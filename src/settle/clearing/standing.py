"""The second half of netting: from combined positions to what is paid, carried, recovered.

What earlier windows left is taken up here: reserve slices, unpaid rests, collateral.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from settle.calendars import add_business_days, next_business_day
from settle.clearing.totals import refuse_too_large
from settle.engine import AnyScratch
from settle.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa
    from sqlalchemy.engine import Connection

STANDING_VIEWS = (
    "held", "released", "moved", "withheld", "netted", "standing", "set_off", "owing", "secured",
    "recovered", "covered", "obliged", "saved", "parties_standing", "posted_standing",
)  # fmt: skip
"""The steps from `combined` on, in the order in which they build.

Those of `LAZY` are used by one other, and are computed with it; the rest once, and kept.
"""

LAZY = frozenset(("moved", "netted", "covered"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What earlier windows left.

    `slices`, reserve not yet given back: slice_id, agreement_id, part, currency, window_id,
    amount_minor (what is left of it), release_on (null: of a fixed reserve). `carried`, unpaid
    rests, at most one a position: carry_id, agreement_id, part, currency, amount_minor, since.
    `collateral_used`, all that was ever taken less all that was booked as received and not
    returned, so below zero where some of that is left: agreement_id, currency, amount_minor.
    """

    slices: pa.Table
    carried: pa.Table
    collateral_used: pa.Table

    @classmethod
    def of(cls, connection: Connection, *, takes_collateral: bool = True) -> Standing:
        """What stands in the store now.

        `takes_collateral`: whether any debt may be recovered from collateral. Only then is it
        read, for that takes the whole journal.
        """
        from settle.store import arrow

        used = collateral_used(connection) if takes_collateral else cls.none().collateral_used
        return cls(
            slices=arrow(connection, _slices()),
            carried=arrow(connection, _carried()),
            collateral_used=used,
        )

    @classmethod
    def none(cls) -> Standing:
        """Nothing. This is what stands before the first window."""
        import pyarrow as pa

        text, whole, day = pa.string(), pa.int64(), pa.date32()
        key = {"agreement_id": text, "part": text, "currency": text}
        amount = {"amount_minor": whole}
        slices = {"slice_id": text, **key, "window_id": text, **amount, "release_on": day}
        carried = {"carry_id": text, **key, **amount, "since": day}
        used = {"agreement_id": text, "currency": text, **amount}
        return cls(
            slices=pa.schema(slices).empty_table(),
            carried=pa.schema(carried).empty_table(),
            collateral_used=pa.schema(used).empty_table(),
        )

    def of_agreements(self, agreement_ids: Sequence[str]) -> Standing:
        """What of it is of these agreements."""
        import pyarrow as pa
        import pyarrow.compute as pc

        names = pa.array(agreement_ids, pa.string())

        def own(table: pa.Table) -> pa.Table:
            return table.filter(pc.is_in(table.column("agreement_id"), value_set=names))

        tables_of = {field.name: own(getattr(self, field.name)) for field in fields(self)}
        return replace(self, **tables_of)


def _slices() -> sa.Select[Any]:
    import sqlalchemy as sa

    from settle.clearing import tables

    slices = tables.reserve_slices.c
    rest = sa.cast(slices.amount_minor - slices.used_minor, sa.BigInteger)
    return (
        sa.select(
            slices.slice_id, slices.agreement_id, slices.part, slices.currency, slices.window_id,
            rest.label("amount_minor"), slices.release_on,
        )
        .where(slices.released_in.is_(None), slices.amount_minor > slices.used_minor)
        .order_by(slices.slice_id)
    )  # fmt: skip


def _carried() -> sa.Select[Any]:
    import sqlalchemy as sa

    from settle.clearing import tables

    carries = tables.carries.c
    return (
        sa.select(
            carries.carry_id, carries.agreement_id, carries.part, carries.currency,
            carries.amount_minor, carries.since,
        )
        .where(carries.taken_in.is_(None))
        .order_by(carries.carry_id)
    )  # fmt: skip


def collateral_used(connection: Connection) -> pa.Table:
    """As the ledger has it: closes and defaults take, statements book what came and went."""
    import pyarrow as pa

    from settle.ledger import accounts, balances

    prefix = accounts.collateral("")
    rows = [
        {
            "agreement_id": each.account.removeprefix(prefix), "currency": each.currency,
            "amount_minor": each.balance_minor,
        }
        for each in balances(connection, prefix=prefix)
    ]  # fmt: skip
    schema = Standing.none().collateral_used.schema
    return pa.Table.from_pylist(rows, schema=schema)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """What a window decides of its positions, as columns.

    `obliged`: a row a position, by agreement, part, currency. `recovered`: what a debt took from
    a reserve slice or the collateral. `set_off`: what one agreement gave for another. `released`:
    the slices given back. `saved`: a row a currency.
    """

    obliged: pa.Table
    recovered: pa.Table
    set_off: pa.Table
    released: pa.Table
    saved: pa.Table


def stand(scratch: AnyScratch, *, day: date, standing: Standing, views: Mapping[str, str]) -> Stood:
    """Take `combined` and `agreements` of the scratch space to obligations.

    Raises:
        BadInput: an agreement of which something stands is no longer among the agreements.
        MoneyError: a total is beyond 64 bits; the message names whose, and the currency.
    """
    import pyarrow as pa

    for field in fields(standing):
        scratch.give(field.name, getattr(standing, field.name))
    scratch.give("today", pa.table({"day": pa.array([day], pa.date32())}))
    _refuse_gone(scratch)
    _give_calendars(scratch, day=day)
    scratch.steps({name: views[name] for name in STANDING_VIEWS}, lazy=LAZY)
    for view, (whose, amounts) in _AMOUNTS.items():
        refuse_too_large(scratch, view=view, amounts=amounts, whose=whose)
    return Stood(**{name: scratch.rows(query) for name, query in _QUERIES.items()})


def _refuse_gone(scratch: AnyScratch) -> None:
    gone = scratch.rows(
        """select agreement_id, min(what) as what from (
            select agreement_id, currency || ' in reserve' as what from slices
            union all select agreement_id, currency || ' carried' from carried
        ) as left_over
        where agreement_id not in (select agreement_id from agreements)
        group by agreement_id order by agreement_id limit 1"""
    ).to_pylist()
    if gone:
        name, what = gone[0]["agreement_id"], gone[0]["what"]
        raise BadInput(
            f"agreement {name!r} is no longer among the agreements, but has {what}: "
            "keep its row until all of that is settled",
            field="agreement_id", agreement_id=name,
        )  # fmt: skip


def _give_calendars(scratch: AnyScratch, *, day: date) -> None:
    """The days on which what this window pays falls due, and what it withholds comes back."""
    import pyarrow as pa

    codes = scratch.rows(
        """select currency from combined union select currency from slices
        union select currency from carried order by currency"""
    ).column(0)
    value_dates = [next_business_day(day, code) for code in codes.to_pylist()]
    scratch.give("value_dates", pa.table({"currency": codes, "value_date": _days(value_dates)}))
    days = scratch.rows(
        """select distinct c.currency, a.reserve_days
        from combined as c join agreements as a on a.agreement_id = c.agreement_id
        order by c.currency, a.reserve_days"""
    )
    released = [
        add_business_days(day, row["reserve_days"], row["currency"]) for row in days.to_pylist()
    ]
    scratch.give("releases", days.append_column("release_on", _days(released)))
    _give_terminations(scratch)


def _give_terminations(scratch: AnyScratch) -> None:
    ended = scratch.rows(
        """select distinct a.terminated_on, s.currency, a.reserve_days
        from slices as s join agreements as a on a.agreement_id = s.agreement_id
        where s.release_on is null and a.terminated_on is not null
        order by a.terminated_on, s.currency, a.reserve_days"""
    )
    released = [
        add_business_days(row["terminated_on"], row["reserve_days"], row["currency"])
        for row in ended.to_pylist()
    ]
    scratch.give("terminations", ended.append_column("release_on", _days(released)))


def _days(values: list[date]) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, pa.date32())


MOVED = (
    "converted_minor", "fees_fixed_minor", "tax_fixed_minor", "reserve_withheld_minor",
    "reserve_released_minor", "net_minor", "carried_in_minor", "set_off_minor",
    "reserve_recovered_minor", "collateral_used_minor", "claimed_minor",
)  # fmt: skip
"""The amounts of a position, in the order in which they are told."""

LEFT = ("paid_minor", "carried_out_minor")
"""What becomes of the rest: with `claimed_minor` they are all of it."""

SAVED = ("gross_count", "gross_minor", "net_count", "net_minor", "payments_saved",
         "efficiency_ppm", "peak_gross_minor", "peak_net_minor")  # fmt: skip

_AMOUNTS: Mapping[str, tuple[str, Sequence[str]]] = {
    "obliged": ("agreement_id", (*MOVED, *LEFT, "due_minor", "rest_minor")),
    "posted_standing": ('"row"', ("amount",)),
    "saved": ("'netting'", SAVED),
}
"""What leaves a view as 64 bits, and whose it is."""


def _minor(*names: str) -> str:
    return ", ".join(f"minor({name}) as {name}" for name in names)


_QUERIES: Mapping[str, str] = {
    "obliged": f"""select
        agreement_id, part, participant_id, currency, cast(records as bigint) as records,
        {_minor(*MOVED, *LEFT, "due_minor", "rest_minor")},
        outcome, since, value_date, release_on
    from obliged order by agreement_id, part, currency""",  # noqa: S608  # names of ours
    "recovered": """select
        agreement_id, part, currency, source, source_id, cast(nth as bigint) as nth,
        minor(amount_minor) as amount_minor
    from recovered order by agreement_id, part, currency, nth""",
    "set_off": """select giver, taker, participant_id, currency, minor(amount_minor) as amount_minor
    from set_off order by currency, taker, giver""",
    "released": "select slice_id from held where is_due order by slice_id",
    "saved": f"select currency, {_minor(*SAVED)} from saved order by currency",  # noqa: S608  # as above
}
