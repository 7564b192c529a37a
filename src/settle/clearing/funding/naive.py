"""What people do: every need on its own, from the account with most money on it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from settle.clearing.funding.accounts import Account
from settle.clearing.funding.arcs import Trade
from settle.clearing.funding.drawing import drawn, move_of
from settle.clearing.funding.needs import Need
from settle.clearing.funding.plan import FundingPlan, Move
from settle.clearing.funding.question import Funding
from settle.clearing.funding.sendings import Sending, sendings
from settle.clearing.funding.timeline import timeline
from settle.clearing.funding.verifying import verify


def naive_plan(funding: Funding) -> FundingPlan | None:
    """Each need, the earliest first, by its own trade or transfer from the largest account.

    A need is paid from an account that can pay it; else what is missing is sent there, now, from
    the account with the most to spare. This is none where that leads nowhere or does not verify,
    which does not say that no plan exists.
    """
    taken = _Taken(funding)
    for need in sorted(funding.needs, key=lambda need: (need.by, need.need_id)):
        if not taken.pay(need):
            return None
    plan = drawn(funding, moves=taken.moves, payments=taken.payments)
    return None if verify(funding, plan) else plan


class _Taken:
    """What has been decided so far."""

    def __init__(self, funding: Funding) -> None:
        self.funding = funding
        self.moves: list[Move] = []
        self.payments: dict[str, str] = {}
        self._now = [each for each in sendings(funding) if each.sent_at == funding.at]

    def pay(self, need: Need) -> bool:
        """Decide for a need. This says whether a way was found."""
        payers = self.funding.payers(need)
        richest = sorted(payers, key=lambda a: (-self._spare(a, need.by), a.account_id))
        for account in richest:
            if self._spare(account, need.by) >= need.amount_minor:
                self.payments[need.need_id] = account.account_id
                return True
        for sending, account in self._ways(need):
            missing = need.amount_minor - self._spare(account, need.by)
            if self._send(sending, missing):
                self.payments[need.need_id] = account.account_id
                return True
        return False

    def _spare(self, account: Account, since: object = None) -> int:
        line = timeline(self.funding, moves=self.moves, payments=self.payments.items())
        moment = self.funding.at if since is None else since
        return line.lowest(account.account_id, since=moment) - account.floor_minor  # type: ignore[arg-type]

    def _ways(self, need: Need) -> Iterator[tuple[Sending, Account]]:
        """Direct ways to an account that pays, from the account with most to spare first."""
        found = []
        for account in self.funding.payers(need):
            for each in self._now:
                if each.arc.target == account.account_id and each.lands_at <= need.by:
                    source = self.funding.account(each.arc.source)
                    worth = self._spare(source) * self.funding.value_of(source.currency)
                    found.append((-worth, each.arc.arc_id, each, account))
        for _, _, each, account in sorted(found, key=lambda row: row[:2]):
            yield each, account

    def _send(self, sending: Sending, missing: int) -> bool:
        arc = sending.arc
        factor = Fraction(*arc.rate.factor) if isinstance(arc, Trade) else Fraction(1)
        sold = max(ceil(missing / factor), arc.minimum_minor)
        used = sum(move.sold_minor for move in self.moves if move.arc_id == arc.arc_id)
        if arc.capacity_minor is not None and used + sold > arc.capacity_minor:
            return False
        move = move_of(sending, sold, funding=self.funding)
        self.moves.append(move)
        touched = {arc.source, self.funding.costs_account}
        if all(self._spare(self.funding.account(name)) >= 0 for name in touched):
            return True
        self.moves.pop()
        return False
