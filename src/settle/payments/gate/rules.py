"""What the gate is told: switches, limits, cool-off, caps and floors. All of it is data.

Amounts are minor units by currency; a currency that a rule does not name is not bound by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction

from settle.adapters import PaymentKind
from settle.payments.instruction import Row


class Control(StrEnum):
    """What may hold an approved payment, by the field's own names, as a hold shows it."""

    PAUSE = "pause"
    COOL_OFF = "cool-off"
    VELOCITY = "velocity limit"
    BLAST_RADIUS = "blast radius"
    EXPOSURE = "exposure limit"
    THRESHOLD = "balance threshold"
    FUNDS = "funds"


CLEARABLE = frozenset({Control.COOL_OFF, Control.VELOCITY})
"""Holds that a person clears for one payment; the others end when their own cause does."""


class Scope(StrEnum):
    """What is paused, or what a limit counts by. A party is an agreement."""

    RAIL = "rail"
    CURRENCY = "currency"
    PARTY = "party"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """Where nothing is released or sent again. A party is an agreement's id."""

    rails: frozenset[str] = frozenset()
    currencies: frozenset[str] = frozenset()
    parties: frozenset[str] = frozenset()

    def __or__(self, other: Pauses) -> Pauses:
        return Pauses(
            rails=self.rails | other.rails,
            currencies=self.currencies | other.currencies,
            parties=self.parties | other.parties,
        )

    def why(self, row: Row) -> str:
        """What of a payment is paused; blank where nothing is."""
        paused = (
            (Scope.PARTY, row["agreement_id"], self.parties),
            (Scope.RAIL, row["rail"], self.rails),
            (Scope.CURRENCY, row["currency"], self.currencies),
        )
        named = (f"{scope} {name} is paused" for scope, name, names in paused if name in names)
        return ", ".join(named)


NO_PAUSES = Pauses()


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLimit:
    """What may be released in one business day, for each of what it counts by.

    `per`: party, rail, both (each party over each rail), or nothing (all that leaves). `only`:
    the parties or rails that it is for; empty for each. Counting is by currency.
    """

    per: tuple[Scope, ...] = ()
    amount_minor: Mapping[str, int] = field(default_factory=dict)
    count: Mapping[str, int] = field(default_factory=dict)
    only: frozenset[str] = frozenset()

    def binds(self, row: Row) -> bool:
        """Whether a payment counts under it."""
        named = row["currency"] in self.amount_minor or row["currency"] in self.count
        return named and (not self.only or not self.only.isdisjoint(self.names(row)))

    def names(self, row: Row) -> tuple[str, ...]:
        """The party and the rail of a payment, as far as this counts by them."""
        columns = {Scope.PARTY: "agreement_id", Scope.RAIL: "rail"}
        return tuple(row[columns[scope]] for scope in self.per)


class Basis(StrEnum):
    """What a night is held against."""

    MEDIAN = "median"
    MAXIMUM = "maximum"


@dataclass(frozen=True, slots=True, kw_only=True)
class BlastRadius:
    """The most that one night may release in a currency before a person confirms it by name.

    `factor` times the median or maximum of the last `nights` that released anything, and never
    less than the floor. With fewer than `nights_min` of those, what `first` says; a currency that
    it does not name waits for a person then.
    """

    factor: Fraction
    nights: int = 10
    nights_min: int = 5
    basis: Basis = Basis.MEDIAN
    floor_minor: Mapping[str, int] = field(default_factory=dict)
    floor_count: int = 0
    first_minor: Mapping[str, int] = field(default_factory=dict)
    first_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CoolOff:
    """How many days a payment waits whose payee account is not the one last paid.

    `changed`: the party was paid elsewhere before; `first`: it was never paid. By kind of payment.
    """

    changed: Mapping[PaymentKind, int] = field(default_factory=dict)
    first: Mapping[PaymentKind, int] = field(default_factory=dict)

    def length(self, kind: PaymentKind, *, is_first: bool) -> timedelta:
        """How long a payment of a kind waits from when its payee was first planned for."""
        return timedelta(days=(self.first if is_first else self.changed).get(kind, 0))


RailMoney = tuple[str, str]
"""A rail and a currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """Every control between approval and release. Without any, only funds count.

    `floors`: what an account of a rail and currency must keep. `exposures`: how much may be on
    its way over a rail and not booked. One that lacks funds is overtaken by others that do not,
    until it has waited `patience_days`; then what comes after it waits behind it.
    """

    pauses: Pauses = NO_PAUSES
    limits: tuple[DayLimit, ...] = ()
    blast_radius: BlastRadius | None = None
    cool_off: CoolOff | None = None
    floors: Mapping[RailMoney, int] = field(default_factory=dict)
    exposures: Mapping[RailMoney, int] = field(default_factory=dict)
    patience_days: int = 5
