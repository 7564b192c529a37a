"""A world before it begins: orders, rails, workers and faults, as data that can be cut down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from settle.simulation.trial.faults import Fault, FaultKind

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One obligation to be paid. `fate` stands in the beneficiary's name, as in a sandbox."""

    number: int
    amount_minor: int
    currency: str
    rail: str
    fate: str = ""

    @property
    def obligation_id(self) -> str:
        """What it is called."""
        return f"O-{self.number}"

    @property
    def end(self) -> str:
        """What is to become of it, in words."""
        if "RETURN" in self.fate:
            return "returned in full" if self.fate.endswith(" 0") else "returned short"
        return _ENDS.get(self.fate, "paid")

    @property
    def name(self) -> str:
        """Who is paid, and what is to become of it."""
        return f"Payee {self.number} {self.fate}".strip()


_ENDS = {"SANDBOX REJECT AC04": "refused", "SANDBOX FAIL": "failed after acceptance"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RailPlan:
    """One rail of the world. `lag` is how far its reads are behind what it has done.

    `cut_off`: from when on, each day (UTC), nothing may be sent. `is_final`: it declares that it
    executes nothing after its horizon.
    """

    name: str
    currencies: Sequence[str]
    deduplicates: bool = True
    key_life: timedelta = timedelta(hours=24)
    lag: timedelta = timedelta()
    cut_off: time | None = None
    is_final: bool = False

    def __str__(self) -> str:
        until = f"; until {self.cut_off}" if self.cut_off else ""
        if not self.is_in_memory:
            return f"{self.name}, the real adapter and its simulator{until}"
        keys = f"keys live {self.key_life}" if self.deduplicates else "keeps no keys"
        final = "; executes nothing late" if self.is_final else ""
        return f"{self.name}: {keys}; its reads lag {self.lag}{final}{until}"

    @property
    def is_in_memory(self) -> bool:
        """Whether it is no real adapter."""
        return self.name in ("lark", "heron")

    def closes(self, now: datetime) -> datetime | None:
        """When it takes nothing more today; None where it always does."""
        return None if self.cut_off is None else datetime.combine(now.date(), self.cut_off, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One world before it begins. The same scenario always plays the same."""

    seed: int
    orders: Sequence[Order]
    rails: Sequence[RailPlan]
    workers: int
    faults: Sequence[Fault]

    def of(self, kind: FaultKind) -> list[Fault]:
        """The faults of one kind."""
        return [fault for fault in self.faults if fault.kind is kind]

    def keeping(self, *, orders: Collection[int], faults: Collection[int]) -> Scenario:
        """The scenario with some of its orders (by number) and faults (by place) only."""
        return replace(
            self,
            orders=[order for order in self.orders if order.number in orders],
            faults=[fault for place, fault in enumerate(self.faults) if place in faults],
        )
