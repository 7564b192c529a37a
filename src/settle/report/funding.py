"""What the report shows of funding: who pays what from where by when, and what to send for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An amount of one currency, in its minor units."""

    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidFrom:
    """Obligations of one cell of the matrix and one value date, and the account that pays them.

    The order has to be with the bank by `by`, as `rule` says. `missed`: why an earlier value
    date cannot be reached. `open` of the obligations are not released yet.
    """

    currency: str
    country: str
    value_date: date
    account_id: str
    rail: str
    account: str
    obligations: int
    open: int
    amount_minor: int
    by: datetime
    rule: str
    missed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObligationAccount:
    """One obligation, and the account that pays it; without one, `why`."""

    obligation_id: str
    agreement_id: str
    currency: str
    amount_minor: int
    country: str
    value_date: date
    account_id: str = ""
    rail: str = ""
    account: str = ""
    by: datetime | None = None
    rule: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAccount:
    """Obligations of one currency and country that no account of ours pays, and why."""

    currency: str
    country: str
    value_date: date
    obligations: int
    amount_minor: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingMove:
    """One trade or transfer to make. This is a proposal: nobody has sent it."""

    way: str
    source: str
    target: str
    sold: Amount
    bought: Amount
    cost: Amount
    send_by: datetime
    lands_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """What cannot be funded: how much of which need, by when, and what stands in the way."""

    subject: str
    currency: str
    short_minor: int
    hindrance: str
    detail: str
    by: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What an account may spend now, and what it holds once everything is sent and paid."""

    account_id: str
    rail: str
    currency: str
    owner: str
    balance_minor: int
    after_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """The funding of what is due, as of `planned_at`. Nothing of it has been carried out.

    `cost` is that of the moves, `naive` what funding each need by itself would cost, `saved` the
    difference; all are none where there is no plan. `failed`: why none could be made at all.
    """

    planned_at: datetime
    reference: str
    paid_from: tuple[PaidFrom, ...] = ()
    no_account: tuple[NoAccount, ...] = ()
    moves: tuple[FundingMove, ...] = ()
    short: tuple[Shortfall, ...] = ()
    holdings: tuple[Holding, ...] = ()
    cost: Amount | None = None
    naive: Amount | None = None
    saved: Amount | None = None
    gap_ppm: int = 0
    failed: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether everything that is due has an account and can be funded in time."""
        return not (self.failed or self.short or self.no_account)
