"""Reading a row of a funding file: each field typed, each fault named with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, time, timedelta
from typing import Any

from settle.calendars import BankCutoff, Certainty
from settle.calendars.deadlines import instant_of
from settle.calendars.fields import Fields
from settle.clearing.funding.accounts import CLIENTS, OWN
from settle.clearing.funding.arcs import PPM_MAX
from settle.clearing.funding.needs import ANYWHERE
from settle.clearing.funding.rows import (
    AccountRow,
    Cell,
    DatedRow,
    OwnNeed,
    TradeRow,
    TransferRow,
)
from settle.errors import BadInput
from settle.money import MINOR_MAX, exponent

AMOUNTS = range(MINOR_MAX + 1)
MINUTES = range(7 * 24 * 60 + 1)


def rows_of(table: str, content: Any, *, file: str) -> Iterator[DatedRow]:
    """The rows of one table of a funding file, in its order.

    Raises:
        BadInput: the table is not known, or a row is wrong; names file, row, field and why.
    """
    if table not in _READERS:
        raise BadInput(
            f"{file}: {table} is none of {', '.join(_READERS)}", file=file, row=table, field=table
        )
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise BadInput(
            f"{file}: {table}: write its rows as [[{table}]]", file=file, row=table, field=table
        )
    for place, row in enumerate(content, start=1):
        fields = Fields(row, file=file, name=f"{table} row {place}")
        yield from _READERS[table](fields)
        fields.done()


def _dated(fields: Fields) -> dict[str, Any]:
    since, until = fields.day("effective_from"), fields.day_or_none("effective_until")
    if until is not None and until < since:
        fields.refuse("effective_until", f"{until} is before {since}")
    name = f"{fields.file}, {fields.name}"
    return {"name": name, "effective_from": since, "effective_until": until}


def _currency(fields: Fields) -> str:
    code = fields.code("currency")
    try:
        exponent(code)
    except BadInput as error:
        fields.refuse("currency", error.message)
    return code


def _account(fields: Fields) -> Iterator[DatedRow]:
    yield AccountRow(
        **_dated(fields),
        account_id=fields.text("account_id"),
        rail=fields.text("rail"),
        account=fields.text("account"),
        currency=_currency(fields),
        owner=fields.word("owner", among=(CLIENTS, OWN)),
        minimum_minor=fields.whole("minimum_minor", within=AMOUNTS, default=0),
    )


def _cells(fields: Fields) -> Iterator[DatedRow]:
    dated, currency = _dated(fields), _currency(fields)
    terms: dict[str, Any] = {
        "account_id": fields.text("account_id"),
        "cutoff": _cutoff(fields, currency, since=dated["effective_from"]),
        "provider": fields.text("provider", ""),
        "channel": fields.text("channel", ""),
        "lead_time": _minutes(fields, default=0),
    }
    if terms["cutoff"] is not None and (terms["provider"] or terms["channel"]):
        fields.refuse("cutoff", "stands beside a provider's: give one of them")
    countries = fields.texts("countries")
    if not countries:
        fields.refuse("countries", 'names none; write ["*"] for all without a row of their own')
    for country in countries:
        if country != ANYWHERE and not _is_country(country):
            fields.refuse("countries", f"{country!r} is no ISO 3166 code of two letters")
        yield Cell(**dated, **terms, currency=currency, country=country)


def _is_country(code: str) -> bool:
    return len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()


def _cutoff(fields: Fields, currency: str, *, since: date) -> BankCutoff | None:
    at = fields.clock_or_none("cutoff")
    if at is None:
        return None
    return BankCutoff(
        currency=currency,
        effective_from=since,
        source=f"{fields.file}, {fields.name}",
        certainty=Certainty.SOURCED,
        zone=fields.zone(),
        time=at,
        value_days=fields.whole("value_days", within=range(11), default=0),
    )


def _minutes(fields: Fields, *, default: int | None = None) -> timedelta:
    within = MINUTES if default is not None else MINUTES[1:]
    return timedelta(minutes=fields.whole("lead_minutes", within=within, default=default))


def _way(fields: Fields) -> dict[str, Any]:
    return {
        **_dated(fields),
        "source": fields.text("source"),
        "target": fields.text("target"),
        "provider": fields.text("provider", ""),
        "zone": fields.zone(),
        "cutoff": fields.clock("cutoff"),
        "fixed_minor": fields.whole("fixed_minor", within=AMOUNTS, default=0),
        "ppm": fields.whole("ppm", within=range(PPM_MAX + 1), default=0),
        "minimum_minor": fields.whole("minimum_minor", within=AMOUNTS[1:], default=1),
        "capacity_minor": (
            fields.whole("capacity_minor", within=AMOUNTS)
            if "capacity_minor" in fields.row
            else None
        ),
    }


def _transfer(fields: Fields) -> Iterator[DatedRow]:
    way, opens = _way(fields), fields.clock("opens")
    _refuse_before(fields, "opens", opens, way["cutoff"])
    yield TransferRow(**way, opens=opens, lead=_minutes(fields))


def _refuse_before(fields: Fields, field: str, earlier: time, later: time) -> None:
    if not earlier < later:
        fields.refuse(field, f"{earlier:%H:%M} is not before {later:%H:%M}")


def _trade(fields: Fields) -> Iterator[DatedRow]:
    way, lands = _way(fields), fields.clock("lands")
    days = fields.whole("settle_days", within=range(11), default=0)
    if not days:
        _refuse_before(fields, "cutoff", way["cutoff"], lands)
    spread = fields.whole("spread_ppm", within=range(PPM_MAX))
    yield TradeRow(**way, lands=lands, settle_days=days, spread_ppm=spread)


def _own_need(fields: Fields) -> Iterator[DatedRow]:
    row = OwnNeed(
        **_dated(fields),
        need_id=fields.text("need_id"),
        currency=_currency(fields),
        amount_minor=fields.whole("amount_minor", within=AMOUNTS[1:]),
        value_date=fields.day("value_date"),
        zone=fields.zone(),
        time=fields.clock("time"),
    )
    try:
        instant_of(row.value_date, row.time, zone=row.zone)
    except OverflowError:
        fields.refuse("value_date", f"{row.value_date} at {row.time} is no instant in UTC")
    yield row


_READERS: Mapping[str, Callable[[Fields], Iterator[DatedRow]]] = {
    "account": _account,
    "pays": _cells,
    "transfer": _transfer,
    "trade": _trade,
    "own_need": _own_need,
}
