"""What our accounts hold by the ledger, what clients are owed, and what of it all is ours."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from settle.clearing.funding.accounts import CLIENTS, OWN, Account
from settle.clearing.funding.rows import AccountRow, Place
from settle.ledger import AccountBalance, accounts

OWED = frozenset({"payable", "reserve", "deposit", "returned", "collateral", "suspense"})
"""First parts of ledger accounts that are not ours: somebody's money whom nobody knows, too."""


def spendable(
    ledger: Iterable[AccountBalance], leaving: Mapping[Place, int]
) -> Callable[[Place], int]:
    """What a rail account holds, less what is released and not yet booked, as a function.

    `leaving`: what payments say is on its way from each account of ours. The ledger has the sum by
    rail; of that, every account bears what does not leave another, also what leaves none of them.
    """
    held = {(each.account, each.currency): each.balance_minor for each in ledger}
    by_rail = Counter[tuple[str, str]]()
    for (rail, _, currency), amount in leaving.items():
        by_rail[rail, currency] += amount

    def of(place: Place) -> int:
        rail, account, currency = place
        booked = held.get((accounts.nostro(rail, account), currency), 0)
        elsewhere = by_rail[rail, currency] - leaving.get(place, 0)
        return booked + held.get((accounts.in_transit(rail), currency), 0) + elsewhere

    return of


def owed(ledger: Iterable[AccountBalance], due: Mapping[tuple[str, str], int]) -> Mapping[str, int]:
    """What clients are owed by currency, each for itself: a client's debt lessens nobody's claim.

    `due`: by (agreement, currency), obligations that are to be paid whatever the agreement has
    come to owe us since; they count whole.
    """
    left, found = Counter(due), Counter[str]()
    for each in ledger:
        kind, _, name = each.account.partition("/")
        if kind not in OWED:
            continue
        claim = max(-each.balance_minor, 0)
        if kind == "payable":
            claim = max(claim, left.pop((name, each.currency), 0))
        found[each.currency] += claim
    for (_, currency), amount in left.items():
        found[currency] += amount
    return +found


def deficits(
    ledger: Iterable[AccountBalance], due: Mapping[tuple[str, str], int]
) -> Mapping[tuple[str, str], int]:
    """What is due beyond what we owe, by (agreement, currency): only our money can pay that."""
    held = {(each.account, each.currency): -each.balance_minor for each in ledger}
    found = {
        (agreement_id, currency): amount - held.get((accounts.payable(agreement_id), currency), 0)
        for (agreement_id, currency), amount in due.items()
    }
    return {key: min(amount, due[key]) for key, amount in found.items() if amount > 0}


@dataclass(slots=True)
class _Rest:
    """What is still ours of the clients' accounts: by currency, and by mid value of them all."""

    beyond: Counter[str]
    free: Fraction
    value_of: Callable[[str], Fraction]

    def take(self, balance_minor: int, currency: str) -> int:
        """What of an account is ours. This counts it as taken."""
        value = self.value_of(currency)
        ours = max(0, min(balance_minor, self.beyond[currency], int(self.free / value)))
        self.beyond[currency] -= ours
        self.free -= ours * value
        return ours


def divided(
    rows: Iterable[AccountRow], *, balance_of: Callable[[Place], int],
    claims: Mapping[str, int], value_of: Callable[[str], Fraction],
) -> tuple[Account, ...]:  # fmt: skip
    """The accounts with their balances. This divides what clients and we share.

    Ours of a shared account is at most what its currency has beyond the clients' claims in it,
    and all of ours together at most what the clients' accounts are worth beyond all claims.
    """
    places: dict[Place, dict[str, AccountRow]] = defaultdict(dict)
    for row in rows:
        places[row.place][row.owner] = row
    pooled = Counter[str]()
    for place, sharing in places.items():
        pooled[place[2]] += balance_of(place) if CLIENTS in sharing else 0
    pooled.subtract(claims)
    free = sum((amount * value_of(code) for code, amount in pooled.items()), Fraction(0))
    rest = _Rest(pooled, free, value_of)
    found = []
    for place, sharing in sorted(places.items()):
        balance = balance_of(place)
        if len(sharing) == 1:
            found += [_account(row, balance) for row in sharing.values()]
            continue
        ours = rest.take(balance, place[2])
        found += [_account(sharing[CLIENTS], balance - ours), _account(sharing[OWN], ours)]
    return tuple(found)


def _account(row: AccountRow, balance_minor: int) -> Account:
    return Account(
        account_id=row.account_id, rail=row.rail, currency=row.currency,
        balance_minor=balance_minor, owner=row.owner, minimum_minor=row.minimum_minor,
    )  # fmt: skip
