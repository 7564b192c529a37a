"""The default of a participant where the hub is principal: its debts, and what covers them.

This is booked in the transaction of the close that names who failed. What the close itself has
recovered, in the order that the agreement says, is recovered already; the rest falls on the
collateral, then the reserve, then the hub.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.agreements import Agreements
from settle.clearing.outcome import Window, default_event
from settle.clearing.position import claim_id
from settle.clearing.recovery import Cover, Slice, waterfall
from settle.ledger import Posting, accounts, balances, post

DEPOSIT = "deposit"
"""The part of a claim on what a partner's payers bought beyond what it prefunded."""

Key = tuple[str, str]
"""An agreement and a currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Debt:
    """What a failed participant owes and nothing has claimed yet: a rest, or a deposit overdrawn.

    `account` is where the ledger has it; `carry_id` the rest, blank for a deposit.
    """

    agreement_id: str
    participant_id: str
    part: str
    currency: str
    amount_minor: int
    since: date
    account: str
    carry_id: str = ""


def cover_defaults(
    connection: Connection, *, window: Window, failed: Collection[str], agreements: Agreements
) -> Mapping[Key, Cover]:  # fmt: skip
    """Claim all that failed participants owe a principal, and cover it, in one transaction.

    This gives how each was covered, by (agreement, currency). Nothing that others are owed or
    paid changes.
    """
    terms = _principals(agreements, failed)
    if not terms:
        return {}
    ledger = Counter(
        {(each.account, each.currency): each.balance_minor for each in balances(connection)}
    )
    debts = [*_rests(connection, terms), *_deposits(terms, ledger, day=window.day)]
    _claim(connection, debts, window=window)
    owed = Counter(
        {
            (name, currency): balance
            for (account, currency), balance in ledger.items()
            for name in terms
            if account == accounts.claims(name) and balance > 0
        }
    )
    for debt in debts:
        owed[debt.agreement_id, debt.currency] += debt.amount_minor
    slices = _slices(connection, terms)
    covers = {
        (name, currency): waterfall(
            amount,
            collateral_minor=available_collateral(
                terms[name], currency, booked_minor=-ledger[accounts.collateral(name), currency]
            ),
            slices=slices.get((name, currency), ()),
        )
        for (name, currency), amount in sorted(owed.items())
    }
    _book(connection, covers, window=window)
    return covers


def available_collateral(terms: Mapping[str, Any], currency: str, *, booked_minor: int) -> int:
    """What is left of an agreement's collateral in a currency, in minor units.

    `booked_minor` is what the ledger has of it: received, less returned and less all that was
    used. To that the agreement's own `collateral_minor` adds what is pledged and not booked.
    """
    pledged = terms["collateral_minor"] if currency == terms["settlement_currency"] else 0
    return max(pledged + booked_minor, 0)


def _principals(agreements: Agreements, failed: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """The agreements of those who failed in which the hub is principal, by id, in order."""
    names = ["agreement_id", "participant_id", "hub_role", "role", "settlement_currency",
             "collateral_minor"]  # fmt: skip
    rows = agreements.table.select(names).to_pylist() if failed else []
    ours = [r for r in rows if r["participant_id"] in failed and r["hub_role"] == "principal"]
    return {row["agreement_id"]: row for row in sorted(ours, key=lambda r: r["agreement_id"])}


def _rests(connection: Connection, terms: Mapping[str, Mapping[str, Any]]) -> Iterator[Debt]:
    carries = tables.carries.c
    query = (
        sa.select(tables.carries)
        .where(carries.taken_in.is_(None), carries.amount_minor < 0)
        .order_by(carries.carry_id)
    )
    for row in connection.execute(query).mappings():
        name = row["agreement_id"]
        if name in terms:
            yield Debt(
                agreement_id=name, participant_id=terms[name]["participant_id"],
                part=row["part"], currency=row["currency"], amount_minor=-row["amount_minor"],
                since=row["since"], account=accounts.payable(name), carry_id=row["carry_id"],
            )  # fmt: skip


def _deposits(
    terms: Mapping[str, Mapping[str, Any]], ledger: Mapping[Key, int], *, day: date
) -> Iterator[Debt]:
    """What partners' payers bought beyond what they prefunded, under their first agreement."""
    first: dict[str, str] = {}
    for name, row in terms.items():
        if row["role"] == "partner":
            first.setdefault(accounts.deposit(row["participant_id"]), name)
    for (account, currency), balance in sorted(ledger.items()):
        if account in first and balance > 0:
            name = first[account]
            yield Debt(
                agreement_id=name, participant_id=terms[name]["participant_id"], part=DEPOSIT,
                currency=currency, amount_minor=balance, since=day, account=account,
            )  # fmt: skip


def _claim(connection: Connection, debts: Sequence[Debt], *, window: Window) -> None:
    """Make claims of debts: a rest that is claimed is carried no further."""
    window_id = window.window_id
    for debt in debts:
        name = claim_id(
            agreement_id=debt.agreement_id, part=debt.part, currency=debt.currency,
            window_id=window_id,
        )  # fmt: skip
        row = {
            "claim_id": name, "window_id": window_id, "position_id": debt.carry_id,
            "agreement_id": debt.agreement_id, "part": debt.part,
            "participant_id": debt.participant_id, "currency": debt.currency,
            "amount_minor": debt.amount_minor, "since": debt.since, "reason": "default",
        }  # fmt: skip
        connection.execute(tables.claims.insert(), row)
        posting = Posting(
            event=default_event(window.outcome), subject=window_id, row=f"{name}/claimed",
            posted_on=window.posted_on, debit=accounts.claims(debt.agreement_id),
            credit=debt.account, currency=debt.currency, amount_minor=debt.amount_minor,
        )  # fmt: skip
        post(connection, [posting], recorded_at=window.closed_at)
    carries = tables.carries.c
    taken = [debt.carry_id for debt in debts if debt.carry_id]
    connection.execute(
        tables.carries.update().where(carries.carry_id.in_(taken)).values(taken_in=window_id)
    )


def _slices(
    connection: Connection, terms: Mapping[str, Mapping[str, Any]]
) -> Mapping[Key, Sequence[Slice]]:
    slices, found = tables.reserve_slices.c, defaultdict(list)
    query = sa.select(tables.reserve_slices).where(
        slices.agreement_id.in_(sorted(terms)), slices.released_in.is_(None),
        slices.amount_minor > slices.used_minor,
    )  # fmt: skip
    for row in connection.execute(query):
        rest = row.amount_minor - row.used_minor
        kept = Slice(slice_id=row.slice_id, window_id=row.window_id, amount_minor=rest)
        found[row.agreement_id, row.currency].append(kept)
    return found


def _book(connection: Connection, covers: Mapping[Key, Cover], *, window: Window) -> None:
    slices = tables.reserve_slices
    for (name, currency), cover in covers.items():
        rows = cover.postings(
            agreement_id=name, currency=currency, event=default_event(window.outcome),
            subject=window.window_id, posted_on=window.posted_on,
        )  # fmt: skip
        post(connection, rows, recorded_at=window.closed_at)
        key = {"window_id": window.window_id, "agreement_id": name, "currency": currency}
        for source, source_id, amount_minor in cover.sources(name):
            took = {"source": source, "source_id": source_id, "amount_minor": amount_minor}
            connection.execute(tables.covers.insert(), key | took)
        for used in cover.slices:
            connection.execute(
                slices.update()
                .where(slices.c.slice_id == used.slice_id)
                .values(used_minor=slices.c.used_minor + used.amount_minor)
            )
