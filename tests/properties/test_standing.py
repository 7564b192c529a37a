"""From combined positions to what is paid, carried, recovered: equal to a loop in plain Python."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import strategies as st
from tests.properties.together import Window, apart, drawn, hold, of_each, split
from tests.size import examples

from settle.calendars import add_business_days, next_business_day
from settle.clearing import Agreements
from settle.clearing import standing as standing_module
from settle.clearing.standing import STANDING_VIEWS, Standing, Stood, stand
from settle.engine import Engine, read_views
from settle.errors import BadInput, MoneyError
from settle.money import Rounding, divide

DAY = date(2024, 12, 18)
YESTERDAY, LONG_AGO = DAY - timedelta(days=1), DAY - timedelta(days=100)
PPM = 1_000_000
VIEWS = read_views(Path(standing_module.__file__).parent / "views", STANDING_VIEWS)
Key = tuple[str, str, str]
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(threads=1)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def windows(engine: Engine) -> list[Window[World, Ran]]:
    """Any worlds, run once for all that is asked of them."""
    some = drawn(worlds(), examples(150, full=3_000))
    return [
        Window(some[n : n + 250], partial(run, engine), split_ran) for n in range(0, len(some), 250)
    ]


# ---- worlds ----

PLAIN: dict[str, Any] = {
    "role": "merchant", "fee_ppm": 0, "fee_fixed_minor": 0, "tax_ppm": 0,
    "fee_back_on_refund": False, "reserve_ppm": 0, "reserve_days": 1, "payout_minimum_minor": 0,
    "fx_markup_ppm": 0, "rounding": "half_even", "hub_role": "principal",
    "valid_from": date(2024, 1, 1), "settlement_currency": "EUR", "netting": "net",
    "set_off": False, "conversion": "locked", "reserve_target_minor": None, "recovery": "carry",
    "collateral_minor": 0, "terminated_on": None,
    **{f"beneficiary_{f}": "x" for f in ("name", "country", "town", "account", "bic", "bank_code")},
}  # fmt: skip
OWNERS = {"A1": "M1", "A2": "M1", "A3": "M1", "B1": "M2"}
PARTS = {"net": ("",), "gross": ("credit", "debit"), "bilateral": ("P1", "P2")}
RECOVERIES = ("carry", "reserve carry", "collateral carry", "reserve collateral carry",
              "collateral reserve carry")  # fmt: skip
SMALL = st.integers(-300, 300)
POSITIVE = st.integers(1, 300)


@st.composite
def agreements_of(draw: st.DrawFn, name: str) -> dict[str, Any]:
    choose = {
        "settlement_currency": ("EUR", "EUR", "USD"),
        "netting": ("net", "net", "gross", "bilateral"),
        "set_off": (True, True, False),
        "conversion": ("locked", "none"),
        "reserve_ppm": (0, 100_000, 333_333),
        "reserve_days": (0, 1, 90),
        "reserve_target_minor": (None, None, 0, 50, 400),
        "recovery": RECOVERIES,
        "collateral_minor": (0, 40, 200),
        "payout_minimum_minor": (0, 1, 100),
        "terminated_on": (None, None, None, LONG_AGO, DAY, DAY + timedelta(days=1)),
        "rounding": ("half_even", "half_up"),
    }
    drawn = {field: draw(st.sampled_from(values)) for field, values in choose.items()}
    return {**PLAIN, **drawn, "agreement_id": name, "participant_id": OWNERS[name]}


@dataclass(frozen=True)
class World:
    """What a window of positions stands on: agreements, combined records, and what was left."""

    terms: list[dict[str, Any]]
    combined: list[dict[str, Any]]
    slices: list[dict[str, Any]]
    carried: list[dict[str, Any]]
    used: list[dict[str, Any]]

    @property
    def standing(self) -> Standing:
        given = {"slices": self.slices, "carried": self.carried, "collateral_used": self.used}
        schemas = {name: getattr(Standing.none(), name).schema for name in given}
        return Standing(
            **{name: pa.Table.from_pylist(given[name], schema=schemas[name]) for name in given}
        )

    def shuffled(self, order: Any) -> World:
        """The same facts in another order."""
        parts = [list(part) for part in (self.combined, self.slices, self.carried, self.used)]
        for part in parts:
            order.shuffle(part)
        return World(list(self.terms), *parts)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    terms = [draw(agreements_of(name)) for name in OWNERS]
    combined, slices, carried, used = [], [], [], []
    for own in terms:
        codes = ["EUR", "USD"] if own["conversion"] == "none" else [own["settlement_currency"]]
        for part in PARTS[own["netting"]]:
            combined += [
                draw(combined_row(own["agreement_id"], part, code))
                for code in codes
                if draw(st.integers(0, 3))
            ]
        before = draw(st.sampled_from([PARTS[own["netting"]], ("",), ("credit", "debit")]))
        slices += draw(slices_of(own["agreement_id"], before))
        for part in before:
            for code in ("EUR", "USD"):
                if draw(st.integers(0, 2)) == 0 and (amount := draw(SMALL)):
                    carried.append(carry(own["agreement_id"], part, code, amount))  # noqa: PERF401  # drawn in between
        if spent := draw(st.integers(0, own["collateral_minor"])):
            used.append({"agreement_id": own["agreement_id"], "amount_minor": spent,
                         "currency": own["settlement_currency"]})  # fmt: skip
    return World(terms, combined, slices, carried, used)


@st.composite
def combined_row(draw: st.DrawFn, name: str, part: str, currency: str) -> dict[str, Any]:
    converted = draw(SMALL)
    debits = draw(st.integers(max(-converted, 0), 400))
    return {
        "agreement_id": name, "part": part, "currency": currency,
        "records": draw(st.integers(1, 9)), "credits_minor": converted + debits,
        "debits_minor": debits, "converted_minor": converted, "turnover_minor": draw(SMALL),
        "fees_fixed_minor": -draw(st.integers(0, 20)), "tax_fixed_minor": -draw(st.integers(0, 5)),
    }  # fmt: skip


@st.composite
def slices_of(draw: st.DrawFn, name: str, parts: tuple[str, ...]) -> list[dict[str, Any]]:
    days = [None, YESTERDAY, DAY, DAY + timedelta(days=1), DAY + timedelta(days=40)]
    return [
        slice_(
            name, draw(st.sampled_from(parts)), draw(st.sampled_from(["EUR", "USD"])),
            draw(POSITIVE), n=n, release_on=draw(st.sampled_from(days)),
            window_id=(LONG_AGO + timedelta(days=draw(st.integers(0, 3)))).isoformat(),
        )
        for n in range(draw(st.integers(0, 4)))
    ]  # fmt: skip


def slice_(
    name: str, part: str, currency: str, amount_minor: int, *, n: int = 0,
    release_on: date | None = None, window_id: str = "2024-09-10",
) -> dict[str, Any]:  # fmt: skip
    return {
        "slice_id": f"{name}-{n}", "agreement_id": name, "part": part, "currency": currency,
        "window_id": window_id, "amount_minor": amount_minor, "release_on": release_on,
    }  # fmt: skip


def carry(name: str, part: str, currency: str, amount_minor: int) -> dict[str, Any]:
    return {
        "carry_id": f"{name}/{part}/{currency}", "agreement_id": name, "part": part,
        "currency": currency, "amount_minor": amount_minor, "since": LONG_AGO,
    }  # fmt: skip


WIDE = pa.decimal128(38, 0)
AMOUNTS = ("records", "credits_minor", "debits_minor", "converted_minor", "turnover_minor",
           "fees_fixed_minor", "tax_fixed_minor")  # fmt: skip
COMBINED = pa.schema(
    {
        **{name: pa.string() for name in ("agreement_id", "part", "currency")},
        **dict.fromkeys(AMOUNTS, pa.int64()),
    }
)


@dataclass(frozen=True)
class Ran:
    """What the views made of a world."""

    stood: Stood
    parties: dict[tuple[str, str], int]
    postings: list[dict[str, Any]]

    @property
    def positions(self) -> dict[Key, dict[str, Any]]:
        return {key_of(row): row for row in self.stood.obliged.to_pylist()}


def key_of(row: Row) -> Key:
    return row["agreement_id"], row["part"], row["currency"]


def run(engine: Engine, world: World, views: Mapping[str, str] | None = None) -> Ran:
    agreements = Agreements.of(pa.Table.from_pylist(world.terms))
    table = pa.Table.from_pylist(world.combined, schema=COMBINED)
    with engine.scratch() as scratch:
        scratch.give("agreements", agreements.table)
        scratch.give("given_combined", table)
        wide = ", ".join(f"cast({name} as decimal(38, 0)) as {name}" for name in AMOUNTS)
        scratch.step("combined", f"select agreement_id, part, currency, {wide} from given_combined")
        stood = stand(scratch, day=DAY, standing=world.standing, views=views or VIEWS)
        parties: dict[tuple[str, str], int] = defaultdict(int)
        for row in scratch.rows("select * from parties_standing").to_pylist():
            parties[row["party"], row["currency"]] += int(row["amount_minor"])
        postings = scratch.rows('select * from posted_standing order by "row"').to_pylist()
    return Ran(stood, parties, postings)


def split_ran(ran: Ran, count: int) -> list[Ran]:
    """What each of many worlds came to. Parties and savings are those of all of them."""
    each = zip(split(ran.stood, count), apart(ran.postings, count), strict=True)
    return [Ran(stood, {}, postings) for stood, postings in each]


# ---- the same in plain Python, one debt after another ----


def reference(world: World) -> dict[Key, dict[str, Any]]:
    terms = {own["agreement_id"]: own for own in world.terms}
    found = reference_positions(world, terms)
    reference_set_off(found, terms)
    for own in world.terms:
        reference_recovery(found, own, world)
    for key, position in found.items():
        reference_fate(key, position, terms[key[0]])
    return found


def ended(own: Row) -> bool:
    return own["terminated_on"] is not None and own["terminated_on"] <= DAY


def is_due(slice_row: Row, own: Row) -> bool:
    on = slice_row["release_on"]
    if on is None and own["terminated_on"] is not None:
        on = add_business_days(own["terminated_on"], own["reserve_days"], slice_row["currency"])
    return on is not None and on <= DAY


def settles_by(own: Row, part: str) -> bool:
    match own["netting"]:
        case "net":
            return part == ""
        case "gross":
            return part in ("credit", "debit")
        case _:
            return part not in ("", "credit", "debit")


def reference_positions(world: World, terms: Mapping[str, Row]) -> dict[Key, dict[str, Any]]:
    traded = {key_of(row): row for row in world.combined}
    released: dict[Key, int] = defaultdict(int)
    for each in world.slices:
        if is_due(each, terms[each["agreement_id"]]):
            released[key_of(each)] += each["amount_minor"]
    carried = {key_of(row): row["amount_minor"] for row in world.carried}
    moved = {*traded, *released}
    offering = {
        (OWNERS[name], currency)
        for name, part, currency in moved
        if terms[name]["set_off"] and part == ""
    }
    for (name, part, currency), amount in carried.items():
        own = terms[name]
        other = currency != own["settlement_currency"] and (
            own["conversion"] != "none" or amount > 0
        )
        sets_off = own["set_off"] and part == "" and (OWNERS[name], currency) in offering
        if other or not settles_by(own, part) or ended(own) or sets_off:
            moved.add((name, part, currency))
    return {
        key: reference_position(world, terms, key, traded.get(key), released[key], carried.get(key))
        for key in sorted(moved)
    }


def reference_position(  # noqa: PLR0917  # what a position is of, in one place
    world: World, terms: Mapping[str, Row], key: Key, row: Row | None, released: int,
    carried: int | None,
) -> dict[str, Any]:  # fmt: skip
    row = row or dict.fromkeys(AMOUNTS, 0)
    before = row["converted_minor"] + row["fees_fixed_minor"] + row["tax_fixed_minor"]
    withheld = reference_withheld(world, terms[key[0]]).get(key, 0)
    net = before - withheld + released
    return {
        "records": row["records"], "converted_minor": row["converted_minor"],
        "reserve_withheld_minor": -withheld, "reserve_released_minor": released,
        "net_minor": net, "carried_in_minor": carried or 0, "due_minor": net + (carried or 0),
        "set_off_minor": 0, "reserve_recovered_minor": 0, "collateral_used_minor": 0,
    }  # fmt: skip


def reference_withheld(world: World, own: Row) -> dict[Key, int]:
    found: dict[Key, int] = {}
    target = own["reserve_target_minor"]
    room: dict[str, int] = {
        code: (target or 0) - sum(
            each["amount_minor"] for each in world.slices
            if (each["agreement_id"], each["currency"]) == (own["agreement_id"], code)
            and not is_due(each, own)
        )
        for code in ("EUR", "USD")
    }  # fmt: skip
    for row in sorted(world.combined, key=key_of):
        if row["agreement_id"] != own["agreement_id"]:
            continue
        share = divide(max(row["turnover_minor"], 0) * own["reserve_ppm"], PPM,
                       rounding=Rounding(own["rounding"]))  # fmt: skip
        if target is not None:
            before = row["converted_minor"] + row["fees_fixed_minor"] + row["tax_fixed_minor"]
            share = min(share if own["reserve_ppm"] else before, before, room[row["currency"]])
            if row["currency"] != own["settlement_currency"] or ended(own):
                share = 0
            share = max(share, 0)
            room[row["currency"]] -= share
        found[key_of(row)] = share
    return found


def reference_set_off(found: dict[Key, dict[str, Any]], terms: Mapping[str, Row]) -> None:
    for taker in sorted(found):
        for giver in sorted(found):
            pair = taker[0], giver[0]
            same = OWNERS[pair[0]] == OWNERS[pair[1]] and taker[2] == giver[2]
            agreed = all(terms[name]["set_off"] for name in pair) and taker[1] == giver[1] == ""
            if same and agreed:
                owes = -(found[taker]["due_minor"] + found[taker]["set_off_minor"])
                has = found[giver]["due_minor"] + found[giver]["set_off_minor"]
                given_ = max(min(owes, has), 0)
                found[taker]["set_off_minor"] += given_
                found[giver]["set_off_minor"] -= given_


def reference_recovery(found: dict[Key, dict[str, Any]], own: Row, world: World) -> None:
    name = own["agreement_id"]
    spent = sum(row["amount_minor"] for row in world.used if row["agreement_id"] == name)
    for code in ("EUR", "USD"):
        kept = [
            each for each in world.slices
            if (each["agreement_id"], each["currency"]) == (name, code) and not is_due(each, own)
        ]  # fmt: skip
        kept.sort(key=lambda each: (each["window_id"], each["slice_id"]))
        collateral = own["collateral_minor"] - spent if code == own["settlement_currency"] else 0
        pool = {
            "reserve": [each["amount_minor"] for each in kept],
            "collateral": [collateral],
        }
        for key in sorted(key for key in found if (key[0], key[2]) == (name, code)):
            position = found[key]
            for word in own["recovery"].split()[:-1]:
                field = {
                    "reserve": "reserve_recovered_minor",
                    "collateral": "collateral_used_minor",
                }
                for n, amount in enumerate(pool[word]):
                    owes = -(position["due_minor"] + position["set_off_minor"]
                             + position["reserve_recovered_minor"]
                             + position["collateral_used_minor"])  # fmt: skip
                    taken = max(min(owes, amount), 0)
                    pool[word][n] -= taken
                    position[field[word]] += taken


def reference_fate(key: Key, position: dict[str, Any], own: Row) -> None:
    rest = sum(position[f"{name}_minor"] for name in
               ("due", "set_off", "reserve_recovered", "collateral_used"))  # fmt: skip
    free = ended(own) or key[2] != own["settlement_currency"] or not settles_by(own, key[1])
    minimum = 1 if free else max(own["payout_minimum_minor"], 1)
    if rest >= minimum:
        outcome = "paid"
    elif rest == 0:
        outcome = "nothing"
    elif rest > 0:
        outcome = "below_minimum"
    else:
        outcome = "claimed" if ended(own) or own["netting"] == "gross" else "negative"
    position["outcome"] = outcome
    position["paid_minor"] = rest if outcome == "paid" else 0
    position["carried_out_minor"] = rest if outcome in ("negative", "below_minimum") else 0
    position["claimed_minor"] = -rest if outcome == "claimed" else 0
    same_side = position["carried_in_minor"] * rest > 0
    position["since"] = LONG_AGO if same_side else DAY


# ---- properties ----


def check_equals_the_reference(ran: Ran, world: World) -> None:
    expected = reference(world)
    actual = {
        key: {field: row[field] for field in expected.get(key, row)}
        for key, row in ran.positions.items()
    }
    assert expected == actual


def check_due_is_accounted_for(ran: Ran, world: World) -> None:
    for row in ran.positions.values():
        assert row["due_minor"] == row["net_minor"] + row["carried_in_minor"]
        assert (
            row["due_minor"] + row["set_off_minor"] + row["reserve_recovered_minor"]
            + row["collateral_used_minor"]
            == row["paid_minor"] + row["carried_out_minor"] - row["claimed_minor"]
        )  # fmt: skip
        assert min(row["paid_minor"], row["claimed_minor"]) == 0
        assert min(row["paid_minor"], row["claimed_minor"], row["reserve_recovered_minor"]) >= 0


def check_conserved(ran: Ran, world: World) -> None:
    """Beside the trade (converted less fees and tax, which the other half accounts for)."""
    totals: dict[str, int] = defaultdict(int)
    for (_, currency), amount in ran.parties.items():
        totals[currency] += amount
    for row in world.combined:
        totals[row["currency"]] -= (
            row["converted_minor"] + row["fees_fixed_minor"] + row["tax_fixed_minor"]
        )
    assert set(totals.values()) <= {0}


def check_no_more_is_recovered_than_held(ran: Ran, world: World) -> None:
    terms = {own["agreement_id"]: own for own in world.terms}
    held = {each["slice_id"]: each["amount_minor"] for each in world.slices}
    released = set(ran.stood.released.column("slice_id").to_pylist())
    left = {
        own["agreement_id"]: own["collateral_minor"] - sum(
            row["amount_minor"] for row in world.used
            if row["agreement_id"] == own["agreement_id"]
        )
        for own in world.terms
    }  # fmt: skip
    for row in ran.stood.recovered.to_pylist():
        assert row["amount_minor"] > 0
        assert row["source"] in terms[row["agreement_id"]]["recovery"].split()
        pool = held if row["source"] == "reserve" else left
        pool[row["source_id"]] -= row["amount_minor"]
        assert pool[row["source_id"]] >= 0
        assert row["source_id"] not in released


def check_the_oldest_slice_goes_first(ran: Ran, world: World) -> None:
    taken: dict[str, int] = defaultdict(int)
    for row in ran.stood.recovered.to_pylist():
        taken[row["source_id"]] += row["amount_minor"]
    released = set(ran.stood.released.column("slice_id").to_pylist())
    lines: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for each in world.slices:
        if each["slice_id"] not in released:
            lines[each["agreement_id"], each["currency"]].append(each)
    for line in lines.values():
        line.sort(key=lambda each: (each["window_id"], each["slice_id"]))
        whole = [taken[each["slice_id"]] == each["amount_minor"] for each in line]
        used = [taken[each["slice_id"]] > 0 for each in line]
        for n in range(1, len(line)):
            assert whole[n - 1] or not used[n]


def check_set_off_sums_to_zero(ran: Ran, world: World) -> None:
    totals: dict[tuple[str, str], int] = defaultdict(int)
    terms = {own["agreement_id"]: own for own in world.terms}
    for row in ran.positions.values():
        totals[row["participant_id"], row["currency"]] += row["set_off_minor"]
        if row["set_off_minor"]:
            assert terms[row["agreement_id"]]["set_off"]
            assert abs(row["set_off_minor"]) <= abs(row["due_minor"])
            assert row["set_off_minor"] * row["due_minor"] < 0
    assert set(totals.values()) <= {0}


def check_the_minimum_holds(ran: Ran, world: World) -> None:
    terms = {own["agreement_id"]: own for own in world.terms}
    for row in ran.positions.values():
        own = terms[row["agreement_id"]]
        bound = row["currency"] == own["settlement_currency"] and settles_by(own, row["part"])
        if row["outcome"] == "paid" and bound and not ended(own):
            assert row["paid_minor"] >= own["payout_minimum_minor"]
        if row["outcome"] == "below_minimum":
            assert bound
            assert not ended(own)
            assert 0 < row["carried_out_minor"] < own["payout_minimum_minor"]
        assert not (ended(own) and row["carried_out_minor"])


def check_a_fixed_reserve_stops_at_its_target(ran: Ran, world: World) -> None:
    for own in world.terms:
        if own["reserve_target_minor"] is None:
            continue
        kept = sum(
            each["amount_minor"] for each in world.slices
            if each["agreement_id"] == own["agreement_id"] and not is_due(each, own)
            and each["currency"] == own["settlement_currency"]
        )  # fmt: skip
        rows = [r for r in ran.positions.values() if r["agreement_id"] == own["agreement_id"]]
        withheld = -sum(row["reserve_withheld_minor"] for row in rows)
        assert not withheld or kept + withheld <= own["reserve_target_minor"]
        assert all(row["release_on"] is None for row in rows if row["reserve_withheld_minor"])


def check_postings_move_what_positions_say(ran: Ran, world: World) -> None:
    moved: dict[tuple[str, str], int] = defaultdict(int)
    for row in ran.postings:
        moved[row["frm"], row["currency"]] -= int(row["amount"])
        moved[row["into_account"], row["currency"]] += int(row["amount"])
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for row in ran.positions.values():
        own, currency = row["agreement_id"], row["currency"]
        reserve = (row["reserve_withheld_minor"] + row["reserve_released_minor"]
                   + row["reserve_recovered_minor"])  # fmt: skip
        expected[f"reserve/{own}", currency] -= reserve
        expected[f"collateral/{own}", currency] -= row["collateral_used_minor"]
        expected[f"claims/{own}", currency] -= row["claimed_minor"]
        expected[f"payable/{own}", currency] += (
            reserve + row["collateral_used_minor"] + row["claimed_minor"] + row["set_off_minor"]
        )
    assert {k: v for k, v in expected.items() if v} == {k: v for k, v in moved.items() if v}
    names = [row["row"] for row in ran.postings]
    assert len(names) == len(set(names))


def check_savings(ran: Ran, world: World) -> None:
    for row in ran.stood.saved.to_pylist():
        own = [each for each in world.combined if each["currency"] == row["currency"]]
        nets = [e["converted_minor"] + e["fees_fixed_minor"] + e["tax_fixed_minor"] for e in own]
        gross = sum(e["credits_minor"] + e["debits_minor"] for e in own)
        assert row["gross_count"] == sum(each["records"] for each in own)
        assert row["net_count"] == sum(net != 0 for net in nets)
        assert row["payments_saved"] == row["gross_count"] - row["net_count"]
        assert (row["gross_minor"], row["net_minor"]) == (gross, sum(map(abs, nets)))
        assert row["peak_gross_minor"] == sum(each["credits_minor"] for each in own)
        assert row["peak_net_minor"] == sum(max(net, 0) for net in nets)
        kept = PPM - row["efficiency_ppm"] if gross else 0
        assert kept * gross <= row["net_minor"] * PPM < (kept + 1) * gross or gross == 0


CHECKS = {
    name.removeprefix("check_"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}

OF_ALL = ("conserved", "savings")
"""Checks of what is summed by currency, over all worlds that are run together."""
OF_EACH = [check for name, check in CHECKS.items() if name not in OF_ALL]


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_every_property_of_what_is_owed(windows: list[Window[World, Ran]]) -> None:
    """Order of recovery, limits, postings and figures, each against the world itself."""
    hold(of_each(*OF_EACH), windows)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", OF_ALL)
def test_every_sum_over_what_is_owed(windows: list[Window[World, Ran]], name: str) -> None:
    """All parties of a currency sum to zero, and its savings are counted right."""
    hold(lambda window: CHECKS[name](window.whole, window.world), windows)


def check_of_order(window: Window[World, Ran]) -> None:
    one, other = window.whole, window.run(window.world.shuffled(Random(len(window.worlds))))
    for name in ("obliged", "recovered", "set_off", "released", "saved"):
        assert getattr(one.stood, name).equals(getattr(other.stood, name)), name
    assert one.postings == other.postings


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_the_order_of_rows_changes_nothing(windows: list[Window[World, Ran]]) -> None:
    """The same positions, slices and rests in any order give the same tables and journal."""
    hold(check_of_order, windows)


def owner_in(world: World) -> str:
    """One of its participants."""
    return OWNERS[sorted(OWNERS)[len(world.combined) % len(OWNERS)]]


def without(world: World) -> World:
    """The same without what that one traded."""
    owner = owner_in(world)
    rows = [row for row in world.combined if OWNERS[row["agreement_id"]] != owner]
    return replace(world, combined=rows)


def check_of_others(window: Window[World, Ran]) -> None:
    rests = window.of(*map(without, window.worlds)).each
    for (ran, world), (rest, _) in zip(window.each, rests, strict=True):
        owner = owner_in(world)
        expected = {k: v for k, v in ran.positions.items() if OWNERS[k[0]] != owner}
        assert expected == {k: v for k, v in rest.positions.items() if OWNERS[k[0]] != owner}


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_what_one_participant_owes_changes_nobody_elses_position(
    windows: list[Window[World, Ran]],
) -> None:
    """The hub stands between: another participant's positions are the same without these."""
    hold(check_of_others, windows)


# ---- broken views, each caught by its named check ----


def own_terms(name: str = "A1", **terms: Any) -> dict[str, Any]:
    return {**PLAIN, "agreement_id": name, "participant_id": OWNERS[name], **terms}


def traded(
    converted: int, name: str = "A1", *, turnover: int = 0, part: str = ""
) -> dict[str, Any]:
    return {
        "agreement_id": name, "part": part, "currency": "EUR", "records": 2,
        "credits_minor": max(converted, 0) + 50, "debits_minor": max(-converted, 0) + 50,
        "converted_minor": converted, "turnover_minor": turnover, "fees_fixed_minor": 0,
        "tax_fixed_minor": 0,
    }  # fmt: skip


LATER = DAY + timedelta(days=40)
OLD_AND_NEW = [
    slice_("A1", "", "EUR", 30, n=1, release_on=LATER, window_id="2024-09-10"),
    slice_("A1", "", "EUR", 90, n=0, release_on=LATER, window_id="2024-09-11"),
]
SETTING_OFF = [own_terms("A1", set_off=True), own_terms("A2", set_off=True), own_terms("A3")]
TRAPS: dict[str, tuple[World, str, str, str]] = {
    "due_is_accounted_for": (
        World([own_terms(payout_minimum_minor=100)], [traded(80)], [], [], []),
        "obliged", "in ('negative', 'below_minimum')", "in ('negative')",
    ),
    "conserved": (
        World([own_terms()], [traded(80)], [], [carry("A1", "", "EUR", -30)], []),
        "standing", "    n.net_minor + coalesce", "    n.net_minor - coalesce",
    ),
    "no_more_is_recovered_than_held": (
        World([own_terms(recovery="collateral carry", collateral_minor=100)], [traded(-500)], [],
              [], [{"agreement_id": "A1", "currency": "EUR", "amount_minor": 60}]),
        "secured", "- coalesce(cast(u.amount_minor as decimal(38, 0)), 0)", "",
    ),
    "the_oldest_slice_goes_first": (
        World([own_terms(recovery="reserve carry")], [traded(-50)], OLD_AND_NEW, [], []),
        "secured", "p.turn, p.since, p.source_id", "p.turn, p.source_id",
    ),
    "set_off_sums_to_zero": (
        World(SETTING_OFF, [traded(-70, "A1"), traded(50, "A2"), traded(90, "A3")], [], [], []),
        "set_off", "where a.set_off and", "where a.set_off is not null and",
    ),
    "the_minimum_holds": (
        World([own_terms(payout_minimum_minor=100)], [traded(80)], [], [], []),
        "obliged", "greatest(cast(a.payout_minimum_minor as decimal(38, 0)), 1)",
        "cast(1 as decimal(38, 0))",
    ),
    "a_fixed_reserve_stops_at_its_target": (
        World([own_terms(netting="bilateral", reserve_target_minor=50)],
              [traded(40, part="P1"), traded(40, part="P2")], [], [], []),
        "withheld", "- (q.upto_minor - q.wish_minor)", "",
    ),
    "postings_move_what_positions_say": (
        World([own_terms(recovery="reserve carry")], [traded(-50)], OLD_AND_NEW, [], []),
        "posted_standing", "'reserve_recovered', 'reserve/'", "'reserve_recovered', 'own_funds/'",
    ),
    "savings": (
        World([own_terms()], [traded(80)], [], [], []),
        "saved", "greatest(net_minor, 0)", "net_minor + debits_minor",
    ),
    "equals_the_reference": (
        World([own_terms(terminated_on=YESTERDAY, payout_minimum_minor=100)], [traded(80)], [], [],
              []),
        "obliged", "a.terminated_on <= d.day, false) or", "a.terminated_on > d.day, false) or",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_broken_view_is_caught_by_its_named_check(engine: Engine, name: str) -> None:
    """Each property bites: it passes on the views as they are and fails on one that is wrong."""
    world, view, was, becomes = TRAPS[name]
    CHECKS[name](run(engine, world), world)
    assert was in VIEWS[view], "the view is no longer written that way"
    broken = {**VIEWS, view: VIEWS[view].replace(was, becomes)}
    with pytest.raises(AssertionError):
        CHECKS[name](run(engine, world, broken), world)


# ---- edges ----


def test_a_total_beyond_64_bits_is_refused_by_name(engine: Engine) -> None:
    """2^63 - 1 stands to the unit; a carried unit more names the agreement and the currency."""
    edge = 2**63 - 1
    row = {**traded(edge), "credits_minor": edge, "debits_minor": 0}
    most = World([own_terms()], [row], [], [], [])
    (found,) = run(engine, most).positions.values()
    assert edge == found["paid_minor"]
    with pytest.raises(MoneyError, match=f"A1: a total in EUR is beyond {edge}"):
        run(engine, replace(most, carried=[carry("A1", "", "EUR", 1)]))


def test_an_agreement_that_is_gone_is_named_with_what_is_left_of_it(engine: Engine) -> None:
    """A rest or a reserve holds the close up; it does not vanish with its row."""
    gone = World([own_terms("A2")], [], [], [], [])
    with pytest.raises(BadInput, match=r"'A1'.*EUR in reserve"):
        run(engine, replace(gone, slices=OLD_AND_NEW))
    with pytest.raises(BadInput, match=r"'A1'.*JPY carried"):
        run(engine, replace(gone, carried=[carry("A1", "", "JPY", -5)]))


def test_what_is_withheld_has_its_day_and_what_is_paid_its_value_date(engine: Engine) -> None:
    """A rolling slice comes back after its business days; a payment falls due on the next one."""
    world = World([own_terms(reserve_ppm=100_000, reserve_days=3)], [traded(80, turnover=80)], [],
                  [], [])  # fmt: skip
    (row,) = run(engine, world).positions.values()
    assert (-8, 72) == (row["reserve_withheld_minor"], row["paid_minor"])
    assert add_business_days(DAY, 3, "EUR") == row["release_on"]
    assert next_business_day(DAY, "EUR") == row["value_date"]
