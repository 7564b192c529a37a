"""Netting conserves, rounds where it says, and equals a netter written in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settle.clearing import Agreements, DayRates, Rates, netting_views
from settle.clearing.kinds import DIRECTIONS, Kind
from settle.clearing.netting import Netted, Standing, net
from settle.engine import Engine
from settle.errors import BadInput, MoneyError, NotConserved
from settle.money import Rate, Rounding, convert, divide, parse_rate

DAY = date(2024, 12, 18)
QUOTES = {"USD": "1.0496", "JPY": "161.52", "CNY": "7.6463", "KRW": "1509.48"}
RATES = Rates({DAY: {code: parse_rate(text) for code, text in QUOTES.items()}})
CODES = ["EUR", *QUOTES]
PPM = 1_000_000
Row = Mapping[str, Any]

settings.register_profile("columns", deadline=None, max_examples=20)
columns = settings.get_profile("columns")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


def terms_strategy(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "agreement_id": st.just(f"A-{name}"),
            "participant_id": st.just(name),
            "role": st.just("merchant"),
            "settlement_currency": st.sampled_from(CODES),
            "fee_ppm": st.sampled_from([0, 6_000, 29_999, PPM]),
            "fee_fixed_minor": st.sampled_from([0, 7, 30]),
            "tax_ppm": st.sampled_from([0, 70_000, 200_000]),
            "fee_back_on_refund": st.booleans(),
            "reserve_ppm": st.sampled_from([0, 50_000, 333_333]),
            "reserve_days": st.sampled_from([0, 1, 90]),
            "payout_minimum_minor": st.sampled_from([0, 1, 10_000]),
            "fx_markup_ppm": st.sampled_from([0, 6_100]),
            "rounding": st.sampled_from(["half_even", "half_up"]),
            "hub_role": st.just("principal"),
            "valid_from": st.just(date(2024, 1, 1)),
            **{
                f"beneficiary_{field}": st.just("x")
                for field in ("name", "country", "town", "account", "bic", "bank_code")
            },
        }
    )


AMOUNTS = st.one_of(st.integers(1, 200_000), st.sampled_from([1, 25, 50, 10**12 + 1]))
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "agreement_id": st.sampled_from(["A-M1", "A-M2", "A-M3"]),
            "counterparty_id": st.sampled_from(["P1", "P2"]),
            "kind": st.sampled_from([str(kind) for kind in Kind] + ["sale"] * 4),
            "amount_minor": AMOUNTS,
            "currency": st.sampled_from(CODES),
        }
    ),
    max_size=25,
)
STANDING = st.fixed_dictionaries(
    {
        "slice": st.integers(0, 5_000),
        "carried": st.integers(-5_000, 5_000),
        "currency": st.sampled_from(["", "", *CODES]),
    }
)


@dataclass(frozen=True)
class World:
    """One window's input: agreements, records, and what stands from before."""

    terms: list[dict[str, Any]]
    records: list[dict[str, Any]]
    standing: Mapping[str, Any]

    @property
    def agreements(self) -> Agreements:
        return Agreements.of(pa.Table.from_pylist(self.terms))

    @property
    def currency_before(self) -> str:
        """In which the first agreement settled when that arose: as a rule in the present one."""
        return str(self.standing["currency"] or self.terms[0]["settlement_currency"])

    @property
    def before(self) -> Standing:
        own = self.terms[0]
        slices = [own["agreement_id"]] if self.standing["slice"] else []
        carried = [own["agreement_id"]] if self.standing["carried"] else []
        return Standing(
            slices=pa.table(
                {
                    "slice_id": pa.array(["s"] * len(slices), pa.string()),
                    "agreement_id": pa.array(slices, pa.string()),
                    "currency": pa.array([self.currency_before] * len(slices), pa.string()),
                    "amount_minor": pa.array([self.standing["slice"]] * len(slices), pa.int64()),
                }
            ),
            carried=pa.table(
                {
                    "agreement_id": pa.array(carried, pa.string()),
                    "currency": pa.array([self.currency_before] * len(carried), pa.string()),
                    "amount_minor": pa.array([self.standing["carried"]] * len(carried), pa.int64()),
                    "since": pa.array([DAY] * len(carried), pa.date32()),
                }
            ),
            reserved=RESERVED.slice(0, 0),
        )


RESERVED = pa.table(
    {"agreement_id": ["A-M1"], "currency": ["JPY"], "amount_minor": pa.array([1_000], pa.int64())}
)
WORLDS = st.builds(
    World, st.tuples(*(terms_strategy(f"M{n}") for n in (1, 2, 3))).map(list), RECORDS, STANDING
)
SCHEMA = pa.schema(
    {
        "agreement_id": pa.string(),
        "counterparty_id": pa.string(),
        "kind": pa.string(),
        "amount_minor": pa.int64(),
        "currency": pa.string(),
    }
)


def netted(
    engine: Engine, world: World, views: Mapping[str, str] | None = None, *,
    standing: Standing | None = None,
) -> Netted:  # fmt: skip
    with engine.scratch() as scratch:
        scratch.give("records", pa.Table.from_pylist(world.records, schema=SCHEMA))
        return net(
            scratch, day=DAY, agreements=world.agreements, rates=RATES,
            standing=standing or world.before, views=views,
        )  # fmt: skip


# ---- the same in plain Python, a record at a time: slow, and nothing shared but `divide` ----


def reference(world: World) -> dict[tuple[str, str], dict[str, int]]:
    rates = DayRates(as_of=DAY, per_euro_e8=RATES.by_day[DAY])
    found = {}
    for terms in world.terms:
        records = [r for r in world.records if r["agreement_id"] == terms["agreement_id"]]
        if records:
            key = terms["agreement_id"], terms["settlement_currency"]
            found[key] = reference_position(terms, records, rates)
    own, left = world.terms[0], world.standing
    before = own["agreement_id"], world.currency_before
    is_other = world.currency_before != own["settlement_currency"]
    if left["slice"] or (left["carried"] and is_other):
        found.setdefault(before, reference_position(own, [], rates))
    if before in found:
        found[before]["reserve_released_minor"] = left["slice"]
        found[before]["net_minor"] += left["slice"]
        found[before]["carried_in_minor"] = left["carried"]
    return found


def reference_position(
    terms: Row, records: list[dict[str, Any]], rates: DayRates
) -> dict[str, int]:
    rounding = Rounding(terms["rounding"])
    quote = terms["settlement_currency"]
    nets: dict[str, int] = defaultdict(int)
    turnovers: dict[str, int] = defaultdict(int)
    fees: dict[str, int] = defaultdict(int)
    fixed = 0
    for record in records:
        kind, amount, code = Kind(record["kind"]), record["amount_minor"], record["currency"]
        nets[code] += DIRECTIONS[kind].sign * amount
        percent = divide(amount * terms["fee_ppm"], PPM, rounding=rounding)
        match kind:
            case Kind.SALE:
                turnovers[code] += amount
                fees[code] += percent
                nets[code] -= percent
                fixed += terms["fee_fixed_minor"]
            case Kind.REFUND:
                turnovers[code] -= amount
                if terms["fee_back_on_refund"]:
                    fees[code] -= percent
                    nets[code] += percent
            case Kind.FEE:
                fees[code] += amount
            case _:
                pass
    converted = turnover = 0
    for code, gross in nets.items():
        own = gross - divide(fees[code] * terms["tax_ppm"], PPM, rounding=rounding)
        converted += reference_convert(own, code, quote, terms, rates)
        turnover += reference_convert(turnovers[code], code, quote, terms, rates)
    tax = divide(fixed * terms["tax_ppm"], PPM, rounding=rounding)
    withheld = divide(max(turnover, 0) * terms["reserve_ppm"], PPM, rounding=rounding)
    return {
        "records": len(records),
        "converted_minor": converted,
        "fees_fixed_minor": -fixed,
        "tax_fixed_minor": -tax,
        "reserve_withheld_minor": -withheld,
        "reserve_released_minor": 0,
        "net_minor": converted - fixed - tax - withheld,
        "carried_in_minor": 0,
    }


def reference_convert(amount: int, base: str, quote: str, terms: Row, rates: DayRates) -> int:
    if base == quote:
        return amount
    mid = rates.mid(base, quote)
    client = divide(mid.value_e8 * (PPM - terms["fx_markup_ppm"]), PPM, rounding=Rounding.HALF_EVEN)
    rate = Rate(base=base, quote=quote, value_e8=client, as_of=mid.as_of, source=mid.source)
    return convert(amount, rate, rounding=Rounding(terms["rounding"]))


# ---- properties ----


@columns
@given(world=WORLDS)
def test_positions_equal_the_reference_netter(engine: Engine, world: World) -> None:
    """The views give to the minor unit what a loop over single records gives."""
    expected = reference(world)
    rows = netted(engine, world).obliged.to_pylist()
    actual = {
        (key := (row["agreement_id"], row["currency"])): {f: row[f] for f in expected[key]}
        for row in rows
    }
    assert expected == actual


@columns
@given(world=WORLDS)
def test_every_currency_is_conserved(engine: Engine, world: World) -> None:
    """Participants, partners, reserves, fees, tax and FX sum to zero in each currency."""
    result = netted(engine, world)
    assert {r["currency"] for r in world.records} <= set(result.currencies)


@columns
@given(world=WORLDS)
def test_journal_rows_empty_clearing_and_leave_each_payable_its_net(
    engine: Engine, world: World
) -> None:
    """After the close clearing is zero, and what is payable is the position, in its currency."""
    result = netted(engine, world)
    balance: dict[tuple[str, str], int] = defaultdict(int)
    for row in result.postings.to_pylist():
        balance[row["frm"], row["currency"]] -= row["amount_minor"]
        balance[row["into_account"], row["currency"]] += row["amount_minor"]
    for row in result.obliged.to_pylist():
        account = f"payable/{row['agreement_id']}"
        assert row["net_minor"] == balance.pop((account, row["currency"]), 0)
    left = {key for key, amount in balance.items() if amount}
    assert not [key for key in left if key[0] == "clearing" or key[0].startswith("payable/")]


@columns
@given(world=WORLDS, order=st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(engine: Engine, world: World, order: Any) -> None:
    """The same facts in any order are the same positions and the same journal."""
    shuffled = list(world.records)
    order.shuffle(shuffled)
    one = netted(engine, world)
    other = netted(engine, World(world.terms, shuffled, world.standing))
    assert one.obliged.equals(other.obliged)
    assert one.buckets.equals(other.buckets)
    assert one.postings.equals(other.postings)


def check_each_bucket_is_rounded_once(result: Netted, world: World) -> None:
    rates = DayRates(as_of=DAY, per_euro_e8=RATES.by_day[DAY])
    terms = {own["agreement_id"]: own for own in world.terms}
    for bucket in result.buckets.to_pylist():
        own = terms[bucket["agreement_id"]]
        expected = reference_convert(
            bucket["net_minor"], bucket["currency"], own["settlement_currency"], own, rates
        )
        assert expected == bucket["converted_minor"]


@columns
@given(world=WORLDS)
def test_each_bucket_is_rounded_once(engine: Engine, world: World) -> None:
    """A bucket's net is converted as a whole, not record by record."""
    check_each_bucket_is_rounded_once(netted(engine, world), world)


@columns
@given(world=WORLDS)
def test_what_is_due_is_paid_carried_or_nothing(engine: Engine, world: World) -> None:
    """All of it is paid once it reaches the minimum; below it, or negative, all is carried."""
    minimum = {
        (own["agreement_id"], own["settlement_currency"]): max(own["payout_minimum_minor"], 1)
        for own in world.terms
    }
    for row in netted(engine, world).obliged.to_pylist():
        assert row["due_minor"] == row["net_minor"] + row["carried_in_minor"]
        if row["due_minor"] >= minimum.get((row["agreement_id"], row["currency"]), 1):
            expected = "paid"
        elif row["due_minor"] == 0:
            expected = "nothing"
        else:
            expected = "negative" if row["due_minor"] < 0 else "below_minimum"
        assert expected == row["outcome"]


# ---- broken netters, each caught by its named check ----

PLAIN = {
    "role": "merchant", "fee_ppm": 29_999, "fee_fixed_minor": 0, "tax_ppm": 0,
    "fee_back_on_refund": False, "reserve_ppm": 0, "reserve_days": 0, "payout_minimum_minor": 0,
    "fx_markup_ppm": 0, "rounding": "half_even", "hub_role": "principal",
    "valid_from": date(2024, 1, 1), "settlement_currency": "EUR",
    **{f"beneficiary_{f}": "x" for f in ("name", "country", "town", "account", "bic", "bank_code")},
}  # fmt: skip


def sale(amount_minor: int, currency: str) -> dict[str, Any]:
    return {
        "agreement_id": "A-M1", "counterparty_id": "P1", "kind": "sale",
        "amount_minor": amount_minor, "currency": currency,
    }  # fmt: skip


TWO_CURRENCIES = World(
    terms=[{**PLAIN, "agreement_id": "A-M1", "participant_id": "M1"}],
    records=[sale(333, "USD"), sale(333, "USD"), sale(333, "USD"), sale(1_001, "EUR")],
    standing={"slice": 0, "carried": 0, "currency": ""},
)


def broken(view: str, was: str, becomes: str) -> dict[str, str]:
    views = netting_views()
    assert was in views[view], "the netter is no longer written that way"
    return {**views, view: views[view].replace(was, becomes)}


def test_a_netter_that_drops_a_fee_leg_is_not_conserved(engine: Engine) -> None:
    """The hub's fees are its own leg: a net without them does not sum to zero."""
    views = broken("bucketed", "t.adjustments_minor + t.fees_percent_minor", "t.adjustments_minor")
    with pytest.raises(NotConserved, match=r"in (USD|EUR) sum"):
        netted(engine, TWO_CURRENCIES, views)


def test_a_netter_that_nets_across_currencies_is_not_conserved(engine: Engine) -> None:
    """Dollars taken for euros leave both currencies unbalanced."""
    views = broken(
        "grossed", "agreement_id,\n    currency,", "agreement_id,\n    'EUR' as currency,"
    )
    views["grossed"] = views["grossed"].replace("by agreement_id, currency", "by agreement_id")
    with pytest.raises(NotConserved, match=r"in (USD|EUR) sum"):
        netted(engine, TWO_CURRENCIES, views)


def test_a_netter_that_rounds_per_record_fails_rounded_once(engine: Engine) -> None:
    """Rounding each of a bucket's records gives another sum than rounding the bucket."""
    views = broken(
        "converted",
        "divide_as(b.net_minor * q.client_e8 * q.numerator, q.denominator, q.rounding)",
        """(select sum(cast(divide_as((c.gross_minor - c.percent_minor) * q.client_e8
            * q.numerator, q.denominator, q.rounding) as decimal(38, 0)))
            from charged as c
            where c.agreement_id = b.agreement_id and c.currency = b.currency)""",
    )
    result = netted(engine, TWO_CURRENCIES, views)
    with pytest.raises(AssertionError):
        check_each_bucket_is_rounded_once(result, TWO_CURRENCIES)


def test_the_whole_netter_passes_where_the_broken_ones_fail(engine: Engine) -> None:
    """The inputs that catch broken netters are sound ones."""
    check_each_bucket_is_rounded_once(netted(engine, TWO_CURRENCIES), TWO_CURRENCIES)


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_a_total_beyond_64_bits_is_refused_by_name(engine: Engine, currency: str) -> None:
    """2^63 - 1 is settled to the unit; one unit more names the agreement and the currency."""
    edge, plain = 2**63 - 1, {**PLAIN, "fee_ppm": 0, "agreement_id": "A-M1", "participant_id": "M"}
    terms = [{**plain, "settlement_currency": currency}]
    left = {"slice": 0, "carried": 0, "currency": ""}
    most = World(terms, [sale(edge - 1, currency), sale(1, currency)], left)
    (row,) = netted(engine, most).obliged.to_pylist()
    assert edge == row["due_minor"]
    with pytest.raises(MoneyError, match=f"A-M1: a total in {currency} is beyond {edge}"):
        netted(engine, World(terms, [*most.records, sale(1, currency)], left))


def test_an_agreement_that_is_gone_is_named_with_what_is_left_of_it(engine: Engine) -> None:
    """A rest or a reserve, due or not, holds the close up; it does not vanish with its row."""
    left = {"slice": 0, "carried": 0, "currency": "JPY"}
    terms = [{**PLAIN, "agreement_id": "A-M1", "participant_id": "M1"}]
    gone = [{**PLAIN, "agreement_id": "A-M2", "participant_id": "M2"}]
    due = World(terms, [], {**left, "slice": 5}).before
    carried = World(terms, [], {**left, "carried": -5}).before
    not_due = replace(World(terms, [], left).before, reserved=RESERVED)
    for standing, what in ((due, "in reserve"), (carried, "carried"), (not_due, "in reserve")):
        with pytest.raises(BadInput, match=f"'A-M1'.*JPY {what}"):
            netted(engine, World(gone, [], left), standing=standing)
