"""What unwinding a window changes: its closing before and after, and what is owed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from settle.clearing import tables
from settle.clearing.closings import Closing
from settle.clearing.netting import Netted
from settle.clearing.obligations import obligation_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What an obligation says; its beneficiary is that of its agreement, which is kept."""

    agreement_id: str
    part: str
    currency: str
    amount_minor: int
    value_date: date

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is of."""
        return self.agreement_id, self.part, self.currency

    def __str__(self) -> str:
        """It, as an error names it."""
        return f"agreement {self.agreement_id!r} in {self.currency}"


def owed_of(connection: Connection, window_id: str) -> Mapping[str, Owed]:
    """The obligations of a window as the store has them, by id."""
    table = tables.obligations.c
    columns = [table[field.name] for field in fields(Owed)]
    query = sa.select(table.obligation_id, *columns).where(table.window_id == window_id)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    return {row.pop("obligation_id"): Owed(**row) for row in rows}


def owed_by(netted: Netted, *, window_id: str) -> Mapping[str, Owed]:
    """The obligations that a window comes to as it was netted, by id."""
    import pyarrow.compute as pc

    rows = netted.obliged.filter(pc.equal(netted.obliged.column("outcome"), "paid"))
    found = [
        Owed(
            agreement_id=row["agreement_id"], part=row["part"], currency=row["currency"],
            amount_minor=row["paid_minor"], value_date=row["value_date"],
        )
        for row in rows.to_pylist()
    ]  # fmt: skip
    return {
        obligation_id(
            agreement_id=owed.agreement_id, part=owed.part, currency=owed.currency,
            window_id=window_id,
        ): owed
        for owed in found
    }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An obligation that is no longer what it was. Zero: there was none, or is none now."""

    obligation_id: str
    agreement_id: str
    part: str
    currency: str
    before_minor: int
    after_minor: int


def changes(before: Mapping[str, Owed], after: Mapping[str, Owed]) -> tuple[Change, ...]:
    """The obligations that differ, by agreement, part and currency."""
    return tuple(sorted(_changes(before, after), key=_place))


def _changes(before: Mapping[str, Owed], after: Mapping[str, Owed]) -> Iterator[Change]:
    for name in before.keys() | after.keys():
        was, now = before.get(name), after.get(name)
        of = was or now
        if was != now and of is not None:
            yield Change(
                obligation_id=name, agreement_id=of.agreement_id, part=of.part,
                currency=of.currency, before_minor=was.amount_minor if was else 0,
                after_minor=now.amount_minor if now else 0,
            )  # fmt: skip


def _place(change: Change) -> tuple[str, str, str]:
    return change.agreement_id, change.part, change.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwound:
    """A window before and after it was unwound, or as it would be. `named`: who failed anew.

    Where nobody was, the two are the same and nothing was done.
    """

    before: Closing
    closing: Closing
    is_done: bool
    named: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def left_out(self) -> int:
        """How many records are in the window no more, and wait for a later one."""
        return self.before.records - self.closing.records

    def as_json(self) -> dict[str, Any]:
        """All of it as plain values, amounts as integers of minor units."""
        return {
            "window_id": self.closing.window_id,
            "is_done": self.is_done,
            "outcome": self.closing.outcome,
            "named": list(self.named),
            "failed": list(self.closing.failed),
            "records_before": self.before.records,
            "records": self.closing.records,
            "left_out": self.left_out,
            "positions_before": self.before.positions,
            "positions": self.closing.positions,
            "currencies": list(self.closing.currencies),
            "changes": [asdict(change) for change in self.changes],
        }
