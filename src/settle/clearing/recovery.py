"""What covers a participant's debt to the hub when it fails, where the hub is principal.

The loss falls on its collateral, then its reserve, the oldest slice first, then the hub's own
funds. What others are paid does not change: no account but these is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from settle.ledger import Posting, accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """What is left of a reserve slice, and the window it was withheld in."""

    slice_id: str
    window_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """A debt covered in full: by collateral, by slices, and the rest by the hub itself."""

    debt_minor: int
    collateral_minor: int
    slices: tuple[Slice, ...]
    hub_minor: int

    @property
    def reserve_minor(self) -> int:
        """What all slices give together."""
        return sum(each.amount_minor for each in self.slices)

    def postings(
        self, *, agreement_id: str, currency: str, event: str, subject: str, posted_on: date
    ) -> Iterator[Posting]:
        """The journal rows of an event: each source to the claims that it covers."""
        sources = (
            ("collateral", accounts.collateral(agreement_id), self.collateral_minor),
            ("reserve", accounts.reserve(agreement_id), self.reserve_minor),
            ("own_funds", accounts.OWN_FUNDS, self.hub_minor),
        )
        for source, debit, amount in sources:
            if amount:
                yield Posting(
                    event=event, subject=subject, row=f"{agreement_id}/{currency}/{source}",
                    posted_on=posted_on, debit=debit, credit=accounts.claims(agreement_id),
                    currency=currency, amount_minor=amount,
                )  # fmt: skip

    def sources(self, agreement_id: str) -> Iterator[tuple[str, str, int]]:
        """What gave how much: `collateral`, `reserve` or `own_funds`, and which of these."""
        if self.collateral_minor:
            yield "collateral", agreement_id, self.collateral_minor
        for each in self.slices:
            yield "reserve", each.slice_id, each.amount_minor
        if self.hub_minor:
            yield "own_funds", agreement_id, self.hub_minor


def waterfall(debt_minor: int, *, collateral_minor: int, slices: Sequence[Slice]) -> Cover:
    """Cover a debt from collateral, then slices in the order of their windows, then the hub.

    `slices` and `collateral_minor` are of the same agreement and currency as the debt. This
    takes no more from any than it holds.
    """
    assert debt_minor >= 0, "a debt is an amount owed to us"
    assert collateral_minor >= 0, "what is used up is nothing, not less"
    of_collateral = min(debt_minor, collateral_minor)
    left = debt_minor - of_collateral
    used = []
    for each in sorted(slices, key=lambda each: (each.window_id, each.slice_id)):
        amount = min(left, each.amount_minor)
        if amount > 0:
            used.append(
                Slice(slice_id=each.slice_id, window_id=each.window_id, amount_minor=amount)
            )
            left -= amount
    return Cover(
        debt_minor=debt_minor, collateral_minor=of_collateral, slices=tuple(used), hub_minor=left
    )
