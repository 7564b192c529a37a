"""Settlement summary: a line a component, from what was sold to what is paid."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from settle.clearing.files.replay import ClosedWindow
from settle.clearing.files.types import BUCKET, ENDS, OWN
from settle.engine import Scratch, parquet

if TYPE_CHECKING:
    from pathlib import Path

ORDER = "file, part, section, line_currency, rate_id, place"

_COUNTED = {"fees_percent": "fee_minor", "fees_back": "fee_back_minor", "tax": "tax_minor"}
"""Rows that count the lines of the details that have such an amount; others those of their type."""


def give_counts(scratch: Scratch, details: Path) -> None:
    """Make known how many lines of the details are behind each row, as `line_counts`."""
    nonzero = ", ".join(
        f"count(*) filter (where {column} <> 0) as {component}"
        for component, column in _COUNTED.items()
    )
    scratch.step(
        "line_counts",
        f"""select agreement_id, part, settlement_currency, currency, rate_id, kind,
            count(*) as records, {nonzero}
        from {parquet([details])} group by all""",  # noqa: S608  # names of ours
    )


def summary_sql(window: ClosedWindow) -> str:
    """The rows of all files, by `file`; see `settle.clearing.files.columns.SUMMARY`."""
    rows = " union all ".join([*_bucket_rows(), *_position_rows(), _empty_row()])
    return f"""select
        f.file, t.type, t.component, f.agreement_id, w.part, '{window.window_id}' as window_id,
        cast(w.records as bigint) as records, w.line_currency as currency, w.line_currency,
        w.amount_minor, w.rate_id, {", ".join(f"w.{name}" for name in _RATE)},
        f.settlement_currency, w.settled_minor, w.section, t.place
    from ({rows}) as w
    join types as t on t.component = w.component
    join files as f
        on f.agreement_id = w.agreement_id and f.settlement_currency = w.settlement_currency
    """  # noqa: S608  # names of ours


_KEY = "agreement_id, part, settlement_currency"
_RATE = {
    "mid_e8": "bigint", "rate_e8": "bigint", "via": "varchar", "leg_in_e8": "bigint",
    "leg_out_e8": "bigint", "markup_e8": "bigint", "rounding": "varchar", "convert_per": "varchar",
}  # fmt: skip
"""What a converted bucket says of its rate, beside `rate_id`."""

_UNTOLD = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in _RATE.items())
_NO_RATE = f"cast(null as varchar) as rate_id, {_UNTOLD}"


def _bucket_rows() -> Iterator[str]:
    key = f"{_KEY}, currency, rate_id"
    for component in BUCKET:
        counted = _COUNTED.get(component)
        count = f"sum(c.{component})" if counted else "sum(c.records)"
        own = "" if counted else f"and k.component = '{component}'"
        yield f"""select b.agreement_id, b.part, b.settlement_currency, 0 as section,
            b.currency as line_currency, b.rate_id, {_UNTOLD}, '{component}' as component,
            coalesce(n.records, 0) as records, b.{component}_minor as amount_minor,
            cast(null as bigint) as settled_minor
        from buckets as b left join (
            select {", ".join(f"c.{name}" for name in key.split(", "))}, {count} as records
            from line_counts as c join kinds as k on k.kind = c.kind {own} group by all
        ) as n using ({key})
        where b.{component}_minor <> 0 or n.records > 0"""  # noqa: S608  # names of ours
    yield f"""select {_KEY}, 0, currency, rate_id, mid_e8, client_e8, via, leg_in_e8, leg_out_e8,
            markup_ppm * 100, rounding, convert_per, 'net', records, net_minor, converted_minor
        from buckets"""  # noqa: S608  # names of ours


def _position_rows() -> Iterator[str]:
    rest = """net_minor + carried_in_minor + set_off_minor + reserve_recovered_minor
        + collateral_used_minor"""
    yield _position_row("rest", f"({rest})", records="records", always=True)
    for component in OWN:
        yield _position_row(component, f"{component}_minor")
    for component in ENDS:
        sign = "-" if component == "claimed" else ""
        yield _position_row(component, f"{sign}{component}_minor")


def _position_row(component: str, amount: str, *, records: str = "0", always: bool = False) -> str:
    where = "" if always else f"where {amount} <> 0"
    return f"""select agreement_id, part, currency, 1, currency, {_NO_RATE}, '{component}',
        {records}, {amount}, {amount}
    from positions {where}"""  # noqa: S608  # names of ours


def _empty_row() -> str:
    return f"""select agreement_id, '', settlement_currency, 1, settlement_currency, {_NO_RATE},
        'rest', 0, 0, 0
    from files where is_empty"""  # noqa: S608  # names of ours
