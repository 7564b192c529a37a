"""What was settled, by settlement currency: from sales to net, from net to what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing.tables import carries, obligations, position_lines, positions
from settle.money import Rate, Rounding, convert
from settle.payments import State
from settle.payments.tables import payments
from settle.report.assembly.conversion import converted
from settle.report.assembly.night import NightFacts
from settle.report.clearing import Netting, Settled
from settle.store import exact_sum

PARTS = (
    "sales", "refunds", "chargebacks", "reversals", "adjustments", "fees_percent", "fees_back",
    "fees_explicit", "tax",
)  # fmt: skip
"""What a bucket is made of, signed towards the participant."""

OF_RECORDS = ("sales", "refunds", "chargebacks", "reversals", "fees_explicit")
"""Parts that are the sum of records of one direction; adjustments are of both."""

PAID = frozenset({State.BOOKED, State.CREDITED})
ON_THE_WAY = frozenset({State.SENDING, State.UNKNOWN, State.ACCEPTED, State.AWAITING_AUTHORISATION})

Totals = dict[str, dict[str, int]]
"""By settlement currency: amounts by name."""


def window_totals(connection: Connection, night: NightFacts) -> Totals:
    """Everything that this day's window came to, read once."""
    totals = _positions(connection, night)
    for row in _by_rate(connection, night):
        _add(totals, _bucket(row, night))
    _add(totals, _fates(connection, night))
    _add(totals, _carried(connection, night))
    return totals


def settled(totals: Totals) -> tuple[Settled, ...]:
    """What a window came to, a row a currency.

    Net = its parts and what earlier windows left; owed = paid + on the way + waiting + returned.
    """
    return tuple(_settled(currency, row) for currency, row in sorted(totals.items()))


def netting(totals: Totals) -> tuple[Netting, ...]:
    """The value of all records, each counted as positive, against what is paid out."""
    return tuple(
        Netting(
            currency=currency, records=row["records"], payments=row["obligations"],
            gross_minor=row["gross"], net_minor=row["owed"],
        )
        for currency, row in sorted(totals.items())
        if row["records"]
    )  # fmt: skip


def _settled(currency: str, row: Mapping[str, int]) -> Settled:
    return Settled(
        currency=currency,
        sales_minor=row["sales"],
        refunds_minor=-row["refunds"],
        chargebacks_minor=-row["chargebacks"],
        reversals_minor=row["reversals"],
        adjustments_minor=row["adjustments"],
        fees_minor=-(
            row["fees_percent"] + row["fees_back"] + row["fees_explicit"] + row["fees_fixed"]
        ),
        tax_minor=-(row["tax"] + row["tax_fixed"]),
        reserve_withheld_minor=-row["reserve_withheld"],
        reserve_released_minor=row["reserve_released"],
        carried_in_minor=row["carried_in"],
        net_minor=row["net"] + row["carried_in"],
        obligations=row["obligations"],
        obligations_minor=row["owed"],
        paid_minor=row["paid"],
        on_the_way_minor=row["on_the_way"],
        waiting_minor=row["waiting"],
        returned_minor=row["returned"],
        carried_forward_minor=row["carried_forward"],
    )


def _positions(connection: Connection, night: NightFacts) -> Totals:
    names = ("records", "fees_fixed", "tax_fixed", "reserve_withheld", "reserve_released", "net",
             "carried_in")  # fmt: skip
    columns = [positions.c["records"], *(positions.c[f"{name}_minor"] for name in names[1:])]
    query = (
        sa.select(positions.c.currency, *(exact_sum(column) for column in columns))
        .where(positions.c.window_id == night.day.isoformat())
        .group_by(positions.c.currency)
    )
    totals: Totals = defaultdict(lambda: defaultdict(int))
    for currency, *sums in connection.execute(query):
        totals[currency].update(zip(names, map(int, sums), strict=True))
    return totals


def _bucket(row: Mapping[Any, Any], night: NightFacts) -> Iterator[tuple[str, str, int]]:
    rate, rounding = _rate(row, night), Rounding(row["rounding"])
    parts = {name: int(row[name]) for name in PARTS}
    shown = converted(parts, rate, total_minor=int(row["converted"]))
    for name, amount in shown.items():
        yield row["quote"], name, amount
    gross = sum(abs(parts[name]) for name in OF_RECORDS) + int(row["adjusted"])
    yield row["quote"], "gross", convert(gross, rate, rounding=rounding)


def _by_rate(connection: Connection, night: NightFacts) -> list[Mapping[Any, Any]]:
    """rows: one per pair of currencies, client rate and rounding; every bucket is in one."""
    line = position_lines.c
    sums = [exact_sum(line[f"{name}_minor"]).label(name) for name in (*PARTS, "converted")]
    adjusted = exact_sum(sa.func.abs(line.adjustments_minor))
    keys = (
        line.currency.label("base"), positions.c.currency.label("quote"), line.client_e8, line.via,
        line.leg_in_e8, line.leg_out_e8, line.markup_ppm, line.rounding,
    )  # fmt: skip
    query = (
        sa.select(*keys, *sums, adjusted.label("adjusted"))
        .join(positions, positions.c.position_id == line.position_id)
        .where(positions.c.window_id == night.day.isoformat())
        .group_by(*keys)
        .order_by(*keys)
    )
    return list(connection.execute(query).mappings())


def _rate(row: Mapping[Any, Any], night: NightFacts) -> Rate:
    return Rate(
        base=row["base"], quote=row["quote"], value_e8=row["client_e8"], as_of=night.day,
        source="", via=row["via"], leg_in_e8=row["leg_in_e8"], leg_out_e8=row["leg_out_e8"],
        markup_ppm=row["markup_ppm"],
    )  # fmt: skip


def _fates(connection: Connection, night: NightFacts) -> Iterator[tuple[str, str, int]]:
    """What became of each obligation: of its live payment, or else of its last one."""
    query = (
        sa.select(
            obligations.c.obligation_id, obligations.c.currency, obligations.c.amount_minor,
            payments.c.state,
        )
        .outerjoin(
            payments,
            sa.and_(
                payments.c.tenant == night.tenant,
                payments.c.obligation_id == obligations.c.obligation_id,
            ),
        )
        .where(obligations.c.window_id == night.day.isoformat())
        .order_by(obligations.c.obligation_id, payments.c.live, payments.c.attempt)
    )  # fmt: skip
    last = {row.obligation_id: row for row in connection.execute(query)}
    for row in last.values():
        yield row.currency, "obligations", 1
        yield row.currency, "owed", row.amount_minor
        yield row.currency, fate(row.state), row.amount_minor


def fate(state: str | None) -> str:
    """What became of an obligation whose payment stands so: paid, on the way, returned, waiting."""
    if state in PAID:
        return "paid"
    if state in ON_THE_WAY:
        return "on_the_way"
    return "returned" if state == State.RETURNED else "waiting"


def _carried(connection: Connection, night: NightFacts) -> Iterator[tuple[str, str, int]]:
    query = (
        sa.select(carries.c.currency, exact_sum(carries.c.amount_minor))
        .where(carries.c.window_id == night.day.isoformat())
        .group_by(carries.c.currency)
    )
    for currency, amount in connection.execute(query):
        yield currency, "carried_forward", int(amount)


def _add(totals: Totals, amounts: Iterator[tuple[str, str, int]]) -> None:
    for currency, name, amount in amounts:
        totals[currency][name] += amount
