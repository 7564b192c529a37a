"""Lines sum to the summary, the summary to the position, in any world."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import floor
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from tests.properties.netting_world import DAY, PPM, RULE, World, merchants, record, terms, worlds
from tests.properties.together import drawn, together
from tests.size import examples

from settle.clearing import Position
from settle.clearing.files import read_details, read_summary, verify_files
from settle.clearing.files.reading import Row, Sheet
from settle.clearing.kinds import DIRECTIONS, Kind
from settle.money import Rounding, divide, exponent


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


WORLDS = examples(12, full=200)


@st.composite
def dense(draw: st.DrawFn) -> World:
    """Many small records of one agreement, in few buckets: there is much to share."""
    amounts = draw(st.lists(st.integers(1, 999), min_size=8, max_size=20))
    kinds = st.sampled_from(["sale", "sale", "refund", "fee"])
    codes = st.sampled_from(["USD", "USD", "KRW"])
    records = [
        record(n, amount_minor=amount, kind=draw(kinds), currency=draw(codes))
        for n, amount in enumerate(amounts)
    ]
    return World([draw(merchants("M1")), terms("P1", role="partner")], records, RULES)


RULES = [{**RULE, "schedule_id": name, "ppm": 31_111} for name in ("S1", "S2")]


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("lines_max", [1, 3, 1000])
def test_lines_sum_to_the_summary_and_the_summary_to_the_position(
    houses: Any, lines_max: int
) -> None:
    """Whatever was agreed and sold, every file adds up to what was committed, by fair shares."""
    world = together([*drawn(worlds(), WORLDS), *drawn(dense(), WORLDS)])
    with houses(world.terms, world.rules) as house:
        house.take(taken(world))
        house.close()
        written = house.write(lines_max=lines_max)
        assert verify_files(written.folder) == []
        summaries, details = sheets(written.folder)
        check_summaries(summaries, details, positions=house.positions())
        check_lines(details, summaries, world)
        assert sum(p.records for p in house.positions()) == written.records


def check_summaries(
    summaries: Sequence[Sheet], details: Sequence[Sheet], *, positions: Sequence[Position]
) -> None:
    """The lines, and what is paid, carried or claimed, are what was committed."""
    committed: dict[Any, int] = defaultdict(int)
    told: dict[Any, int] = defaultdict(int)
    for position in positions:
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


def check_lines(details: Sequence[Sheet], summaries: Sequence[Sheet], world: World) -> None:
    """Each line is its share of its bucket, or its own conversion and its share of the tax."""
    terms_of = {own["agreement_id"]: own for own in world.terms}
    worth = worths(summaries)
    for key, lines in by_bucket(details).items():
        agreement_id, _, quote, base, _ = key
        own, rows = terms_of[agreement_id], [{**line, "worth": worth[key]} for line in lines]
        assert taxes(rows, own) == [row["tax_minor"] for row in rows], (own, rows)
        expected = singly(rows, own) if _is_single(own, base, quote) else settled(rows)
        assert expected == [row["settled_minor"] for row in rows], (own, rows)


def _is_single(own: Row, base: str, quote: str) -> bool:
    return own["convert_per"] == "record" and base != quote


def shares(parts: Sequence[Fraction], *, total: int) -> list[int]:
    """A total shared to the parts that it was rounded from: up with the largest remainders.

    Ties go to the earlier part.
    """
    lines = [floor(part) for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda n: (lines[n] - parts[n], n))
    for n in by_remainder[: total - sum(lines)]:
        lines[n] += 1
    return lines


def by_bucket(details: Sequence[Sheet]) -> Mapping[tuple[str, ...], list[Row]]:
    """The lines of each bucket, by id."""
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in sorted(
        (row for sheet in details for row in sheet.rows), key=itemgetter("record_id")
    ):
        found[tuple(row[name] for name in BUCKET)].append(row)
    return found


BUCKET = ("agreement_id", "part", "settlement_currency", "currency", "rate_id")


def taxes(rows: Sequence[Row], own: Row) -> list[int]:
    """The tax of a bucket, shared by the fees of its lines."""
    total = sum(row["tax_minor"] for row in rows)
    return shares([Fraction(fees(row) * own["tax_ppm"], PPM) for row in rows], total=total)


def fees(row: Row) -> int:
    """All fees of a line; of a fee, that is the line."""
    return int(row["fee_minor"] + row["fee_back_minor"] + _of_fee(row, row["amount_minor"]))


def _of_fee(row: Row, amount: int) -> int:
    return amount if DIRECTIONS[Kind(row["kind"])].component == "fees_explicit" else 0


def settled(rows: Sequence[Row]) -> list[int]:
    """What a bucket was converted to, shared by what its lines come to."""
    total = sum(row["settled_minor"] for row in rows)
    return shares([converted(row, row["net_minor"]) for row in rows], total=total)


def worths(summaries: Sequence[Sheet]) -> Mapping[tuple[str, ...], Fraction]:
    """What a minor unit of each bucket is worth, as the summary says: both legs and the markup."""
    found = {}
    for row in (row for sheet in summaries for row in sheet.rows if row["component"] == "net"):
        shift = exponent(row["settlement_currency"]) - exponent(row["currency"])
        legs = Fraction(row["leg_out_e8"], row["leg_in_e8"]) * Fraction(10) ** shift
        key = tuple(row[name] for name in BUCKET)
        found[key] = legs * (1 - Fraction(row["markup_e8"], 10**8))
    return found


def converted(row: Row, amount: int) -> Fraction:
    """An amount of a line in the currency it is settled in, to the fraction."""
    return Fraction(amount * row["worth"])


def singly(rows: Sequence[Row], own: Row) -> list[int]:
    """Each line converted by itself, with its fees, and the tax on these shared by them."""
    grosses = [rounded(converted(row, row["amount_minor"]), own) for row in rows]
    pairs = list(zip(rows, grosses, strict=True))
    charged = [_charged(row, gross, own) for row, gross in pairs]
    bases = [fee + _of_fee(row, gross) for (row, gross), fee in zip(pairs, charged, strict=True)]
    parts = [Fraction(base * own["tax_ppm"], PPM) for base in bases]
    tax = shares(parts, total=rounded(Fraction(sum(bases) * own["tax_ppm"], PPM), own))
    return [sum(line) for line in zip(grosses, charged, tax, strict=True)]


def _charged(row: Row, gross: int, own: Row) -> int:
    """The fees of a line: a schedule's converted, an agreement's own of what was converted."""
    if own["fee_schedule"]:
        both = (row["fee_minor"], row["fee_back_minor"])
        return sum(rounded(converted(row, fee), own) for fee in both)
    is_charged = row["kind"] == "sale" or (row["kind"] == "refund" and own["fee_back_on_refund"])
    return -rounded(Fraction(gross * own["fee_ppm"], PPM), own) if is_charged else 0


def rounded(value: Fraction, own: Row) -> int:
    """As the agreement rounds."""
    return divide(value.numerator, value.denominator, rounding=Rounding(own["rounding"]))


def _some(amounts: dict[Any, int]) -> dict[Any, int]:
    return {key: amount for key, amount in amounts.items() if amount}


def test_of_equal_remainders_the_first_by_id_is_settled_up(houses: Any) -> None:
    """Three lines alike share a unit that is not three: by id, in whatever order they came."""
    own = [terms("M1"), terms("M2", fee_ppm=20_000, tax_ppm=200_000)]
    other = {"participant_id": "M2", "agreement_id": "A-M2"}
    rows = [
        {**one, "record_id": f"r{9 - n}"}
        for n, one in enumerate(
            [record(n, currency="USD") for n in range(3)] + [record(n, **other) for n in range(3)]
        )
    ]
    with houses([*own, terms("P1", role="partner")]) as house:
        house.take(taken(World(own, rows)))
        house.close()
        _, (converted_, taxed) = sheets(house.write().folder)
        by_id = itemgetter("record_id")
        lines = [row["settled_minor"] for row in sorted(converted_.rows, key=by_id)]
        tax = [row["tax_minor"] for row in sorted(taxed.rows, key=by_id)]
        assert ([96, 95, 95], [0, 0, -1]) == (lines, tax)


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
