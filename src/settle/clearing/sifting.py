"""The open records sifted for one window: which are due in it, which wait, which are left out.

A batch of which every record occurred in the window's own day, under agreements that settle each
day by itself, is due as a whole: nothing of it is looked at one by one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from settle.clearing.agreements import Agreements
from settle.clearing.cycles import Cycle, cycles_table
from settle.clearing.records import STORED
from settle.clearing.unsettled import Unsettled
from settle.clearing.windows import (
    Cutoff,
    instant,
    microseconds,
    window_of,
    windows_by_utc_day,
)
from settle.engine import Scratch, read_views
from settle.errors import BadInput, NotConserved

if TYPE_CHECKING:
    import pyarrow as pa

VIEWS = ("windowed", "settling", "sifted", "due", "left_over")
"""The steps of sifting, a file each under `views/window/`, with a row a record: none is kept."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What a window looks at. `whole`: batches due as they are; `split`: those sifted.

    Both say how many records were accepted.
    """

    window_id: str
    whole: Mapping[str, int]
    split: Mapping[str, int]
    unsettled: Unsettled


def sifting_views() -> dict[str, str]:
    """The SQL of each step by name, in order. This is what an auditor reads."""
    return read_views(Path(__file__).parent / "views" / "window", VIEWS)


def place(
    scratch: Scratch, unsettled: Unsettled, *, day: date, cutoff: Cutoff, agreements: Agreements,
    agreement_ids: Sequence[str] = (), failed: Collection[str] = (),
    views: Mapping[str, str] | None = None,
) -> Placed:  # fmt: skip
    """Make the open records due in the window of `day` known as `records`.

    Each has its own day as `occurred_window`, and a `reason`: late, if the window in which it was
    to settle was closed or passed over before, else on_time. `agreement_ids`: only of some
    agreements. `failed`: participants whose records under agreements in which the hub is an
    agent are left out. `views` may be other than the files.

    Raises:
        BadInput: a file is missing, or who failed is no participant.
    """
    looked_at = unsettled.due(day.isoformat())
    refuse_strangers(failed, agreements)
    slow = _slow(agreements)
    spans = _spans(scratch, looked_at, agreement_ids)
    whole = {} if slow.num_rows or failed else _whole(looked_at, spans, day=day, cutoff=cutoff)
    split = {batch: n for batch, n in looked_at.fresh.items() if batch not in whole}
    looked_at.read_fresh(scratch, "whole", list(whole), agreement_ids=agreement_ids)
    looked_at.read_fresh(scratch, "fresh", list(split), agreement_ids=agreement_ids)
    looked_at.read_waiting(scratch, agreement_ids=agreement_ids)
    _give_terms(scratch, slow, days=_days(spans, day=day, cutoff=cutoff), cutoff=cutoff, day=day)
    _give_failed(scratch, failed, agreements)
    steps = views or sifting_views()
    scratch.steps(steps, lazy=steps)
    scratch.view("records", _records(day))
    return Placed(window_id=day.isoformat(), whole=whole, split=split, unsettled=looked_at)


def _records(day: date) -> str:
    columns = ", ".join(STORED)
    return f"""select {columns}, '{day}' as occurred_window, 'on_time' as reason from whole
        union all
        select {columns}, occurred_window, reason from due"""  # noqa: S608  # our names, a date


def _spans(
    scratch: Scratch, unsettled: Unsettled, agreement_ids: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    """When the records of each fresh batch occurred, the first and the last."""
    unsettled.read_fresh(scratch, "fresh", list(unsettled.fresh), agreement_ids=agreement_ids)
    rows: list[dict[str, Any]] = scratch.rows(
        """select batch_id, count(*) as records, min(micros(occurred_at)) as first_us,
            max(micros(occurred_at)) as last_us
        from fresh_all group by batch_id order by batch_id"""
    ).to_pylist()
    return rows


def _whole(
    unsettled: Unsettled, spans: Sequence[Mapping[str, Any]], *, day: date, cutoff: Cutoff
) -> dict[str, int]:
    starts_us = microseconds(cutoff.ends_at(day - _DAY))
    ends_us = microseconds(cutoff.ends_at(day))
    inside = [s for s in spans if starts_us <= s["first_us"] and s["last_us"] < ends_us]
    return {span["batch_id"]: unsettled.fresh[span["batch_id"]] for span in inside}


def _days(spans: Sequence[Mapping[str, Any]], *, day: date, cutoff: Cutoff) -> tuple[date, date]:
    """The days in which anything occurred, and that of the window."""
    firsts = [window_of(instant(span["first_us"]), cutoff) for span in spans]
    lasts = [window_of(instant(span["last_us"]), cutoff) for span in spans]
    return min([day, *firsts]), max([day, *lasts])


def _slow(agreements: Agreements) -> pa.Table:
    """The terms that do not settle each day in its own window: `of_refunds`, or of the others.

    Refunds have a conversion of their own where their rate is. `currency` is the one they are
    paid in: null is that of the record.
    """
    import pyarrow as pa

    own = ("agreement_id", "cycle", "conversion", "refund_rate", "settlement_currency")
    table = agreements.table.select(own)
    both = [_termed(table, of_refunds=False), _termed(table, of_refunds=True)]
    return pa.concat_tables(both)


def _termed(table: pa.Table, *, of_refunds: bool) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    conversion = table.column("conversion")
    if of_refunds:
        is_original = pc.equal(table.column("refund_rate"), "original")
        rated = pc.if_else(pc.equal(table.column("refund_rate"), "next_day"), "next_day", "locked")
        keeps = pc.or_(is_original, pc.equal(conversion, "none"))
        conversion = pc.if_else(keeps, conversion, rated)
    terms = pa.table(
        {
            "agreement_id": table.column("agreement_id"),
            "of_refunds": pa.repeat(pa.scalar(of_refunds), len(table)),
            "cycle": table.column("cycle"),
            "conversion": conversion,
            "currency": pc.if_else(
                pc.equal(conversion, "none"), pa.scalar(None, pa.string()),
                table.column("settlement_currency"),
            ),
        }
    )  # fmt: skip
    is_prompt = pc.equal(terms.column("cycle"), "T+1")
    is_next_day = pc.equal(terms.column("conversion"), "next_day")
    return terms.filter(pc.or_(pc.invert(is_prompt), is_next_day))


def _give_terms(
    scratch: Scratch, slow: pa.Table, *, days: tuple[date, date], cutoff: Cutoff, day: date
) -> None:
    import pyarrow as pa

    first, last = days
    scratch.give("closing", pa.table({"window_id": [day.isoformat()]}))
    scratch.give("windows", windows_by_utc_day(first, last, cutoff=cutoff))
    scratch.give("slow", slow)
    scratch.give("cycles", cycles_table(_cycles(scratch, slow), first, last))


def _cycles(scratch: Scratch, slow: pa.Table) -> list[Cycle]:
    """Each of the terms there are once; in the records' own currencies, those that occur."""
    columns = (slow.column(field).to_pylist() for field in Cycle._fields)
    terms = sorted(set(zip(*columns, strict=True)), key=str)
    own: list[str] = []
    if any(currency is None for _, currency, _ in terms):
        own = scratch.rows("select distinct currency from fresh order by 1").column(0).to_pylist()
    return [
        Cycle(cycle, each, conversion)
        for cycle, currency, conversion in terms
        for each in (own if currency is None else [currency])
    ]


def _give_failed(scratch: Scratch, failed: Collection[str], agreements: Agreements) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    table = agreements.table
    agents = table.filter(pc.equal(table.column("hub_role"), "agent")).select(["agreement_id"])
    scratch.give("agents", agents if failed else agents.slice(0, 0))
    scratch.give("failed", pa.table({"participant_id": pa.array(sorted(failed), pa.string())}))


def refuse_strangers(failed: Collection[str], agreements: Agreements) -> None:
    """Refuse names of nobody. This asks whether each is a participant of an agreement.

    Raises:
        BadInput: names the first that is none.
    """
    strangers = sorted(set(failed) - set(agreements.column("participant_id"))) if failed else ()
    for name in strangers:
        raise BadInput(f"failed: {name!r} has no agreement", field="failed", participant_id=name)


def place_accepted(
    scratch: Scratch, *, day: date, cutoff: Cutoff, agreements: Agreements, accepted: int
) -> int:
    """Make those of the records `fresh` that settle in the window of `day` known as `records`.

    The same as `place` for records that lie in no lake: none waits, and no window was closed or
    passed over before, so none is late. This gives how many there are.

    Raises:
        NotConserved: what is here is not what was `accepted`.
    """
    span = scratch.rows(
        """select count(*) as records, min(occurred_us) as first_us, max(occurred_us) as last_us
        from typed cross join terms
        where occurred_us >= horizon_us and occurred_us <= now_us"""
    ).to_pylist()
    spans = span if span[0]["records"] else []
    slow = _slow(agreements)
    columns = ", ".join(STORED)
    if not slow.num_rows and _is_inside(spans, day=day, cutoff=cutoff):
        scratch.view(
            "records",
            f"select {columns}, '{day}' as occurred_window, 'on_time' as reason from fresh",  # noqa: S608  # ours
        )
        return accepted
    nothing = ", ".join(f"cast(null as varchar) as {name}" for name in _WAITING)
    scratch.view("waiting", f"select {columns}, {nothing} from fresh where false")  # noqa: S608  # ours
    _give_terms(scratch, slow, days=_days(spans, day=day, cutoff=cutoff), cutoff=cutoff, day=day)
    _give_failed(scratch, (), agreements)
    steps = sifting_views()
    scratch.steps(steps, lazy=steps)
    # What settles in an earlier window is that one's: each record is in one, as in the night.
    prompt = f"select {columns}, occurred_window, reason from due where reason = 'on_time'"  # noqa: S608  # ours
    scratch.view("records", prompt)
    (counted,) = scratch.rows(_SIFTED).to_pylist()
    if counted["seen"] != accepted:
        raise NotConserved(
            f"window {day}: {accepted} records were accepted, {counted['seen']} accounted for",
            window_id=day.isoformat(),
        )
    return int(counted["due"])


_SIFTED = """select count(*) as seen, count(*) filter (where r.settles_in = c.window_id) as due
from sifted as r cross join closing as c"""

_WAITING = ("occurred_window", "settles_in", "deferred_in")


def _is_inside(spans: Sequence[Mapping[str, Any]], *, day: date, cutoff: Cutoff) -> bool:
    starts_us = microseconds(cutoff.ends_at(day - _DAY))
    ends_us = microseconds(cutoff.ends_at(day))
    return all(starts_us <= span["first_us"] and span["last_us"] < ends_us for span in spans)
