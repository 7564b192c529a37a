"""Funding keeps its promises for any accounts, ways and needs; a checker of its own says so."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from settle.clearing import DayRates
from settle.clearing.funding import (
    CLIENTS,
    OWN,
    Account,
    Claim,
    CountryMatrix,
    Funding,
    FundingPlan,
    Infeasible,
    Move,
    Need,
    Trade,
    Transfer,
    naive_plan,
    plan,
    verify,
)
from settle.money import Rate, exponent

AT = datetime(2024, 12, 18, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
RATES = DayRates(
    as_of=AT.date(),
    per_via_e8={"USD": 104_123_457, "JPY": 16_123_456_789, "GBP": 82_765_432},
)
CURRENCIES = st.sampled_from(["EUR", "USD", "JPY"])
OWNERS = st.sampled_from([CLIENTS, CLIENTS, OWN, "m1"])
SLOW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # fmt: skip


@st.composite
def accounts_of(draw: st.DrawFn, *, scale: int, richest: int) -> list[Account]:
    """One account for costs, and a few of several owners."""
    costs = Account(
        account_id="costs", rail="r0", currency="EUR", owner=OWN,
        balance_minor=draw(st.integers(scale // 4, 4 * scale)),
    )  # fmt: skip
    others = [
        Account(
            account_id=f"a{index}",
            rail=draw(st.sampled_from(["r1", "r2"])),
            currency=draw(CURRENCIES),
            owner=draw(OWNERS),
            balance_minor=draw(st.sampled_from([0, 1, richest])) * draw(st.integers(0, scale)),
            minimum_minor=draw(st.sampled_from([0, 0, scale // 10])),
        )
        for index in range(draw(st.integers(1, 5)))
    ]
    return [costs, *others]


@st.composite
def arc_between(draw: st.DrawFn, source: Account, target: Account, *, scale: int) -> Any:
    """A transfer or a trade, with or without each kind of cost and limit."""
    common: dict[str, Any] = {
        "arc_id": f"{source.account_id}>{target.account_id}",
        "source": source.account_id,
        "target": target.account_id,
        "closes_at": AT + HOUR * draw(st.sampled_from([-1, 0, 1, 1, 2, 3])),
        "fixed_minor": draw(st.sampled_from([0, 1, scale // 40, scale // 10])),
        "ppm": draw(st.sampled_from([0, 100, 3000])),
        "minimum_minor": draw(st.sampled_from([1, 1, 1 + scale // 20])),
        "capacity_minor": draw(st.sampled_from([None, None, scale])),
    }
    if source.currency == target.currency:
        return Transfer(**common, lead=HOUR * draw(st.integers(1, 2)))
    mid_e8 = RATES.mid(source.currency, target.currency).value_e8
    rate = Rate(
        base=source.currency, quote=target.currency, as_of=AT.date(), source="dealer",
        value_e8=mid_e8 * (1_000_100 - draw(st.integers(0, 5000))) // 10**6,
    )  # fmt: skip
    return Trade(**common, rate=rate, settles_at=common["closes_at"] + HOUR)


@st.composite
def fundings(
    draw: st.DrawFn,
    scales: st.SearchStrategy[int],
    needs_max: int = 4,
    arcs_max: int = 8,
    richest: int = 20,
) -> Funding:
    """A question of a scale, now and then one that has no answer."""
    scale = draw(scales)
    accounts = draw(accounts_of(scale=scale, richest=richest))
    pairs = list(itertools.permutations(accounts, 2))
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=arcs_max, unique=True))
    needs = []
    for index in range(draw(st.integers(1, needs_max))):
        # Mostly for the owner and in the currency of some account: others are refused at once.
        like = draw(st.sampled_from(accounts))
        need = Need(
            need_id=f"n{index}",
            currency=like.currency,
            amount_minor=draw(st.integers(1, max(scale // 2, 1))),
            by=AT + HOUR * draw(st.sampled_from([0, 2, 4, 6, 6])),
            owner=draw(st.sampled_from([like.owner, CLIENTS, "m2"])),
            country=draw(st.sampled_from([None, None, "DE", "SG"])),
        )
        needs.append(need)
    claims = draw(
        st.lists(
            st.builds(
                Claim, owner=st.sampled_from(["m1", "m2", "m3"]), currency=CURRENCIES,
                amount_minor=st.integers(0, scale),
            ),
            max_size=2, unique_by=lambda claim: (claim.owner, claim.currency),
        )
    )  # fmt: skip
    return Funding(
        at=AT,
        accounts=tuple(accounts),
        needs=tuple(needs),
        arcs=tuple([draw(arc_between(*pair, scale=scale)) for pair in chosen]),
        matrix=CountryMatrix(
            {("EUR", "*"): ["r0", "r1"], ("USD", "*"): ["r1", "r2"], ("JPY", "SG"): ["r1", "r2"]}
        ),
        rates=RATES,
        costs_account="costs",
        claims=tuple(claims),
    )


SCALES = st.sampled_from([20, 10**4, 10**9, 10**13])


def mid(currency: str) -> Fraction:
    """Euro cents for one minor unit, by the rate that has more digits."""
    there, back = RATES.mid(currency, "EUR"), RATES.mid("EUR", currency)
    scale = Fraction(100, 10 ** exponent(currency))
    if there.value_e8 >= back.value_e8:
        return scale * Fraction(there.value_e8, 10**8)
    return scale / Fraction(back.value_e8, 10**8)


@dataclass(slots=True)
class Checker:
    """What is wrong with a plan, worked out without a line of the library's own checks."""

    funding: Funding
    found: FundingPlan
    cost: int = 0
    events: list[tuple[datetime, str, int]] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)

    def complaints(self) -> Iterator[str]:
        self.accounts = {a.account_id: a for a in self.funding.accounts}
        arcs = {a.arc_id: a for a in self.funding.arcs}
        sent = Counter[str]()
        for move in self.found.moves:
            sent[move.arc_id] += move.sold_minor
            yield from self.moved(arcs[move.arc_id], move)
        for name, total in sent.items():
            most = arcs[name].capacity_minor
            if most is not None and total > most:
                yield f"{name} sends too much"
        needs = {n.need_id: n for n in self.funding.needs}
        if sorted(needs) != sorted(name for name, _ in self.found.payments):
            yield "a need is not paid once"
        for name, account_id in self.found.payments:
            yield from self.paid(needs[name], self.accounts[account_id])
        yield from self.balanced()
        yield from self.covered()
        if self.cost != self.found.cost_minor:
            yield f"the cost is {self.cost}"

    def moved(self, arc: Transfer | Trade, move: Move) -> Iterator[str]:
        source, target = self.accounts[arc.source], self.accounts[arc.target]
        if not AT <= move.sent_at <= arc.closes_at:
            yield f"{arc.arc_id} is closed"
        if source.owner not in (OWN, target.owner):
            yield f"{arc.arc_id} takes a client's money"
        if move.sold_minor < arc.minimum_minor:
            yield f"{arc.arc_id} sends too little"
        sold, arrives = move.sold_minor, move.sold_minor
        charged = arc.fixed_minor + ceil(sold * mid(source.currency) * arc.ppm / 10**6)
        if isinstance(arc, Trade):
            shift = Fraction(10) ** (exponent(target.currency) - exponent(source.currency))
            arrives = floor(sold * Fraction(arc.rate.value_e8, 10**8) * shift)
            lost = sold * mid(source.currency) - arrives * mid(target.currency)
            self.cost += max(0, ceil(lost))
        lands = arc.settles_at if isinstance(arc, Trade) else move.sent_at + arc.lead
        self.cost += charged
        self.events.append((move.sent_at, source.account_id, -sold))
        self.events.append((lands, target.account_id, arrives))
        self.events.append((AT, self.funding.costs_account, -charged))

    def paid(self, need: Need, account: Account) -> Iterator[str]:
        rails = self.funding.matrix.rails
        row = rails.get((need.currency, need.country or ""), rails.get((need.currency, "*"), ()))
        if need.currency != account.currency or (need.country and account.rail not in row):
            yield f"{need.need_id} is paid from {account}, which the matrix refuses"
        apart = any(a.owner == need.owner for a in self.funding.accounts)
        pooled = account.owner == CLIENTS and need.owner != OWN and not apart
        if account.owner not in (OWN, need.owner) and not pooled:
            yield f"{need.need_id} is paid with money of {account.owner}"
        self.events.append((need.by, account.account_id, -need.amount_minor))

    def balanced(self) -> Iterator[str]:
        balances = {name: a.balance_minor for name, a in self.accounts.items()}
        floors = {n: min(a.balance_minor, a.minimum_minor) for n, a in self.accounts.items()}
        for moment, group in itertools.groupby(sorted(self.events), key=lambda event: event[0]):
            for _, name, amount in group:
                balances[name] += amount
            yield from (f"{n} is low at {moment}" for n in balances if balances[n] < floors[n])
        if dict(self.found.closing) != balances:
            yield "what is left is not what is said"

    def covered(self) -> Iterator[str]:
        assets, owed, needed = Counter[str](), Counter[str](), Counter[tuple[str, str]]()
        for need in self.funding.needs:
            needed[need.owner, need.currency] += need.amount_minor
        left = dict(self.found.closing)
        for name, account in self.accounts.items():
            assets[account.owner] += left[name] * mid(account.currency)  # type: ignore[assignment]
        for claim in self.funding.claims:
            holder = claim.owner if claim.owner in assets else CLIENTS
            rest = max(claim.amount_minor - needed[claim.owner, claim.currency], 0)
            owed[holder] += rest * mid(claim.currency)  # type: ignore[assignment]
        for owner in assets:
            if owner != OWN and owed[owner] and assets[owner] < owed[owner]:
                yield f"{owner} is owed more than it has"


def complaints(funding: Funding, found: FundingPlan) -> list[str]:
    return list(Checker(funding, found).complaints())


@SLOW
@given(funding=fundings(SCALES))
def test_every_plan_holds_and_costs_no_more_than_the_naive_one(funding: Funding) -> None:
    """Both checkers find nothing, and what is saved is never negative."""
    found = plan(funding, time_limit_s=5)
    event(type(found).__name__)
    if isinstance(found, FundingPlan):
        assert [] == complaints(funding, found)
        assert () == verify(funding, found)
        assert found.saved_minor is None or found.saved_minor >= 0
        assert found.bound_minor <= found.cost_minor


@SLOW
@given(funding=fundings(SCALES))
def test_a_naive_plan_holds_as_well(funding: Funding) -> None:
    """What the plan is compared with could have been carried out."""
    naive = naive_plan(funding)
    event("some" if naive else "none")
    if naive is not None:
        assert [] == complaints(funding, naive)
        assert isinstance(plan(funding, time_limit_s=5), FundingPlan)


@SLOW
@given(funding=fundings(SCALES), seed=st.integers(0, 99))
def test_the_order_of_what_is_given_means_nothing(funding: Funding, seed: int) -> None:
    """Shuffled accounts, needs, ways and claims give the same answer."""
    random = Random(seed)

    def shuffled(things: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(things, len(things)))

    other = replace(
        funding,
        accounts=shuffled(funding.accounts),
        needs=shuffled(funding.needs),
        arcs=shuffled(funding.arcs),
        claims=shuffled(funding.claims),
    )
    assert plan(funding) == plan(other)


@SLOW
@given(funding=fundings(SCALES))
def test_what_is_left_out_is_just_what_is_missing(funding: Funding) -> None:
    """With each need that falls short cut by its shortfall, the rest can be funded."""
    found = plan(funding, time_limit_s=5)
    assume(isinstance(found, Infeasible))
    assert isinstance(found, Infeasible)
    short = {each.subject: each.short_minor for each in found.unfunded}
    assume(not {"m1", CLIENTS} & short.keys())  # what they are owed is not cut
    needs = (
        replace(need, amount_minor=left)
        for need in funding.needs
        if (left := need.amount_minor - short.get(need.need_id, 0)) > 0
    )
    owed = tuple(_kept(funding, claim, short) for claim in funding.claims)
    rest = replace(funding, needs=tuple(needs), claims=owed)
    assert isinstance(plan(rest, time_limit_s=5), FundingPlan)


def _kept(funding: Funding, claim: Claim, short: dict[str, int]) -> Claim:
    """The claim as it is when the needs are cut: what was owed after them still is."""
    cut = sum(
        min(short.get(need.need_id, 0), need.amount_minor)
        for need in funding.needs
        if (need.owner, need.currency) == (claim.owner, claim.currency)
    )
    return replace(claim, amount_minor=max(claim.amount_minor - cut, 0))


def every_plan(funding: Funding, *, most: int) -> Iterator[FundingPlan]:
    """Every split of small amounts over every way and moment, with every choice of payers."""
    ways = set()
    moments = {a.account_id: {AT} for a in funding.accounts}
    for _ in funding.arcs:
        for arc in funding.arcs:
            for sent_at in [m for m in moments[arc.source] if m <= arc.closes_at]:
                ways.add((arc.arc_id, sent_at))
                moments[arc.target].add(arc.lands_at(sent_at))
    arcs = {arc.arc_id: arc for arc in funding.arcs}
    payers = [
        [a.account_id for a in funding.accounts if a.currency == need.currency]
        for need in funding.needs
    ]
    ordered = sorted(ways)
    assume(len(ordered) <= 3)
    for amounts in itertools.product(range(most + 1), repeat=len(ordered)):
        sent = [(*way, x) for way, x in zip(ordered, amounts, strict=True) if x]
        for chosen in itertools.product(*payers):
            yield _stated(funding, arcs, sent, chosen)


def _stated(funding: Funding, arcs: dict[str, Any], sent: Any, chosen: Any) -> FundingPlan:
    from settle.clearing.funding.drawing import drawn, move_of
    from settle.clearing.funding.sendings import Sending

    moves = [
        move_of(
            Sending(
                arc=arcs[name], sent_at=when, lands_at=arcs[name].lands_at(when), most_minor=sold
            ),
            sold,
            funding=funding,
        )
        for name, when, sold in sent
    ]
    names = (need.need_id for need in funding.needs)
    return drawn(funding, moves=moves, payments=dict(zip(names, chosen, strict=True)))


@settings(SLOW, max_examples=50, suppress_health_check=list(HealthCheck))
@given(funding=fundings(st.just(6), needs_max=2, arcs_max=3, richest=0))
def test_no_plan_is_cheaper_where_all_of_them_can_be_tried(funding: Funding) -> None:
    """On tiny questions the cost is that of the best of all plans, to the unit."""
    costs = [
        each.cost_minor for each in every_plan(funding, most=7) if not complaints(funding, each)
    ]
    found = plan(funding)
    event(
        type(found).__name__ + (f" {bool(found.moves)}" if isinstance(found, FundingPlan) else "")
    )
    if isinstance(found, Infeasible):
        assert [] == costs
    else:
        assert min(costs, default=found.cost_minor) >= found.cost_minor
        small = all(move.sold_minor <= 7 for move in found.moves)
        assert not small or min(costs) == found.cost_minor
        assert found.is_optimal


@pytest.mark.parametrize("scale", [10**13, 10**15])
def test_amounts_of_many_digits_are_funded_to_the_unit(scale: int) -> None:
    """A need that takes just what is there is met, and one unit more is refused."""
    pool = Account(
        account_id="pool", rail="r1", currency="USD", owner=CLIENTS, balance_minor=3 * scale + 7
    )
    there = Account(account_id="there", rail="r1", currency="EUR", owner=CLIENTS, balance_minor=1)
    costs = Account(account_id="costs", rail="r0", currency="EUR", owner=OWN, balance_minor=scale)
    rate = Rate(base="USD", quote="EUR", value_e8=95_123_457, as_of=AT.date(), source="dealer")
    trade = Trade(
        arc_id="trade", source="pool", target="there", closes_at=AT, settles_at=AT + HOUR,
        rate=rate, ppm=3, fixed_minor=99,
    )  # fmt: skip
    most = (3 * scale + 7) * 95_123_457 // 10**8 + 1
    for amount, kind in ((most, FundingPlan), (most + 1, Infeasible)):
        need = Need(
            need_id="need", currency="EUR", amount_minor=amount, by=AT + HOUR, owner=CLIENTS
        )
        funding = Funding(
            at=AT, accounts=(pool, there, costs), needs=(need,), arcs=(trade,),
            matrix=CountryMatrix({}), rates=RATES, costs_account="costs",
        )  # fmt: skip
        assert kind is type(plan(funding))
