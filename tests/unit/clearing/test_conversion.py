"""Conversion: whose day's rate, rounded where, and who has the difference."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.properties.netting_world import DAY, RATES, World, netted, record, terms

from settle.clearing.netting import Netted, net
from settle.clearing.rates import Rates
from settle.clearing.standing import Standing
from settle.engine import Engine
from settle.errors import BadInput, MoneyError
from settle.money import parse_rate

PARTNER = terms("P1", role="partner")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


def window(engine: Engine, world: World, rates: Rates) -> Netted:
    with engine.scratch() as scratch:
        scratch.give("records", world.record_table)
        return net(
            scratch, day=DAY, agreements=world.agreements, rates=rates, standing=Standing.none()
        )


def rates(**per_euro: str) -> Rates:
    return Rates({DAY: {code: parse_rate(text) for code, text in per_euro.items()}})


def test_the_line_of_a_published_settlement_file_is_reproduced(engine: Engine) -> None:
    """AUD 369.30 at 5.4194 is CNY 2001.38; the fee is taken in each currency by itself.

    Sample of Alipay's cross-border settlement file: fee AUD 2.22, net AUD 367.08, net CNY
    1989.37, which is not AUD 367.08 converted (1989.35).
    """
    own = terms(
        "M1", settlement_currency="CNY", fee_ppm=6_000, rounding="half_up", convert_per="record"
    )
    world = World([own, PARTNER], [record(amount_minor=369_30, currency="AUD")])
    result = window(engine, world, rates(AUD="1", CNY="5.4194"))
    (bucket,) = result.buckets.to_pylist()
    names = ("sales", "fees_percent", "net", "converted", "rounding_result")
    assert [369_30, -2_22, 367_08, 1989_37, -2] == [bucket[f"{name}_minor"] for name in names]
    with engine.scratch() as scratch:
        scratch.give("records", world.record_table)
        net(
            scratch, day=DAY, agreements=world.agreements, rates=rates(AUD="1", CNY="5.4194"),
            standing=Standing.none(),
        )  # fmt: skip
        (single,) = scratch.rows("select * from singled").to_pylist()
    assert (2001_38, -12_01) == (single["gross_minor"], single["fee_minor"])


def test_payments_and_refunds_of_one_currency_net_as_the_worked_example(engine: Engine) -> None:
    """KRW 18000 is 14.50 USD, 9000 refunded 7.25; fees of 0.50 and 0.25 back leave 7.00."""
    own = terms("M1", settlement_currency="USD", rounding="half_up", convert_per="record")
    records = [
        record(0, amount_minor=18_000, currency="KRW"),
        record(1, amount_minor=9_000, currency="KRW", kind="refund"),
        record(2, amount_minor=50, currency="USD", kind="fee"),
        record(3, amount_minor=25, currency="USD", kind="adjustment_credit"),
    ]
    known = rates(USD="1", KRW="1241.379310")
    (row,) = window(engine, World([own, PARTNER], records), known).obliged.to_pylist()
    assert 7_00 == row["net_minor"]


@pytest.mark.parametrize(("markup_ppm", "settled"), [(0, 6_624_797_94), (6_100, 6_584_386_68)])
def test_an_amount_in_a_weak_currency_keeps_all_its_digits(
    engine: Engine, markup_ppm: int, settled: int
) -> None:
    """10,000,000,000 won at 1,509.48 for a euro are 6,624,797.94, and not 0.00066248 of it."""
    own = terms("M1", fx_markup_ppm=markup_ppm)
    world = World([own, PARTNER], [record(amount_minor=10**10, currency="KRW")])
    (bucket,) = netted(engine, world).buckets.to_pylist()
    assert (settled, 6_624_797_94 - settled) == (
        bucket["converted_minor"], bucket["fx_result_minor"],
    )  # fmt: skip
    assert (66_248, markup_ppm) == (bucket["mid_e8"], bucket["markup_ppm"])


LONG = Rates({DAY: {"JPY": 4_999_999_999_999_999_999, "KRW": 4_999_999_999_999_999_997}})
"""Figures of as many digits as 64 bits hold: a unit for a euro is a prime, or nearly so."""


@pytest.mark.parametrize("amount_minor", [1, 10**9, 10**18, 2**63 - 2, 2**63 - 1])
@pytest.mark.parametrize("pair", [("JPY", "KRW"), ("KRW", "JPY")])
def test_an_amount_at_the_edge_is_converted_exactly(
    engine: Engine, pair: tuple[str, str], amount_minor: int
) -> None:
    """Up to 2^63 - 1, by figures of nineteen digits, an amount is the exact fraction, rounded."""
    base, quote = pair
    own = terms("M1", settlement_currency=quote)
    world = World([own, PARTNER], [record(amount_minor=amount_minor, currency=base)])
    exact = Fraction(amount_minor) * LONG.by_day[DAY][quote] / LONG.by_day[DAY][base]
    if round(exact) >= 2**63:
        with pytest.raises(MoneyError, match=f"A-M1: a total in ({base}|{quote}) is beyond"):
            window(engine, world, LONG)
        return
    (bucket,) = window(engine, world, LONG).buckets.to_pylist()
    assert round(exact) == bucket["converted_minor"]


@pytest.mark.parametrize("told", [{}, {"posting": False, "bucketing": False}])
def test_what_cannot_be_multiplied_is_refused_by_name(engine: Engine, told: dict[str, Any]) -> None:
    """Twice 2^63 - 1 won times nineteen digits has no place in 38: it names whose, and wraps not.

    The same where nobody asks what the buckets are.
    """
    own = terms("M1", settlement_currency="JPY")
    records = [record(n, amount_minor=2**63 - 1, currency="KRW") for n in (0, 1)]
    world = World([own, PARTNER], records)
    with engine.scratch() as scratch:
        scratch.give("records", world.record_table)
        with pytest.raises(MoneyError, match=r"A-M1: a total in KRW is beyond"):
            net(
                scratch, day=DAY, agreements=world.agreements, rates=LONG,
                standing=Standing.none(), **told,
            )  # fmt: skip


def test_a_rate_of_more_digits_than_amounts_can_be_multiplied_by_is_named(engine: Engine) -> None:
    """A fraction that does not fit is refused before any amount is, with its legs and markup."""
    own = terms("M1", settlement_currency="JPY", fx_markup_ppm=6_101)
    world = World([own, PARTNER], [record(currency="KRW")])
    told = r"the rate KRW/JPY of 2024-12-18 \(49999999999.99999999 for .*, less 6101 ppm\)"
    with pytest.raises(MoneyError, match=told):
        window(engine, world, LONG)


@pytest.mark.parametrize(
    ("terms_of", "records", "days"),
    [
        ({}, [{}], {"2024-12-18"}),
        ({}, [{}, {"day": date(2024, 12, 17)}], {"2024-12-18", "2024-12-17"}),
        ({"conversion": "next_day"}, [{}], {"2024-12-19"}),
        ({"refund_rate": "original"}, [{"kind": "refund", "original_on": "2024-12-16"}],
         {"2024-12-16"}),
        ({"refund_rate": "original", "conversion": "next_day"},
         [{"kind": "refund", "original_on": "2024-12-16"}], {"2024-12-17"}),
        ({"refund_rate": "request_day", "conversion": "next_day"}, [{"kind": "refund"}],
         {"2024-12-18"}),
        ({"refund_rate": "next_day"}, [{"kind": "refund"}], {"2024-12-19"}),
    ],
)  # fmt: skip
def test_each_record_is_converted_at_the_rate_of_its_day(
    engine: Engine, terms_of: dict[str, Any], records: list[dict[str, Any]], days: set[str]
) -> None:
    """Locked, the day after, and for refunds the day that was agreed; late ones at their own."""
    made = [record(n, currency="USD", **one) for n, one in enumerate(records)]
    buckets = netted(engine, World([terms("M1", **terms_of), PARTNER], made)).buckets.to_pylist()
    assert days == {bucket["rate_id"].split(":")[1] for bucket in buckets}


def test_a_refund_whose_sale_was_never_sought_is_named(engine: Engine) -> None:
    """A rate agreed on after the refund came is refused, where it would be another one."""
    own = terms("M1", refund_rate="original")
    refunds = [record(n, currency=code, kind="refund") for n, code in enumerate(("EUR", "USD"))]
    assert 1 == len(netted(engine, World([own, PARTNER], refunds[:1])).obliged)
    with pytest.raises(BadInput, match=r"refund 'r0001' .* refund_rate of agreement 'A-M1'"):
        netted(engine, World([own, PARTNER], refunds))


def test_without_conversion_each_currency_is_a_position(engine: Engine) -> None:
    """Nothing is converted, and the fixed fee stays in the currency it was agreed in."""
    own = terms("M1", conversion="none", fee_fixed_minor=7)
    made = [record(0, currency="USD"), record(1, currency="JPY")]
    rows = netted(engine, World([own, PARTNER], made)).obliged.to_pylist()
    assert {"USD": 100, "JPY": 100, "EUR": -14} == {r["currency"]: r["net_minor"] for r in rows}


def test_the_fx_result_goes_to_the_party_that_was_agreed(engine: Engine) -> None:
    """The markup is the difference between the mid of the day and what the merchant gets."""
    own = terms("M1", fx_markup_ppm=10_000, fx_party="P1")
    result = netted(engine, World([own, PARTNER], [record(currency="USD", amount_minor=100_000)]))
    (row,) = [r for r in result.postings.to_pylist() if r["row"].endswith("fx_result")]
    assert ("fx/position", "deposit/P1", 952) == (
        row["frm"], row["into_account"], row["amount_minor"],
    )  # fmt: skip


def test_a_rate_that_is_not_published_yet_is_named() -> None:
    """What is converted at the day after waits for the rates of that day."""
    with pytest.raises(BadInput, match="rates of 2024-12-20 are not known"):
        RATES.after(date(2024, 12, 19))


def test_the_day_after_a_friday_has_fridays_rates() -> None:
    """No rates are published on a Saturday: the last before serve."""
    friday = date(2024, 12, 20)
    assert friday == Rates({friday: {"USD": parse_rate("1.04")}}).after(friday).as_of


def load(tmp_path: Path, *lines: str) -> Rates:
    path = tmp_path / "rates.csv"
    path.write_text("\n".join((*lines, "")))
    return Rates.load(path)


def test_a_rate_keeps_both_legs_through_the_dollar(tmp_path: Path) -> None:
    """A file may quote per dollar; a cross of two others says what it is made of."""
    known = load(tmp_path, "as_of,currency,per_usd", "2024-12-18,KRW,1438", "2024-12-18,JPY,154")
    mid = known.on(DAY).mid("KRW", "JPY")
    assert ("USD", 1438 * 10**8, 154 * 10**8) == (mid.via, mid.leg_in_e8, mid.leg_out_e8)
    assert 10_709_318 == mid.value_e8


def test_a_rate_that_has_expired_is_refused_by_name(tmp_path: Path) -> None:
    """A quote is good until its last day, and not for the day after."""
    known = load(
        tmp_path, "as_of,currency,per_euro,valid_until", "2024-12-18,USD,1.0496,2024-12-18"
    )
    assert DAY == known.on(DAY).mid("USD", "EUR").as_of
    with pytest.raises(BadInput, match="rate EUR/USD of 2024-12-18 expired on 2024-12-18"):
        known.on(date(2024, 12, 19)).mid("USD", "EUR")


def test_records_of_an_agreement_that_is_gone_are_named(engine: Engine) -> None:
    """A record is never left out because its agreement is."""
    world = World([terms("M2"), PARTNER], [record(0)])
    with pytest.raises(BadInput, match="'A-M1' is no longer among the agreements"):
        netted(engine, world)


def test_an_empty_window_nets_to_nothing(engine: Engine) -> None:
    """No record, no position, and nothing asks for a rate."""
    result = window(engine, World([terms("M1")]), Rates({}))
    assert pa.table({}).num_rows == result.obliged.num_rows == result.buckets.num_rows
    assert result.rates_on is None
