"""Where money went this night, as the journal has it: every arrow is a sum of its rows.

A row moves an amount from its debit to its credit account, and so does an arrow. What an account
had before and what it has after are arrows, too, so that each place takes in what it gives away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.ledger import AccountBalance
from settle.ledger.tables import journal
from settle.report.assembly.night import NightFacts
from settle.report.clearing import Flow
from settle.store import exact_sum

PLACES: Mapping[str, tuple[str, str]] = {
    "nostro": ("Received at banks", "Paid out by banks"),
    "deposit": ("Partners' deposits", "Partners' deposits"),
    "clearing": ("Clearing", "Clearing"),
    "payable": ("Owed to merchants", "Owed to merchants"),
    "in_transit": ("In transit", "In transit"),
    "reserve": ("Reserves released", "Reserves withheld"),
    "fx": ("Converted into this currency", "Converted into others"),
    "revenue": ("Fees given back", "Fees"),
    "tax": ("Tax given back", "Tax"),
    "interchange": ("Interchange given back", "Interchange paid to partners"),
    "collateral": ("Collateral", "Collateral"),
    "claims": ("Claims met", "Claims"),
    "adjustments": ("Adjustments in favour of merchants", "Adjustments against merchants"),
    "own_funds": ("Own funds", "Own funds"),
    "treasury_transit": ("Between own accounts", "Between own accounts"),
    "suspense": ("Suspense explained", "Suspense"),
    "charges": ("Charges that we bear", "Charges that we bear"),
    "returned": ("Owed again after a return", "Owed again after a return"),
}
"""First part of an account: its name where money comes from it, and where money goes to it."""

KEPT: Mapping[str, tuple[str, str]] = {
    "deposit": ("Deposits before", "Deposits now"),
    "payable": ("Owed before", "Still owed"),
    "in_transit": ("In transit before", "Still in transit"),
}
"""Places that hold money from one night to the next: what they held before, and hold now."""

ORDER = {name: place for place, name in enumerate(dict.fromkeys(
    name for names in (*KEPT.values(), *PLACES.values()) for name in names
))}  # fmt: skip

Moves = dict[tuple[str, str, str], int]
"""By (currency, debit, credit), accounts by their first part: what moved."""


def flows(
    connection: Connection, night: NightFacts, balances: Sequence[AccountBalance]
) -> tuple[Flow, ...]:
    """The night's arrows by currency. `balances` are those of the whole journal."""
    tonight = _moves(connection, night.within(journal.c.recorded_at))
    later: Moves = {}
    if night.next_began_at is not None:
        later = _moves(connection, journal.c.recorded_at >= night.next_began_at)
    return arrows(tonight, after=_held(balances, later))


def arrows(tonight: Moves, *, after: Mapping[tuple[str, str], int]) -> tuple[Flow, ...]:
    """The arrows of a night's moves, of two places only one way. This is pure.

    `after`: what a place of `KEPT` holds once the night is over, by (currency, first part).
    """
    drawn: Moves = defaultdict(int)
    for (currency, debit, credit), amount in tonight.items():
        _draw(drawn, currency, PLACES[debit][0], PLACES[credit][1], amount)
    for currency in sorted({key[0] for key in tonight}):
        for part in KEPT:
            _draw_kept(drawn, currency, part, tonight, after=after.get((currency, part), 0))
    found = [
        Flow(currency=currency, source=source, target=target, amount_minor=amount)
        for (currency, source, target), amount in drawn.items()
        if amount > 0
    ]
    return tuple(sorted(found, key=_order))


def _draw(drawn: Moves, currency: str, source: str, target: str, amount: int) -> None:
    """Add an arrow, less the one that goes the other way."""
    back = (currency, target, source)
    returned = min(drawn.get(back, 0), amount)
    if returned:
        drawn[back] -= returned
    if amount > returned:
        drawn[currency, source, target] += amount - returned


def _draw_kept(drawn: Moves, currency: str, part: str, tonight: Moves, *, after: int) -> None:
    name, (before_name, after_name) = PLACES[part][0], KEPT[part]
    before = after - sum(
        amount * ((credit == part) - (debit == part))
        for (of, debit, credit), amount in tonight.items()
        if of == currency
    )
    if before == after and not any(key[0] == currency and part in key[1:] for key in tonight):
        return
    # What is owed the other way round is a debt to us; it comes in where the other goes out.
    _draw(drawn, currency, *_along(before_name, name, before))
    _draw(drawn, currency, *_along(name, after_name, after))


def _along(source: str, target: str, amount: int) -> tuple[str, str, int]:
    return (source, target, amount) if amount >= 0 else (target, source, -amount)


def _held(balances: Sequence[AccountBalance], later: Moves) -> dict[tuple[str, str], int]:
    held: dict[tuple[str, str], int] = defaultdict(int)
    for balance in balances:
        held[balance.currency, _part(balance.account)] -= balance.balance_minor
    for (currency, debit, credit), amount in later.items():
        held[currency, debit] += amount
        held[currency, credit] -= amount
    return held


def _moves(connection: Connection, where: sa.ColumnElement[bool]) -> Moves:
    keys = (journal.c.currency, journal.c.debit, journal.c.credit)
    query = sa.select(*keys, exact_sum(journal.c.amount_minor)).where(where).group_by(*keys)
    moves: Moves = defaultdict(int)
    for currency, debit, credit, amount in connection.execute(query):
        moves[currency, _part(debit), _part(credit)] += amount
    return dict(sorted(moves.items()))


def _part(account: str) -> str:
    return account.partition("/")[0]


def _order(flow: Flow) -> tuple[str, int, int]:
    return flow.currency, ORDER[flow.source], ORDER[flow.target]
