"""Questions of funding, drawn at any scale, now and then without an answer."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from settle.clearing import DayRates
from settle.clearing.funding import (
    CLIENTS,
    OWN,
    Account,
    Claim,
    CountryMatrix,
    Funding,
    Need,
    Trade,
    Transfer,
)
from settle.money import Rate

AT = datetime(2024, 12, 18, 8, tzinfo=UTC)
HOUR = timedelta(hours=1)
RATES = DayRates(
    as_of=AT.date(),
    per_via_e8={"USD": 104_123_457, "JPY": 16_123_456_789, "GBP": 82_765_432},
)
MATRIX = CountryMatrix(
    {("EUR", "*"): ["r0", "r1"], ("USD", "*"): ["r1", "r2"], ("JPY", "SG"): ["r1", "r2"]}
)
CURRENCIES = st.sampled_from(["EUR", "USD", "JPY"])
OWNERS = st.sampled_from([CLIENTS, CLIENTS, OWN, "m1"])
SCALES = st.sampled_from([20, 10**4, 10**9, 10**13])


@st.composite
def accounts_of(draw: st.DrawFn, *, scale: int, richest: int) -> list[Account]:
    """One account for costs, and a few of several owners, now and then one overdrawn."""
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
            balance_minor=draw(st.sampled_from([0, 1, 1, richest, richest, -1]))
            * draw(st.integers(0, scale)),
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
        matrix=MATRIX,
        rates=RATES,
        costs_account="costs",
        claims=tuple(claims),
    )
