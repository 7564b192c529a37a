"""Drawing a scenario from its seed, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random

from settle.simulation.trial.beside import beside
from settle.simulation.trial.faults import (
    OF_EXCHANGES,
    OF_NOTIFICATIONS,
    OF_WRITES,
    Fault,
    FaultKind,
)
from settle.simulation.trial.scenario import Order, RailPlan, Scenario

SINGLES = ("lark", "lark", "lark", "adyen_transfers")
BATCHED = ("heron", "heron", "heron", "iso20022_bank")
"""Rails in memory are quick and can be told to forget; the real ones are drawn less often."""


def drawn(seed: int) -> Scenario:
    """The scenario of a seed. This asks nobody but the seed."""
    random = Random(seed)  # noqa: S311  # it must replay
    single, batched = _rail(random, SINGLES, ("USD", "JPY")), _rail(random, BATCHED, ("USD",))
    workers = random.choice((1, 2, 2))
    count = random.randint(2, 6)
    orders = [_order(random, number, (single, batched)) for number in range(1, count + 1)]
    busy = random.choice((0, 3, 5, 8, 12))
    faults = [_fault(random, (single, batched), count) for _ in range(busy)]
    faults += [
        Fault(kind=FaultKind.CLOCK_SKEW, nth=nth, seconds=random.choice((-90.0, 45.0, 90.0)))
        for nth in range(1, workers + 1)
        if random.random() < 0.25
    ]
    return beside(
        Scenario(seed=seed, orders=orders, rails=(single, batched), workers=workers, faults=faults)
    )


def _rail(random: Random, names: Sequence[str], currencies: Sequence[str]) -> RailPlan:
    return RailPlan(
        name=random.choice(names),
        currencies=currencies,
        deduplicates=random.random() < 0.7,
        key_life=timedelta(hours=random.choice((2, 4, 24, 72))),
        lag=timedelta(minutes=random.choice((0, 0, 0, 10, 200, 360))),
    )


def _order(random: Random, number: int, rails: tuple[RailPlan, RailPlan]) -> Order:
    single, batched = rails
    rail = random.choice((single, batched))
    amount_minor = random.randint(500, 5_000_000)
    return Order(
        number=number,
        amount_minor=amount_minor,
        currency=random.choice(rail.currencies),
        # The first rail is also where an order goes that names none.
        rail="" if rail is single and random.random() < 0.5 else rail.name,
        fate=random.choices(_FATES, weights=(12, 2, 1, 1, 1))[0](random, amount_minor),
    )


def _returned(random: Random, amount_minor: int) -> str:
    return f"SANDBOX RETURN AC04 SHORT {random.randint(1, min(400, amount_minor - 1))}"


_FATES: Sequence[Callable[[Random, int], str]] = (
    lambda _, __: "",
    lambda _, __: "SANDBOX REJECT AC04",
    lambda _, __: "SANDBOX RETURN AC04 SHORT 0",
    _returned,
    lambda _, __: "SANDBOX FAIL",
)


def _fault(random: Random, rails: tuple[RailPlan, RailPlan], orders: int) -> Fault:
    family = random.choices(("exchange", "write", "notification"), weights=(8, 3, 1))[0]
    if family == "write":
        nth = random.randint(1, 20 + 12 * orders)
        return Fault(kind=random.choice(OF_WRITES), nth=nth)
    if family == "notification":
        return Fault(kind=random.choice(OF_NOTIFICATIONS), nth=random.randint(1, orders))
    kind = random.choice((*OF_EXCHANGES, FaultKind.STALL, FaultKind.LOST_ANSWER))
    rail = random.choice(rails)
    single = rail is rails[0]
    low, high = _SECONDS.get(kind, (0, 0))
    return Fault(
        kind=kind,
        rail=rail.name,
        nth=random.randint(1, 2 + 3 * orders if single else 5),
        span=random.choice((1, 1, 2, 6, 40)) if kind in _IN_A_ROW else 1,
        seconds=float(random.randint(low, high)),
    )


_SECONDS = {
    FaultKind.LATE_REQUEST: (40, 1500),
    FaultKind.DUPLICATE: (0, 900),
    FaultKind.RATE_LIMIT: (1, 40),
    FaultKind.STALE_READ: (60, 4 * 3600),
    FaultKind.STALL: (1300, 3000),
}
_IN_A_ROW = frozenset(
    {
        FaultKind.REFUSED,
        FaultKind.STATUS_503,
        FaultKind.RATE_LIMIT,
        FaultKind.LOST_REQUEST,
        FaultKind.LOST_ANSWER,
    }
)
