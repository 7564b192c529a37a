"""From the question to its program: a row for everything that the verifier will ask."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from math import ceil

from settle.clearing.funding.accounts import Account
from settle.clearing.funding.arcs import Trade
from settle.clearing.funding.program import (
    BOUGHT,
    CHARGED,
    PAYS,
    SHORT,
    SOLD,
    SPREAD,
    TAKEN,
    Column,
    Key,
    Number,
    Program,
)
from settle.clearing.funding.question import Funding
from settle.clearing.funding.sendings import Sending


def key_of(kind: str, sending: Sending) -> Key:
    """The variable of a kind of a sending."""
    return Key(kind, sending.arc.arc_id, sending.sent_at.isoformat())


@dataclass(slots=True)
class Builder:
    """Builds the program of a question.

    With `short` needs may fall short and owed money may lack cover: then only the mid value of
    what is missing costs something. With a `cushion` each need is so much larger.
    """

    funding: Funding
    sendings: Sequence[Sending]
    short: bool = False
    cushion: int = 0
    program: Program = field(init=False, default_factory=Program)

    def build(self) -> Program:
        """The whole program."""
        for sending in self.sendings:
            self._send(sending)
        self._capacities()
        self._payments()
        for account in self.funding.accounts:
            self._balances(account)
        for group in self.funding.groups():
            self._cover(group)
        return self.program

    def _value(self, account_id: str) -> Fraction:
        return self.funding.value_of(self.funding.account(account_id).currency)

    def _send(self, sending: Sending) -> None:
        arc, most, program = sending.arc, sending.most_minor, self.program
        price = 0 if self.short else 1
        sold, bought, charged, spread, taken = (
            key_of(kind, sending) for kind in (SOLD, BOUGHT, CHARGED, SPREAD, TAKEN)
        )
        program.columns[sold] = Column(upper=most)
        if arc.fixed_minor or arc.minimum_minor > 1:
            program.columns[taken] = Column(upper=1, cost=price * arc.fixed_minor)
            program.at_least({taken: most, sold: -1}, 0)
        if arc.minimum_minor > 1:
            program.at_least({sold: 1, taken: -arc.minimum_minor}, 0)
        value = self._value(arc.source)
        if arc.ppm:
            rate = value * Fraction(arc.ppm, 10**6)
            program.columns[charged] = Column(upper=ceil(rate * most), cost=price)
            program.at_least({charged: Fraction(1), sold: -rate}, 0)
        if isinstance(arc, Trade):
            factor = Fraction(*arc.rate.factor)
            program.columns[bought] = Column(upper=int(factor * most))
            program.at_least({sold: factor, bought: Fraction(-1)}, 0)
            if not self.short:
                lost: dict[Key, Number] = {spread: 1, sold: -value, bought: self._value(arc.target)}
                program.columns[spread] = Column(upper=ceil(value * most), cost=1)
                program.at_least(lost, 0)

    def _capacities(self) -> None:
        by_arc = defaultdict(list)
        for sending in self.sendings:
            by_arc[sending.arc.arc_id].append(sending)
        for group in by_arc.values():
            most = group[0].arc.capacity_minor
            if most is not None and len(group) > 1:
                self.program.at_least({key_of(SOLD, each): -1 for each in group}, -most)

    def _payments(self) -> None:
        for need in self.funding.needs:
            choices: dict[Key, Number] = {}
            for account in self.funding.payers(need):
                pays = Key(PAYS, need.need_id, account.account_id)
                self.program.columns[pays] = Column(upper=1)
                choices[pays] = 1
                if self.short:
                    missing = Key(SHORT, need.need_id, account.account_id)
                    value = self.funding.value_of(need.currency)
                    self.program.columns[missing] = Column(upper=need.amount_minor, cost=value)
                    self.program.at_least({pays: need.amount_minor, missing: -1}, 0)
            self.program.exactly(choices, 1)

    def _balances(self, account: Account) -> None:
        """The balance holds whenever money leaves; between those moments it only grows."""
        name, funding = account.account_id, self.funding
        leaves = {each.sent_at for each in self.sendings if each.arc.source == name}
        leaves |= {need.by for need in funding.needs if account in funding.payers(need)}
        if name == funding.costs_account:
            leaves.add(funding.at)
        for moment in sorted(leaves):
            least = account.floor_minor - account.balance_minor
            self.program.at_least(self._balance(account, until=moment), least)

    def _balance(self, account: Account, *, until: datetime | None) -> dict[Key, Number]:
        """The change of an account up to a moment, or at the end, as terms."""
        name, columns = account.account_id, self.program.columns
        terms: defaultdict[Key, Number] = defaultdict(int)
        for each in self.sendings:
            arc = each.arc
            if arc.source == name and (until is None or each.sent_at <= until):
                terms[key_of(SOLD, each)] -= 1
            if arc.target == name and (until is None or each.lands_at <= until):
                terms[key_of(BOUGHT if isinstance(arc, Trade) else SOLD, each)] += 1
            if name == self.funding.costs_account:
                costs = {key_of(TAKEN, each): arc.fixed_minor, key_of(CHARGED, each): 1}
                for key in costs.keys() & columns.keys():
                    terms[key] -= costs[key]
        for need in self.funding.needs:
            pays = Key(PAYS, need.need_id, name)
            if pays in columns and (until is None or need.by <= until):
                terms[pays] -= need.amount_minor + self.cushion
                if self.short:
                    terms[Key(SHORT, need.need_id, name)] += 1
        return terms

    def _cover(self, group: str) -> None:
        """What a group's clients are still owed is covered when all is done."""
        owed = self.funding.owed_after(group)
        if not owed:
            return
        terms: defaultdict[Key, Number] = defaultdict(int)
        opening = Fraction(0)
        for account in self.funding.accounts:
            if account.owner == group:
                value = self.funding.value_of(account.currency)
                opening += value * account.balance_minor
                for key, by in self._balance(account, until=None).items():
                    terms[key] += value * by
        if self.short:
            missing = Key(SHORT, group)
            self.program.columns[missing] = Column(upper=ceil(owed + abs(opening)), cost=1)
            terms[missing] += 1
        self.program.at_least(terms, owed - opening)
