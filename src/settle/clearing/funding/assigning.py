"""From which account each obligation is paid, and by when: the matrix and the calendars, asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from settle.calendars import (
    RulePack,
    SafeSubmission,
    earliest_value_date,
    latest_safe_submission,
)
from settle.clearing.funding.needs import ANYWHERE
from settle.clearing.funding.reference import FundingReference
from settle.clearing.funding.rows import AccountRow, Cell, Place
from settle.clearing.obligations import Obligation
from settle.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """An obligation with the account it is paid from and the last moment to order it.

    `value_date` is its own, or, where that can no longer be reached, the earliest that can:
    `missed` then says what stood in the way. `rule` is what decided `by`.
    """

    obligation: Obligation
    account: AccountRow
    value_date: date
    by: datetime
    rule: str
    missed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unassigned:
    """An obligation that no account of ours pays, or of which no deadline is known, and why."""

    obligation: Obligation
    why: str


T = TypeVar("T", Assigned, Unassigned)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What became of each of a set of obligations, in the order of their ids."""

    assigned: tuple[Assigned, ...]
    unassigned: tuple[Unassigned, ...]

    def __add__(self, other: Assignment) -> Assignment:
        """Both, in the order of the ids."""
        return Assignment(
            assigned=_by_id((*self.assigned, *other.assigned)),
            unassigned=_by_id((*self.unassigned, *other.unassigned)),
        )


def assign(
    obligations: Iterable[Obligation],
    *,
    reference: FundingReference,
    at: datetime | None,
    leaves: Mapping[str, Place] | None = None,
    pack: RulePack | None = None,
) -> Assignment:
    """Look each obligation up in the matrix. This guesses nothing: what has no cell is told.

    The cell of an obligation's own value date decides, as it does for its payment, also where
    that date is missed. `leaves`: by obligation, the account of ours that its payment was planned
    from; what the matrix says since then changes that no more, also where it has the pair no more.

    `at`: when it is asked; a value date whose deadline has passed by then is missed. None for
    what has been ordered already, and cannot miss its date any more.
    """
    groups = defaultdict(list)
    for each in obligations:
        place = leaves.get(each.obligation_id) if leaves else None
        groups[each.currency, each.beneficiary_country, each.value_date, place].append(each)
    found: list[Assigned] = []
    missing: list[Unassigned] = []
    for (*_, place), group in groups.items():
        terms = _terms(group[0], place, reference=reference, at=at, pack=pack)
        if isinstance(terms, str):
            missing += (Unassigned(obligation=each, why=terms) for each in group)
        else:
            found += (Assigned(obligation=each, **terms) for each in group)
    return Assignment(assigned=_by_id(found), unassigned=_by_id(missing))


def _by_id(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(sorted(found, key=lambda each: each.obligation.obligation_id))


def _terms(
    obligation: Obligation,
    place: Place | None,
    *,
    reference: FundingReference,
    at: datetime | None,
    pack: RulePack | None,
) -> dict[str, Any] | str:
    """The account, the value date that can be reached, the deadline and its rule; or why none."""
    value_date, missed = obligation.value_date, ""
    try:
        found = _payer(reference, obligation, place)
        if isinstance(found, str):
            return found
        latest = _latest(found[0], value_date, pack=pack)
        if at is not None and latest.at < at:
            reached = earliest_value_date(obligation.currency, at, pack=pack, **_cutoff(found[0]))
            value_date, missed = reached.value_date, reached.decided_by.text
            latest = _latest(found[0], value_date, pack=pack)
    except BadInput as error:
        return error.message
    return {
        "account": found[1], "value_date": value_date, "by": latest.at,
        "rule": latest.decided_by.text, "missed": missed,
    }  # fmt: skip


def _payer(
    reference: FundingReference, obligation: Obligation, place: Place | None
) -> tuple[Cell, AccountRow] | str:
    day = obligation.value_date
    pair = obligation.currency, obligation.beneficiary_country
    cell, account = reference.cell(*pair, day), reference.payer(*pair, day)
    if place is not None and not (isinstance(account, AccountRow) and account.place == place):
        planned = reference.holder(place, day)
        if isinstance(planned, str):
            return planned
        return _hours(place, obligation, reference=reference, named=cell), planned
    if isinstance(account, str):
        return account
    assert cell is not None, "an account pays by a cell"
    return cell, account


def _hours(
    place: Place, obligation: Obligation, *, reference: FundingReference, named: Cell | None
) -> Cell:
    """The cell of a place that is nearest the obligation's, then the latest; else no hours.

    The hours of the cell `named` by now are another account's; how long we take until the order
    is there is ours.
    """
    country = obligation.beneficiary_country

    def nearness(cell: Cell) -> tuple[bool, bool, date]:
        return cell.country == country, cell.country == ANYWHERE, cell.effective_from

    paid = reference.cells_of(place, obligation.value_date)
    best = max(paid, key=nearness, default=None)
    if best is not None:
        return best
    return Cell(
        name="", effective_from=obligation.value_date, currency=obligation.currency,
        country=country, account_id="", cutoff=None, provider="", channel="",
        lead_time=named.lead_time if named else timedelta(),
    )  # fmt: skip


def _latest(cell: Cell, value_date: date, *, pack: RulePack | None) -> SafeSubmission:
    return latest_safe_submission(cell.currency, value_date, pack=pack, **_cutoff(cell))


def _cutoff(cell: Cell) -> dict[str, Any]:
    return {
        "provider": cell.provider, "channel": cell.channel, "cutoff": cell.cutoff,
        "lead_time": cell.lead_time,
    }  # fmt: skip
