"""What has to be paid, from where it may be paid, and how obligations become needs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from settle.clearing.funding.accounts import CLIENTS, OWN, Account
from settle.clearing.funding.arcs import instant
from settle.clearing.funding.whole import whole
from settle.clearing.obligations import Obligation
from settle.errors import BadInput
from settle.money import exponent

ANYWHERE = "*"
"""The country of a row of the matrix that holds for every country without a row of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """An amount that has to be on one account by a moment, and leaves it then.

    This is paid whole from one account: what may be paid in parts is several needs. `owner` is
    for whom: a participant, `clients` (several together) or `own`. `country` is the
    beneficiaries'; a need without one (a fee of ours) is no payment across the matrix.
    `account_ids`: which accounts it may leave; where none is said, the matrix has the rails.
    """

    need_id: str
    currency: str
    amount_minor: int
    by: datetime
    owner: str
    country: str | None = None
    obligation_ids: tuple[str, ...] = ()
    account_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        exponent(self.currency)
        instant(self.by, f"need {self.need_id}, by")
        if whole(self.amount_minor, f"need {self.need_id}, amount_minor") <= 0:
            raise BadInput(f"need {self.need_id}, amount_minor: not above zero")


@dataclass(frozen=True, slots=True)
class CountryMatrix:
    """Rails by (settlement currency, beneficiary country). This is a matrix, not two lists.

    A currency may go to every country by one rail and to its own by another; a pair without a
    row, and without a row of its currency for `*`, is refused.
    """

    rails: Mapping[tuple[str, str], Collection[str]]

    def of(self, currency: str, country: str) -> frozenset[str]:
        """The rails that pay a currency to a country; none where the pair is refused."""
        exact = self.rails.get((currency, country))
        found = self.rails.get((currency, ANYWHERE), ()) if exact is None else exact
        return frozenset(found)

    def pays(self, account: Account, need: Need) -> bool:
        """Whether the account pays such a need, itself or by its rail. This knows no balances."""
        if account.currency != need.currency:
            return False
        if need.account_ids:
            return account.account_id in need.account_ids
        return need.country is None or account.rail in self.of(need.currency, need.country)


def may_pay(account: Account, need: Need, *, accounts: Iterable[Account]) -> bool:
    """Whether money of the account may serve the need's owner.

    This is yes for ours; for a client's own account where it is that client's need; and for the
    pool where the need is of clients that have no account of their own.
    """
    if account.owner in (OWN, need.owner):
        return True
    pooled = account.owner == CLIENTS and need.owner != OWN
    return pooled and all(other.owner != need.owner for other in accounts)


def needs_of(
    obligations: Iterable[Obligation],
    *,
    by: Callable[[str, date], datetime],
    apart: Collection[str] = (),
) -> tuple[Need, ...]:
    """Obligations as needs: one for each currency, beneficiary country and value date.

    `by` gives the moment at which a currency's payments of a value date have to be funded.
    Participants `apart` have needs of their own (they have accounts or claims of their own); the
    others' are clients' needs together. This is in the order of the needs' ids.
    """
    found = defaultdict(list)
    for each in obligations:
        owner = each.participant_id if each.participant_id in apart else CLIENTS
        found[each.currency, each.beneficiary_country, each.value_date, owner].append(each)
    needs = [
        Need(
            need_id=f"{owner}/{currency}/{country}/{value_date.isoformat()}",
            currency=currency,
            amount_minor=sum(each.amount_minor for each in group),
            by=by(currency, value_date),
            owner=owner,
            country=country,
            obligation_ids=tuple(sorted(each.obligation_id for each in group)),
        )
        for (currency, country, value_date, owner), group in found.items()
    ]
    return tuple(sorted(needs, key=lambda need: need.need_id))
