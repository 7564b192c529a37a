"""A checker of plans, and every plan there is, without a line of the library's own checks."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import ceil, floor
from typing import Any

from hypothesis import assume
from tests.properties.funding_world import AT, RATES

from settle.clearing.funding import (
    CLIENTS,
    OWN,
    Account,
    Funding,
    FundingPlan,
    Move,
    Need,
    Trade,
    Transfer,
)
from settle.clearing.funding.drawing import drawn, move_of
from settle.clearing.funding.sendings import Sending
from settle.money import exponent


def mid(currency: str) -> Fraction:
    """Euro cents for one minor unit, exactly."""
    per_euro = {"EUR": 10**8, **RATES.per_via_e8}
    return Fraction(100, 10 ** exponent(currency)) * Fraction(10**8, per_euro[currency])


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


def every_plan(funding: Funding, *, most: int) -> Iterator[FundingPlan]:
    """Every split of small amounts over every way and moment, with every choice of payers.

    Ways on which a client's money would leave it are left out: no plan that holds takes them.
    """
    owners = {account.account_id: account.owner for account in funding.accounts}
    lawful = [arc for arc in funding.arcs if owners[arc.source] in (OWN, owners[arc.target])]
    ways = set()
    moments = {a.account_id: {AT} for a in funding.accounts}
    for _ in lawful:
        for arc in lawful:
            for sent_at in [m for m in moments[arc.source] if m <= arc.closes_at]:
                ways.add((arc.arc_id, sent_at))
                moments[arc.target].add(arc.lands_at(sent_at))
    arcs = {arc.arc_id: arc for arc in lawful}
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
