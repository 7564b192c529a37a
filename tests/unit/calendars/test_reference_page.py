"""The table of the reference page is the data."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from settle.calendars import BankCutoff, HolidayList, Row, Rtgs, RulePack, rules, spot_date

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "calendars.md"
AS_OF = re.compile(r"in force on (\d{4}-\d{2}-\d{2})")
ROW = re.compile(r"\| `[A-Z]{3}` \|")
HEADS = (
    "currency", "system", "zone", "customers' close", "final close", "hours are",
    "default bank cut-off", "value", "cut-off is", "spot to USD", "calendar is",
)  # fmt: skip


def test_the_table_is_what_the_pack_says() -> None:
    """Whoever changes a row changes the page; whoever changes the page alone is told."""
    page = PAGE.read_text("utf-8")
    (as_of,) = AS_OF.findall(page)
    expected = table(rules(), date.fromisoformat(as_of))
    found = [line for line in page.splitlines() if ROW.match(line)]
    assert expected == found, "\n".join(expected)
    assert f"| {' | '.join(HEADS)} |" in page
    assert rules().version in page


def table(pack: RulePack, day: date) -> list[str]:
    return [f"| {' | '.join(_cells(pack, currency, day))} |" for currency in pack.currencies()]


def _cells(pack: RulePack, currency: str, day: date) -> list[str]:
    def of(row: Row) -> bool:
        return row.currency == currency

    rail = pack.in_force(Rtgs, day, where=of)
    calendar = pack.in_force(HolidayList, day, where=of)
    cutoff = pack.in_force(
        BankCutoff, day, where=lambda row: row.key == (currency, "", "", "payment")
    )
    assert rail is not None
    assert calendar is not None
    assert cutoff is not None
    lag = "" if currency == "USD" else f"T+{spot_date(currency, 'USD', day).lag}"
    next_day = " next day" * rail.closes_days
    return [
        f"`{currency}`", rail.system, rail.zone,
        f"{rail.customer_close:%H:%M}" if rail.customer_close else "",
        f"{rail.final_close:%H:%M}{next_day}", _words(rail),
        f"{cutoff.time:%H:%M} {cutoff.zone}", f"D+{cutoff.value_days}", _words(cutoff),
        lag, _words(calendar),
    ]  # fmt: skip


def _words(row: Row) -> str:
    return row.certainty.replace("_", " ")
