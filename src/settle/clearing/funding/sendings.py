"""Ways and moments: at which moments each way can be taken, and when the money is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from settle.clearing.funding.arcs import Trade, Transfer
from settle.clearing.funding.question import Funding

HOPS_MAX = 3
"""Money goes at most so many ways one after the other: to the dealer, traded, to the payer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One way, taken at one moment. This is what a plan chooses from."""

    arc: Transfer | Trade
    sent_at: datetime
    lands_at: datetime
    most_minor: int


def ending(funding: Funding) -> datetime:
    """The moment after which nothing matters.

    This is the last need's, or, where clients are owed more than their needs, that of the last
    landing: what they are owed is to be covered when all is done, whenever the cover lands.
    """
    moments = [funding.at, *(need.by for need in funding.needs)]
    if any(funding.owed_after(group) for group in funding.groups()):
        open_arcs = (arc for arc in funding.lawful_arcs() if arc.closes_at >= funding.at)
        moments += (arc.lands_at(arc.closes_at) for arc in open_arcs)
    return max(moments)


def sendings(funding: Funding) -> tuple[Sending, ...]:
    """Every lawful way at every moment that can matter, by way and moment.

    Money waits until a need or a way takes it, so the only moments are now and those at which
    something can land; what lands when nothing matters any more is left out.
    """
    arcs, until = funding.lawful_arcs(), ending(funding)
    moments: dict[str, set[datetime]] = defaultdict(lambda: {funding.at})
    found: dict[tuple[str, datetime], Sending] = {}
    for _ in range(HOPS_MAX):
        landed: list[tuple[str, datetime]] = []
        for arc in arcs:
            for sent_at in moments[arc.source]:
                if sent_at > arc.closes_at or (lands_at := arc.lands_at(sent_at)) > until:
                    continue
                landed.append((arc.target, lands_at))
                found[arc.arc_id, sent_at] = Sending(
                    arc=arc, sent_at=sent_at, lands_at=lands_at, most_minor=0
                )
        for account_id, lands_at in landed:
            moments[account_id].add(lands_at)
    return _bounded(funding, (found[key] for key in sorted(found)))


def _bounded(funding: Funding, ways: Iterable[Sending]) -> tuple[Sending, ...]:
    """The ways that can send their least, each with the most it can: what can be there by then.

    A bound far above that lets a float solver take a way for next to nothing of its fixed cost.
    """
    bounds, kept = _Bounds.of(funding), []
    landing: dict[str, list[tuple[datetime, int]]] = {
        account.account_id: [(funding.at, account.balance_minor - account.floor_minor)]
        for account in funding.accounts
    }
    for each in sorted(ways, key=lambda way: way.sent_at):
        arc = each.arc
        there = sum(amount for when, amount in landing[arc.source] if when <= each.sent_at)
        most = min(bounds.most(arc), there)
        if most >= arc.minimum_minor:
            landing[arc.target].append((each.lands_at, arc.bought_minor(most)))
            kept.append(replace(each, most_minor=most))
    return tuple(sorted(kept, key=lambda way: (way.arc.arc_id, way.sent_at)))


def latest(funding: Funding, ways: Sequence[Sending]) -> tuple[Sending, ...]:
    """The same without what can be sent later and is there in time for all the same.

    This loses no plan that is cheaper: what lands between two moments at which money leaves its
    target serves the second of them, money sent later was there for more, and two sendings that
    are made one cost no more.
    """
    end = ending(funding)
    leaves: dict[str, set[datetime]] = defaultdict(lambda: {end})
    for each in ways:
        leaves[each.arc.source].add(each.sent_at)
    for need in funding.needs:
        for account in funding.payers(need):
            leaves[account.account_id].add(need.by)
    last: dict[tuple[str, datetime], Sending] = {}
    for each in ways:
        serves = min(when for when in leaves[each.arc.target] if when >= each.lands_at)
        last[each.arc.arc_id, serves] = each
    return tuple(last.values())


@dataclass(frozen=True, slots=True)
class _Bounds:
    """How much can be worth sending on a way: no more than there is, no more than is needed."""

    funding: Funding
    there: Fraction
    needed: Fraction

    @classmethod
    def of(cls, funding: Funding) -> _Bounds:
        """Both in mid value; each way may gain or lose as much as the best or worst trade does."""
        value = {a.account_id: funding.value_of(a.currency) for a in funding.accounts}
        arcs = funding.lawful_arcs()
        factors = [Fraction(1)]
        for arc in arcs:
            if isinstance(arc, Trade):
                numerator, denominator = arc.rate.factor
                worth = Fraction(numerator, denominator) * value[arc.target]
                factors.append(worth / value[arc.source])
        there = sum(
            max(a.balance_minor - a.floor_minor, 0) * value[a.account_id] for a in funding.accounts
        )
        needed = sum(need.amount_minor * funding.value_of(need.currency) for need in funding.needs)
        owed = sum(funding.owed_after(group) for group in funding.groups())
        debts = sum(max(-a.balance_minor, 0) * value[a.account_id] for a in funding.accounts)
        least = sum(arc.fixed_minor + arc.minimum_minor * value[arc.source] for arc in arcs)
        dearest = max((arc.ppm for arc in arcs), default=0)
        # A unit for each amount that is rounded on the way; doubled, for costs of costs.
        waste = (1 + Fraction(dearest, 10**6)) / min(factors)
        demand = 2 * (needed + owed + debts + least + 10 * sum(value.values())) * waste**HOPS_MAX
        return cls(funding, there * max(factors) ** HOPS_MAX, Fraction(demand))

    def most(self, arc: Transfer | Trade) -> int:
        """The bound in the source's minor units."""
        unit = self.funding.value_of(self.funding.account(arc.source).currency)
        bound = int(min(self.there, self.needed) / unit) + 1
        return bound if arc.capacity_minor is None else min(bound, arc.capacity_minor)
