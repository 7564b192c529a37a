"""Settlement details: a line a record, with its fees, its tax, and what of it was settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from settle.clearing.files.replay import ClosedWindow
from settle.engine import Scratch, parquet
from settle.errors import NotConserved

if TYPE_CHECKING:
    from pathlib import Path

ORDER = "file, part, record_id"


def details_sql(window: ClosedWindow) -> str:
    """The lines of all files, by `file`; see `settle.clearing.files.columns.DETAILS`."""
    return f"""select
        f.file, t.type, l.agreement_id, l.part, '{window.window_id}' as window_id, r.record_id,
        r.original_record_id, r.kind, r.counterparty_id, r.occurred_at,
        r.occurred_window as day, r.reason as timing, r.reference,
        cast(1 as bigint) as records, l.currency, s.gross_minor as amount_minor, s.fee_minor,
        s.fee_back_minor, s.tax_minor, s.net_minor, l.rate_id, minor(l.client_e8) as rate_e8,
        l.settlement_currency, s.settled_minor
    from settled_each as s
    join lanes as l on l.lane = s.lane
    join records as r on r.record_id = s.record_id
    join kind_types as t on t.kind = l.kind
    join files as f
        on f.agreement_id = l.agreement_id and f.settlement_currency = l.settlement_currency
    """  # noqa: S608  # a date


def prove_details(scratch: Scratch, written: Path, *, window: ClosedWindow) -> None:
    """The lines sum to every bucket that was committed, to the unit.

    Raises:
        NotConserved: they do not; the message names the agreement and the currency.
    """
    found = scratch.rows(
        f"""with summed as (
            select agreement_id, part, settlement_currency, currency, rate_id,
                count(*) as records,
                sum(cast(net_minor as decimal(38, 0))) as net_minor,
                sum(cast(tax_minor as decimal(38, 0))) as tax_minor,
                sum(cast(settled_minor as decimal(38, 0))) as converted_minor
            from {parquet([written])}
            group by all
        )
        select b.agreement_id, b.currency
        from buckets as b left join summed as s
            using (agreement_id, part, settlement_currency, currency, rate_id)
        where b.records is distinct from s.records or b.net_minor is distinct from s.net_minor
            or b.tax_minor is distinct from s.tax_minor
            or b.converted_minor is distinct from s.converted_minor
        order by 1, 2 limit 1"""  # noqa: S608  # a path of ours
    ).to_pylist()
    if found:
        name, currency = found[0]["agreement_id"], found[0]["currency"]
        raise NotConserved(
            f"window {window.window_id}, agreement {name!r}: the lines in {currency} do not sum "
            "to what was settled",
            agreement_id=name, currency=currency, window_id=window.window_id,
        )  # fmt: skip
