"""Which ways a plan may choose from, and how much each can take."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from settle.clearing.funding import Claim, Funding, Transfer
from settle.clearing.funding.sendings import ending, sendings

HOUR = timedelta(hours=1)


def most(funding: Funding) -> dict[str, int]:
    """The bounds by way and hour."""
    return {
        f"{each.arc.arc_id} {(each.sent_at - funding.at) // HOUR}": each.most_minor
        for each in sendings(funding)
    }


def test_no_way_takes_more_than_can_be_there_by_then(night: Funding) -> None:
    """What is on the account now, and from the moment it lands, what others can bring."""
    last = replace(night.account("pool-usd"), account_id="last-usd", balance_minor=7)
    onward = Transfer(
        arc_id="onward", source="pool-usd", target="last-usd", closes_at=night.at + 4 * HOUR,
        lead=HOUR,
    )  # fmt: skip
    scarce = tuple(replace(account, balance_minor=1_000) for account in night.accounts)
    funding = replace(night, accounts=(*scarce, last), arcs=(*night.arcs, onward))
    onwards = {"onward 0": 1_000, "onward 1": 1_000 + 1_000, "onward 3": 1_000 + 1_000 + 1_240}
    assert {"trade 0": 1_000, "transfer 0": 1_000} | onwards == most(funding)


def test_a_way_that_cannot_send_its_least_is_none(night: Funding) -> None:
    """Where 900,000 cents are, no trade of a million is."""
    dear = tuple(replace(arc, minimum_minor=900_001) for arc in night.arcs)
    assert {} == most(replace(night, arcs=dear))


def test_the_end_is_the_last_need_unless_something_is_still_owed(night: Funding) -> None:
    """What covers a claim may land as late as the last way does."""
    late = tuple(
        replace(arc, closes_at=night.at + 9 * HOUR)
        for arc in night.arcs
        if isinstance(arc, Transfer)
    )
    asked = replace(night, arcs=late)
    assert night.at + 6 * HOUR == ending(asked)
    claims = (Claim(owner="other", currency="EUR", amount_minor=1),)
    assert night.at + 10 * HOUR == ending(replace(asked, claims=claims))
