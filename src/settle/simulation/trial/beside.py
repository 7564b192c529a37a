"""What was added to the drawing later, each thing from a seed of its own.

So what is drawn here moves nothing that is drawn there, and one thing here no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from random import Random

from settle.simulation.trial.faults import OF_STATEMENTS, Fault, FaultKind
from settle.simulation.trial.scenario import HOUR_S, RailPlan, Scenario

CUT_OFFS = (time(16, 30, 25), time(17, 0, 20), time(18, 30, 20), time(18, 31), time(19, 0))
"""Each falls into sessions of the first days, or between them; the last two days are before it."""


def beside(scenario: Scenario) -> Scenario:
    """The scenario with cut-offs, finality, odd statements, late returns, and what people do."""
    seed, orders = scenario.seed, len(scenario.orders)
    rails = [_rail(plan, Random(f"{seed}/{plan.name}/terms")) for plan in scenario.rails]  # noqa: S311
    pauses = list(_pauses(Random(f"{seed}/pauses"), rails))  # noqa: S311
    faults = [
        *_of_statements(Random(f"{seed}/statements")),  # noqa: S311
        *pauses,
        *_cancelled(Random(f"{seed}/cancelled"), scenario, may_pause=not pauses),  # noqa: S311
        *_recalls(Random(f"{seed}/recalls"), orders),  # noqa: S311
        *_midway(Random(f"{seed}/midway")),  # noqa: S311
        *_decisions(Random(f"{seed}/decisions")),  # noqa: S311
        *_restores(Random(f"{seed}/restores"), orders),  # noqa: S311
        *_late_returns(Random(f"{seed}/returns"), scenario),  # noqa: S311
    ]
    return replace(scenario, rails=rails, faults=[*scenario.faults, *faults])


def _rail(plan: RailPlan, random: Random) -> RailPlan:
    cut_off = random.choice(CUT_OFFS) if random.random() < 0.25 else None
    return replace(plan, cut_off=cut_off, is_final=plan.is_in_memory and random.random() < 0.3)


def _of_statements(random: Random) -> Iterator[Fault]:
    for kind in OF_STATEMENTS:
        if random.random() < 0.08:
            yield Fault(kind=kind, nth=random.randint(1, 2))


def _pauses(random: Random, rails: list[RailPlan]) -> Iterator[Fault]:
    if random.random() < 0.12:
        yield Fault(
            kind=FaultKind.PAUSE,
            nth=1,
            rail=random.choice(rails).name,
            span=random.choice((1, 3, 20)),
            seconds=random.choice((3.0, 12.0, 20.0, 600.0, 1790.0, 4 * HOUR_S)),
        )


def _cancelled(random: Random, scenario: Scenario, *, may_pause: bool) -> Iterator[Fault]:
    """Somebody takes a payment back; often its rail was paused first, so that it still waits."""
    if random.random() < 0.12:
        order = random.choice(scenario.orders)
        seconds = random.choice((18.0, 30.0, 900.0, 900.0))
        yield Fault(kind=FaultKind.CANCEL, nth=order.number, seconds=seconds)
        if may_pause and random.random() < 0.7:
            rail = order.rail or scenario.rails[0].name
            yield Fault(kind=FaultKind.PAUSE, nth=1, rail=rail, seconds=0.0)


def _recalls(random: Random, orders: int) -> Iterator[Fault]:
    """Somebody wants payments back, between two sessions or as soon as they may have left."""
    if random.random() < 0.15:
        seconds = random.choice((0.0, 0.0, 0.0, 3600.0, 20 * HOUR_S))
        for number in random.sample(range(1, orders + 1), random.randint(1, orders)):
            yield Fault(kind=FaultKind.RECALL, nth=number, seconds=seconds)


def _midway(random: Random) -> Iterator[Fault]:
    if random.random() < 0.2:
        yield Fault(kind=FaultKind.MIDWAY, nth=1, span=random.randint(1, 2))


def _decisions(random: Random) -> Iterator[Fault]:
    if random.random() < 0.15:
        hour = random.choice((41, 65))
        yield Fault(kind=FaultKind.DECISION, nth=1, seconds=hour * HOUR_S)


def _restores(random: Random, orders: int) -> Iterator[Fault]:
    if random.random() < 0.06:
        nth = random.randint(2, 10 + 10 * orders)
        yield Fault(kind=FaultKind.RESTORE, nth=nth, seconds=25.5 * HOUR_S)


def _late_returns(random: Random, scenario: Scenario) -> Iterator[Fault]:
    for order in scenario.orders:
        if "RETURN" in order.fate and random.random() < 0.3:
            yield Fault(kind=FaultKind.LATE_RETURN, nth=order.number)
