"""The tables of a pack file: which there are, and how each of their rows is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from settle.calendars.certainty import Certainty
from settle.calendars.fields import Fields
from settle.calendars.rows import (
    ANY,
    BankCutoff,
    Closing,
    HalfDay,
    HolidayList,
    Opening,
    Row,
    Rtgs,
    SpotLag,
    TradeDay,
)
from settle.errors import BadInput


def read_table(
    table: str, content: Any, *, file: str, seen: dict[Any, str]
) -> tuple[type[Row], tuple[Row, ...]]:
    """The typed rows of one table of a pack file, and which kind they are.

    This reads everything before it gives anything: a pack is taken whole or not at all.
    `seen` is shared by the files of a pack: where each key was first.

    Raises:
        BadInput: the table is not known, or a row is wrong; names file, row, field and why.
    """
    if table not in _TABLES:
        known = ", ".join(_TABLES)
        raise BadInput(
            f"{file}: {table} is no table of a pack; known are pack, {known}",
            file=file, row=table, field=table, why="is not known",
        )  # fmt: skip
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise BadInput(f"{file}: {table} is not a list of rows", file=file, row=table)
    kind, read = _TABLES[table]
    rows = []
    for number, row in enumerate(content, start=1):
        fields = Fields(row, file=file, name=f"{table} row {number}")
        found = kind(**_common(fields, kind), **read(fields))
        fields.done()
        _refuse_twice(fields, found, seen=seen)
        rows.append(found)
    return kind, tuple(rows)


def _refuse_twice(fields: Fields, row: Row, *, seen: dict[Any, str]) -> None:
    if row.effective_until is not None and row.effective_until < row.effective_from:
        fields.refuse("effective_until", f"{row.effective_until} is before effective_from")
    here = f"{fields.name} of {fields.file}"
    first = seen.setdefault((type(row), _key(row), row.effective_from), here)
    if first != here:
        fields.refuse("effective_from", f"{row.effective_from} repeats {first}")


def _key(row: Row) -> tuple[object, ...]:
    match row:
        case BankCutoff():
            return row.key
        case SpotLag():
            return row.currency, row.other, row.provider
        case Closing() | Opening() | HalfDay():
            return row.currency, row.day
        case _:
            return (row.currency,)


def _common(fields: Fields, kind: type[Row]) -> dict[str, Any]:
    return {
        "currency": fields.code("currency", also=ANY if kind in {SpotLag, TradeDay} else ""),
        "effective_from": fields.day("effective_from"),
        "effective_until": fields.day_or_none("effective_until"),
        "source": fields.text("source"),
        "certainty": fields.choice("certainty", of=Certainty),
        "note": fields.text("note", ""),
    }


def _holiday_list(fields: Fields) -> dict[str, Any]:
    years = range(1900, 2201)
    found: dict[str, Any] = {
        "country": fields.text("country", ""),
        "market": fields.text("market", ""),
        "regions": fields.texts("regions"),
        "categories": fields.texts("categories"),
        "weekend": fields.wholes("weekend", within=range(1, 8), default=(6, 7)),
        "make_up_days": fields.flag("make_up_days"),
        "published_until": fields.whole("published_until", within=years, default=2200),
    }
    if len(set(found["weekend"])) > 6:
        fields.refuse("weekend", "leaves no day of the week")
    if bool(found["country"]) == bool(found["market"]):
        fields.refuse("country", "or market is needed, one of the two")
    return found


def _named_day(fields: Fields) -> dict[str, Any]:
    return {"day": fields.rule(), "name": fields.text("name")}


def _rtgs(fields: Fields) -> dict[str, Any]:
    return {
        "system": fields.text("system"),
        "zone": fields.zone(),
        "opens": fields.clock("opens"),
        "opens_days": fields.whole("opens_days", within=range(-1, 1), default=0),
        "customer_close": fields.clock_or_none("customer_close"),
        "final_close": fields.clock("final_close"),
        "closes_days": fields.whole("closes_days", within=range(2), default=0),
    }


def _bank_cutoff(fields: Fields) -> dict[str, Any]:
    return {
        "provider": fields.text("provider", ""),
        "channel": fields.text("channel", ""),
        "use": fields.word("use", among=("payment", "conversion"), default="payment"),
        "zone": fields.zone(),
        "time": fields.clock("time"),
        "value_days": fields.whole("value_days", within=range(11), default=0),
    }


def _half_day(fields: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {
        **_named_day(fields),
        "zone": fields.zone(),
        "rail_close": fields.clock_or_none("rail_close"),
        "bank_cutoff": fields.clock_or_none("bank_cutoff"),
    }
    if found["rail_close"] is None and found["bank_cutoff"] is None:
        fields.refuse("bank_cutoff", "or rail_close is needed, or both")
    return found


def _spot_lag(fields: Fields) -> dict[str, Any]:
    return {
        "other": fields.code("other", default=ANY, also=ANY),
        "provider": fields.text("provider", ""),
        "days": fields.whole("days", within=range(11)),
        "usd_holidays_count": fields.flag("usd_holidays_count"),
    }


def _trade_day(fields: Fields) -> dict[str, Any]:
    return {
        "zone": fields.zone(),
        "time": fields.clock("time"),
        "days_before": fields.whole("days_before", within=range(2), default=0),
    }


_TABLES: Mapping[str, tuple[type[Row], Callable[[Fields], dict[str, Any]]]] = {
    "holiday_list": (HolidayList, _holiday_list),
    "closing": (Closing, _named_day),
    "opening": (Opening, _named_day),
    "rtgs": (Rtgs, _rtgs),
    "cutoff": (BankCutoff, _bank_cutoff),
    "half_day": (HalfDay, _half_day),
    "spot_lag": (SpotLag, _spot_lag),
    "trade_day": (TradeDay, _trade_day),
}
