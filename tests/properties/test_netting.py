"""Netting conserves, rounds where it says, and equals a netter written in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.properties.netting_reference import reference
from tests.properties.netting_world import DAY, RULE, World, netted, record, terms, worlds
from tests.size import examples

from settle.clearing import rates
from settle.clearing.netting import Netted, netting_views
from settle.engine import Engine, violations
from settle.errors import MoneyError, NotConserved
from settle.money import Rounding, divide, shares

columns = settings(
    deadline=None, max_examples=examples(8, full=200), suppress_health_check=[HealthCheck.too_slow]
)  # the engine is slower to plan a window of few records than to net it


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


# ---- properties ----

BUCKET = ("agreement_id", "part", "currency", "settlement_currency", "rate_id")
USED = ("agreement_id", "schedule_id", "kind", "currency", "month")


def check_buckets(result: Netted, world: World) -> None:
    """Every bucket is what single records add up to, fees, tax, rates and FX result."""
    expected = reference(world)["buckets"]
    rows = {tuple(row[name] for name in BUCKET): row for row in result.buckets.to_pylist()}
    assert set(expected) == set(rows)
    actual = {key: {f: rows[key][f] for f in expected[key]} for key in rows}
    assert expected == actual


def check_positions(result: Netted, world: World) -> None:
    """Every position is its buckets together and its fixed fees."""
    expected = reference(world)["positions"]
    actual = {
        (row["agreement_id"], row["part"], row["currency"]): {
            name: row[name]
            for name in ("records", "converted_minor", "fees_fixed_minor", "tax_fixed_minor")
        }
        for row in result.obliged.to_pylist()
    }
    assert expected == actual


def check_shares(result: Netted, world: World) -> None:
    """Partners get their share of fees and their interchange, each rounded once."""
    actual = {
        tuple(row["row"].split("/")[1:]): row["amount_minor"]
        for row in result.postings.to_pylist()
        if row["row"].endswith(("/fee_share", "/interchange"))
    }
    assert reference(world)["shares"] == actual


def check_used(result: Netted, world: World) -> None:
    """What tiers count goes out as it is to come in with the next window."""
    rows = result.used.to_pylist()
    actual = {
        tuple(row[name] for name in USED): (row["amount_minor"], row["records"]) for row in rows
    }
    assert reference(world)["used"] == actual


@columns
@given(world=worlds())
def test_all_figures_equal_the_reference_netter(engine: Engine, world: World) -> None:
    """The views give to the minor unit what a loop over single records gives."""
    result = netted(engine, world)
    check_buckets(result, world)
    check_positions(result, world)
    check_shares(result, world)
    check_used(result, world)


@columns
@given(world=worlds())
def test_every_currency_is_conserved(engine: Engine, world: World) -> None:
    """Participants, partners, reserves, fees, tax, FX and rounding sum to zero in each currency."""
    result = netted(engine, world)
    assert {r["currency"] for r in world.records} <= set(result.currencies)


MOVING = ("net_minor", "set_off_minor", "reserve_recovered_minor", "collateral_used_minor",
          "claimed_minor")  # fmt: skip


def check_journal(result: Netted) -> None:
    """Clearing is empty, and each payable has its position's net and what was recovered for it."""
    balance: dict[tuple[str, str], int] = defaultdict(int)
    for row in result.postings.to_pylist():
        balance[row["frm"], row["currency"]] -= row["amount_minor"]
        balance[row["into_account"], row["currency"]] += row["amount_minor"]
    nets: dict[tuple[str, str], int] = defaultdict(int)
    for row in result.obliged.to_pylist():
        nets[f"payable/{row['agreement_id']}", row["currency"]] += sum(row[n] for n in MOVING)
    for key, net_minor in nets.items():
        assert net_minor == balance.pop(key, 0)
    left = {key for key, amount in balance.items() if amount}
    assert not [key for key in left if key[0] == "clearing" or key[0].startswith("payable/")]


@columns
@given(world=worlds())
def test_the_journal_empties_clearing_and_leaves_each_payable_its_net(
    engine: Engine, world: World
) -> None:
    """After the close clearing is zero, and what is payable is the positions, in their currency."""
    check_journal(netted(engine, world))


@columns
@given(world=worlds(), order=st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(engine: Engine, world: World, order: Any) -> None:
    """The same facts in any order are the same positions, the same volume, the same journal."""
    shuffled = list(world.records)
    order.shuffle(shuffled)
    one = netted(engine, world)
    other = netted(engine, world.with_records(shuffled))
    for name in ("obliged", "buckets", "postings", "used"):
        assert getattr(one, name).equals(getattr(other, name)), name


def fees_of(result: Netted) -> dict[tuple[str, str], int]:
    """All percent fees of a window by agreement and currency of the records."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in result.buckets.to_pylist():
        fees = row["fees_percent_minor"] + row["fees_back_minor"]
        sums[row["agreement_id"], row["currency"]] += fees
    return sums


def split_fees(
    engine: Engine, world: World, at: int, views: dict[str, str] | None = None
) -> dict[tuple[str, str], int]:
    """The same when the first `at` records are netted in a window of their own."""
    first = netted(engine, world.with_records(world.records[:at]), views)
    before = {tuple(row[name] for name in USED): row for row in world.usage}
    for row in first.used.to_pylist():
        key = tuple(row[name] for name in USED)
        was = before.get(key, {"amount_minor": 0, "records": 0})
        added = {name: was[name] + row[name] for name in ("amount_minor", "records")}
        before[key] = {**row, **added}
    rest = World(world.terms, world.records[at:], world.rules, list(before.values()))
    sums = fees_of(first)
    for key, amount in fees_of(netted(engine, rest, views)).items():
        sums[key] += amount
    return sums


@columns
@given(world=worlds(telescoping=True), at=st.integers(0, 25))
def test_any_split_of_a_month_into_windows_gives_the_same_fees(
    engine: Engine, world: World, at: int
) -> None:
    """Tiers are differences of one cumulative fee: where a window ends moves no fee."""
    assert fees_of(netted(engine, world)) == split_fees(engine, world, at)


@columns
@given(
    amounts=st.lists(st.integers(1, 10**12), min_size=1, max_size=20),
    borders=st.sampled_from([(0,), (0, 1_000), (0, 777, 5 * 10**11)]),
)
def test_graduated_fees_of_a_month_are_the_fee_of_its_volume(
    engine: Engine, amounts: list[int], borders: tuple[int, ...]
) -> None:
    """However many records it came in, the month costs what its volume costs, rounded once."""
    prices = (29_999, 5_001, 333)
    rules = [
        {**RULE, "tiers": "graduated", "measure": "amount", "tier_from": low, "ppm": ppm}
        for low, ppm in zip(borders, prices, strict=False)
    ]
    records = [record(n, amount_minor=amount) for n, amount in enumerate(amounts)]
    whole = [record(0, amount_minor=sum(amounts))]
    own = [terms("M1", fee_schedule="S1"), terms("P1", role="partner")]
    assert fees_of(netted(engine, World(own, whole, rules))) == fees_of(
        netted(engine, World(own, records, rules))
    )


@given(
    amounts=st.lists(st.integers(-(10**13), 10**13), min_size=1, max_size=30),
    rate=st.integers(1, 10**12),
    rounding=st.sampled_from([Rounding.HALF_EVEN, Rounding.HALF_UP]),
)
def test_detail_lines_of_a_bucket_sum_to_it(
    amounts: list[int], rate: int, rounding: Rounding
) -> None:
    """What was converted once is told line by line, each less than one unit from its own value."""
    exact = [amount * rate for amount in amounts]
    total = divide(sum(exact), 10**8, rounding=rounding)
    lines = shares(exact, denominator=10**8, total=total)
    assert total == sum(lines)
    assert all(abs(line * 10**8 - part) < 10**8 for line, part in zip(lines, exact, strict=True))


NUMBERS = st.fixed_dictionaries(
    {
        "total": st.integers(-(10**18), 10**18),
        "ppm": st.integers(0, 1_000_000),
        "rate": st.integers(1, 10**13),
        "denominator": st.sampled_from([10**8, 10**10]),
    }
)


@columns
@given(numbers=NUMBERS, rounding=st.sampled_from([Rounding.HALF_EVEN, Rounding.HALF_UP]))
def test_arithmetic_within_64_bits_is_that_of_money(
    engine: Engine, numbers: dict[str, int], rounding: Rounding
) -> None:
    """The fast way gives what exact division gives, on both sides of the limit it is used up to."""
    total, ppm = numbers["total"], numbers["ppm"]
    rate, denominator = numbers["rate"], numbers["denominator"]
    fits = rates.FAST_MAX // max(denominator, rate // denominator + 1)
    row = {
        **numbers, "size": abs(total), "whole": rate // denominator, "rest": rate % denominator,
        "fits": fits, "rounding": rounding,
    }  # fmt: skip
    with engine.scratch() as scratch:
        scratch.give("numbers", pa.Table.from_pylist([row]))
        (actual,) = scratch.rows(
            """select
                share_of("size", ppm, rounding) as share,
                portion_of(cast(total as decimal(38, 0)), ppm, rounding) as portion,
                exchange(
                    cast(total as decimal(38, 0)), cast(rate as decimal(38, 0)), "whole", rest,
                    denominator, fits, rounding
                ) as exchanged
            from numbers"""
        ).to_pylist()
    assert divide(abs(total) * ppm, 10**6, rounding=rounding) == actual["share"]
    assert divide(total * ppm, 10**6, rounding=rounding) == actual["portion"]
    assert divide(total * rate, denominator, rounding=rounding) == actual["exchanged"]


# ---- broken netters, each caught by its named check ----

OWN = terms("M1", fee_ppm=29_999, tax_ppm=70_000, fx_markup_ppm=6_100, settlement_currency="EUR")
PARTNER = terms("P1", role="partner", fee_share_ppm=333_333, interchange_ppm=1_500)
PLAIN = World(
    [OWN, PARTNER],
    [
        *(record(n, amount_minor=333, currency="USD") for n in range(3)),
        record(3, amount_minor=1_001),
        record(4, amount_minor=500, currency="USD", day=date(2024, 12, 17)),
        record(5, amount_minor=90, currency="USD", kind="refund", original_on="2024-12-16"),
    ],
)
SINGLY = World(
    [{**OWN, "convert_per": "record", "refund_rate": "original"}, PARTNER],
    [*PLAIN.records, *(record(n, amount_minor=1, currency="USD") for n in range(6, 12))],
)
TIERED = World(
    [{**OWN, "fee_schedule": "S1"}, PARTNER],
    [record(n, amount_minor=700) for n in range(4)],
    [
        {**RULE, "tiers": "graduated", "measure": "amount"},
        {**RULE, "tiers": "graduated", "measure": "amount", "tier_from": 1_000, "ppm": 29_999},
    ],
)
DATED = World(
    [{**OWN, "fee_schedule": "S1"}, PARTNER],
    [record(0, amount_minor=10_000), record(1, amount_minor=10_000, day=date(2024, 12, 17))],
    [{**RULE, "ppm": 10_000}, {**RULE, "ppm": 20_000, "valid_from": DAY}],
)
GROSS = World([{**OWN, "netting": "gross"}, PARTNER], PLAIN.records)


def broken(view: str, was: str, becomes: str) -> dict[str, str]:
    views = netting_views()
    assert was in views[view], "the netter is no longer written that way"
    return {**views, view: views[view].replace(was, becomes)}


NOT_CONSERVED = {
    "drops a fee leg": (
        PLAIN, "taxed", "t.gross_minor + t.fees_percent_minor", "t.gross_minor",
    ),
    "nets across currencies": (
        PLAIN, "converted", "q.base as currency", "'EUR' as currency",
    ),
    "loses the fixed part of a sum": (
        PLAIN, "combined", "sum(cast(converted_minor as", "sum(cast(converted_minor - 1 as",
    ),
    "forgets what it gives a partner": (
        PLAIN, "parties_traded", "cast(-amount_minor as", "cast(-amount_minor + 1 as",
    ),
    "books a fee that no schedule took": (
        TIERED, "aimed", "s.percent_taken_minor + s.taken_minor", "s.percent_taken_minor",
    ),
    "keeps the FX result to itself": (
        PLAIN, "parties_traded", "sum(cast(fx_result_minor as", "sum(cast(0 * fx_result_minor as",
    ),
}  # fmt: skip


@pytest.mark.parametrize("defect", NOT_CONSERVED)
def test_a_netter_that_loses_a_leg_is_not_conserved(engine: Engine, defect: str) -> None:
    """The hub's position is built of its own legs: where one is missing, nothing closes."""
    world, *planted = NOT_CONSERVED[defect]
    with pytest.raises(NotConserved, match=r"positions in (USD|EUR) sum to"):
        netted(engine, world, broken(*planted))


NOT_THE_REFERENCE = {
    "converts late records at the window's day": (
        PLAIN, "charged", "        else r.occurred_window\n", "        else '2024-12-18'\n",
    ),
    "rounds no record by itself": (
        SINGLY, "converted", "        then e.single_minor\n", "        then e.whole_minor\n",
    ),
    "refunds at today's rate": (
        SINGLY, "charged", "coalesce(r.original_on, r.occurred_window)", "r.occurred_window",
    ),
    "taxes nothing": (PLAIN, "taxed", "when a.tax_ppm = 0", "when true"),
    "takes no markup": (PLAIN, "quoted", "1000000 - q.fx_markup_ppm", "1000000"),
    "forgets that rules are dated": (
        DATED, "ruled", "q.occurred_window >= y.valid_from", "q.occurred_window < y.valid_from",
    ),
    "charges each record as the first": (
        TIERED, "counted", "+ coalesce(e.amount_minor, 0) as amount_before",
        "* 0 as amount_before",
    ),
    "sets off under gross settlement": (
        GROSS, "aimed", "case when a.netting = 'gross' then k.way else g.facing end", "g.facing",
    ),
}  # fmt: skip


@pytest.mark.parametrize("defect", NOT_THE_REFERENCE)
def test_a_netter_that_prices_wrongly_is_not_the_reference(engine: Engine, defect: str) -> None:
    """What sums to zero may still be wrong: the loop over single records says otherwise."""
    world, *planted = NOT_THE_REFERENCE[defect]
    with pytest.raises(AssertionError):
        check_buckets(netted(engine, world, broken(*planted)), world)


def test_a_netter_that_rounds_each_tier_by_itself_is_not_telescoping(engine: Engine) -> None:
    """A fee that does not count what came before depends on where the window ended."""
    views = broken("counted", "+ coalesce(e.amount_minor, 0) as amount_before", "as amount_before")
    assert fees_of(netted(engine, TIERED, views)) != split_fees(engine, TIERED, 2, views)


def test_a_netter_that_posts_the_wrong_side_leaves_clearing_open(engine: Engine) -> None:
    """A partner debited for less than the participant is credited is seen in the journal."""
    views = broken("posted_traded", "sum(cast(gross_minor as", "sum(cast(gross_minor - 1 as")
    with pytest.raises(AssertionError):
        check_journal(netted(engine, PLAIN, views))


@pytest.mark.parametrize("world", [PLAIN, SINGLY, TIERED, DATED, GROSS])
def test_the_whole_netter_passes_where_the_broken_ones_fail(engine: Engine, world: World) -> None:
    """The inputs that catch broken netters are sound ones."""
    result = netted(engine, world)
    check_buckets(result, world)
    check_shares(result, world)
    check_journal(result)
    assert fees_of(result) == split_fees(engine, world, 2)


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_a_total_beyond_64_bits_is_refused_by_name(engine: Engine, currency: str) -> None:
    """2^63 - 1 is settled to the unit; one unit more names the agreement and the currency."""
    edge = 2**63 - 1
    own = [terms("M1", settlement_currency=currency), terms("P1", role="partner")]
    most = [record(0, amount_minor=edge - 1, currency=currency), record(1, amount_minor=1,
            currency=currency)]  # fmt: skip
    (row,) = netted(engine, World(own, most)).obliged.to_pylist()
    assert edge == row["due_minor"]
    more = [*most, record(2, amount_minor=1, currency=currency)]
    with pytest.raises(MoneyError, match=f"A-M1: a total in {currency} is beyond {edge}"):
        netted(engine, World(own, more))


@pytest.mark.parametrize("view", netting_views())
def test_each_view_keeps_to_the_portable_subset(view: str) -> None:
    """What every engine computes alike is all that a view may use."""
    assert violations(netting_views()[view]) == []
