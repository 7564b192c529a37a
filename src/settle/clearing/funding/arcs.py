"""Ways on which money may go from one account of ours to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from settle.clearing.funding.whole import whole
from settle.errors import BadInput
from settle.money import Rate, Rounding, convert

PPM_MAX = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arc:
    """One way for money, open until `closes_at` (the bank's cut-off, not the system's).

    `fixed_minor` is charged for each instruction, in the currency of the costs; `ppm` of the
    amount besides, rounded up. `minimum_minor` and `capacity_minor` are in the source's currency:
    the least of one instruction, and the most of all of them together.
    """

    arc_id: str
    source: str
    target: str
    closes_at: datetime
    fixed_minor: int = 0
    ppm: int = 0
    minimum_minor: int = 1
    capacity_minor: int | None = None

    def __post_init__(self) -> None:
        self._check()

    def _check(self) -> None:
        name = f"arc {self.arc_id}"
        instant(self.closes_at, f"{name}, closes_at")
        if whole(self.fixed_minor, f"{name}, fixed_minor") < 0:
            raise BadInput(f"{name}, fixed_minor: below zero")
        if not 0 <= whole(self.ppm, f"{name}, ppm") <= PPM_MAX:
            raise BadInput(f"{name}, ppm: not within 0 and {PPM_MAX}")
        if whole(self.minimum_minor, f"{name}, minimum_minor") < 1:
            raise BadInput(f"{name}, minimum_minor: below 1")
        if self.capacity_minor is not None:
            whole(self.capacity_minor, f"{name}, capacity_minor")
        if self.source == self.target:
            raise BadInput(f"{name} goes from {self.source} to itself")

    def lands_at(self, sent_at: datetime) -> datetime:
        """When money sent at a moment is there. This is always later than the moment."""
        raise NotImplementedError

    def bought_minor(self, sold_minor: int) -> int:
        """What arrives for what leaves, in the target's minor units."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Arc):
    """Between two accounts of one currency. This arrives whole, `lead` after it is sent."""

    lead: timedelta

    def __post_init__(self) -> None:
        self._check()
        # Money that arrives as it leaves could go round in a circle that nobody paid into.
        if self.lead <= timedelta(0):
            raise BadInput(f"arc {self.arc_id}, lead: money is not there as it is sent")

    def lands_at(self, sent_at: datetime) -> datetime:
        """The moment after the lead time."""
        return sent_at + self.lead

    def bought_minor(self, sold_minor: int) -> int:
        """The same amount: what a transfer costs is charged apart."""
        return sold_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade(Arc):
    """Sells the source's currency for the target's at a client rate. This lands at `settles_at`.

    `rate` has its spread in it; what is bought is converted once and rounded down, as dealers do.
    The money sold leaves when the trade is made.
    """

    rate: Rate
    settles_at: datetime

    def __post_init__(self) -> None:
        self._check()
        instant(self.settles_at, f"arc {self.arc_id}, settles_at")
        if self.settles_at <= self.closes_at:
            raise BadInput(f"arc {self.arc_id} settles before it closes")

    def lands_at(self, sent_at: datetime) -> datetime:
        """The moment of settlement, whenever before the cut-off the trade is made."""
        assert sent_at <= self.closes_at, "nobody trades after the cut-off"
        return self.settles_at

    def bought_minor(self, sold_minor: int) -> int:
        """The amount at the client rate, rounded down."""
        return convert(sold_minor, self.rate, rounding=Rounding.DOWN)


def instant(value: datetime, where: str) -> None:
    """Refuse a moment that has no zone.

    Raises:
        BadInput: the moment is naive.
    """
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise BadInput(f"{where}: a moment with its zone is due")
