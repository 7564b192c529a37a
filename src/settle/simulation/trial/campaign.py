"""Many worlds, one after another: counted, judged, and where one fails, cut down to its least."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from settle.simulation.trial.defects import Defect
from settle.simulation.trial.drawing import drawn
from settle.simulation.trial.faults import FaultKind
from settle.simulation.trial.invariant import Violation
from settle.simulation.trial.play import Played, Stage
from settle.simulation.trial.scenario import Scenario

TRIES_MAX = 60
"""How many smaller worlds are played to cut a failing one down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A seed that broke something, and the least of it that still breaks the same."""

    seed: int
    violations: Sequence[Violation]
    orders: Sequence[int]
    faults: Sequence[int]
    least: Scenario
    planted: str = ""

    @property
    def kept(self) -> str:
        """The least of it, as `--keep` takes it: orders by number, faults by place."""
        return ",".join([*(f"o{n}" for n in self.orders), *(f"f{n}" for n in self.faults)])

    @property
    def command(self) -> str:
        """The command that tells this world's story."""
        planted = f" --plant {self.planted}" if self.planted else ""
        return f"settle simulate --replay {self.seed}{planted} --keep {self.kept}"


@dataclass(slots=True, kw_only=True)
class Campaign:
    """What the worlds played so far come to."""

    first_seed: int
    worlds: int = 0
    payments: int = 0
    executed: int = 0
    states: Counter[str] = field(default_factory=Counter)
    faults: Counter[FaultKind] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    rails: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    digests: Any = field(default_factory=hashlib.sha256)

    def count(self, played: Played) -> None:
        """Add a world."""
        self.worlds += 1
        self.payments += sum(played.states.values())
        self.executed += played.executed
        self.states.update(played.states)
        self.faults.update(played.faults)
        self.closed.update(played.closed)
        self.rails.update(rail.name for rail in played.scenario.rails)
        self.ends.update(order.end for order in played.scenario.orders)
        self.digests.update(played.digest.encode())

    @property
    def figures(self) -> dict[str, Any]:
        """What can be quoted: how much was played, what went wrong, and what came of it."""
        return {
            "worlds": f"{self.worlds} from {self.first_seed}",
            "payments": f"{self.payments} made, {self.executed} executed",
            "faults": self.faults.total(),
            "unknowns": f"{self.closed.total()} opened",
            "closed": dict(sorted(self.closed.items())),
            "violations": sum(len(each.violations) for each in self.failures),
            **{f"replay {nth}": each.command for nth, each in enumerate(self.failures, 1)},
            "digest": self.digests.hexdigest(),
        }

    def as_json(self) -> dict[str, Any]:
        """The figures. The same seeds give the same."""
        return {
            "first_seed": self.first_seed,
            "seeds": self.worlds,
            "payments": {"made": self.payments, "executed": self.executed,
                         "states": dict(sorted(self.states.items()))},
            "rails": dict(sorted(self.rails.items())),
            "orders": dict(sorted(self.ends.items())),
            "faults": {kind.value: self.faults[kind] for kind in FaultKind},
            "unknowns": {"opened": self.closed.total(),
                         "closed": dict(sorted(self.closed.items()))},
            "violations": [_failure(failure) for failure in self.failures],
            "digest": self.digests.hexdigest(),
        }  # fmt: skip


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "seed": failure.seed,
        "planted": failure.planted,
        "broken": [{"invariant": v.invariant.value, "why": v.why} for v in failure.violations],
        "replay": failure.command,
        "least": {
            "orders": [order.obligation_id for order in failure.least.orders],
            "faults": [str(fault) for fault in failure.least.faults],
        },
    }


def campaign(
    *,
    seeds: int,
    first_seed: int,
    defect: Defect | None = None,
    failures_max: int = 5,
    progress: Callable[[int, int], None] | None = None,
) -> Campaign:
    """Play `seeds` worlds from `first_seed` on. This stops at the failure of number `failures_max`.

    With a defect, the engine has it, and the first world that shows it is enough.
    """
    told = Campaign(first_seed=first_seed)
    limit = 1 if defect else failures_max
    with Stage() as stage, defect.planted() if defect else nullcontext():
        for seed in range(first_seed, first_seed + seeds):
            played = stage.play(drawn(seed))
            told.count(played)
            if played.violations:
                told.failures.append(least(stage, played, planted=defect.name if defect else ""))
            if progress is not None:
                progress(told.worlds, len(told.failures))
            if len(told.failures) >= limit:
                break
    return told


def least(stage: Stage, played: Played, *, planted: str = "") -> Failure:
    """The failing world with as few orders and faults as still break the same invariant."""
    scenario, broken = played.scenario, played.violations[0].invariant
    orders = [order.number for order in scenario.orders]
    faults = list(range(len(scenario.faults)))
    tries = TRIES_MAX

    def still(fewer_orders: Sequence[int], fewer_faults: Sequence[int]) -> bool:
        nonlocal tries
        tries -= 1
        smaller = scenario.keeping(orders=fewer_orders, faults=fewer_faults)
        found = stage.play(smaller).violations if tries >= 0 else ()
        return any(violation.invariant is broken for violation in found)

    faults = _fewer(faults, lambda kept: still(orders, kept))
    orders = _fewer(orders, lambda kept: still(kept, faults))
    smallest = scenario.keeping(orders=orders, faults=faults)
    return Failure(
        seed=scenario.seed, violations=played.violations, orders=orders, faults=faults,
        least=smallest, planted=planted,
    )  # fmt: skip


def _fewer(items: list[int], still: Callable[[Sequence[int]], bool]) -> list[int]:
    """The items without those that can be left out one after another."""
    kept = list(items)
    for item in reversed(items):
        without = [each for each in kept if each != item]
        if still(without):
            kept = without
    return kept
