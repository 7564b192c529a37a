"""Questions that were answered wrongly once. Each of these is an example for ever."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.properties.funding_world import AT, HOUR, MATRIX, RATES

from settle.clearing.funding import (
    CLIENTS,
    OWN,
    Account,
    Claim,
    Funding,
    Need,
    Trade,
    Transfer,
)
from settle.money import Rate


def account(
    name: str, currency: str, balance_minor: int, *, owner: str = CLIENTS, rail: str = "r1"
) -> Account:
    """An account, of the clients' at the rail that pays euros and dollars anywhere."""
    return Account(
        account_id=name, rail=rail, currency=currency, balance_minor=balance_minor, owner=owner
    )


def need(
    name: str, currency: str, amount_minor: int, *, owner: str, hours: int, **fields: Any
) -> Need:
    """A need of so many hours from now."""
    return Need(
        need_id=name, currency=currency, amount_minor=amount_minor, owner=owner,
        by=AT + hours * HOUR, **fields,
    )  # fmt: skip


def transfer(source: str, target: str, *, hours: int = 1, **fields: Any) -> Transfer:
    """A way of so many hours that is open now."""
    return Transfer(
        arc_id=f"{source}>{target}", source=source, target=target, closes_at=AT,
        lead=hours * HOUR, **fields,
    )  # fmt: skip


def trade(pair: str, rate_e8: int, *, source: str, target: str, hours: int, **fields: Any) -> Trade:
    """A trade that closes in so many hours and settles an hour later."""
    base, quote = pair.split("/")
    closes_at = AT + hours * HOUR
    return Trade(
        arc_id=f"{source}>{target}", source=source, target=target, closes_at=closes_at,
        settles_at=closes_at + HOUR, **fields,
        rate=Rate(base=base, quote=quote, value_e8=rate_e8, as_of=AT.date(), source="dealer"),
    )  # fmt: skip


def question(**parts: Any) -> Funding:
    """A question of these parts at this moment."""
    return Funding(at=AT, matrix=MATRIX, rates=RATES, costs_account="costs", **parts)


COVER_LANDS_AFTER_THE_LAST_NEED = question(
    accounts=(account("pool", "EUR", 0), account("costs", "EUR", 18, owner=OWN)),
    needs=(
        need("n0", "EUR", 3, owner=OWN, hours=0),
        need("n1", "EUR", 1, owner=OWN, hours=0),
    ),
    arcs=(transfer("pool", "costs", hours=2), transfer("costs", "pool")),
    claims=(Claim(owner="m2", currency="EUR", amount_minor=6),),
)
"""What the pool is owed arrives an hour after the needs, which is in time."""

COVER_LANDS_AFTER_WHAT_IS_LEFT = question(
    accounts=(
        account("pool", "EUR", 0),
        account("dollars", "USD", 0),
        account("costs", "EUR", 5, owner=OWN),
    ),
    needs=(
        need("now", "EUR", 1, owner=OWN, hours=0),
        need("later", "USD", 2, owner="m3", hours=2),
    ),
    arcs=(transfer("costs", "pool"),),
    claims=(Claim(owner="m1", currency="EUR", amount_minor=1),),
)
"""The later need is left out; what is owed is still covered as late as before."""

NEXT_TO_NOTHING_ON_A_WIDE_WAY = question(
    accounts=(
        account("a0", "EUR", 24, rail="r2"),
        account("a1", "USD", 0, rail="r2"),
        account("a2", "JPY", 0, rail="r2"),
        account("costs", "EUR", 338_186_684, owner=OWN, rail="r0"),
    ),
    needs=(
        need("n0", "EUR", 62_449_886, owner="m2", hours=6, country="SG"),
        need("n1", "USD", 99_845, owner="m2", hours=6),
        need("n2", "USD", 4_805_351, owner="m2", hours=6),
    ),
    arcs=(
        trade("EUR/USD", 103_804_839, source="a0", target="a1", hours=3,
              minimum_minor=50_000_001),
        trade("EUR/JPY", 16_047_354_072, source="a0", target="a2", hours=0,
              fixed_minor=25_000_000, ppm=100),
        transfer("a0", "costs", hours=2, fixed_minor=1),
        trade("JPY/USD", 643_672, source="a2", target="a1", hours=1,
              fixed_minor=100_000_000, ppm=3000),
        trade("EUR/JPY", 16_070_749_208, source="costs", target="a2", hours=3),
    ),
)  # fmt: skip
"""With ways far wider than what is there, HiGHS took a question that has an answer for one
without."""

LITTLE_BESIDE_BILLIONS = question(
    accounts=(
        account("a0", "EUR", 0, owner=OWN),
        replace(account("a1", "USD", 8_843), minimum_minor=10**12),
        account("costs", "EUR", 12_120_620_331_674, owner=OWN, rail="r0"),
    ),
    needs=(
        need("n0", "EUR", 1_311_123, owner=OWN, hours=6, country="SG"),
        need("n1", "USD", 495, owner="m2", hours=0),
        need("n2", "USD", 437, owner="m2", hours=6, country="DE"),
        need("n3", "USD", 5_817, owner=CLIENTS, hours=6, country="DE"),
    ),
    arcs=(
        trade("EUR/USD", 104_098_363, source="a0", target="a1", hours=1,
              fixed_minor=250 * 10**9),
        transfer("a0", "costs", fixed_minor=10**12, minimum_minor=500_000_000_001),
        trade("USD/EUR", 96_034_748, source="a1", target="a0", hours=1),
        trade("EUR/USD", 104_095_239, source="costs", target="a1", hours=1,
              minimum_minor=500_000_000_001),
    ),
)  # fmt: skip
"""Needs of a few dollars beside billions: the same again, with ways no wider than they can be."""
