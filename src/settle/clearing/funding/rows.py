"""The rows of a funding file: our accounts, who pays what where, and the ways between accounts."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import date, time, timedelta

from settle.calendars import BankCutoff

Place = tuple[str, str, str]
"""A rail, our account there, and its currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedRow:
    """What every row has. This is in force from `effective_from` to `effective_until`, inclusive.

    Of the rows of one key that are in force on a day, the latest holds. `name` says where it
    stands: the file, the table and its place in it.
    """

    name: str
    effective_from: date
    effective_until: date | None = None

    def is_in_force(self, day: date) -> bool:
        """Whether the row holds on a day, as long as no later row of its key does."""
        return self.effective_from <= day and (
            self.effective_until is None or day <= self.effective_until
        )

    @property
    def key(self) -> Hashable:
        """What no two rows of one day share."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow(DatedRow):
    """An account of ours at a rail, and whose money is on it.

    Two rows of one rail account, `clients` and `own`, share it: ours is what is left when all
    that clients are owed is covered.
    """

    account_id: str
    rail: str
    account: str
    currency: str
    owner: str
    minimum_minor: int

    @property
    def key(self) -> Hashable:
        """Its id."""
        return self.account_id

    @property
    def place(self) -> Place:
        """Where it is: what of it the rails and the ledger know."""
        return self.rail, self.account, self.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell(DatedRow):
    """A cell of the matrix: which account pays a settlement currency to a country.

    The order has to be with the bank by `cutoff`, or by that of `provider` and `channel` in the
    calendars, or by the calendars' default; `lead_time` is what we need until it is there.
    """

    currency: str
    country: str
    account_id: str
    cutoff: BankCutoff | None
    provider: str
    channel: str
    lead_time: timedelta

    @property
    def key(self) -> Hashable:
        """Its place in the matrix."""
        return self.currency, self.country


@dataclass(frozen=True, slots=True, kw_only=True)
class WayRow(DatedRow):
    """A way between two accounts of ours, with the bank's hours and what it charges."""

    source: str
    target: str
    provider: str
    zone: str
    cutoff: time
    fixed_minor: int
    ppm: int
    minimum_minor: int
    capacity_minor: int | None

    @property
    def key(self) -> Hashable:
        """Between which accounts it goes, and with whom."""
        return type(self).__name__, self.source, self.target, self.provider

    @property
    def arc_id(self) -> str:
        """Its name in a plan."""
        return f"{self.source} > {self.target}" + (f" by {self.provider}" if self.provider else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow(WayRow):
    """Between accounts of one currency: worked on from `opens`, there `lead` later."""

    opens: time
    lead: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeRow(WayRow):
    """Between two currencies, `spread_ppm` below mid: there at `lands`, so many days later."""

    spread_ppm: int
    settle_days: int
    lands: time


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNeed(DatedRow):
    """A payment of our own, due on `value_date` by `time`: never out of clients' money."""

    need_id: str
    currency: str
    amount_minor: int
    value_date: date
    zone: str
    time: time

    @property
    def key(self) -> Hashable:
        """Its id."""
        return self.need_id
