"""Which rail carries a payment, from which account of ours, and why each other one does not.

Pure: the same obligation, rails and conditions give the same route. What does not depend on the
amount is weighed once for all obligations that are alike in everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from settle.adapters import Adapter, Cost
from settle.money import plain
from settle.payments.conditions import Conditions, Reached
from settle.payments.funding import Place
from settle.payments.instruction import Due

Check = Callable[["Route"], Sequence[str]]
"""What a rail has against the payment on this route, by field. Empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The rail chosen and our account there. Empty where no rail takes the payment.

    `reason` names every rail that was asked, in the order given, with why it lost. `against` is
    what the best of them has against the payment, by field, where all of them have something.
    """

    rail: str = ""
    account: str = ""
    reason: str
    against: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """One rail for obligations that are alike but for their amounts.

    `lost` says why it takes none of them. `value_date` is the one that it reaches.
    """

    rail: str
    account: str
    nth: int
    currency: str
    lost: str = ""
    note: str = ""
    down: str = ""
    limit_minor: int | None = None
    cost: Cost | None = None
    value_date: date
    late: str = ""

    @property
    def place(self) -> Place:
        """The account that would pay."""
        return self.rail, self.account, self.currency

    def why_not(self, amount_minor: int) -> str:
        """Why it does not take this amount. Empty: it does."""
        if not self.lost and self.limit_minor is not None and amount_minor > self.limit_minor:
            return f"more than its limit in {self.currency}"
        return self.lost


@dataclass(slots=True)
class Router:
    """Routes obligations, one after the other, over rails under conditions that do not change.

    What `spend` takes from an account is not there for the next obligation.
    """

    rails: Mapping[str, Adapter[Any]]
    conditions: Conditions
    _left: dict[Place, int] = field(init=False)
    _ways: dict[tuple[Any, ...], Sequence[_Way]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._left = dict(self.conditions.spendable)

    def route(
        self, due: Due, *, without: Mapping[str, str] | None = None, check: Check | None = None
    ) -> Route:
        """The best rail that takes the payment, with the reason: up, covered, in time, cheapest.

        The order given decides between equals. Where the rail is said, no other is asked; where
        the account is said, no other pays; where it is not, the rail's first in the currency
        does. `without`: rails that are not asked again, with why.
        """
        ways, amount_minor = self._ways_of(due), due.amount_minor
        lost: dict[str, str] = {}
        taking: list[_Ranked] = []
        for way in ways:
            why = (without or {}).get(way.rail) or way.why_not(amount_minor)
            if why:
                lost[way.rail] = why
            else:
                taking.append((self._rank(way, amount_minor), way))
        taking.sort()
        against: Sequence[str] = ()
        for nth, (_, way) in enumerate(taking):
            found = Route(rail=way.rail, account=way.account, reason="")
            refused = check(found) if check else ()
            if not refused:
                said = lost | _said(taking[nth:], amount_minor)
                return Route(rail=way.rail, account=way.account, reason=_joined(ways, said))
            against = against or refused
            lost[way.rail] = f"refuses {', '.join(refused)}"
        return Route(reason=_joined(ways, lost), against=against)

    def spend(self, route: Route, due: Due) -> None:
        """The payment leaves this account: what it needs is not there for others."""
        place = route.rail, route.account, due.currency
        if place in self._left:
            self._left[place] -= due.amount_minor

    def _rank(self, way: _Way, amount_minor: int) -> _Rank:
        """What is compared, the gravest first; the lowest wins. No two rails are the same."""
        uncovered = self._left.get(way.place, amount_minor) < amount_minor
        cost = way.cost.millionths(amount_minor) if way.cost else 0
        return bool(way.down), uncovered, way.value_date, way.cost is None, cost, way.nth

    def _ways_of(self, due: Due) -> Sequence[_Way]:
        key = (
            due.currency, due.beneficiary.country, due.kind, due.value_date, due.rail, due.account,
        )  # fmt: skip
        if key not in self._ways:
            named = ((n, x) for n, x in self.rails.items() if due.rail in ("", n))
            self._ways[key] = [
                _way(due, name, adapter, nth=nth, conditions=self.conditions)
                for nth, (name, adapter) in enumerate(named)
            ]
        return self._ways[key]


def route(
    due: Due, rails: Mapping[str, Adapter[Any]], conditions: Conditions | None = None
) -> Route:
    """The route of one obligation, as a `Router` gives it."""
    return Router(rails, conditions or Conditions()).route(due)


_Rank = tuple[bool, bool, date, bool, int, int]
_Ranked = tuple[_Rank, _Way]


def _said(taking: Sequence[_Ranked], amount_minor: int) -> dict[str, str]:
    """Why the first of the rails that take a payment is the best, and each other one is not."""
    (best, chosen), *others = taking
    said = {way.rail: _beaten(way, rank, best, amount_minor) for rank, way in others}
    first = all(rank[:-1] == best[:-1] for rank, _ in others)
    what = "first that takes it" if first else f"best of the {len(taking)} that take it"
    cost = _costs(chosen, amount_minor) if chosen.cost else ""
    wanting = " and ".join(x for x in _wants(chosen, best) if x)
    parts = (what, cost, chosen.note, wanting and f"though {wanting}")
    said[chosen.rail] = ", ".join(part for part in parts if part)
    return said


def _beaten(way: _Way, rank: _Rank, best: _Rank, amount_minor: int) -> str:
    """Why a rail that takes the payment lost: the first thing in which it is worse."""
    if rank[:3] != best[:3]:
        wants = zip(_wants(way, rank), rank, best, strict=False)
        return next(why for why, its, chosen in wants if its != chosen)
    return _costs(way, amount_minor) if rank[3:5] != best[3:5] else "comes later in the order"


def _wants(way: _Way, rank: _Rank) -> tuple[str, str, str]:
    """What stands against a rail: its health, its money, its time. Empty: nothing."""
    return way.down, f"{way.account} does not hold enough" if rank[1] else "", way.late


def _joined(ways: Sequence[_Way], said: Mapping[str, str]) -> str:
    return "; ".join(f"{way.rail}: {said[way.rail]}" for way in ways) or "there is no rail"


def _costs(way: _Way, amount_minor: int) -> str:
    if way.cost is None:
        return "its cost is not known"
    whole = -(-way.cost.millionths(amount_minor) // 1_000_000)
    return f"costs {plain(whole, way.currency)} {way.currency}"


def _way(due: Due, name: str, adapter: Adapter[Any], *, nth: int, conditions: Conditions) -> _Way:
    accounts = [ref.account for ref in adapter.accounts() if ref.currency == due.currency]
    profile, country = adapter.profile, due.beneficiary.country
    reached = conditions.reached.get((name, due.currency))
    day, late = _day(due, reached)
    return _Way(
        rail=name, account=due.account or next(iter(accounts), ""), nth=nth,
        currency=due.currency, lost=_why_never(due, adapter, accounts), note=_note(due, accounts),
        down=conditions.down.get(name, ""), value_date=day, late=late,
        limit_minor=profile.limits.amount_minor_max.get(due.currency),
        cost=conditions.cost(name, currency=due.currency, country=country),
    )  # fmt: skip


def _day(due: Due, reached: Reached | None) -> tuple[date, str]:
    if reached is None or reached.value_date <= due.value_date:
        return due.value_date, ""
    return reached.value_date, f"has value on {reached.value_date} at the earliest ({reached.why})"


def _note(due: Due, accounts: Sequence[str]) -> str:
    if due.account or len(accounts) <= 1:
        return ""
    return f"from {accounts[0]}, the first of {len(accounts)} accounts in {due.currency}"


def _why_never(due: Due, adapter: Adapter[Any], accounts: Sequence[str]) -> str:
    profile = adapter.profile
    if due.currency not in profile.currencies:
        return f"no {due.currency}"
    if due.kind not in profile.kinds:
        return f"no {due.kind.value}"
    if profile.countries is not None and due.beneficiary.country not in profile.countries:
        return f"no country {due.beneficiary.country}"
    named = due.account or next(iter(accounts), "")
    if named not in accounts:
        return f"no account {named} in {due.currency}" if named else f"no account in {due.currency}"
    return ""
