"""Lines sum to the summary, the summary to the position, in any world."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.netting_world import DAY, World, record, terms, worlds

from settle.clearing.files import read_details, read_summary, verify_files
from settle.clearing.files.reading import Row, Sheet
from settle.money import exponent

quickly = settings(
    deadline=None, max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


def sheets(folder: Path) -> tuple[list[Sheet], list[Sheet]]:
    """All summaries and all details below a folder."""
    return (
        [read_summary(path) for path in sorted(folder.rglob("summary_*.csv"))],
        [read_details(path) for path in sorted(folder.rglob("details_*.csv"))],
    )


def taken(world: World) -> list[dict[str, Any]]:
    """The world's records as they come in."""
    return [
        {"original_record_id": None, "reference": None, **one}
        for one in world.records
        if not one["kind"].endswith("correction")
    ]


@quickly
@given(world=worlds(), lines_max=st.sampled_from([1, 3, 1000]))
def test_lines_sum_to_the_summary_and_the_summary_to_the_position(
    houses: Any, world: World, lines_max: int
) -> None:
    """Whatever was agreed and sold, every file adds up, and to what was committed.

    And no line is a whole minor unit away from its own conversion.
    """
    with houses(world.terms, world.rules) as house:
        house.take(taken(world))
        house.close()
        written = house.write(lines_max=lines_max)
        assert verify_files(written.folder) == []
        summaries, details = sheets(written.folder)
        committed: dict[Any, int] = defaultdict(int)
        told: dict[Any, int] = defaultdict(int)
        for position in house.positions():
            key = (position.agreement_id, position.part, position.currency)
            committed[key] = position.rest_minor
            committed[*key, "lines"] = position.converted_minor
        for row in (row for sheet in summaries for row in sheet.rows):
            if row["component"] == "rest" and row["records"] + abs(row["settled_minor"]):
                key = (row["agreement_id"], row["part"], row["settlement_currency"])
                told[key] = row["settled_minor"]
        for row in (row for sheet in details for row in sheet.rows):
            key = (row["agreement_id"], row["part"], row["settlement_currency"])
            told[*key, "lines"] += row["settled_minor"]
        assert _some(committed) == _some(told)
        singly = {own["agreement_id"] for own in world.terms if own["convert_per"] == "record"}
        for row in (row for sheet in details for row in sheet.rows):
            if row["agreement_id"] not in singly:
                assert _is_within_a_unit(row)
        assert sum(p.records for p in house.positions()) == written.records


def _is_within_a_unit(row: Row) -> bool:
    """Whether a line's share of its bucket is next to its own exact conversion."""
    shift = exponent(row["settlement_currency"]) - exponent(row["currency"])
    exact = Fraction(row["net_minor"] * row["rate_e8"], 10**8) * Fraction(10) ** shift
    return bool(abs(row["settled_minor"] - exact) < 1)


def _some(amounts: dict[Any, int]) -> dict[Any, int]:
    return {key: amount for key, amount in amounts.items() if amount}


def test_the_line_of_369_30_is_reproduced(houses: Any) -> None:
    """AUD 369.30 at 5.4194 is CNY 1989.37 net where each currency's fee is taken by itself."""
    own = terms(
        "M1", fee_ppm=6_000, settlement_currency="CNY", convert_per="record", rounding="half_up"
    )
    with houses([own, terms("P1", role="partner")]) as house:
        house.rates = _rates_of_541940000()
        house.take([{**record(1, amount_minor=36_930, currency="AUD"),
                     "original_record_id": None, "reference": None}])  # fmt: skip
        house.close()
        _, (details,) = sheets(house.write().folder)
        (row,) = details.rows
        assert (row["fee_minor"], row["net_minor"], row["rate_e8"], row["settled_minor"]) == (
            -222, 36_708, 541_940_000, 198_937,
        )  # fmt: skip


def _rates_of_541940000() -> Any:
    from settle.clearing import Rates
    from settle.money import parse_rate

    return Rates({DAY: {"AUD": parse_rate("1"), "CNY": parse_rate("5.4194")}})


def test_what_earlier_windows_left_is_in_the_files_of_its_own(houses: Any) -> None:
    """A record that settles two days on is in that window's files, once, and on time."""
    merchants = [terms("M1", cycle="T+2", fee_ppm=29_000), terms("M2", cycle="T+1")]
    with houses([*merchants, terms("P1", role="partner", cycle="T+1")]) as house:
        before = date(2024, 12, 17)
        rows = [
            record(1, day=before, currency="USD"), record(2, day=before),
            record(3, currency="USD"), record(4, participant_id="M2", agreement_id="A-M2"),
        ]  # fmt: skip
        house.take(taken(World(merchants, rows)), day=DAY)
        house.close(before)
        house.close()
        written = house.write()
        assert verify_files(written.folder) == []
        _, details = sheets(written.folder)
        lines = [(row["record_id"], row["day"], row["timing"]) for d in details for row in d.rows]
        committed = sum(position.records for position in house.positions())
        assert committed == written.records == len(lines)
        assert [
            ("r0001", "2024-12-17", "on_time"), ("r0002", "2024-12-17", "on_time"),
            ("r0004", "2024-12-18", "on_time"),
        ] == sorted(lines)  # fmt: skip
