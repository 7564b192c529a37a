"""The question: everything that a plan is made of, checked once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from settle.clearing.funding.accounts import CLIENTS, Account, Claim, may_move
from settle.clearing.funding.arcs import Arc, Trade, Transfer, instant
from settle.clearing.funding.needs import CountryMatrix, Need, may_pay
from settle.clearing.rates import DayRates
from settle.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """What is there, what is needed and which ways money may go, at one moment.

    Costs are in the currency of `costs_account`, one of ours, which they are charged to; amounts
    are compared at the mid of `rates`. The order in which things are given has no meaning.

    Raises:
        BadInput: names what does not fit: an id given twice, an account that is not there, an
            arc between currencies. MoneyError: a currency has no mid.
    """

    at: datetime
    accounts: tuple[Account, ...]
    needs: tuple[Need, ...]
    arcs: tuple[Transfer | Trade, ...]
    matrix: CountryMatrix
    rates: DayRates
    costs_account: str
    claims: tuple[Claim, ...] = ()
    _by_id: dict[str, Account] = field(init=False, repr=False, compare=False)
    _values: dict[str, Fraction] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        instant(self.at, "funding, at")
        _once((account.account_id for account in self.accounts), "account")
        _once((need.need_id for need in self.needs), "need")
        _once((arc.arc_id for arc in self.arcs), "arc")
        _once((f"{claim.owner}, {claim.currency}" for claim in self.claims), "claim of")
        self._sort()
        if self.account(self.costs_account).client_money:
            raise BadInput(f"account {self.costs_account}: clients' money bears none of our costs")
        for arc in self.arcs:
            _fits(arc, self.account(arc.source), self.account(arc.target))
        for currency in self._currencies():
            self.value_of(currency)

    def _sort(self) -> None:
        set_field = object.__setattr__
        set_field(self, "accounts", tuple(sorted(self.accounts, key=lambda x: x.account_id)))
        set_field(self, "_by_id", {x.account_id: x for x in self.accounts})
        set_field(self, "needs", tuple(sorted(self.needs, key=lambda x: x.need_id)))
        set_field(self, "arcs", tuple(sorted(self.arcs, key=lambda x: x.arc_id)))
        set_field(self, "claims", tuple(sorted(self.claims, key=lambda x: (x.owner, x.currency))))

    def _currencies(self) -> set[str]:
        things: list[Account | Need | Claim] = [*self.accounts, *self.needs, *self.claims]
        return {thing.currency for thing in things}

    @property
    def currency(self) -> str:
        """The currency of all costs."""
        return self.account(self.costs_account).currency

    def account(self, account_id: str) -> Account:
        """The account of an id.

        Raises:
            BadInput: there is none.
        """
        if account_id not in self._by_id:
            raise BadInput(f"account {account_id} is not there", account=account_id)
        return self._by_id[account_id]

    def value_of(self, currency: str) -> Fraction:
        """The mid value of one minor unit, in minor units of the costs' currency, exactly.

        Raises:
            MoneyError: one of the two has no rate.
            BadInput: the rate has expired.
        """
        if currency not in self._values:
            mid = self.rates.mid(currency, self.currency)
            self._values[currency] = Fraction(*mid.factor)
        return self._values[currency]

    def payers(self, need: Need) -> tuple[Account, ...]:
        """The accounts that may pay a need, were there money enough, by id."""
        return tuple(
            account
            for account in self.accounts
            if self.matrix.pays(account, need) and may_pay(account, need, accounts=self.accounts)
        )

    def lawful_arcs(self) -> tuple[Transfer | Trade, ...]:
        """The arcs on which no client's money becomes another's or ours, by id."""
        return tuple(
            arc for arc in self.arcs if may_move(self.account(arc.source), self.account(arc.target))
        )

    def groups(self) -> tuple[str, ...]:
        """The owners whose assets have to cover what they are owed, sorted."""
        return tuple(sorted({a.owner for a in self.accounts if a.client_money}))

    def owed_after(self, group: str) -> Fraction:
        """The mid value of what a group's clients are still owed once their needs are paid."""
        needed = Counter[tuple[str, str]]()
        for need in self.needs:
            needed[need.owner, need.currency] += need.amount_minor
        owners = {account.owner for account in self.accounts}
        left = Fraction(0)
        for claim in self.claims:
            holder = claim.owner if claim.owner in owners else CLIENTS
            if holder == group:
                rest = claim.amount_minor - needed[claim.owner, claim.currency]
                left += max(rest, 0) * self.value_of(claim.currency)
        return left


def _once(names: Iterable[str], what: str) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise BadInput(f"{what} {name} is given {times} times")


def _fits(arc: Arc, source: Account, target: Account) -> None:
    if isinstance(arc, Trade):
        pair, due = (arc.rate.base, arc.rate.quote), (source.currency, target.currency)
        if pair != due or source.currency == target.currency:
            raise BadInput(f"arc {arc.arc_id} trades {'/'.join(pair)} where {'/'.join(due)} is due")
    elif source.currency != target.currency:
        raise BadInput(f"arc {arc.arc_id} transfers {source.currency} into {target.currency}")
