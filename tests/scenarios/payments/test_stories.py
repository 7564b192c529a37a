"""Stories of a payment as text tables: an event a line, with the state and the balances after."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from settle.adapters import (
    Accepted,
    Adapter,
    Beneficiary,
    Evidence,
    Fact,
    Key,
    KeyPlace,
    Limits,
    NotMoved,
    PaymentKind,
    Profile,
    RailSettings,
    Rejected,
    Source,
    Support,
    Unknown,
    Verb,
)
from settle.ledger import balances
from settle.payments import Due, Policy, approve, fund, open_totals, overview, plan, record
from settle.payments.claiming import Claim, claim
from settle.payments.ending import End, end
from settle.payments.lane import event_of
from settle.payments.leasing import Lease
from settle.store import Store

NOW = datetime(2024, 12, 18, 16, 30, tzinfo=UTC)
DAY = date(2024, 12, 18)
PAYEE = Beneficiary(
    name="Mo", country="DE", town="Berlin", account="DE89370400440532013000", bic="COBADEFFXXX"
)

STORIES = {
    "paid, and told twice": """
        send                      | sending  | payable 100 in_transit -100
        accepted                  | accepted | payable 100 in_transit -100
        booked STATEMENT 100      | booked   | payable 100 nostro -100
        booked STATEMENT 100      | booked   | payable 100 nostro -100
        credited NOTIFICATION     | credited | payable 100 nostro -100
    """,
    "booked by poll, later by statement": """
        send                      | sending  | payable 100 in_transit -100
        accepted                  | accepted | payable 100 in_transit -100
        booked FIND 100           | booked   | payable 100 in_transit -100
        booked STATEMENT 100      | booked   | payable 100 nostro -100
    """,
    "booked before we knew that it was accepted": """
        send                      | sending  | payable 100 in_transit -100
        unknown                   | unknown  | payable 100 in_transit -100
        booked STATEMENT 100      | booked   | payable 100 nostro -100
        accepted FIND             | booked   | payable 100 nostro -100
    """,
    "rejected: the money is back in the payable": """
        send                      | sending  | payable 100 in_transit -100
        rejected                  | rejected |
    """,
    "unknown, and rejected by a documented answer of find": """
        send                      | sending  | payable 100 in_transit -100
        unknown                   | unknown  | payable 100 in_transit -100
        not_found FIND            | unknown  | payable 100 in_transit -100
        rejected NOTIFICATION     | unknown  | payable 100 in_transit -100
        failed NOTIFICATION       | unknown  | payable 100 in_transit -100
        rejected FIND             | rejected |
    """,
    "never left, and sent again": """
        send                      | sending  | payable 100 in_transit -100
        not_moved                 | approved |
        send                      | sending  | payable 100 in_transit -100
        accepted                  | accepted | payable 100 in_transit -100
    """,
    "returned short of charges, which the hub bears": """
        send                      | sending  | payable 100 in_transit -100
        accepted                  | accepted | payable 100 in_transit -100
        booked STATEMENT 100      | booked   | payable 100 nostro -100
        returned STATEMENT 88     | returned | payable 100 nostro -12 charges 12 returned -100
    """,
    "the return is heard of before the booking": """
        send                      | sending  | payable 100 in_transit -100
        accepted                  | accepted | payable 100 in_transit -100
        returned STATEMENT 100    | returned | payable 100 in_transit -100 nostro 100 returned -100
        booked STATEMENT 100      | returned | payable 100 returned -100
    """,
    "failed after acceptance: nothing is freed without proof": """
        send                      | sending  | payable 100 in_transit -100
        accepted                  | accepted | payable 100 in_transit -100
        failed FIND               | failed   | payable 100 in_transit -100
        booked STATEMENT 100      | booked   | payable 100 nostro -100
    """,
    "booked with another amount: refused, and listed": """
        send                      | sending  | payable 100 in_transit -100
        accepted                  | accepted | payable 100 in_transit -100
        booked STATEMENT 99       | accepted | payable 100 in_transit -100
    """,
    "rejected, and booked all the same": """
        send                      | sending  | payable 100 in_transit -100
        rejected                  | rejected |
        booked STATEMENT 100      | booked   | payable 100 nostro -100
    """,
    "booked, though a restored backup never released it": """
        booked STATEMENT 100      | booked   | payable 100 nostro -100
    """,
}


class Rail(Adapter[RailSettings]):
    @property
    def profile(self) -> Profile:
        return Profile(
            rail="rail",
            currencies=frozenset({"EUR"}),
            kinds=frozenset(PaymentKind),
            verbs={Verb.SUBMIT: Support.YES},
            key=Key(
                place=KeyPlace.BODY, name="k", length_max=35, lifetime=timedelta(1),
                deduplicates=True,
            ),
            limits=Limits(),
            finality_horizon=timedelta(1),
        )  # fmt: skip


OUTCOMES = {
    "accepted": Accepted(),
    "rejected": Rejected(code="AC04", reason="closed"),
    "unknown": Unknown(reason="lost"),
    "not_moved": NotMoved(reason="refused"),
}


def start(store: Store) -> None:
    rail = Rail(RailSettings(base_url="http://rail", accounts={"EUR": "acc"}))
    due = Due(
        obligation_id="O", agreement_id="A", currency="EUR", amount_minor=100, value_date=DAY,
        beneficiary=PAYEE,
    )  # fmt: skip
    plan(store, [due], rails={"rail": rail}, tenant="t", now=NOW, ids=lambda: "P")
    approve(store, Policy(limit_minor={"EUR": 1000}), now=NOW)
    fund(store, balances={("rail", "acc", "EUR"): 100}, now=NOW)


def happen(store: Store, what: list[str], *, sent: dict[str, object]) -> None:
    """Let one line of a story happen: a sending, its ending, or evidence at the door."""
    if what == ["send"]:
        lease = Lease(rail="rail", worker="w", now=NOW, length=timedelta(minutes=1))
        wish = Claim(lease=lease, count_max=9, batch_size_max=None, day=DAY)
        with store.transaction() as connection:
            ((sending,),) = claim(connection, [wish])
        sent.update(sending.rows[0])
    elif len(what) == 1:
        ending = event_of(sent, OUTCOMES[what[0]], NOW)  # type: ignore[arg-type]
        with store.transaction() as connection:
            end(connection, [End(events=[ending], worker="w", recorded_at=NOW)])
    else:
        fact, source = Fact(what[0]), Source[what[1]]
        item = Evidence(
            evidence_id="/".join(what), source=source, fact=fact, reference="P", occurred_at=NOW,
            rail="rail", amount_minor=int(what[2]) if what[2:] else None,
            currency="EUR" if what[2:] else None,
        )  # fmt: skip
        record(store, [item], recorded_at=NOW)


def standing(store: Store) -> tuple[str, str]:
    """The state, and the balances that are not zero as `account amount`."""
    order = ("payable", "in_transit", "nostro", "charges", "returned")
    with store.reading() as connection:
        (tally,) = overview(connection)
        found = {b.account.split("/")[0]: b.balance_minor for b in balances(connection)}
        total = sum(open_totals(connection).values())
    assert -found.get("in_transit", 0) == total
    return tally.state.value, " ".join(f"{n} {found[n]}" for n in order if found.get(n))


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES.keys())
def test_a_story_stands_as_told(store: Store, story: str) -> None:
    """After each line the payment has the state and the books have the balances told."""
    start(store)
    sent: dict[str, object] = {}
    for line in story.strip().splitlines():
        what, state, books = (part.strip() for part in line.split("|"))
        happen(store, what.split(), sent=sent)
        assert (state, books) == standing(store), what
