"""Netting conserves, rounds where it says, and equals a netter written in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import strategies as st
from tests.properties.netting_reference import reference
from tests.properties.netting_world import DAY, RULE, World, netted, record, terms, worlds
from tests.properties.together import Window, drawn, hold, of_each, split, together
from tests.size import examples

from settle.clearing.netting import Netted, netting_views
from settle.clearing.quotations import reach
from settle.engine import Engine, violations
from settle.errors import MoneyError, NotConserved
from settle.money import Rounding, divide

WORLDS = examples(200, full=4_000)
AT_ONCE = 250  # a sum over all worlds is within 64 bits, as each is
Windows = list[Window[World, Netted]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


def in_windows(engine: Engine, some: Sequence[World]) -> Windows:
    """Worlds as few windows."""
    starts = range(0, len(some), AT_ONCE)
    return [Window(some[n : n + AT_ONCE], partial(netted, engine), split) for n in starts]


@pytest.fixture(scope="module")
def windows(engine: Engine) -> Windows:
    """Any worlds, netted once for all that is asked of them: those together that plan alike."""
    alike: dict[tuple[bool, bool], list[World]] = defaultdict(list)
    for world in drawn(worlds(), WORLDS):
        has_schedules = any(own["fee_schedule"] for own in world.terms)
        converts_singly = any(own["convert_per"] == "record" for own in world.terms)
        alike[has_schedules, converts_singly].append(world)
    return [window for group in alike.values() for window in in_windows(engine, group)]


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


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_all_figures_equal_the_reference_netter(windows: Windows) -> None:
    """The views give to the minor unit what a loop over single records gives."""
    hold(of_each(check_buckets, check_positions, check_shares, check_used), windows)


def check_conserved(window: Window[World, Netted]) -> None:
    """Netting says so of every currency that has a record: or it raises."""
    of_records = {row["currency"] for row in window.world.records}
    assert of_records <= set(window.whole.currencies)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_every_currency_is_conserved(windows: Windows) -> None:
    """Participants, partners, reserves, fees, tax, FX and rounding sum to zero in each currency."""
    hold(check_conserved, windows)


MOVING = ("net_minor", "set_off_minor", "reserve_recovered_minor", "collateral_used_minor",
          "claimed_minor")  # fmt: skip


def check_journal(result: Netted, world: World) -> None:
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


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_journal_empties_clearing_and_leaves_each_payable_its_net(windows: Windows) -> None:
    """After the close clearing is zero, and what is payable is the positions, in their currency."""
    hold(of_each(check_journal), windows)


def check_order(window: Window[World, Netted]) -> None:
    """Any other order of the same records, of all worlds among each other."""
    shuffled = list(window.world.records)
    Random(len(shuffled)).shuffle(shuffled)
    other = window.run(window.world.with_records(shuffled))
    for name in ("obliged", "buckets", "postings", "used"):
        assert getattr(window.whole, name).equals(getattr(other, name)), name


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_order_of_records_changes_nothing(windows: Windows) -> None:
    """The same facts in any order are the same positions, the same volume, the same journal."""
    hold(check_order, windows)


def fees_of(result: Netted) -> dict[tuple[str, str], int]:
    """All percent fees of a window by agreement and currency of the records."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for row in result.buckets.to_pylist():
        fees = row["fees_percent_minor"] + row["fees_back_minor"]
        sums[row["agreement_id"], row["currency"]] += fees
    return sums


def split_fees(window: Window[World, Netted]) -> dict[tuple[str, str], int]:
    """The same when the first records of each world are netted in a window of their own."""
    cuts = [sum(r["amount_minor"] for r in w.records) % (len(w.records) + 1) for w in window.worlds]
    pairs = list(zip(window.worlds, cuts, strict=True))
    first = together([world.with_records(world.records[:cut]) for world, cut in pairs])
    rest = together([world.with_records(world.records[cut:]) for world, cut in pairs])
    result = window.run(first)
    before = {tuple(row[name] for name in USED): row for row in first.usage}
    for row in result.used.to_pylist():
        key = tuple(row[name] for name in USED)
        was = before.get(key, {"amount_minor": 0, "records": 0})
        added = {name: was[name] + row[name] for name in ("amount_minor", "records")}
        before[key] = {**row, **added}
    sums = fees_of(result)
    for pair, amount in fees_of(window.run(replace(rest, usage=list(before.values())))).items():
        sums[pair] += amount
    return sums


def check_telescoping(window: Window[World, Netted]) -> None:
    """A cut somewhere, chosen by the amounts, moves no fee."""
    assert fees_of(window.whole) == split_fees(window)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_any_split_of_a_month_into_windows_gives_the_same_fees(engine: Engine) -> None:
    """Tiers are differences of one cumulative fee: where a window ends moves no fee."""
    hold(check_telescoping, in_windows(engine, drawn(worlds(telescoping=True), WORLDS)))


GRADUATED = [terms("M1", fee_schedule="S1"), terms("P1", role="partner")]


@st.composite
def months(draw: st.DrawFn) -> World:
    """Sales of a month under graduated tiers."""
    amounts = draw(st.lists(st.integers(1, 10**12), min_size=1, max_size=20))
    borders = draw(st.sampled_from([(0,), (0, 1_000), (0, 777, 5 * 10**11)]))
    rules = [
        {**RULE, "tiers": "graduated", "measure": "amount", "tier_from": low, "ppm": ppm}
        for low, ppm in zip(borders, (29_999, 5_001, 333), strict=False)
    ]
    records = [record(n, amount_minor=amount) for n, amount in enumerate(amounts)]
    return World(GRADUATED, records, rules)


def check_as_one(window: Window[World, Netted]) -> None:
    """A single record of all that a month sold costs what the month costs."""
    whole = [
        world.with_records([record(0, amount_minor=sum(r["amount_minor"] for r in world.records))])
        for world in window.worlds
    ]
    assert fees_of(window.run(together(whole))) == fees_of(window.whole)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_graduated_fees_of_a_month_are_the_fee_of_its_volume(engine: Engine) -> None:
    """However many records it came in, the month costs what its volume costs, rounded once."""
    hold(check_as_one, in_windows(engine, drawn(months(), WORLDS)))


FRACTIONS = st.one_of(
    st.tuples(st.integers(1, 10**13), st.sampled_from([1, 2, 10**4, 10**8, 10**10])),
    st.tuples(st.integers(1, 5 * 10**18), st.integers(1, 5 * 10**18)),
    st.tuples(st.sampled_from([1, 3, 10_393]), st.sampled_from([2, 4, 6, 20_000])),
)
NUMBERS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "total": st.one_of(
            st.integers(-(10**18), 10**18), st.integers(-(10**6), 10**6),
            st.integers(-3, 3).map(lambda off: 2**63 + off), st.just(2**63 - 1),
        ),
        "ppm": st.integers(0, 1_000_000),
        "fraction": FRACTIONS,
        "rounding": st.sampled_from([Rounding.HALF_EVEN, Rounding.HALF_UP]),
    }
)  # fmt: skip
ARITHMETIC = """select
    share_of("size", ppm, rounding) as share,
    portion_of(total, ppm, rounding) as portion,
    exchange(
        total, numerator, denominator, cast(untied as decimal(38, 0)),
        cast(fits as decimal(38, 0)), rounding
    ) as exchanged
from numbers order by place"""


def at_limits(drew: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What was drawn, and the same for amounts on both sides of where one way ends."""
    lowest = Fraction(*drew["fraction"])
    numerator, denominator = lowest.numerator, lowest.denominator
    untied, fits = reach(numerator, denominator)
    for total in (drew["total"], untied - 1, -untied, fits - 1, fits, denominator // 2):
        yield {
            "total": Decimal(total), "ppm": drew["ppm"], "rounding": drew["rounding"],
            "numerator": numerator, "denominator": denominator, "untied": untied, "fits": fits,
            "size": min(abs(total), 10**18),
        }  # fmt: skip


@pytest.mark.soak
def test_arithmetic_within_64_bits_is_that_of_money(engine: Engine) -> None:
    """The fast ways give what exact division gives, on both sides of the limits they end at."""
    rows = [row for drew in drawn(NUMBERS, examples(500, full=20_000)) for row in at_limits(drew)]
    wide = pa.array([row["total"] for row in rows], pa.decimal128(38, 0))
    table = pa.Table.from_pylist([{**row, "place": n} for n, row in enumerate(rows)])
    with engine.scratch() as scratch:
        scratch.give("numbers", table.set_column(0, "total", wide))
        results = scratch.rows(ARITHMETIC).to_pylist()
    for row, actual in zip(rows, results, strict=True):
        total, ppm, rounding = int(row["total"]), row["ppm"], row["rounding"]
        expected = {
            "share": divide(row["size"] * ppm, 10**6, rounding=rounding),
            "portion": divide(total * ppm, 10**6, rounding=rounding),
            "exchanged": divide(total * row["numerator"], row["denominator"], rounding=rounding),
        }
        assert (row, expected) == (row, actual)


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
KEPT = World(
    [{**OWN, "fee_schedule": "S1"}, PARTNER],
    [record(0, amount_minor=10_000), record(1, amount_minor=10_000, kind="refund")],
    [{**RULE, "ppm": 10_000, "restores": True}],
)
ALONE = World(
    [{**OWN, "netting": "bilateral"}, PARTNER],
    [record(0), record(1, kind="fee", counterparty_id=None, amount_minor=7)],
)


WON = World([OWN, PARTNER], [record(amount_minor=10**10, currency="KRW")])
HALVES = World(  # 18.75 euros at 161.52 are 3028.5 yen
    [{**OWN, "settlement_currency": "JPY", "fx_markup_ppm": 0, "fee_ppm": 0}, PARTNER],
    [record(amount_minor=18_75, currency="EUR")],
)


def rounded(told: str, day: str = "") -> tuple[str, str]:
    """From the fraction to the rate of eight decimals, which keeps five digits of a won in euros.

    That is one over the quoted won for a euro, rounded.
    """
    was = f"""        minor(quotient(m.{day}paid_out, m.{day}divisor)) as {day}numerator,
        minor(quotient(m.{day}taken_in, m.{day}divisor)) as {day}denominator"""
    becomes = f"""        minor(m.{told} * m.up) as {day}numerator,
        cast(100000000 * m.down as bigint) as {day}denominator"""
    return was, becomes


def broken(view: str, was: str, becomes: str) -> dict[str, str]:
    views = netting_views()
    assert was in views[view], "the netter is no longer written that way"
    return {**views, view: views[view].replace(was, becomes)}


NOT_CONSERVED = {
    "drops a fee leg": (
        PLAIN, "taxed", "t.gross_minor + t.fees_minor", "t.gross_minor",
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
        SINGLY, "charged", "coalesce(r.original_on, '')", "r.occurred_window",
    ),
    "taxes nothing": (PLAIN, "taxed", "when a.tax_ppm = 0", "when true"),
    "takes no markup": (PLAIN, "quoted", "1000000 - a.markup_ppm", "1000000"),
    "multiplies the rounded inverse": (WON, "quoted", *rounded("client_e8")),
    "finds what the hub gains by the rounded inverse": (WON, "quoted", *rounded("mid_e8", "day_")),
    "rounds ties up where there are some": (
        HALVES, "converted", "a.untied_minor, a.fits_minor", "a.fits_minor, a.fits_minor",
    ),
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
    "gives back what a rule only restores": (
        KEPT, "levied", "and (r.way = 1 or r.back_on_refund)", "",
    ),
    "lays what is with nobody to a partner": (
        ALONE, "charged", "coalesce(r.counterparty_id, 'hub')", "coalesce(r.counterparty_id, 'P1')",
    ),
}  # fmt: skip


@pytest.mark.parametrize("defect", NOT_THE_REFERENCE)
def test_a_netter_that_prices_wrongly_is_not_the_reference(engine: Engine, defect: str) -> None:
    """What sums to zero may still be wrong: the loop over single records says otherwise."""
    world, *planted = NOT_THE_REFERENCE[defect]
    views = broken(*planted)
    check_buckets(netted(engine, world), world)
    with pytest.raises(AssertionError):
        check_buckets(netted(engine, world, views), world)


def test_a_fee_that_is_not_given_back_is_kept_though_its_volume_is(engine: Engine) -> None:
    """A flat rule that restores the volume, and no more, takes 1.00 of 100.00 and keeps it."""
    (row,) = netted(engine, KEPT).buckets.to_pylist()
    assert (-100, 0) == (row["fees_percent_minor"], row["fees_back_minor"])


def test_a_netter_that_rounds_each_tier_by_itself_is_not_telescoping(engine: Engine) -> None:
    """A fee that does not count what came before depends on where the window ended."""
    views = broken("counted", "+ coalesce(e.amount_minor, 0) as amount_before", "as amount_before")
    halved = TIERED.with_records([*TIERED.records, record(4, amount_minor=702)])
    with pytest.raises(AssertionError):
        check_telescoping(Window([halved], partial(netted, engine, views=views), split))


def test_a_netter_that_posts_the_wrong_side_leaves_clearing_open(engine: Engine) -> None:
    """A partner debited for less than the participant is credited is seen in the journal."""
    views = broken("posted_traded", "sum(cast(gross_minor as", "sum(cast(gross_minor - 1 as")
    with pytest.raises(AssertionError):
        check_journal(netted(engine, PLAIN, views), PLAIN)


def test_the_whole_netter_passes_where_the_broken_ones_fail(engine: Engine) -> None:
    """The inputs that catch broken netters are sound ones."""
    sound = [PLAIN, SINGLY, TIERED, DATED, GROSS, KEPT, ALONE]
    window = Window(sound, partial(netted, engine), split)
    hold(of_each(check_buckets, check_positions, check_shares, check_used, check_journal), [window])
    hold(check_telescoping, [window])


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
