"""The plan of a night against what people do: what it costs, and how long it takes to find.

The night is drawn from a seed: 14 currencies, clients' money at three rails, our own for costs,
payouts to many countries. The naive plan funds every need on its own, from the largest account.

    python benchmarks/funding.py --needs 60
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from itertools import permutations
from random import Random
from typing import Any

from ratio import alternating, timed
from results import Compared, note

from settle.clearing import DayRates
from settle.clearing.funding import (
    ANYWHERE,
    CLIENTS,
    OWN,
    Account,
    CountryMatrix,
    Funding,
    FundingPlan,
    Need,
    Trade,
    Transfer,
    naive_plan,
    plan,
)
from settle.money import SETTLEMENT_CURRENCIES, Rate, exponent

AT = datetime(2024, 12, 18, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
RAILS = ("house", "lark", "paper")
PER_EURO_E8 = {
    "USD": 104_930_000, "GBP": 82_623_000, "JPY": 16_127_000_000, "HKD": 815_360_000,
    "AUD": 166_140_000, "CAD": 150_630_000, "CHF": 93_610_000, "SGD": 141_740_000,
    "SEK": 1_147_450_000, "DKK": 745_990_000, "NOK": 1_175_400_000, "NZD": 183_030_000,
    "KRW": 150_899_000_000,
}  # fmt: skip
RATES = DayRates(as_of=AT.date(), per_via_e8=PER_EURO_E8)
MAJOR = ("EUR", "USD")
"""Every currency is traded against these, and with no other."""


def minor(euros: int, currency: str) -> int:
    """So many euros at mid, in minor units of a currency."""
    per_euro = PER_EURO_E8.get(currency, 10**8)
    return int(euros * per_euro * 10 ** exponent(currency) // 10**8)


def accounts(draw: Random) -> list[Account]:
    """Clients' money at every rail in every currency, most of it in dollars and euros."""
    found = [
        Account(
            account_id=f"{rail}-{currency}", rail=rail, currency=currency, owner=CLIENTS,
            balance_minor=minor(
                draw.randint(2, 6) * 10**6 if currency in MAJOR else draw.randint(0, 150_000),
                currency,
            ),
            minimum_minor=minor(10_000, currency) if currency in MAJOR else 0,
        )
        for rail in RAILS
        for currency in SETTLEMENT_CURRENCIES
    ]  # fmt: skip
    costs = Account(
        account_id="costs", rail="house", currency="EUR", owner=OWN,
        balance_minor=minor(500_000, "EUR"),
    )  # fmt: skip
    return [costs, *found]


def ways(draw: Random) -> list[Transfer | Trade]:
    """Trades at two of the rails, and transfers between all of them."""
    found: list[Transfer | Trade] = [
        transfer(draw, currency, source=source, target=target)
        for currency in SETTLEMENT_CURRENCIES
        for source, target in permutations(RAILS, 2)
    ]
    found += [
        trade(draw, rail, sold=sold, bought=bought)
        for sold, bought in permutations(SETTLEMENT_CURRENCIES, 2)
        if sold in MAJOR or bought in MAJOR
        for rail in RAILS[:2]
    ]
    return found


def transfer(draw: Random, currency: str, *, source: str, target: str) -> Transfer:
    """One hour or two, for a few euros."""
    return Transfer(
        arc_id=f"{source}>{target} {currency}", source=f"{source}-{currency}",
        target=f"{target}-{currency}", closes_at=AT + 8 * HOUR, lead=HOUR * draw.randint(1, 2),
        fixed_minor=draw.choice([500, 1500, 3500]),
    )  # fmt: skip


def trade(draw: Random, rail: str, *, sold: str, bought: str) -> Trade:
    """Four to twenty-five basis points below mid, settled the same afternoon."""
    mid = RATES.mid(sold, bought)
    spread = draw.randint(400, 2500)
    quoted = Rate(
        base=sold, quote=bought, as_of=AT.date(), source=rail,
        value_e8=mid.value_e8 * (10**6 - spread) // 10**6,
    )  # fmt: skip
    closes_at = AT + HOUR * draw.randint(2, 5)
    return Trade(
        arc_id=f"{rail} {sold}/{bought}", source=f"{rail}-{sold}", target=f"{rail}-{bought}",
        closes_at=closes_at, settles_at=closes_at + HOUR, rate=quoted,
        fixed_minor=draw.choice([0, 1000, 2500]), minimum_minor=minor(1_000, sold),
    )  # fmt: skip


def needs(draw: Random, *, count: int) -> list[Need]:
    """Payouts of ten to a hundred and fifty thousand euros in any currency."""
    found = []
    for index in range(count):
        currency = draw.choice(SETTLEMENT_CURRENCIES)
        amount = minor(draw.randint(10_000, 150_000), currency)
        need = Need(
            need_id=f"need {index:03}", currency=currency, amount_minor=amount, owner=CLIENTS,
            by=AT + HOUR * draw.randint(7, 11), country=draw.choice(["SG", "DE", "US", "KR"]),
        )  # fmt: skip
        found.append(need)
    return found


def night(seed: int, *, count: int) -> Funding:
    """A question of so many needs."""
    draw = Random(seed)
    rails: dict[Any, Any] = {(code, ANYWHERE): RAILS for code in SETTLEMENT_CURRENCIES}
    rails |= {(code, "SG"): RAILS[:2] for code in SETTLEMENT_CURRENCIES}
    return Funding(
        at=AT,
        accounts=tuple(accounts(draw)),
        needs=tuple(needs(draw, count=count)),
        arcs=tuple(ways(draw)),
        matrix=CountryMatrix(rails),
        rates=RATES,
        costs_account="costs",
    )


def main() -> None:
    """Print what the plan costs of the naive one, and the time it takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="alternating pairs")
    parser.add_argument("--needs", type=int, default=60, help="payouts of the night")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--limit", type=float, default=20.0, help="seconds for the solver")
    options = parser.parse_args()
    funding = night(options.seed, count=options.needs)
    found, naive = plan(funding, time_limit_s=options.limit), naive_plan(funding)
    print(f"{len(funding.accounts)} accounts, {len(funding.arcs)} ways, {len(funding.needs)} needs")
    if not isinstance(found, FundingPlan):
        print("not everything can be funded:", *found.unfunded, sep="\n  ")
        return
    print(f"plan: {len(found.moves)} moves, {found.cost_minor / 100:,.2f} {found.currency}")
    print(
        f"gap: {found.gap_ppm} ppm, {'proved' if found.is_optimal else 'not proved'} the cheapest"
    )
    if naive is not None:
        share = found.cost_minor / naive.cost_minor
        print(f"naive: {len(naive.moves)} moves, {naive.cost_minor / 100:,.2f} {naive.currency}")
        print(f"the plan costs {share:.2f} of the naive one")
    times = alternating(
        lambda: timed(lambda: plan(funding, time_limit_s=options.limit)),
        lambda: timed(lambda: naive_plan(funding)),
        runs=options.runs,
    )
    print(f"plan, against the naive plan: {times}")
    note(
        Compared(
            ours=f"the cheapest funding of {options.needs} payouts", against="the naive plan",
            pairs=options.runs, ratio=times,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
