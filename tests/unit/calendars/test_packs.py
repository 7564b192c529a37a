"""A platform's rules lie over ours, and a wrong row is refused with its place."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from settle.calendars import (
    BankCutoff,
    Certainty,
    HalfDay,
    HolidayList,
    Rtgs,
    add_business_days,
    earliest_value_date,
    is_business_day,
    latest_safe_submission,
    load_pack,
    rules,
    spot_date,
    why_closed,
)
from settle.calendars.rows import ANY, Closing, Opening, SpotLag, TradeDay
from settle.errors import BadInput, UnknownCurrency

HEADER = '[pack]\nname = "ours"\nversion = "7"\n'
KNOWN = 'effective_from = 2024-01-01\nsource = "our contract"\ncertainty = "sourced"\n'


def pack_of(tmp_path: Path, *tables: str) -> Path:
    path = tmp_path / "ours.toml"
    path.write_text(HEADER + "\n".join(f"{table}\n{KNOWN}" for table in tables))
    return path


def test_every_row_we_ship_is_dated_and_sourced() -> None:
    """No figure without since when, from whom and how surely."""
    (layer,) = rules().layers
    kinds = (HolidayList, Closing, Opening, Rtgs, BankCutoff, HalfDay, SpotLag, TradeDay)
    rows = [row for kind in kinds for row in layer.of(kind)]
    assert len(rows) > 100
    assert all(row.source.strip() and row.effective_from for row in rows)
    assert {row.currency for row in rows} == {*rules().currencies(), ANY}
    assert set(Certainty) == {row.certainty for row in rows}


def test_every_currency_has_a_rail_a_cut_off_and_never_a_gap() -> None:
    """In thirty years there is no day without a governing deadline."""
    for currency in rules().currencies():
        for year in range(2005, 2036, 3):
            day = add_business_days(date(year, 6, 1), 0, currency)
            assert latest_safe_submission(currency, day).deadline.at


def test_a_closing_at_short_notice_is_a_row(tmp_path: Path) -> None:
    """A typhoon closes Hong Kong for a day; the day before and after are as they were."""
    pack = load_pack(pack_of(
        tmp_path, '[[closing]]\ncurrency = "HKD"\nday = "2024-11-14"\nname = "typhoon"',
    ))  # fmt: skip
    assert "ours 7 over settle 2026.11" == pack.version
    assert not is_business_day(date(2024, 11, 14), "HKD", pack=pack)
    assert is_business_day(date(2024, 11, 14), "HKD")
    fact = why_closed(date(2024, 11, 14), "HKD", pack=pack)
    assert fact is not None
    assert ("typhoon", "our contract") == (fact.name, fact.source)


def test_an_opening_wins_over_our_closing(tmp_path: Path) -> None:
    """A platform that knows better opens a day that we closed to be safe."""
    pack = load_pack(pack_of(
        tmp_path,
        '[[opening]]\ncurrency = "CAD"\nday = "first monday of august"\nname = "Lynx works"',
    ))  # fmt: skip
    assert not is_business_day(date(2024, 8, 5), "CAD")
    assert is_business_day(date(2024, 8, 5), "CAD", pack=pack)
    assert not is_business_day(date(2023, 8, 7), "CAD", pack=pack)


def test_a_contracts_cut_off_replaces_ours_from_its_day(tmp_path: Path) -> None:
    """The newest layer's row holds from its date on; before it ours does."""
    pack = load_pack(pack_of(
        tmp_path, '[[cutoff]]\ncurrency = "EUR"\nzone = "Europe/Paris"\ntime = "10:00"',
    ))  # fmt: skip
    new = latest_safe_submission("EUR", date(2024, 12, 19), pack=pack)
    old = latest_safe_submission("EUR", date(2023, 12, 19), pack=pack)
    assert [9, 15] == [new.at.hour, old.at.hour]
    assert "our contract" == new.decided_by.source


def test_a_half_day_of_ours_is_replaced_by_the_same_rule(tmp_path: Path) -> None:
    """Who knows the bank's true hour on 24 December writes it over our memory of it."""
    pack = load_pack(pack_of(
        tmp_path,
        '[[half_day]]\ncurrency = "EUR"\nday = "12-24"\nname = "Christmas Eve"\n'
        'zone = "Europe/Paris"\nbank_cutoff = "14:00"',
    ))  # fmt: skip
    assert 11 == latest_safe_submission("EUR", date(2024, 12, 24)).at.hour
    assert 13 == latest_safe_submission("EUR", date(2024, 12, 24), pack=pack).at.hour


def test_a_new_currency_joins_with_rows_alone(tmp_path: Path) -> None:
    """Dirhams, with their own weekend, have answers without a line of code."""
    pack = load_pack(pack_of(
        tmp_path,
        '[[holiday_list]]\ncurrency = "SAR"\ncountry = "SA"\nweekend = [5, 6]',
        '[[rtgs]]\ncurrency = "SAR"\nsystem = "SARIE"\nzone = "Asia/Riyadh"\n'
        'opens = "08:00"\nfinal_close = "16:00"',
    ))  # fmt: skip
    answer = earliest_value_date("SAR", datetime(2024, 12, 5, 14, tzinfo=UTC), pack=pack)
    assert date(2024, 12, 8) == answer.value_date
    with pytest.raises(UnknownCurrency, match="'SAR'"):
        earliest_value_date("SAR", datetime(2024, 12, 5, 14, tzinfo=UTC))


def test_a_providers_lag_is_a_row(tmp_path: Path) -> None:
    """A provider that settles on the trade date says so in data, for every pair."""
    pack = load_pack(pack_of(
        tmp_path, '[[spot_lag]]\ncurrency = "*"\nprovider = "fast"\ndays = 0',
    ))  # fmt: skip
    day = date(2024, 12, 18)
    assert day == spot_date("EUR", "JPY", day, provider="fast", pack=pack).value_date
    assert date(2024, 12, 20) == spot_date("EUR", "JPY", day, pack=pack).value_date


def test_a_pack_may_be_a_folder(tmp_path: Path) -> None:
    """Tables may be spread over files; one of them has the name."""
    (tmp_path / "a.toml").write_text(HEADER)
    row = '[[closing]]\ncurrency = "HKD"\nday = "2024-11-14"\nname = "typhoon"\n'
    (tmp_path / "b.toml").write_text(row + KNOWN)
    assert not is_business_day(date(2024, 11, 14), "HKD", pack=load_pack(tmp_path))


CUTOFF = '[[cutoff]]\ncurrency = "EUR"\nzone = "Europe/Paris"\ntime = "10:00"'


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (CUTOFF.replace("10:00", "25:00"), r"cutoff row 1: time '25:00' is not a time of day"),
        (CUTOFF.replace("10:00", "10:00Z"), r"cutoff row 1: time '10:00Z' names a zone"),
        (CUTOFF.replace("Paris", "Atlantis"), r"zone 'Europe/Atlantis' is not a time zone"),
        (CUTOFF.replace("EUR", "euro"), r"currency 'euro' is not an ISO 4217 code"),
        (CUTOFF + "\nvalue_days = -1", r"value_days -1 is not a number from 0 to 10"),
        (CUTOFF + "\nvalue_days = true", r"value_days True is not a number"),
        (CUTOFF + '\nuse = "gift"', r"use 'gift' is none of payment, conversion"),
        (CUTOFF + "\ncut = 1", r"cutoff row 1: cut is not a field of this row"),
        (CUTOFF + "\neffective_until = 2023-01-01", r"effective_until 2023-01-01 is before"),
        (f"{CUTOFF}\n{KNOWN}{CUTOFF}", r"cutoff row 2: effective_from 2024-01-01 repeats"),
        ('[[closing]]\ncurrency = "HKD"\nname = "x"\nday = "soon"', r"'soon' is not a day rule"),
        ('[[closing]]\ncurrency = "HKD"\nday = "12-24"', r"closing row 1: name is missing"),
        ('[[closings]]\ncurrency = "HKD"', r"closings is no table of a pack"),
        ('[[holiday_list]]\ncurrency = "XXX"', r"country or market is needed"),
        ('[[holiday_list]]\ncurrency = "XXX"\ncountry = "QQ"', r"country or market: .*QQ"),
        ('[[holiday_list]]\ncurrency = "XXX"\ncountry = "CH"\nregions = ["Q"]', r"row 1: country"),
        ('[[holiday_list]]\ncurrency = "XXX"\ncountry = "CH"\nweekend=[1,2,3,4,5,6,7]', r"no day"),
        ('[[half_day]]\ncurrency = "EUR"\nname = "x"\nday = "12-24"\nzone = "UTC"', r"is needed"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_refused_with_file_row_field_and_why(
    tmp_path: Path, table: str, complaint: str
) -> None:
    """Whoever wrote the pack finds the row without reading our code."""
    with pytest.raises(BadInput, match=rf"^ours\.toml: .*{complaint}|{complaint}") as caught:
        load_pack(pack_of(tmp_path, table))
    assert "ours.toml" == caught.value.file
    assert caught.value.row


def test_what_is_no_pack_is_refused(tmp_path: Path) -> None:
    """No file, no TOML, no UTF-8, no name, an empty folder."""
    path = tmp_path / "ours.toml"
    with pytest.raises(BadInput, match="cannot be read"):
        load_pack(path)
    path.write_text("a = ")
    with pytest.raises(BadInput, match="is not TOML"):
        load_pack(path)
    path.write_bytes(b"\xff")
    with pytest.raises(BadInput, match="is not UTF-8"):
        load_pack(path)
    path.write_text("")
    with pytest.raises(BadInput, match="one table"):
        load_pack(path)
    path.write_text("pack = 1")
    with pytest.raises(BadInput, match="pack is not a table"):
        load_pack(path)
    path.unlink()
    with pytest.raises(BadInput, match=r"no \*\.toml"):
        load_pack(tmp_path)
