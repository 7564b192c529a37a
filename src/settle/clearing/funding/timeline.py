"""Balances over time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from settle.clearing.funding.plan import Move
from settle.clearing.funding.question import Funding


class Timeline:
    """What comes and goes on each account. At one moment, what comes is there for what goes."""

    def __init__(self, funding: Funding) -> None:
        self._at = funding.at
        self._opening = {a.account_id: a.balance_minor for a in funding.accounts}
        self._changes: dict[str, list[tuple[datetime, int]]] = defaultdict(list)

    def add(self, account_id: str, *, at: datetime, amount_minor: int) -> None:
        """Let an amount come (positive) or go (negative)."""
        self._changes[account_id].append((at, amount_minor))

    def closing(self, account_id: str) -> int:
        """The balance when everything has come and gone."""
        opening = self._opening.get(account_id, 0)
        return opening + sum(amount for _, amount in self._changes[account_id])

    def lowest(self, account_id: str, *, since: datetime) -> int:
        """The lowest balance from a moment on."""
        changes = self._changes[account_id]
        balances = [
            self._opening.get(account_id, 0) + sum(x for when, x in changes if when <= moment)
            for moment in {since, *(when for when, _ in changes if when > since)}
        ]
        return min(balances)


def timeline(
    funding: Funding, *, moves: Iterable[Move], payments: Iterable[tuple[str, str]]
) -> Timeline:
    """The timeline of moves and of needs paid from accounts (need id, account id).

    All costs are set aside on their account at once, whenever the banks will charge them.
    """
    line = Timeline(funding)
    needs = {need.need_id: need for need in funding.needs}
    for move in moves:
        line.add(move.source, at=move.sent_at, amount_minor=-move.sold_minor)
        line.add(move.target, at=move.lands_at, amount_minor=move.bought_minor)
        line.add(funding.costs_account, at=funding.at, amount_minor=-move.charged_minor)
    for need_id, account_id in payments:
        if need_id in needs:
            need = needs[need_id]
            line.add(account_id, at=need.by, amount_minor=-need.amount_minor)
    return line
