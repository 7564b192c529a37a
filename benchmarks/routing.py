"""Routing many obligations over a few rails, against weighing every rail anew for each of them.

Both give the same routes, to the letter of the reason. What ours remembers is what does not
depend on the amount: currency, country, kind, date, accounts, costs, health.

    python benchmarks/routing.py --runs 5 --size 100000
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from ratio import alternating, timed

from settle.adapters import (
    Adapter,
    Beneficiary,
    Cost,
    Key,
    KeyPlace,
    Limits,
    PaymentKind,
    Profile,
    RailSettings,
    Support,
    Verb,
)
from settle.payments import Conditions, Due, Route, Router

COUNTRIES = ("DE", "FR", "SG", "JP", "US")
CURRENCIES = ("EUR", "USD", "SGD", "JPY")
PAYEE = Beneficiary(name="Mo", country="DE", town="Ulm", account="DE89370400440532013000")
DUE = Due(
    obligation_id="O", agreement_id="A", currency="EUR", amount_minor=1,
    value_date=date(2024, 12, 19), beneficiary=PAYEE,
)  # fmt: skip


class Rail(Adapter[RailSettings]):
    """A rail that is only asked what it takes."""

    @property
    def profile(self) -> Profile:
        """What it takes."""
        return Profile(
            rail=self.settings.base_url, currencies=frozenset(self.settings.accounts),
            kinds=frozenset(PaymentKind), verbs={Verb.SUBMIT: Support.YES},
            key=Key(
                place=KeyPlace.BODY, name="k", length_max=35, lifetime=timedelta(1),
                deduplicates=True,
            ),
            limits=Limits(amount_minor_max={"EUR": 10**9}), finality_horizon=timedelta(1),
        )  # fmt: skip


def rails() -> dict[str, Adapter[Any]]:
    """Five rails, each with all currencies but one or none."""
    return {
        f"rail{nth}": Rail(
            RailSettings(
                base_url=f"rail{nth}",
                accounts={code: f"{code}{nth}" for code in CURRENCIES if hash_of(code) != nth},
            )
        )
        for nth in range(5)
    }


def hash_of(code: str) -> int:
    """A number below five that a code always has."""
    return sum(map(ord, code)) % 5


def conditions() -> Conditions:
    """Each rail costs something of its own, and holds enough of everything."""
    costs = {
        (f"rail{nth}", code, "*"): Cost(currency=code, fixed_minor=30 - nth, ppm=10 * nth)
        for nth in range(5)
        for code in CURRENCIES
    }
    spendable = {
        (f"rail{nth}", f"{code}{nth}", code): 10**15 for nth in range(5) for code in CURRENCIES
    }
    return Conditions(costs=costs, spendable=spendable)


def dues(size: int) -> Sequence[Due]:
    """So many obligations of all currencies and countries, each with an amount of its own."""
    payees = [replace(PAYEE, country=country) for country in COUNTRIES]
    return [
        replace(
            DUE, currency=CURRENCIES[nth % 4], beneficiary=payees[nth % 5],
            amount_minor=1 + nth * 7919 % 10_000_000,
        )
        for nth in range(size)
    ]  # fmt: skip


def routed(given: Sequence[Due], *, anew: bool) -> list[Route]:
    """The routes of the obligations, by one router, or by a new one for each."""
    over, under = rails(), conditions()
    router = Router(over, under)
    return [(Router(over, under) if anew else router).route(due) for due in given]


def main() -> None:
    """Check that both say the same, then time them in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--size", type=int, default=100_000)
    given = parser.parse_args()
    owed = dues(given.size)
    assert routed(owed[:1000], anew=False) == routed(owed[:1000], anew=True), "another route"
    found = alternating(
        lambda: timed(lambda: routed(owed, anew=False)),
        lambda: timed(lambda: routed(owed, anew=True)),
        runs=given.runs,
    )
    print(f"{given.size:,} obligations over 5 rails: routed once weighed takes {found}")


if __name__ == "__main__":
    main()
