"""Fee schedules are read as they are agreed, or refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.properties.netting_world import DAY, RULE, World, netted, record, terms

from settle.clearing.fees import Fees
from settle.engine import Engine
from settle.errors import BadInput

HEADER = (
    "schedule_id,kind,currency,valid_from,tiers,measure,tier_from,ppm,fixed_minor,minimum_minor,"
    "maximum_minor,per,back_on_refund,restores"
)
FLAT = "S1,sale,,2024-01-01,flat,,0,6000,30,,,record,false,false"
TIERS = "S1,sale,,2024-01-01,graduated,amount,{},{},0,,,record,true,true"
PARTNER = terms("P1", role="partner")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


def load(tmp_path: Path, *lines: str) -> Fees:
    path = tmp_path / "fees.csv"
    path.write_text("\n".join((HEADER, *lines, "")))
    return Fees.load(path)


def test_a_schedule_file_is_read(tmp_path: Path) -> None:
    """A flat rule is one row; a tiered one is a row a tier, in their order."""
    fees = load(tmp_path, FLAT.replace("S1", "S0"), TIERS.format(1000, 5), TIERS.format(0, 9))
    assert frozenset({"S0", "S1"}) == fees.schedules
    assert [[0], [0, 1000]] == [[tier["tier_from"] for tier in rule] for rule in fees.rules]


def test_only_four_columns_are_needed(tmp_path: Path) -> None:
    """What a file does not say is flat, of nothing, a record, and never given back."""
    path = tmp_path / "fees.csv"
    path.write_text("schedule_id,kind,valid_from,ppm\nS1,sale,2024-01-01,6000\n")
    ((rule,),) = Fees.load(path).rules
    assert {**RULE, "ppm": 6_000, "place": 0} == rule


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([FLAT.replace("sale", "tip")], "row 2, kind: 'tip' is refused: not a kind of record"),
        ([FLAT.replace("sale,", "sale,XXX")], "row 2, currency: 'XXX'"),
        ([FLAT.replace("6000", "1000001")], "row 2, ppm: 1000001"),
        ([FLAT.replace("flat", "step")], "row 2, tiers: 'step'"),
        ([FLAT, FLAT.replace(",0,", ",5,")], "row 3, tiers: 'flat' is refused: a flat rule is one"),
        ([TIERS.format(5, 1)], "row 2, tier_from: 5 is refused: the first tier begins at 0"),
        ([TIERS.format(0, 1), TIERS.format(0, 2)], "row 3, tier_from: 0 is refused: there twice"),
        ([TIERS.format(0, 1).replace("amount", "")], "row 2, measure"),
        ([TIERS.format(0, 1).replace("0,,,", "0,9,,").replace("graduated", "volume")],
         "row 2, minimum_minor: 9"),
        ([FLAT.replace(",,,record", ",9,8,record")], "row 2, minimum_minor: 9 is refused: above"),
        ([TIERS.format(0, 1), TIERS.format(7, 1).replace("amount", "count")], "row 3, measure"),
        ([FLAT.replace("sale", "sale_correction")], "row 2, kind: 'sale_correction'"),
        ([FLAT.replace("sale", "fee_returned")], "row 2, kind: 'fee_returned'"),
        ([TIERS.format(0, 1).replace("record", "position")], "row 2, per: 'position'"),
        ([TIERS.format(0, 1).replace("sale", "refund")], "row 2, back_on_refund: True"),
        ([FLAT.replace("sale", "chargeback").replace("false,false", "false,true")],
         "row 2, restores: True"),
    ],
)  # fmt: skip
def test_a_rule_that_does_not_fit_is_named(tmp_path: Path, lines: list[str], why: str) -> None:
    """File, row, field and reason, in one line."""
    with pytest.raises(BadInput, match=f"fees.csv, {why}"):
        load(tmp_path, *lines)


def test_an_agreement_whose_schedule_is_not_there_is_named(engine: Engine) -> None:
    """A merchant is not charged nothing because a file is missing."""
    with pytest.raises(BadInput, match="'A-M1' is charged by fee schedule 'S9'"):
        netted(engine, World([terms("M1", fee_schedule="S9")]))


def fee(engine: Engine, rules: list[dict[str, Any]], *records: dict[str, Any]) -> int:
    """What the records of the agreement A-M1 are charged."""
    own = terms("M1", fee_schedule="S1", rounding="half_up")
    world = World([own, PARTNER], list(records), [{**RULE, **rule} for rule in rules])
    buckets = netted(engine, world).buckets.to_pylist()
    charged: int = sum(row["fees_percent_minor"] + row["fees_back_minor"] for row in buckets)
    return -charged


def sales(*amounts: int) -> list[dict[str, Any]]:
    return [record(n, amount_minor=amount) for n, amount in enumerate(amounts)]


QUOTA: list[dict[str, Any]] = [
    {"tiers": "graduated", "measure": "amount"},
    {"tiers": "graduated", "measure": "amount", "tier_from": 1_000, "ppm": 10_000},
]
VOLUME: list[dict[str, Any]] = [
    {"tiers": "volume", "measure": "amount", "ppm": 20_000},
    {"tiers": "volume", "measure": "amount", "tier_from": 1_000, "ppm": 10_000},
]
COUNTED: list[dict[str, Any]] = [
    {"tiers": "graduated", "measure": "count"},
    {"tiers": "graduated", "measure": "count", "tier_from": 2, "fixed_minor": 5},
]


@pytest.mark.parametrize(
    ("rules", "amounts", "expected"),
    [
        ([{"ppm": 10_000, "fixed_minor": 30}], [1_000], 40),
        ([{"ppm": 10_000, "minimum_minor": 15}], [1_000, 2_000], 35),
        ([{"ppm": 10_000, "maximum_minor": 15}], [1_000, 2_000], 25),
        ([{"ppm": 5_000}], [100, 100, 100], 3),
        ([{"ppm": 5_000, "per": "position"}], [100, 100, 100], 2),
        ([{"ppm": 5_000, "per": "position", "minimum_minor": 9}], [100, 100], 9),
        (QUOTA, [600, 600], 2),
        (VOLUME, [600, 600], 12),
        (COUNTED, [1, 1, 1, 1], 10),
        ([{"ppm": 10_000}, {"ppm": 20_000, "valid_from": DAY}], [1_000], 20),
        ([{"ppm": 10_000, "currency": "EUR"}, {"ppm": 20_000, "valid_from": DAY}], [1_000], 10),
    ],
)
def test_fees_of_a_schedule(
    engine: Engine, rules: list[dict[str, Any]], amounts: list[int], expected: int
) -> None:
    """Flat, bounded, a record or a position, in tiers, dated, and for one currency first."""
    assert expected == fee(engine, rules, *sales(*amounts))


@pytest.mark.parametrize(
    ("back", "restores", "expected"), [(False, False, 3), (True, True, 2), (True, False, 2)]
)
def test_a_refund_gives_back_what_its_amount_cost(
    engine: Engine,
    back: bool,  # noqa: FBT001  # a column of the table above
    restores: bool,  # noqa: FBT001
    expected: int,
) -> None:
    """As agreed: nothing, or the fee of its volume, which then counts no more, or still does."""
    agreed = {"back_on_refund": back, "restores": restores}
    rules: list[dict[str, Any]] = [{**rule, **agreed} for rule in QUOTA]
    refund = record(9, amount_minor=100, kind="refund")
    assert expected == fee(engine, rules, *sales(1_300), refund)


@pytest.mark.parametrize("per", ["record", "position"])
@pytest.mark.parametrize(
    ("back", "restores", "expected"), [(False, True, 100), (True, False, 0), (True, True, 0)]
)
def test_a_flat_rule_gives_back_only_where_it_says_so(
    engine: Engine,
    per: str,
    back: bool,  # noqa: FBT001  # a column of the table above
    restores: bool,  # noqa: FBT001
    expected: int,
) -> None:
    """That a refund restores volume gives nothing back: a flat rule counts none."""
    rule = {"ppm": 10_000, "per": per, "back_on_refund": back, "restores": restores}
    refund = record(9, amount_minor=10_000, kind="refund")
    assert expected == fee(engine, [rule], *sales(10_000), refund)


def test_the_rule_before_a_date_serves_the_late_record(engine: Engine) -> None:
    """A record of yesterday is charged by yesterday's rule, whenever it settles."""
    rules: list[dict[str, Any]] = [{"ppm": 10_000}, {"ppm": 20_000, "valid_from": DAY}]
    late = record(0, amount_minor=1_000, day=date(2024, 12, 17))
    assert 10 == fee(engine, rules, late)
